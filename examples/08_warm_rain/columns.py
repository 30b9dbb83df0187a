# SPDX-License-Identifier: MIT
"""Say what rained in columns of `isthmus-rain-bulk`, and whether their budgets close."""

import argparse
from pathlib import Path

import netCDF4
import numpy as np

ONSET = 0.1 / 3600.0  # [kg m-2 s-1], a tenth of a millimetre an hour


def main() -> None:
    """Print one line for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="netCDF of isthmus-rain-bulk")
    given = parser.parse_args()
    print("| run | columns | finite | rained, % of condensed | onset [s] | budget |")
    print("|---|---|---|---|---|---|")
    for path in given.files:
        with netCDF4.Dataset(path) as file:
            read = {n: np.asarray(file[n][:]) for n in file.variables}
            closure = file.closure
        gone = read["rained"] + read["left"] + read["water_path"]
        budget = np.abs(read["condensed"] - gone).max() / read["condensed"].max()
        fields = [read[n] for n in ("lc", "nc", "lr", "nr")]
        finite = all(np.isfinite(f).all() and f.min() >= 0.0 for f in fields)
        share = 100.0 * read["rained"][-1] / read["condensed"][-1]
        rains = read["rain_rate"] > ONSET
        onset = np.where(rains.any(0), read["time"][rains.argmax(0)], np.nan)
        low, middle, high = np.percentile(share, (5, 50, 95))
        verdict = "yes" if finite else "NO"
        print(
            f"| {path.stem}, {Path(closure).name} | {share.size} | {verdict} "
            f"| {middle:.1f} ({low:.1f} to {high:.1f}) | {np.nanmean(onset):.0f}, "
            f"{int(rains.any(0).sum())} rain | {budget:.1e} |"
        )


if __name__ == "__main__":
    main()
