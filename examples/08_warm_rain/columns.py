# SPDX-License-Identifier: MIT
"""Say what rained in columns, whether budgets close, and how far from the first file.

Files are of `isthmus-rain-shaft` (the truth, first), `isthmus-rain-bulk` and
`isthmus-rain-bulk-coupled`, of one namelist.
"""

import argparse
from pathlib import Path

import netCDF4
import numpy as np
from numpy.typing import NDArray

ONSET = 0.1 / 3600.0  # [kg m-2 s-1], a tenth of a millimetre an hour
FIELDS = ("lc", "nc", "lr", "nr")
Fields = dict[str, NDArray[np.float64]]


def read(path: Path) -> tuple[str, Fields]:
    """Return what fills the slot, and the variables of a file."""
    with netCDF4.Dataset(path) as file:
        found = {n: np.ma.filled(file[n][:], np.nan) for n in file.variables}
        return Path(getattr(file, "closure", "super-droplets")).name, found


def onsets(found: Fields) -> NDArray[np.float64]:
    """Return when each column begins to rain [s]; NaN if it never does."""
    rains = found["rain_rate"] > ONSET
    return np.where(rains.any(0), found["time"][rains.argmax(0)], np.nan)


def print_conduct(name: str, found: Fields) -> None:
    """Print what rained and whether all is finite, positive and kept."""
    gone = found["rained"] + found["left"] + found["water_path"]
    budget = np.abs(found["condensed"] - gone).max() / found["condensed"].max()
    sound = all(np.isfinite(found[n]).all() and found[n].min() >= 0.0 for n in FIELDS)
    share = 100.0 * found["rained"][-1] / found["condensed"][-1]
    low, middle, high = np.percentile(share, (5, 50, 95))
    onset = onsets(found)
    print(
        f"| {name} | {share.size} | {'yes' if sound else 'NO'} "
        f"| {middle:.1f} ({low:.1f} to {high:.1f}) | {np.nanmean(onset):.0f}, "
        f"{int(np.isfinite(onset).sum())} rain | {budget:.1e} |"
    )


def print_errors(name: str, found: Fields, truth: Fields) -> None:
    """Print errors against the same columns of the truth."""
    rate = 3600.0 * (found["rain_rate"] - truth["rain_rate"])
    rained = found["rained"] - truth["rained"]
    late = onsets(found) - onsets(truth)
    both = np.isfinite(late)
    print(
        f"| {name} | {np.sqrt((rate**2).mean()):.2f} | {np.sqrt((rained**2).mean()):.3f} "
        f"| {rained[-1].mean():+.3f} | {np.abs(late[both]).mean():.0f} "
        f"({late[both].mean():+.0f}) |"
    )


def main() -> None:
    """Print one line for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="netCDF of rain columns")
    runs = [read(path) for path in parser.parse_args().files]
    print("| run | columns | sound | rained, % of condensed | onset [s] | budget |")
    print("|---|---|---|---|---|---|")
    for name, found in runs:
        print_conduct(name, found)
    truth_name, truth = runs[0]
    if len(runs) == 1 or truth_name != "super-droplets":
        return
    print("\n| run | rate [mm/h] | rained [mm] | at the end [mm] | onset [s] |")
    print("|---|---|---|---|---|")
    for name, found in runs[1:]:
        print_errors(name, found, truth)


if __name__ == "__main__":
    main()
