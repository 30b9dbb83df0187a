# SPDX-License-Identifier: MIT
"""Write the emulators' numbers beside the published ones: one Markdown table."""

import argparse
import json
from pathlib import Path
from typing import Any

PUBLISHED: dict[str, dict[str, Any]] = {
    # Re-run of the published code and schedule, one seed, float32.
    "bilinear": {
        "cpu": 98,
        "jacobian": 2.6e-7,
        "rmse": {"0.05": 1.30e-7, "3": 1e-4, "4": 7e-4, "5": 5.1e-3},
        "curve": {"2": 1e-5, "3": 7e-5},
    },
    "deep": {
        "cpu": 1707,
        "jacobian": 0.194,
        "rmse": {"0.05": 0.0108, "0.5": 0.074, "1": 0.236, "2": 1.28, "3": 3.09, "4": 4.29,
                 "5": 4.84},
        "curve": {"0.05": 0.032, "0.25": 0.074, "0.5": 0.108, "1": 0.242, "2": 1.16,
                  "3": 1.86},
    },
}  # fmt: skip


def main() -> None:
    """Read the JSON files of `emulators.py` and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, default=Path("out/numbers"))
    parser.add_argument("networks", nargs="*", default=["bilinear", "deep"])
    args = parser.parse_args()
    for name in args.networks:
        numbers = json.loads((args.input / f"{name}.json").read_text())
        print("\n".join(rows(name, numbers)) + "\n")


def rows(name: str, numbers: dict[str, Any]) -> list[str]:
    """Return the table of one network."""
    known = PUBLISHED.get(name, PUBLISHED["deep"])
    lines = [f"### {name}", "", "| measure | published | here |", "|---|---|---|"]
    lines.append(
        row("training, processor seconds", known["cpu"], numbers["processor_seconds"])
    )
    for lead, value in numbers["rmse"].items():
        lines.append(row(f"RMSE after {lead}", known["rmse"].get(lead), value))
    lines.append(
        row("Jacobian, Frobenius error", known["jacobian"], numbers["jacobian_frobenius"])
    )
    for lead, value in numbers["jacobian_relative_by_lead"].items():
        title = f"Jacobian of {lead}, relative error"
        lines.append(row(title, known["curve"].get(lead), value))
    lines.append(row("leading Lyapunov exponent", None, numbers["lyapunov"]["network"]))
    lines.append(row("that of the model, alike", 1.66, numbers["lyapunov"]["model"]))
    return lines


def row(title: str, published: float | None, here: float | dict[str, float]) -> str:
    """Return one line; estimates come with their standard error."""
    left = "" if published is None else f"{published:.3g}"
    if isinstance(here, dict):
        return f"| {title} | {left} | {here['mean']:.4g} ± {here['error']:.1g} |"
    return f"| {title} | {left} | {here:.3g} |"


if __name__ == "__main__":
    main()
