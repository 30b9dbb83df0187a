# SPDX-License-Identifier: MIT
"""Draw the co-tidal chart of the model's M2 and compare it with the gauges.

python chart.py m2.nc --chart north_sea_m2.png --table gauges_model.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import netCDF4
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from north_sea import ELEVATION, HERE, LAND, Gauges, Grid, Skill, lag_degrees, read_tide
from scipy import ndimage

LEVELS = (0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0)  # m
PHASES = range(0, 360, 30)  # degrees
LAND_COLOUR, COAST_COLOUR, INK = "#d9d5cc", "#7d776b", "#16324f"
SHORTEST_LABELLED = 0.9  # phase lines, degrees of latitude
FRAME = (-5.0, 13.0, 48.25, 61.5)  # degrees


def main() -> None:
    """Read the analysis, draw, tell the skill."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("analysis", type=Path, help="amplitudes and phases of the run")
    parser.add_argument("--chart", type=Path, help="PNG to draw")
    parser.add_argument("--table", type=Path, help="CSV to write, gauge by gauge")
    arguments = parser.parse_args()
    grid = Grid.read()
    gauges = Gauges.read(grid)
    field = read_tide(arguments.analysis)
    model = gauges.of(field)
    print(skill_table(model, gauges))
    if arguments.table:
        write_table(arguments.table, model, gauges)
    if arguments.chart:
        draw(arguments.chart, grid, field, gauges)
        print(f"chart: {arguments.chart}")


def skill_table(
    model: np.ndarray, gauges: Gauges, observed: np.ndarray | None = None
) -> str:
    """Return the skill as a Markdown table, of M2 if nothing else was observed."""
    observed = gauges.amplitude if observed is None else observed
    kinds = {
        "open coast and offshore": np.isin(gauges.kind, ["c", "o"]),
        "offshore": gauges.kind == "o",
        "estuaries, fjords": gauges.kind == "e",
        "near the open boundary": gauges.kind == "b",
    }
    lines = [
        "| gauges | n | RMS amplitude m | RMS phase deg | RMS vector m | median vector m |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        Skill.of(model[here], observed[here]).row(name) for name, here in kinds.items()
    ]
    return "\n".join(lines)


def write_table(path: Path, model: np.ndarray, gauges: Gauges) -> None:
    """Write observed and modelled M2, the worst gauge last."""
    error = abs(model - gauges.amplitude)
    with path.open("w") as file:
        file.write("port,kind,observed_m,model_m,observed_deg,model_deg,vector_error_m\n")
        for k in np.argsort(error):
            file.write(
                f"{gauges.port[k]},{gauges.kind[k]},{abs(gauges.amplitude[k]):.3f},"
                f"{abs(model[k]):.3f},{lag_degrees(gauges.amplitude[k]):.1f},"
                f"{lag_degrees(model[k]):.1f},{error[k]:.3f}\n"
            )


def amphidromes(grid: Grid, field: np.ndarray) -> list[tuple[float, float, int]]:
    """Return longitude, latitude and sense of the points the phase turns around.

    The phases of four neighbouring cells add up to a whole turn where the amplitude has a
    zero between them: +1 counter-clockwise, -1 clockwise. The zero of the bilinear field
    is found by Newton's method.
    """
    corners = np.stack([field[:-1, :-1], field[:-1, 1:], field[1:, 1:], field[1:, :-1]])
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = np.angle(corners / np.roll(corners, -1, axis=0))
    turns = np.nan_to_num(steps.sum(axis=0)) / (2 * np.pi)
    points = []
    for row, column in np.argwhere(abs(turns) > 0.5):
        x, y = bilinear_zero(corners[:, row, column])
        lon = np.interp(column + x, np.arange(grid.lon.size), grid.lon)
        lat = np.interp(row + y, np.arange(grid.lat.size), grid.lat)
        points.append((float(lon), float(lat), round(float(turns[row, column]))))
    return points


def bilinear_zero(corners: np.ndarray) -> tuple[float, float]:
    """Return the place in the unit square where a complex field is zero."""
    x = y = 0.5
    south_west, south_east, north_east, north_west = corners
    for _ in range(20):
        south = south_west + x * (south_east - south_west)
        north = north_west + x * (north_east - north_west)
        value, by_y = south + y * (north - south), north - south
        by_x = (1 - y) * (south_east - south_west) + y * (north_east - north_west)
        matrix = np.array([[by_x.real, by_y.real], [by_x.imag, by_y.imag]])
        step = np.linalg.solve(matrix, [value.real, value.imag])
        x, y = np.clip([x - step[0], y - step[1]], 0, 1)
    return float(x), float(y)


def draw(path: Path, grid: Grid, field: np.ndarray, gauges: Gauges) -> None:
    """Draw the chart."""
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10})
    figure, axes = plt.subplots(figsize=(10.2, 12.6), constrained_layout=True)
    axes.set_facecolor("#eef1f4")  # water that is no part of the model
    norm, colours = amplitude_colours()
    sea = extended(grid, field)
    filled = axes.contourf(
        grid.lon, grid.lat, abs(sea), levels=LEVELS, norm=norm, cmap=colours, extend="max"
    )
    points = np.array([point[:2] for point in amphidromes(grid, field)]).reshape(-1, 2)
    draw_phases(axes, grid, sea, points)
    draw_land(axes)
    draw_boundary(axes, grid)
    for lon, lat in points:
        axes.plot(lon, lat, "o", ms=9, mfc="white", mec=INK, mew=1.6, zorder=6)
        axes.plot(lon, lat, "o", ms=2.5, color=INK, zorder=6)
    axes.scatter(
        gauges.lon,
        gauges.lat,
        s=74,
        c=abs(gauges.amplitude),
        cmap=colours,
        norm=norm,
        edgecolors="black",
        linewidths=1.1,
        zorder=7,
        label="gauge, coloured by the observed amplitude",
    )
    axes.plot([], [], "o", ms=9, mfc="white", mec=INK, mew=1.6, label="amphidromic point")
    axes.plot([], [], color=INK, lw=1.0, label="Greenwich phase lag, every 30°")
    axes.plot([], [], color="#c2410c", lw=2.4, label="open boundary")
    axes.legend(loc="lower right", framealpha=0.95, fontsize=9.5)
    bar = figure.colorbar(filled, ax=axes, shrink=0.62, pad=0.015, aspect=34, ticks=LEVELS)
    bar.set_label("amplitude of M2 [m]")
    finish(axes, field, gauges)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def amplitude_colours() -> tuple[BoundaryNorm, ListedColormap]:
    """Return a colour for each interval of the levels, pale to dark."""
    ramp = mpl.colormaps["YlGnBu"](np.linspace(0.0, 0.93, len(LEVELS)))
    colours = ListedColormap(ramp)
    return BoundaryNorm([*LEVELS, LEVELS[-1] + 1], len(LEVELS)), colours


def extended(grid: Grid, field: np.ndarray) -> np.ndarray:
    """Continue the field over the coast's cells, so that colours reach the drawn coast."""
    water = grid.cell != LAND
    distance, (rows, columns) = ndimage.distance_transform_edt(~water, return_indices=True)
    wide = field[rows, columns]
    return np.where((distance <= 2.5) & connected_side(grid), wide, np.nan)


def connected_side(grid: Grid) -> np.ndarray:
    """Return where the model's sea may be continued: not beyond its open boundaries."""
    lon, lat = np.meshgrid(grid.lon, grid.lat)
    return ~((lon < -2.01) & (lat > 57.0)) & ~((lon < -1.9) & (lat > 50.9) & (lat < 55.5))


def draw_phases(axes: Axes, grid: Grid, sea: np.ndarray, points: np.ndarray) -> None:
    """Draw lines of equal phase: zeros of the field turned by the phase, on one side."""
    for phase in PHASES:
        turned = sea * np.exp(1j * np.radians(phase))
        one_side = np.where((turned.real > 0) & (abs(sea) > 0.01), turned.imag, np.nan)
        width = 1.7 if phase % 90 == 0 else 0.9
        lines = axes.contour(
            grid.lon, grid.lat, one_side, levels=[0.0], colors=INK, linewidths=width
        )
        places = [label_place(line, points) for line in lines.allsegs[0]]
        places = [place for place in places if place is not None]
        if not places:
            continue
        for text in axes.clabel(lines, fmt=f"{phase}°", fontsize=8.5, manual=places):
            halo = patheffects.withStroke(linewidth=2.4, foreground="white")
            text.set_path_effects([halo])


def label_place(line: np.ndarray, points: np.ndarray) -> tuple[float, float] | None:
    """Return where a phase line is labelled: away from its ends and amphidromic points."""
    steps = np.hypot(0.57 * np.diff(line[:, 0]), np.diff(line[:, 1]))
    along = np.concatenate([[0.0], np.cumsum(steps)])  # degrees of latitude
    if along[-1] < SHORTEST_LABELLED:
        return None
    inner = line[(along > 0.25 * along[-1]) & (along < 0.75 * along[-1])]
    if len(inner) == 0 or along[-1] > 3:
        return tuple(line[np.argmin(abs(along - 0.5 * along[-1]))])
    gaps = inner[:, None, :] - points[None, :, :]
    away = np.hypot(0.57 * gaps[..., 0], gaps[..., 1]).min(axis=1)
    return tuple(inner[np.argmax(away)])


def draw_land(axes: Axes) -> None:
    """Fill the land and draw its coast."""
    with netCDF4.Dataset(HERE / "bathymetry.nc") as file:
        points = np.stack(
            [np.ma.filled(file[name][:], np.nan) for name in ("coast_lon", "coast_lat")],
            axis=1,
        )
    gaps = np.flatnonzero(np.isnan(points[:, 0]))
    rings = [ring[~np.isnan(ring[:, 0])] for ring in np.split(points, gaps)]
    outline = Outline.make_compound_path(*[Outline(ring, closed=True) for ring in rings])
    axes.add_patch(
        PathPatch(outline, facecolor=LAND_COLOUR, edgecolor=COAST_COLOUR, lw=0.6, zorder=3)
    )


def draw_boundary(axes: Axes, grid: Grid) -> None:
    """Draw the cells of prescribed elevation as lines."""
    rows, columns = np.nonzero(grid.cell == ELEVATION)
    lon, lat = grid.lon[columns], grid.lat[rows]
    for here in (lon < -4.9, (abs(lon + 2) < 0.05), lat > 61.45):
        axes.plot(lon[here], lat[here], color="#c2410c", lw=2.4, zorder=5)


def finish(axes: Axes, field: np.ndarray, gauges: Gauges) -> None:
    """Set frame, labels and title."""
    west, east, south, north = FRAME
    axes.set_xlim(west - 0.05, east + 0.04)
    axes.set_ylim(south - 0.04, north + 0.05)
    axes.set_aspect(1 / np.cos(np.radians((south + north) / 2)))
    longitudes, latitudes = range(-4, 13, 2), range(49, 62, 2)
    axes.set_xticks(
        longitudes,
        [f"{abs(x)}° {'W' if x < 0 else 'E'}" if x else "0°" for x in longitudes],
    )
    axes.set_yticks(latitudes, [f"{y}° N" for y in latitudes])
    axes.tick_params(top=True, right=True, direction="in")
    axes.grid(color="white", lw=0.5, alpha=0.6)
    open_sea = np.isin(gauges.kind, ["c", "o"])
    skill = Skill.of(gauges.of(field)[open_sea], gauges.amplitude[open_sea])
    axes.set_title(
        "M2 tide of the North Sea: amplitude and phase\n", fontsize=15, weight="bold"
    )
    axes.text(
        0.5,
        1.008,
        "semi-implicit shallow water model, 5 minutes; "
        f"RMS vector error {skill.rms_vector:.2f} m at {skill.n} gauges",
        transform=axes.transAxes,
        ha="center",
        va="bottom",
        fontsize=10.5,
    )


if __name__ == "__main__":
    main()
