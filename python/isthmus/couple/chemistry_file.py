# SPDX-License-Identifier: MIT
"""Write a network step of chemistry for the kernel in Fortran, `chemistry_network.f90`.

The file is netCDF: layers into which standardization and scales are folded, limits,
conserved sums, and steps made here that the kernel makes again when it is loaded.
"""

from pathlib import Path
from typing import Final

import netCDF4
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from isthmus.contract import Guard
from isthmus.errors import ExportError
from isthmus.models import Mechanism
from isthmus.nets.chemistry import FARTHEST, ChemistryStep

Array = NDArray[np.float64]

MOST_HIDDEN: Final = 9
VARIABLES: Final = {
    "dt": ("one",),
    "floor": ("species",),
    "typical": ("species",),
    "log_low": ("species",),
    "log_high": ("species",),
    "y_low": ("species",),
    "y_high": ("species",),
    "weight_skip": ("species", "source"),
    "bias_last": ("species",),
    "light_first": ("hidden_1", "node"),
    "light_last": ("species", "node"),
    "invariants": ("family", "species"),
    "example_y": ("example", "species"),
    "example_next": ("example", "species"),
    "example_light": ("example", "node"),
}


def write_step(
    step: ChemistryStep,
    path: Path,
    *,
    mechanism: Mechanism,
    guard: Guard,
    examples: tuple[Array, Array],
) -> None:
    """Write a trained step as netCDF.

    Parameters
    ----------
    guard
        Limits of the input "y".
    examples
        Concentrations [example, species] and light [example, n_light].

    Raises
    ------
    ExportError
        If the kernel has no such network: it knows "hardswish", up to nine hidden layers.
    """
    linears, dims = _layers(step)
    values = _folded(step, linears)
    n = len(step.floor)
    values["dt"] = np.array([step.dt])
    values["y_low"], values["y_high"] = _limits(guard, n)
    families = step.projection.own + step.projection.shared
    if step.projection.n_families:
        values["invariants"] = families.numpy()
    y, light = examples
    with torch.no_grad():
        following = step(torch.from_numpy(y), torch.from_numpy(light)).numpy()
    values |= {"example_y": y, "example_next": following}
    if step.n_light:
        values["example_light"] = light
    with netCDF4.Dataset(path, "w") as file:
        for name, array in values.items():
            shape = dims.get(name, VARIABLES.get(name, ()))
            for dimension, extent in zip(shape, array.shape, strict=True):
                if dimension not in file.dimensions:
                    file.createDimension(dimension, extent)
            file.createVariable(name, "f8", shape)[:] = array
        file["floor"].setncatts(
            {
                "mechanism": mechanism.name,
                "species_names": " ".join(mechanism.species),
                "units": mechanism.unit,
                "activation": "hardswish",
            }
        )


def _layers(step: ChemistryStep) -> tuple[list[nn.Linear], dict[str, tuple[str, str]]]:
    """Return the dense layers, and the dimensions of their variables."""
    linears = [layer for layer in step.net if isinstance(layer, nn.Linear)]
    others = [layer for layer in step.net if not isinstance(layer, nn.Linear)]
    if not all(isinstance(layer, nn.Hardswish) for layer in others):
        raise ExportError(
            f"activation {type(others[0]).__name__}, expected Hardswish: the kernel in "
            "Fortran knows no other; train with it, or export as .pt"
        )
    if not 1 < len(linears) <= MOST_HIDDEN + 1:
        raise ExportError(
            f"{len(linears) - 1} hidden layers, expected 1 to {MOST_HIDDEN} for .nc"
        )
    dims: dict[str, tuple[str, ...]] = {}
    before = "species"
    for k in range(1, len(linears)):
        dims[f"weight_{k}"] = (f"hidden_{k}", before)
        dims[f"bias_{k}"] = (f"hidden_{k}",)
        before = f"hidden_{k}"
    dims["weight_last"] = ("species", before)
    return linears, dims  # type: ignore[return-value]


def _folded(step: ChemistryStep, linears: list[nn.Linear]) -> dict[str, Array]:
    """Return layers that read log((y + floor)/typical) and light as they are."""
    n = len(step.floor)
    sd, scale = step.sd.numpy(), step.scale.numpy()

    def parts(linear: nn.Linear, factor: Array) -> tuple[Array, Array, Array]:
        weight = factor[:, None] * linear.weight.detach().double().numpy()
        bias = factor * linear.bias.detach().double().numpy()
        light = weight[:, n:] / step.light_sd.numpy()
        return weight[:, :n] / sd, light, bias - light @ step.light_mean.numpy()

    first, first_light, first_bias = parts(linears[0], np.ones(linears[0].out_features))
    skip, last_light, skip_bias = parts(step.linear, np.ones(n))
    values = {
        "floor": step.floor.numpy(),
        "typical": np.exp(step.mean.numpy()),
        "log_low": -FARTHEST * sd,
        "log_high": FARTHEST * sd,
        "weight_1": first,
        "bias_1": first_bias,
        "weight_skip": skip,
    }
    if step.n_light:
        values |= {"light_first": first_light, "light_last": last_light}
    for k, linear in enumerate(linears[1:-1], start=2):
        values[f"weight_{k}"] = linear.weight.detach().double().numpy()
        values[f"bias_{k}"] = linear.bias.detach().double().numpy()
    last = linears[-1]
    values["weight_last"] = scale[:, None] * last.weight.detach().double().numpy()
    values["bias_last"] = skip_bias + scale * last.bias.detach().double().numpy()
    return values


def _limits(guard: Guard, n: int) -> tuple[Array, Array]:
    """Return the lowest and highest concentration [species] the guard lets pass."""
    limits = guard.inputs["y"]
    low = np.broadcast_to(np.asarray(limits.low, np.float64), n)
    high = np.broadcast_to(np.asarray(limits.high, np.float64), n)
    return low, high
