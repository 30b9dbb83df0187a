# SPDX-License-Identifier: MIT
"""Export networks of rain rates for the closure slot of the Fortran model."""

from pathlib import Path

from torch import Tensor, nn

from isthmus.export import ExportReport, export_network

CELL = "cell"


def export_rain(
    closure: nn.Module, path: Path | str, example: Tensor, *, dt: float
) -> ExportReport:
    """Write a network of rates to a file that `isthmus-rain-bulk-coupled` runs.

    Parameters
    ----------
    closure
        State [cell, 7] to rates [cell, 4], float64.
    path
        `.pt` or `.pt2`.
    example
        States [cell, 7] like those of its training.
    dt
        Step that its rates are means over [s]; the program refuses another.
    """
    return export_network(
        closure.double().eval(),
        path,
        inputs={"state": example.double()},
        outputs=["rates"],
        dynamic={CELL: 0},
        separable=CELL,
        dt=dt,
        dims={"state": (CELL, "quantity"), "rates": (CELL, "rate")},
        long_names={
            "state": "lc, nc, lr, nr, l0, rm, nu [kg m-3, m-3, kg m-3, m-3, kg m-3, m, 1]",
            "rates": "au, ac, scc, scr [kg m-3 s-1, kg m-3 s-1, m-3 s-1, m-3 s-1]",
        },
        description="warm rain: mean rates over a step, flux form",
    )
