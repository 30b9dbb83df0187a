# SPDX-License-Identifier: MIT
"""The look that all figures share.

Colours are those of M. Okabe and K. Ito, which colour-blind readers can tell apart; runs
also differ in line style, so that a figure survives a black-and-white printer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Array = npt.NDArray[np.float64]

REFERENCE, CONTROL, PALE = "#000000", "#8a8a8a", "#b0b0b0"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES: tuple["LineStyle", ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (3, 1, 1, 1)),
    (0, (1, 1)),
    (0, (7, 2)),
    "-",
)
LineStyle = str | tuple[int, tuple[float, ...]]
WIDTH = 7.6  # inches, one column of the report
STYLE: dict[str, Any] = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 150,
}


@dataclass(frozen=True)
class Look:
    """How one run is drawn."""

    colour: str
    style: LineStyle
    width: float = 1.4


REFERENCE_LOOK = Look(REFERENCE, "-", 2.0)
CONTROL_LOOK = Look(CONTROL, (0, (4, 2)), 1.6)


def looks(n_candidates: int) -> list[Look]:
    """Return the looks of candidates."""
    return [
        Look(COLOURS[i % len(COLOURS)], STYLES[i % len(STYLES)])
        for i in range(n_candidates)
    ]


@contextmanager
def house_style() -> Iterator[None]:
    """Draw figures in the project's style, whatever the user's settings are."""
    settings: Any = mpl.rcParamsDefault | STYLE
    with mpl.rc_context(settings):
        yield


def draw_line(axes: Axes, x: Array, y: Array, look: Look, label: str | None = None) -> None:
    """Draw a curve of one run."""
    axes.plot(x, y, color=look.colour, ls=look.style, lw=look.width, label=label)


def put_legend(figure: Figure, axes: Axes, columns: int = 8) -> None:
    """Put one legend for all panels below them."""
    handles, labels = axes.get_legend_handles_labels()
    columns = min(columns, len(labels))
    figure.legend(
        handles, labels, loc="outside lower center", ncols=columns, columnspacing=1.2
    )
