# SPDX-License-Identifier: MIT
"""Write a trained `ImplicitFluxNet` of examples/10 as a step for the Fortran program.

    python export_step.py ../10_shallow_water_emulators/implicit_1500.pt 1500 step.pt
    isthmus stability implicit=step.pt --system shallow_water

The file says what the network was trained for; the program refuses any other run.
"""

import argparse
from pathlib import Path

import torch

from isthmus.couple.shallow_water_export import PhysicalStep, export_shallow_water
from isthmus.learn.shallow_water import BasinRollout
from isthmus.nets.shallow_water_emulators import ImplicitFluxNet

CELL = 1.0e4
PHYSICS = {"theta": 0.5, "drag_coefficient": 1e-3, "viscosity": 1000.0}
LIMITS = {"zeta": (-0.3, 0.3), "u": (-2.0, 2.0), "v": (-2.0, 2.0), "depth": (0.0, 40.0)}
SOLVED = 1e-10


def main() -> None:
    """Load, export, say what the file is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("dt", type=float, help="time step of the training [s]")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    model = BasinRollout(ImplicitFluxNet(tolerance=SOLVED, on_failure="nan")).double()
    model.load_state_dict(torch.load(given.weights))
    report = export_shallow_water(
        PhysicalStep(model.step),
        given.file,
        role="step",
        dt=given.dt,
        trained_for={"dx": CELL, "dy": CELL, "f0": 0.0, **PHYSICS},
        limits=LIMITS,
    )
    print(report.summary())


if __name__ == "__main__":
    main()
