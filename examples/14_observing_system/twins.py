# SPDX-License-Identifier: MIT
"""Add each candidate gauge of the North Sea in twin experiments with the full model.

    python twins.py --truths 60     # after sensitivities.py; some minutes, continues

A truth is drawn from what the 42 gauges that are there leave open of friction and boundary.
The nonlinear model's M2 of the truth, with the gauge's error added, moves the estimate by
one step of Gauss and Newton. The mean square error of the estimate over the truths, beside
that without the gauge, is the realised value; the linear theory predicted its own before
anything was observed. One run of the model gives a truth at all candidates.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.progress import track
from scipy.stats import spearmanr

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "07_north_sea"))

from adjoint import TideFit, make_fit  # noqa: E402
from north_sea import HERE as NORTH_SEA  # noqa: E402
from north_sea import WATER, Boundary  # noqa: E402

from isthmus.inverse.design_cases import Problem, read_problem  # noqa: E402


def main() -> None:
    """Run the truths, add each candidate, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--truths", type=int, default=60)
    parser.add_argument("--runs", type=Path, default=HERE / "twins.npz", help="kept runs")
    parser.add_argument("--cycles", type=int, default=5, help="as in sensitivities.py")
    parser.add_argument("--steps", type=int, default=25)
    arguments = parser.parse_args()
    problem = read_problem(HERE / "north_sea.toml")
    fit = make_fit(arguments.cycles, arguments.steps)
    center = fit.controls(Boundary.read(NORTH_SEA / "boundary.csv").amplitude, fit.drag)
    changes, tides = runs(fit, center, problem, arguments.truths, arguments.runs)
    print(table(problem, changes, tides))


def runs(
    fit: TideFit, center: np.ndarray, problem: Problem, n_truths: int, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return the truths' controls, and changes of M2 in all water cells."""
    root = np.linalg.cholesky(problem.covariance)
    draws = np.random.default_rng(1).standard_normal((n_truths, len(center))) @ root.T
    n = len(fit.gauges.row)
    fit.look_at(*np.nonzero(fit.grid.cell == WATER))
    n_cells = len(fit.gauges.row) - n
    done = np.load(path)["tides"] if path.exists() else np.empty((0, n_cells))
    for i in track(range(n_truths + 1), "truths"):
        if i >= len(done):  # the first is the estimate itself
            change = draws[i - 1] if i else np.zeros_like(center)
            tide = fit.forward(center + change)[0][n:]
            done = np.concatenate([done, tide[None]])
            np.savez_compressed(path, tides=done)
    return draws, done[1 : n_truths + 1] - done[0]


def table(problem: Problem, changes: np.ndarray, tides: np.ndarray) -> str:
    """Return predicted and realised falls of variance, as Markdown."""
    p, rows = problem.covariance, problem.candidates.rows
    parts = np.stack([tides.real, tides.imag], axis=-1)
    parts /= problem.candidates.deviation[:, None]
    noise = np.random.default_rng(2).standard_normal(parts.shape)
    spread = rows @ p
    s = np.eye(2) + spread @ rows.transpose(0, 2, 1)
    weights = np.linalg.solve(s, (parts + noise)[..., None])[..., 0]
    moved = np.einsum("tcp,cpk->tck", weights, spread)
    error = (changes[:, None] - moved) ** 2  # [truth, candidate, control]
    lines = [
        "| measure | candidate | predicted | realised | +- |",
        "|---|---|---|---|---|",
    ]
    some = problem.eligible
    for measure in problem.measures[1:]:
        predicted = measure.gains(p, rows)
        after = error[:, :, measure.group].sum(axis=2)
        before = (changes[:, measure.group] ** 2).sum(axis=1)
        ratio = after.mean(axis=0) / before.mean()
        paired = after - before[:, None] * ratio
        se = paired.std(axis=0, ddof=1) / np.sqrt(len(changes)) / before.mean()
        order = some[np.argsort(predicted[some])[::-1]]
        for name, k in (
            ("best", order[0]),
            ("upper tenth", order[len(order) // 10]),
            ("median", order[len(order) // 2]),
            ("worst", order[-1]),
        ):
            place = problem.candidates
            lines.append(
                f"| {measure.name} | {name}: {place.lat[k]:.2f} N {place.lon[k]:.2f} E | "
                f"{predicted[k]:.3f} | {1 - ratio[k]:.3f} | {se[k]:.3f} |"
            )
        rank = spearmanr(predicted[some], 1 - ratio[some]).statistic
        lines.append(f"| {measure.name} | rank correlation, all coasts | | {rank:.2f} | |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
