# SPDX-License-Identifier: MIT
"""Measure networks of rain rates against Seifert and Beheng on states never seen."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from train import split, without_noise

from isthmus.bridge import Model
from isthmus.data.rain import RainEnsembles, open_rain
from isthmus.learn.rain import rollout_errors, transition_times
from isthmus.models import RainBulk

HORIZONS = (1000.0, 3600.0)  # [s]
SHARES = (0.1, 0.5)
X_STAR, KCC, KCR, KRR = 2.6e-10, 9.44e9, 5.78, 4.33
SUBSTEP = 5.0  # [s]
N_DRAWS = 2000
Array = NDArray[np.float64]


def shortened(start: Array, n_steps: int, dt: float) -> Array:
    """Return Seifert and Beheng as it is often coded, for contrast.

    Without 1/(1-tau)^2 in autoconversion, with the first mean mass in accretion's loss of
    number, and with rates frozen in four Euler steps of 5 s.
    """
    state, path = start.copy(), [start.copy()]
    first_mass = start[:, 0] / start[:, 1]
    nu = start[:, 6]
    for _ in range(n_steps):
        lc, nc, lr, nr = state[:, :4].T.copy()  # frozen for the four substeps
        tau = lr / (lc + lr)
        phi = 600.0 * tau**0.68 * (1.0 - tau**0.68) ** 3
        spread = (nu + 2.0) / (nu + 1.0)
        mass = np.minimum(lc / np.maximum(nc, 1e-8), X_STAR)
        au = KCC / (20.0 * X_STAR) * spread * (nu + 4.0) / (nu + 1.0)
        au *= lc**2 * mass**2 * (1.0 + phi)
        ac = KCR * lc * lr * (tau / (tau + 5e-4)) ** 4
        for _ in range(round(dt / SUBSTEP)):
            moved = np.minimum(SUBSTEP * (au + ac), state[:, 0])
            state[:, 0] -= moved
            state[:, 2] += moved
            state[:, 1] -= SUBSTEP * (ac / first_mass + KCC * spread * lc**2)
            state[:, 3] += SUBSTEP * (au / X_STAR - KRR * lr * nr)
        state[:, :4] = np.maximum(state[:, :4], 0.0)
        path.append(state.copy())
    return np.stack(path)


def network(path: Path) -> Callable[[Array], Array]:
    """Return the closure of a model file, run by the bridge."""
    model = Model(path)
    return lambda state: model(state=state)["rates"]


def spread_over_states(predicted: torch.Tensor, truth: torch.Tensor) -> str:
    """Return 5 and 95 % of the error of Lr when the states are drawn again and again."""
    square = (predicted - truth)[..., 2].square().mean(dim=0).numpy()
    n = square.size
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1.0 / n), size=N_DRAWS) / n
    errors = np.sqrt(drawn @ square) / float(truth[..., 2].std(unbiased=False))
    low, high = np.percentile(errors, (5, 95))
    return f"{low:.3f} to {high:.3f}"


def rows(
    predicted: Array, truth: RainEnsembles, horizon: float
) -> tuple[list[float], list[str]]:
    """Return errors over standard deviation; their spread and those of transition times."""
    n = round(horizon / truth.dt) + 1
    p, t = torch.from_numpy(predicted[:n]), torch.from_numpy(truth.states[:n])
    errors = [float(v) for v in rollout_errors(p, t)]
    times = [spread_over_states(p, t)]
    for share in SHARES:
        found, expected = (transition_times(v, share, truth.dt) for v in (p, t))
        both = torch.isfinite(found) & torch.isfinite(expected)
        off = (found - expected)[both]
        missed = int((torch.isfinite(found) != torch.isfinite(expected)).sum())
        if not bool(both.any()):
            times.append("never")
            continue
        times.append(f"{float(off.abs().mean()):.0f} ({float(off.mean()):+.0f}; {missed})")
    return errors, times


def main() -> None:
    """Print one table for each horizon."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="netCDF of isthmus-rain")
    parser.add_argument("networks", type=Path, nargs="*", help="model files")
    parser.add_argument("--bins", type=Path, nargs="+", help="as a scheme of its own")
    given = parser.parse_args()
    torch.set_num_threads(1)
    truth = split(open_rain(given.data))[2]
    start, n_steps = truth.states[0].copy(), truth.states.shape[0] - 1
    box = RainBulk()
    runs = {
        "persistence": np.broadcast_to(start, truth.states.shape).copy(),
        "Seifert-Beheng, shortened": shortened(start, n_steps, truth.dt),
        "Seifert-Beheng, as published": box.run(
            start, SUBSTEP, n_steps=4 * n_steps, save_every=4
        ),
    }
    if given.bins is not None:
        runs["bins"] = without_noise(truth, given.bins).states
    for path in given.networks:
        runs[path.stem] = box.run(start, truth.dt, n_steps=n_steps, closure=network(path))
    for horizon in HORIZONS:
        n = round(horizon / truth.dt) + 1
        reached = [
            int(
                torch.isfinite(
                    transition_times(torch.from_numpy(truth.states[:n]), s, 1)
                ).sum()
            )
            for s in SHARES
        ]
        print(
            f"\n{start.shape[0]} states to {horizon:.0f} s; {reached[0]} reach tau = "
            f"{SHARES[0]}, {reached[1]} reach {SHARES[1]}\n"
        )
        print(
            "| scheme | Lc | Nc | Lr | Nr | Lr, states drawn | to tau 0.1 [s] "
            "| to tau 0.5 [s] |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for name, run in runs.items():
            errors, times = rows(run, truth, horizon)
            numbers = " | ".join(f"{e:.4f}" for e in errors)
            print(f"| {name} | {numbers} | {' | '.join(times)} |")
        noise = np.sqrt((truth.standard_errors[:n] ** 2).mean((0, 1)))
        noise /= truth.states[:n, :, :4].std((0, 1))
        if truth.standard_errors.any():
            print(f"| noise of the means | {' | '.join(f'{e:.4f}' for e in noise)} | | | |")


if __name__ == "__main__":
    main()
