# SPDX-License-Identifier: MIT
"""Estimate friction and the boundary's tide through the adjoint of the model.

    python adjoint.py twin     # recover a truth that is known, from a wrong start
    python adjoint.py gauges   # the real gauges, from the prior

The loss is the weighted square of the misfit of M2 at the gauges, plus that of the prior.
M2 is a sum over the steps of the last period, so its sensitivity enters the adjoint at each
of these steps; run backward, the adjoint gives the gradient to all 21 unknowns (the real
and imaginary parts of ten knots, and the logarithm of the friction coefficient) for a few
times the cost of a run. L-BFGS does the rest, in unknowns in which the loss is about round:
some tides along the boundary hardly reach a gauge, and without this scaling 30 iterations
leave them where they were. The scaling is Gauss and Newton's, from the tangent-linear.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np
from calibrate import REPRESENTS
from north_sea import (
    HERE,
    M2_PERIOD,
    WATER,
    Boundary,
    Calibration,
    Gauges,
    Grid,
    Skill,
    lag_degrees,
    read_range,
    rms,
)
from rich.progress import Progress, track
from scipy.optimize import minimize

from isthmus.models import ShallowWater, ShallowWaterForcing, ShallowWaterGrid

FREQUENCY = 2 * np.pi / M2_PERIOD
SPACING = 8  # cells between observations of the twin experiment
RIDGE = 1e-3  # of the mean curvature: keeps steps along weak directions short
SIGMA_LOG_DRAG = 0.5  # of the logarithm of the friction coefficient: a factor of 1.6


@dataclass
class TideFit:
    """The loss and its gradient."""

    grid: Grid
    depth: np.ndarray  # m [lat, lon]
    boundary: Boundary  # prior knots and their standard deviations
    drag: float  # prior friction coefficient
    gauges: Gauges
    observed: np.ndarray  # complex [gauge]
    sigma: np.ndarray  # m [gauge]
    cycles: int = 6
    steps_per_cycle: int = 25
    prior_weight: float = 1.0

    def __post_init__(self) -> None:
        """Make the model."""
        grid = ShallowWaterGrid.sphere(
            self.depth,
            longitudes=self.grid.lon,
            latitudes=self.grid.lat,
            cell=self.grid.cell.astype(np.int32),
        )
        self.dt = M2_PERIOD / self.steps_per_cycle
        self.model = ShallowWater(
            grid, dt=self.dt, theta=0.51, tolerance=1e-6, derivative_tolerance=1e-8
        )
        self.weights = self.boundary.weights(self.grid)
        self.points = self.grid.open_points()
        self.n_steps = self.cycles * self.steps_per_cycle
        self.first_analysed = self.n_steps - self.steps_per_cycle + 1

    def look_at(self, rows: np.ndarray, columns: np.ndarray) -> None:
        """Observe these cells besides the gauges, whose values stay what they are."""
        gauges = self.gauges
        self.gauges = replace(
            gauges,
            row=np.concatenate([gauges.row, rows]),
            column=np.concatenate([gauges.column, columns]),
        )
        self.observed = np.concatenate([self.observed, np.zeros(len(rows), complex)])

    def controls(self, knots: np.ndarray, drag: float) -> np.ndarray:
        """Return the unknowns, scaled by the prior: zero is the prior itself."""
        change = (knots - self.boundary.amplitude) / self.boundary.sigma
        return np.array(
            [*change.real, *change.imag, np.log(drag / self.drag) / SIGMA_LOG_DRAG]
        )

    def physical(self, controls: np.ndarray) -> tuple[np.ndarray, float]:
        """Return knots and friction coefficient of the unknowns."""
        n = len(self.boundary.amplitude)
        change = controls[:n] + 1j * controls[n : 2 * n]
        knots = self.boundary.amplitude + self.boundary.sigma * change
        return knots, self.drag * float(np.exp(SIGMA_LOG_DRAG * controls[-1]))

    def forward(self, controls: np.ndarray) -> tuple[np.ndarray, list]:
        """Return M2 at the gauges, and the state before each step."""
        knots, drag = self.physical(controls)
        self.model.set_fields(drag=drag)
        state = self.model.state_at_rest()
        states, tide = [], np.zeros(len(self.observed), complex)
        for step in range(1, self.n_steps + 1):
            states.append(state.copy())
            self.model.step(state, forcing=self.forcing(knots, step))
            if step >= self.first_analysed:
                tide += self.analysis(step) * self.gauges.of(state.zeta)
        return tide, states

    def loss(self, controls: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient."""
        tide, states = self.forward(controls)
        gradient = self.backward(controls, states, (tide - self.observed) / self.sigma**2)
        return self.value(tide, controls), gradient + self.prior_weight * controls

    def value(self, tide: np.ndarray, controls: np.ndarray) -> float:
        """Return the loss, given M2 at the gauges."""
        misfit = np.sum(abs((tide - self.observed) / self.sigma) ** 2)
        return float(0.5 * misfit + 0.5 * self.prior_weight * controls @ controls)

    def backward(
        self, controls: np.ndarray, states: list, tide_ad: np.ndarray
    ) -> np.ndarray:
        """Return the gradient of the misfit, `tide_ad` being that to M2 at the gauges."""
        knots, drag = self.physical(controls)
        state_ad = self.model.state_at_rest()
        knots_ad, drag_ad = np.zeros(len(knots), complex), 0.0
        for step in range(self.n_steps, 0, -1):
            if step >= self.first_analysed:
                change = np.real(np.conj(tide_ad) * self.analysis(step))
                np.add.at(state_ad.zeta, (self.gauges.row, self.gauges.column), change)
            adjoint = self.model.step_ad(
                states[step - 1], state_ad, forcing=self.forcing(knots, step)
            )
            state_ad = adjoint.state
            elevation_ad = self.weights.T @ adjoint.forcing.open_zeta[self.points]
            knots_ad += np.conj(self.rotation(step)) * elevation_ad
            drag_ad += float(adjoint.drag.sum())
        knots_ad *= self.boundary.sigma
        return np.array([*knots_ad.real, *knots_ad.imag, SIGMA_LOG_DRAG * drag * drag_ad])

    def curvature(self, controls: np.ndarray) -> np.ndarray:
        """Return Gauss and Newton's matrix, from one tangent-linear run per unknown."""
        n = len(controls)
        unknowns = track(np.eye(n), "curvature", total=n)
        tides = np.array([self.tangent(controls, unit) / self.sigma for unit in unknowns])
        return np.real(np.conj(tides) @ tides.T) + self.prior_weight * np.eye(n)

    def tangent(self, controls: np.ndarray, change: np.ndarray) -> np.ndarray:
        """Return the change of M2 at the gauges that a change of the unknowns makes."""
        knots, drag = self.physical(controls)
        n = len(knots)
        knots_tl = self.boundary.sigma * (change[:n] + 1j * change[n : 2 * n])
        drag_tl = np.full(self.grid.cell.shape, SIGMA_LOG_DRAG * drag * change[-1])
        self.model.set_fields(drag=drag)
        state, state_tl = self.model.state_at_rest(), self.model.state_at_rest()
        tide_tl = np.zeros(len(self.observed), complex)
        for step in range(1, self.n_steps + 1):
            state, state_tl = self.model.step_tl(
                state,
                state_tl,
                drag_tl=drag_tl,
                forcing=self.forcing(knots, step),
                forcing_tl=self.forcing(knots_tl, step),
            )
            if step >= self.first_analysed:
                tide_tl += self.analysis(step) * self.gauges.of(state_tl.zeta)
        return tide_tl

    def forcing(self, knots: np.ndarray, step: int) -> ShallowWaterForcing:
        """Return the boundary's elevation at the end of a step."""
        zeta = np.zeros(self.grid.cell.shape)
        zeta[self.points] = np.real(self.weights @ knots * self.rotation(step))
        return ShallowWaterForcing(open_zeta=zeta)

    def rotation(self, step: int) -> complex:
        """Return what turns a complex amplitude into an elevation: ramp*exp(i*w*t)."""
        time = step * self.dt
        ramp = np.sin(np.pi / 2 * min(1.0, time / (2 * M2_PERIOD))) ** 2
        return complex(ramp * np.exp(1j * FREQUENCY * time))

    def analysis(self, step: int) -> complex:
        """Return the weight of a step's elevation in the amplitude of a whole period."""
        turn = np.exp(-1j * FREQUENCY * step * self.dt)
        return complex(2 / self.steps_per_cycle * turn)


def main() -> None:
    """Run one of the two experiments and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", choices=["twin", "gauges"])
    parser.add_argument("--iterations", type=int, default=12)
    parser.add_argument("--cycles", type=int, default=5, help="periods of M2 of a run")
    parser.add_argument("--steps", type=int, default=25, help="per period")
    arguments = parser.parse_args()
    fit = make_fit(arguments.cycles, arguments.steps)
    if arguments.experiment == "twin":
        print(twin(fit, arguments.iterations))
    else:
        print(real(fit, arguments.iterations))


def make_fit(cycles: int, steps_per_cycle: int) -> TideFit:
    """Return the fit to the gauges, with the depth of the calibration."""
    grid = Grid.read()
    gauges = Gauges.read(grid)
    calibration = Calibration.read()
    return TideFit(
        grid,
        grid.depth(calibration, read_range()),
        Boundary.read(HERE / "boundary_prior.csv"),
        calibration.drag,
        gauges,
        gauges.amplitude,
        np.array([REPRESENTS[kind] for kind in gauges.kind]),
        cycles=cycles,
        steps_per_cycle=steps_per_cycle,
    )


def minimise(fit: TideFit, start: np.ndarray, iterations: int) -> np.ndarray:
    """Return the best unknowns; show the loss on the way."""
    curvature = fit.curvature(start)
    ridge = RIDGE * np.trace(curvature) / len(start) * np.eye(len(start))
    factor = np.linalg.cholesky(curvature + ridge)

    def scaled_loss(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = fit.loss(start + np.linalg.solve(factor.T, scaled))
        return value, np.linalg.solve(factor, gradient)

    with Progress(*Progress.get_default_columns(), "loss {task.fields[loss]:.3g}") as bar:
        task = bar.add_task("L-BFGS", total=iterations, loss=np.nan)
        result = minimize(
            scaled_loss,
            np.zeros(len(start)),
            jac=True,
            method="L-BFGS-B",
            callback=lambda intermediate_result: bar.update(
                task, advance=1, loss=intermediate_result.fun
            ),
            options={"maxiter": iterations, "ftol": 1e-12, "gtol": 1e-6},
        )
        bar.update(task, completed=iterations)
    return start + np.linalg.solve(factor.T, np.asarray(result.x))


def twin(fit: TideFit, iterations: int) -> str:
    """Recover the calibrated boundary and friction from a start that is wrong on purpose.

    The start has friction by half too high, tides by a fifth too low and 20 degrees late.
    The observations are the truth's M2 at the gauges, and in every eighth row and column
    as an altimeter might give it: the gauges alone hardly feel some knots in the north,
    the altimeter alone those at the coasts of the Channel. Nothing else holds them.
    """
    truth = Boundary.read(HERE / "boundary.csv").amplitude
    drag = fit.drag
    rows, columns = np.nonzero(fit.grid.cell[::SPACING, ::SPACING] == WATER)
    fit.look_at(SPACING * rows, SPACING * columns)
    fit.observed, _ = fit.forward(fit.controls(truth, drag))
    fit.sigma = np.full(len(fit.observed), 0.1)
    fit.prior_weight = 0.0
    wrong = 0.8 * truth * np.exp(-1j * np.radians(20))
    start = fit.controls(wrong, 1.5 * drag)
    found, found_drag = fit.physical(minimise(fit, start, iterations))
    before, _ = fit.forward(start)
    after, _ = fit.forward(fit.controls(found, found_drag))
    lines = [
        "| knot | truth m, deg | start m, deg | found m, deg |",
        "|---|---|---|---|",
        *(
            f"| {name} {lat:g} N {lon:g} E | {pair(a)} | {pair(b)} | {pair(c)} |"
            for name, lat, lon, a, b, c in zip(
                fit.boundary.segment,
                fit.boundary.lat,
                fit.boundary.lon,
                truth,
                wrong,
                found,
                strict=True,
            )
        ),
        f"| friction coefficient | {drag:.5f} | {1.5 * drag:.5f} | {found_drag:.5f} |",
        f"| RMS vector error where observed m | 0 | {rms(abs(before - fit.observed)):.3f} "
        f"| {rms(abs(after - fit.observed)):.4f} |",
    ]
    return "\n".join(lines)


def real(fit: TideFit, iterations: int) -> str:
    """Fit the gauges from the prior boundary and a friction by half too high."""
    start = fit.controls(fit.boundary.amplitude, 1.5 * fit.drag)
    best = minimise(fit, start, iterations)
    calibrated = fit.controls(Boundary.read(HERE / "boundary.csv").amplitude, fit.drag)
    lines = [
        "| | friction | RMS vector, open coast and offshore m | offshore m | loss |",
        "|---|---|---|---|---|",
    ]
    open_sea, offshore = np.isin(fit.gauges.kind, ["c", "o"]), fit.gauges.kind == "o"
    for name, controls in (
        ("before", start),
        ("after", best),
        ("calibrate.py", calibrated),
    ):
        tide, _ = fit.forward(controls)
        skills = [
            Skill.of(tide[here], fit.observed[here]).rms_vector
            for here in (open_sea, offshore)
        ]
        drag = fit.physical(controls)[1]
        lines.append(
            f"| {name} | {drag:.5f} | {skills[0]:.3f} | {skills[1]:.3f} "
            f"| {fit.value(tide, controls):.1f} |"
        )
    return "\n".join(lines)


def pair(amplitude: complex) -> str:
    """Return amplitude and phase lag as text."""
    return f"{abs(amplitude):.3f}, {lag_degrees(amplitude):.1f}"


if __name__ == "__main__":
    main()
