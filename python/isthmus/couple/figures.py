# SPDX-License-Identifier: MIT
"""Figures about emulators and closures, each with the numbers behind it in a netCDF file.

`draw_error_growth`, `draw_hovmoeller`, `draw_jacobians` and `draw_climates` take arrays,
write `NAME.png` and `NAME.nc` into a folder, and return the path of the PNG.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from isthmus.couple.skill import Skill
from isthmus.couple.style import (
    CONTROL_LOOK,
    PALE,
    REFERENCE_LOOK,
    WIDTH,
    Look,
    draw_line,
    house_style,
    looks,
    put_legend,
)
from isthmus.errors import DataError

Array = npt.NDArray[np.float64]

SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"  # both readable by the colour-blind
LYAPUNOV_LABEL = "lead time [Lyapunov times]"


def draw_error_growth(skills: Mapping[str, Skill], folder: Path, name: str) -> Path:
    """Draw the RMSE of forecasts over lead time, on a logarithmic and a linear axis.

    Parameters
    ----------
    skills
        Scored forecasts by name, all of the same truth.
    folder, name
        Where the figure goes, and its name without suffix.

    Raises
    ------
    DataError
        If there is none.
    """
    if not skills:
        raise DataError("error growth: no forecast given, at least one expected")
    with house_style():
        figure = Figure(figsize=(WIDTH, 3.2))
        left, right = figure.subplots(1, 2)
        for (label, skill), look in zip(skills.items(), looks(len(skills)), strict=True):
            curve = skill.rmse()
            positive = np.where(curve.value > 0, curve.value, np.nan)
            draw_line(left, skill.leads, positive, look, label)
            draw_line(right, skill.leads, curve.value, look)
            right.fill_between(
                skill.leads, curve.low, curve.high, color=look.colour, alpha=0.15, lw=0
            )
        first = next(iter(skills.values()))
        for axes in (left, right):
            axes.axhline(first.saturation, color=PALE, lw=0.9, ls=":")
            axes.set(xlabel="lead time [model time units]", ylabel="RMSE of x")
            axes.set_xlim(0.0, max(float(skill.leads[-1]) for skill in skills.values()))
        left.set_yscale("log")
        right.set_ylim(0.0, 1.15 * first.saturation)
        left.set_title("Logarithmic axis")
        right.set_title("Linear axis; dotted: unrelated states")
        _add_lyapunov_axis(left, first.climatology.lyapunov_exponent)
        _add_lyapunov_axis(right, first.climatology.lyapunov_exponent)
        put_legend(figure, left, columns=5)
        data = xarray.Dataset()
        for label, skill in skills.items():
            key, curve = _key(label), skill.rmse()
            lead = f"lead_{key}"
            parts = {"": curve.value, "_low": curve.low, "_high": curve.high}
            for part, values in parts.items():
                data[f"rmse_{key}{part}"] = (lead, values, _described(f"RMSE of {label}"))
            data[lead] = (lead, skill.leads, _described("lead time"))
        return _save(figure, data, folder, name)


def draw_hovmoeller(
    truth: Array,
    emulator: Array,
    times: Array,
    folder: Path,
    name: str,
    *,
    label: str = "emulator",
) -> Path:
    """Draw truth, emulator and their difference over site and time.

    Parameters
    ----------
    truth, emulator
        One member each `[time, k]`, started from the same state.
    times
        Model times `[time]`.
    label
        What the emulator is called.

    Raises
    ------
    DataError
        If the arrays do not have the same shape.
    """
    _require_shape("hovmoeller", "emulator", emulator, truth.shape)
    _require_shape("hovmoeller", "times", times, truth.shape[:1])
    difference = emulator - truth
    with house_style():
        figure = Figure(figsize=(WIDTH, 4.4))
        panels = figure.subplots(1, 3, sharey=True)
        low, high = np.nanpercentile(truth, [0.1, 99.9])
        limit = float(np.nanmax(np.abs(truth - truth.mean())))
        sites = np.arange(truth.shape[1])
        for axes, field, title in zip(
            panels,
            (truth, emulator, difference),
            ("Truth", label[:1].upper() + label[1:], "Difference"),
            strict=True,
        ):
            is_difference = field is difference
            mesh = axes.pcolormesh(
                sites,
                times,
                field,
                cmap=DIVERGING if is_difference else SEQUENTIAL,
                vmin=-limit if is_difference else low,
                vmax=limit if is_difference else high,
                shading="nearest",
                rasterized=True,
            )
            axes.set(xlabel="site k", title=title)
            axes.grid(visible=False)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            bar = "x" if not is_difference else f"x of {label} - x of truth"
            figure.colorbar(mesh, ax=axes, location="bottom", label=bar, pad=0.02)
        panels[0].set_ylabel("lead time [model time units]")
        coordinates = {"time": times, "k": sites}
        data = xarray.Dataset(
            {
                "truth": (("time", "k"), truth, _described("x of the truth")),
                "emulator": (("time", "k"), emulator, _described(f"x of {label}")),
                "difference": (("time", "k"), difference, _described(f"{label} - truth")),
            },
            coords=coordinates,
        )
        return _save(figure, data, folder, name)


def draw_jacobians(
    true: Array, emulator: Array, folder: Path, name: str, *, label: str = "emulator"
) -> Path:
    """Draw the Jacobians of one step side by side: true, emulator, difference.

    Parameters
    ----------
    true, emulator
        Matrices `[row, column]`: derivatives of the new state at `row` by the old state at
        `column`.

    Raises
    ------
    DataError
        If they are not square matrices of the same size.
    """
    n_sites = true.shape[0]
    _require_shape("jacobians", "true", true, (n_sites, n_sites))
    _require_shape("jacobians", "emulator", emulator, true.shape)
    difference = emulator - true
    norms = [float(np.linalg.norm(matrix)) for matrix in (true, emulator, difference)]
    with house_style():
        figure = Figure(figsize=(WIDTH, 3.5))
        panels = figure.subplots(1, 3, sharey=True)
        limit = float(np.abs(true).max())
        # The difference has an axis of its own: on that of the others it would be blank.
        limits = (limit, limit, float(np.abs(difference).max()) or np.finfo(float).tiny)
        titles = ("True", label[:1].upper() + label[1:], "Difference")
        fields = (true, emulator, difference)
        for i, axes in enumerate(panels):
            image = axes.imshow(fields[i], cmap=DIVERGING, vmin=-limits[i], vmax=limits[i])
            axes.set(
                xlabel="old state at site k", title=f"{titles[i]}, norm {norms[i]:.3g}"
            )
            axes.grid(visible=False)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            bar = figure.colorbar(image, ax=axes, location="bottom", pad=0.03)
            bar.set_label("derivative [1]")
            bar.ax.xaxis.set_major_locator(MaxNLocator(4))
        panels[0].set_ylabel("new state at site k")
        data = xarray.Dataset(
            {
                "true": (("row", "column"), true, _described("Jacobian of the model")),
                "emulator": (
                    ("row", "column"),
                    emulator,
                    _described(f"Jacobian of {label}"),
                ),
                "difference": (("row", "column"), difference, _described("difference")),
            },
            attrs={"frobenius_norm_true": norms[0], "frobenius_norm_difference": norms[2]},
        )
        return _save(figure, data, folder, name)


def draw_climates(
    climates: Mapping[str, tuple[Array, Array]],
    folder: Path,
    name: str,
    *,
    reference: str,
    control: str | None = None,
) -> Path:
    """Draw the climates of several models: distribution and difference from the reference.

    Parameters
    ----------
    climates
        Bin edges `[bin + 1]` and probability densities `[bin]` by name, on the same bins.
    reference, control
        Names of the truth and of the model without a network.

    Raises
    ------
    DataError
        If the reference is missing or the bins differ.
    """
    if reference not in climates:
        raise DataError(f"climates: no '{reference}' among {', '.join(climates)}")
    edges, true = climates[reference]
    for label, (other, density) in climates.items():
        _require_shape("climates", label, density, true.shape)
        if not np.array_equal(other, edges):
            raise DataError(f"climates: '{label}' has other bins than '{reference}'")
    middle = 0.5 * (edges[1:] + edges[:-1])
    with house_style():
        figure = Figure(figsize=(WIDTH, 3.2))
        left, right = figure.subplots(1, 2)
        for label, look in _climate_looks(climates, reference, control).items():
            density = climates[label][1]
            mean = float((density * middle).sum() / density.sum())
            sd = float(np.sqrt((density * (middle - mean) ** 2).sum() / density.sum()))
            text = f"{label}: {mean:.3f} ± {sd:.3f}"
            draw_line(left, middle, np.where(density > 0, density, np.nan), look, text)
            if label != reference:
                draw_line(right, middle, density - true, look)
        right.axhline(0.0, color=REFERENCE_LOOK.colour, lw=1.0)
        occupied = middle[np.any([density > 0 for _, density in climates.values()], axis=0)]
        for axes in (left, right):
            axes.set_xlim(occupied.min(), occupied.max())
            axes.set_xlabel("x")
        left.set(
            ylabel="probability density of x", title="Distribution, mean ± sd", yscale="log"
        )
        right.set(ylabel=f"density - that of {reference}", title="Difference")
        put_legend(figure, left, columns=3)
        data = xarray.Dataset(coords={"x": ("x", middle, _described("middle of the bin"))})
        for label, (_, density) in climates.items():
            data[_key(label)] = ("x", density, _described(f"probability density, {label}"))
        return _save(figure, data, folder, name)


def _climate_looks(
    climates: Mapping[str, object], reference: str, control: str | None
) -> dict[str, Look]:
    """Return the look of each climate, the reference first."""
    others = [label for label in climates if label not in (reference, control)]
    chosen = {reference: REFERENCE_LOOK}
    if control is not None:
        chosen[control] = CONTROL_LOOK
    return chosen | dict(zip(others, looks(len(others)), strict=True))


def _require_shape(figure: str, name: str, found: Array, expected: tuple[int, ...]) -> None:
    """Refuse an array of another shape."""
    if found.shape != expected:
        raise DataError(
            f"{figure}: '{name}' has shape {list(found.shape)}, expected {list(expected)}"
        )


def _add_lyapunov_axis(axes: Axes, exponent: float | None) -> None:
    """Add lead times in Lyapunov times above a panel."""
    if exponent is None:
        return
    rate = exponent
    top = axes.secondary_xaxis(
        "top", functions=(lambda t: np.asarray(t) * rate, lambda t: np.asarray(t) / rate)
    )
    top.set_xlabel(LYAPUNOV_LABEL, fontsize=8)
    top.tick_params(labelsize=8)


def _key(label: str) -> str:
    """Return a netCDF variable name for a label."""
    return "".join(letter if letter.isalnum() else "_" for letter in label).strip("_")


def _described(long_name: str) -> dict[str, str]:
    """Return the attributes of a variable; everything in Lorenz-96 is dimensionless."""
    return {"long_name": long_name, "units": "1"}


def _save(figure: Figure, data: xarray.Dataset, folder: Path, name: str) -> Path:
    """Write figure and data; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    partial = folder / f"{name}.part"
    try:
        figure.savefig(partial, format="png")
        partial.replace(path)
        data.to_netcdf(partial)
        partial.replace(folder / f"{name}.nc")
    finally:
        partial.unlink(missing_ok=True)
    return path
