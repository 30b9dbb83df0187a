# SPDX-License-Identifier: MIT
"""Convolutions on the C grid that commute with rotations and mirrors of the square.

A symmetry g moves cells, and turns vectors with them: an east face's component becomes a
north face's, or changes its sign. Features of a group network are one field per element,

    f_g = (g K) * s        from scalars at centres and vector components on faces
    f'_g = sum over h of  (g K_(g^-1 h)) * f_h                       between features
    s = sum over g of f_g,   u = sum over g of (g K)_east * f_g      back to the grid

where g K is the kernel K moved (and turned) by g. A state moved by a symmetry moves the
features and permutes them, and moves the result: with any weights, to rounding.

Kernels are 3 x 3 between centres; between centres and faces 3 x 4 (east) and 4 x 3 (north),
so that a face lies in their middle: staggering needs no interpolation. Cohen and Welling
(2016), International Conference on Machine Learning. p4: four rotations; p4m: mirrors too.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.errors import ConfigurationError

from .shallow_water import open_faces, outflow
from .shallow_water_emulators import DEPTH_SCALE

GROUPS = {"p1": 1, "p4": 4, "p4m": 8}
"""Symmetries by name and their number; p1 has translations alone: a plain network."""

Vector = tuple[Tensor, Tensor]
"""Kernels [..., 3, 4] to or from east and [..., 4, 3] to or from north faces."""


def elements(group: str) -> list[str]:
    """Return the elements as words, read left to right: t is x <-> y, m is x -> -x.

    Raises
    ------
    ConfigurationError
        If the group is unknown.
    """
    if group not in GROUPS:
        raise ConfigurationError(f"'group' is '{group}', expected {', '.join(GROUPS)}")
    quarters = ["tm" * n for n in range(4 if group != "p1" else 1)]
    return quarters + [word + "m" for word in quarters if group == "p4m"]


def matrix(word: str) -> Tensor:
    """Return what a word does to (x, y) [2, 2]."""
    letters = {"t": [[0, 1], [1, 0]], "m": [[-1, 0], [0, 1]]}
    product = torch.eye(2, dtype=torch.int64)
    for letter in word:
        product = torch.tensor(letters[letter]) @ product
    return product


def quotients(group: str) -> Tensor:
    """Return the index of g^-1 h [g, h]."""
    matrices = [matrix(word) for word in elements(group)]
    return torch.tensor(
        [
            [
                next(k for k, m in enumerate(matrices) if torch.equal(m, g.T @ h))
                for h in matrices
            ]
            for g in matrices
        ]
    )


def moved(kernel: Tensor, word: str) -> Tensor:
    """Return a scalar's kernel moved by a word."""
    for letter in word:
        kernel = kernel.transpose(-1, -2) if letter == "t" else kernel.flip(-1)
    return kernel


def turned(kernel: Vector, word: str) -> Vector:
    """Return a vector's kernel moved and turned by a word."""
    east, north = kernel
    for letter in word:
        if letter == "t":
            east, north = north.transpose(-1, -2), east.transpose(-1, -2)
        else:
            east, north = -east.flip(-1), north.flip(-1)
    return east, north


def _random(*shape: int, fan_in: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape) / fan_in**0.5)


class Lifting(nn.Module):
    """From scalars at centres and one vector on faces to features.

    Parameters
    ----------
    group
        One of `GROUPS`.
    n_scalars, n_features
        Scalars in; features, each of one field per element.
    """

    def __init__(self, group: str, n_scalars: int, n_features: int) -> None:
        super().__init__()
        self.words = elements(group)
        fan_in = 9 * n_scalars + 24
        self.scalar = _random(n_features, n_scalars, 3, 3, fan_in=fan_in)
        self.east = _random(n_features, 1, 3, 4, fan_in=fan_in)
        self.north = _random(n_features, 1, 4, 3, fan_in=fan_in)
        self.bias = nn.Parameter(torch.zeros(n_features))

    def forward(self, scalars: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """Return features [member, element*feature, y, x].

        Parameters
        ----------
        scalars
            [member, scalar, y, x].
        u, v
            At the east and the north face of each cell [member, 1, y, x].
        """
        pairs = [turned((self.east, self.north), word) for word in self.words]
        kernel = torch.cat([moved(self.scalar, word) for word in self.words])
        east, north = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        bias = self.bias.repeat(len(self.words))
        lifted = functional.conv2d(scalars, kernel, bias, padding=1)
        # A cell's faces are its own and the one before it: two before, one after.
        lifted = lifted + functional.conv2d(functional.pad(u, [2, 1, 1, 1]), east)
        return lifted + functional.conv2d(functional.pad(v, [1, 1, 2, 1]), north)


class GroupConv(nn.Module):
    """From features to features, 3 x 3.

    Parameters
    ----------
    group
        One of `GROUPS`.
    n_in, n_out
        Features, each of one field per element.
    """

    def __init__(self, group: str, n_in: int, n_out: int) -> None:
        super().__init__()
        self.words, self.n_in = elements(group), n_in
        n = len(self.words)
        self.weight = _random(n_out, n, n_in, 3, 3, fan_in=9 * n * n_in)
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.quotients: Tensor
        self.register_buffer("quotients", quotients(group), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return features [member, element*feature, y, x] of the same."""
        rows = [
            moved(self.weight[:, self.quotients[g]].flatten(1, 2), word)
            for g, word in enumerate(self.words)
        ]
        bias = self.bias.repeat(len(self.words))
        return functional.conv2d(features, torch.cat(rows), bias, padding=1)


class ToScalar(nn.Module):
    """From features to scalars at centres: the sum over the elements."""

    def __init__(self, group: str, n_in: int, n_scalars: int) -> None:
        super().__init__()
        self.words = elements(group)
        fan_in = 9 * n_in * len(self.words)
        self.weight = _random(n_scalars, n_in, 3, 3, fan_in=fan_in)

    def forward(self, features: Tensor) -> Tensor:
        """Return [member, scalar, y, x]."""
        kernel = torch.cat([moved(self.weight, word) for word in self.words], 1)
        return functional.conv2d(features, kernel, padding=1)


class ToVector(nn.Module):
    """From features to the components of vectors on east and on north faces."""

    def __init__(self, group: str, n_in: int, n_vectors: int) -> None:
        super().__init__()
        self.words = elements(group)
        fan_in = 12 * n_in * len(self.words)
        self.east = _random(n_vectors, n_in, 3, 4, fan_in=fan_in)
        self.north = _random(n_vectors, n_in, 4, 3, fan_in=fan_in)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return components on east and on north faces [member, vector, y, x]."""
        pairs = [turned((self.east, self.north), word) for word in self.words]
        east, north = (torch.cat(parts, 1) for parts in zip(*pairs, strict=True))
        u = functional.conv2d(functional.pad(features, [1, 2, 1, 1]), east)
        return u, functional.conv2d(functional.pad(features, [1, 1, 1, 2]), north)


class GroupNet(nn.Module):
    """An explicit step of the shallow water fields, equivariant under a group.

    Lifting, group convolutions with skips, and a vector on faces; with p1 it is a plain
    convolutional net of the same form, to compare with.

    Parameters
    ----------
    group
        One of `GROUPS`.
    n_features
        Of each layer, each of one field per element.
    reach
        Receptive radius [cells], about.
    conserves
        Whether the elevation changes by what a second vector, a flux, brings through the
        faces; otherwise by a scalar.
    """

    def __init__(
        self, group: str, n_features: int, reach: int = 6, *, conserves: bool = False
    ) -> None:
        super().__init__()
        self.conserves = conserves
        self.lifting = Lifting(group, 3, n_features)
        sizes = pairwise([n_features] * (reach - 1))
        self.layers = nn.ModuleList(GroupConv(group, *pair) for pair in sizes)
        self.vector = ToVector(group, n_features, 2 if conserves else 1)
        self.scalar = None if conserves else ToScalar(group, n_features, 1)
        with torch.no_grad():  # a first step that hardly moves
            for weight in [*self.vector.parameters(), *self._scalar_weights()]:
                weight.mul_(0.1)

    def _scalar_weights(self) -> list[nn.Parameter]:
        return [] if self.scalar is None else list(self.scalar.parameters())

    def forward(self, state: Tensor, depth: Tensor) -> Tensor:
        """Return the state one step later [member, field, y, x]; depth [member, y, x]."""
        wet = (depth > 0.0).to(state.dtype)
        is_open = open_faces(wet)
        zeta, u, v = state.unbind(-3)
        scalars = torch.stack([zeta, wet * depth / DEPTH_SCALE, wet], -3)
        x = functional.silu(self.lifting(scalars, u.unsqueeze(-3), v.unsqueeze(-3)))
        for layer in self.layers:
            x = x + functional.silu(layer(x))
        east, north = self.vector(x)
        new_u = is_open.east * (u + east[:, 0])
        new_v = is_open.north * (v + north[:, 0])
        if self.scalar is None:
            gain = outflow(is_open.east * east[:, 1], is_open.north * north[:, 1])
        else:
            gain = self.scalar(x)[:, 0]
        return torch.stack([wet * (zeta + gain), new_u, new_v], -3)
