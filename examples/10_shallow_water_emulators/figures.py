# SPDX-License-Identifier: MIT
"""Draw truth, emulator and difference, learned weights beside exact ones, error curves.

    OMP_NUM_THREADS=1 python figures.py [--dt 1500] [--output ../../docs/figures]

Needs the weights that `compare.py` has written at this time step; nets without weights are
left out. Writes `swe_emulator_fields.png` and `swe_emulator_weights.png`, and
`swe_emulator_training.png` of the validations of explicit nets that it has written.
"""

import argparse
from pathlib import Path

import basins
import matplotlib.pyplot as plt
import numpy as np
import recipes
import scores
import torch
from torch import Tensor

from isthmus.couple.style import COLOURS, STYLE, STYLES, WIDTH
from isthmus.learn.shallow_water import BasinRollout
from isthmus.nets.shallow_water_emulators import ELEVATION_SCALE

LEADS = (1.0, 6.0, 24.0)  # [h]
SIZE, HOURS, THETA, GRAVITY = 64, 24.0, 0.5, 9.81
EXPLICIT = ("cgrid", "bilinear", "plain", "unet", "fno")


def loaded(name: str, dt: float) -> BasinRollout | None:
    """Return a net with the weights of `compare.py`, or nothing."""
    path = recipes.HERE / f"{name}_{dt:.0f}.pt"
    if not path.exists():
        return None
    model = recipes.make(name, dt)
    model.load_state_dict(torch.load(path))
    return model


@torch.no_grad()
def forecast(model: BasinRollout, states: Tensor, depth: Tensor) -> Tensor:
    """Return the states [lead, member, field, y, x] from the tenth true one on."""
    dtype = next(model.parameters()).dtype
    state, found = states[scores.SPIN_UP].to(dtype), [states[scores.SPIN_UP]]
    for _ in states[scores.SPIN_UP + 1 :]:
        state = model(state, depth.to(dtype))
        found.append(state.double())
    return torch.stack(found)


def draw_fields(truth: Tensor, found: Tensor, dt: float, path: Path) -> None:
    """Draw the elevation [cm] of truth and emulator and their difference [mm]."""
    figure, axes = plt.subplots(3, 3, figsize=(WIDTH, WIDTH * 0.95), layout="constrained")
    for column, lead in enumerate(LEADS):
        step = round(lead * 3600 / dt)
        true, guess = (x[step, 0, 0] * ELEVATION_SCALE * 100.0 for x in (truth, found))
        top, wrong = float(true.abs().max()), float((guess - true).abs().max()) * 10.0
        rows = ((true, top), (guess, top), (10.0 * (guess - true), wrong))
        for axis, (field, limit) in zip(axes[:, column], rows, strict=True):
            image = axis.imshow(
                field, origin="lower", cmap="RdBu_r", vmin=-limit, vmax=limit
            )
            axis.set(xticks=[], yticks=[])
            figure.colorbar(image, ax=axis, shrink=0.8)
        axes[0, column].set_title(f"{lead:g} h")
    for axis, label in zip(
        axes[:, 0], ("model [cm]", "emulator [cm]", "difference [mm]"), strict=True
    ):
        axis.set_ylabel(label)
    figure.savefig(path, dpi=110)


def draw_weights(
    net: torch.nn.Module, curves: dict[str, Tensor], dt: float, path: Path
) -> None:
    """Draw the learned stencils, exact ones in brackets, and the errors over lead time."""
    figure, axes = plt.subplots(1, 4, figsize=(WIDTH, 2.3), layout="constrained")
    push = GRAVITY * dt / basins.CELL
    # The scales of elevation and velocity make the exact slopes.
    scale = (1.0 - THETA) * push / scores.VELOCITY_RATIO
    panels = (("face depth", net.face_depth, 0.5), ("slope", net.slope, scale))
    for axis, (title, layer, exact) in zip(axes[:2], panels, strict=True):
        kernel = layer.kernel().detach()
        limit = float(kernel.abs().max())
        axis.imshow(kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
        for (y, x), value in zip(
            ((y, x) for y in range(3) for x in range(4)), kernel.flatten(), strict=True
        ):
            axis.text(x, y, f"{float(value):.2f}", ha="center", va="center", fontsize=6)
        axis.set(xticks=[], yticks=[])
        axis.grid(visible=False)
        axis.set_title(f"{title}\n(exact: {exact:.2f} beside the face)", fontsize=7)
    kernel = net.carried.weight.detach()
    axes[2].imshow(kernel, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    axes[2].set(xticks=[], yticks=[])
    axes[2].grid(visible=False)
    axes[2].set_title("carried velocity\n(exact: 1 and viscosity)", fontsize=7)
    for k, (name, errors) in enumerate(curves.items()):
        hours = torch.arange(1, len(errors) + 1) * dt / 3600
        axes[3].semilogy(hours, errors, color=COLOURS[k], ls=STYLES[k], label=name)
    axes[3].set(xlabel="lead time [h]", ylabel="error over size of truth")
    axes[3].legend(fontsize=6)
    figure.savefig(path, dpi=110)


def draw_training(dt: float, path: Path) -> None:
    """Draw what validation said over processor time: single steps, then four in a row."""
    curves = {
        name: recipes.HERE / f"curve_{name}_{dt:.0f}.csv"
        for name in EXPLICIT
        if (recipes.HERE / f"curve_{name}_{dt:.0f}.csv").exists()
    }
    if not curves:
        return
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.4), layout="constrained")
    for k, (name, file) in enumerate(curves.items()):
        steps, minutes, errors = np.loadtxt(file, delimiter=",", ndmin=2).T
        for axis, length in zip(axes, (1, recipes.ROLLOUT), strict=True):
            part = steps == length
            axis.semilogy(
                minutes[part], errors[part], color=COLOURS[k], ls=STYLES[k], label=name
            )
    for axis, title in zip(axes, ("one step", f"{recipes.ROLLOUT} steps"), strict=True):
        axis.set(xlabel="processor time [min]", ylabel=f"validation error, {title}")
    axes[0].legend(fontsize=6)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dt", type=float, default=1500.0)
    output = recipes.HERE.parent.parent / "docs" / "figures"
    parser.add_argument("--output", type=Path, default=output)
    given = parser.parse_args()
    n_steps = scores.SPIN_UP + round(HOURS * 3600 / given.dt)
    states, depth = basins.run(99, 1, SIZE, given.dt, n_steps)
    truth = states[scores.SPIN_UP :]
    size = truth[1:].square().mean((1, 2, 3, 4)).sqrt()
    curves = {}
    plt.rcParams.update(STYLE | {"axes.grid": False})
    for name in ("implicit", *EXPLICIT):
        model = loaded(name, given.dt)
        if model is None:
            continue
        found = forecast(model, states, depth)
        errors = (found - truth)[1:].square().mean((1, 2, 3, 4)).sqrt()
        curves[name] = errors / size
        if name == "implicit":
            net = model.step
            path = given.output / "swe_emulator_fields.png"
            draw_fields(truth, found, given.dt, path)
    draw_weights(net, curves, given.dt, given.output / "swe_emulator_weights.png")
    draw_training(given.dt, given.output / "swe_emulator_training.png")


if __name__ == "__main__":
    main()
