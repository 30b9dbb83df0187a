# SPDX-License-Identifier: MIT
"""The semi-implicit step in numpy and scipy.sparse, as one would write it in Python.

The same equations, grid, friction and rotation as `fortran/shallow_water/step`, closed
boundaries only. Arrays are [y, x]; `u` stands on east faces, `v` on north faces, both at
the index of their western or southern cell. A ring of land closes the square.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg, spsolve

GRAVITY, CORIOLIS, DRAG = 9.81, 1.2e-4, 0.0025
MIN_DEPTH = 1e-5  # a face with less water is closed [m]


@dataclass
class State:
    """Elevation [m] and transports [m2 s-1]."""

    zeta: np.ndarray
    u: np.ndarray
    v: np.ndarray


def next_x(a: np.ndarray) -> np.ndarray:
    """Return the eastern neighbours; zero beyond the end."""
    out = np.zeros_like(a)
    out[:, :-1] = a[:, 1:]
    return out


def before_x(a: np.ndarray) -> np.ndarray:
    """Return the western neighbours."""
    out = np.zeros_like(a)
    out[:, 1:] = a[:, :-1]
    return out


def next_y(a: np.ndarray) -> np.ndarray:
    """Return the northern neighbours."""
    out = np.zeros_like(a)
    out[:-1] = a[1:]
    return out


def before_y(a: np.ndarray) -> np.ndarray:
    """Return the southern neighbours."""
    out = np.zeros_like(a)
    out[1:] = a[:-1]
    return out


class Basin:
    """A square of equal cells with what does not change in time."""

    def __init__(self, depth: np.ndarray, wet: np.ndarray, dx: float) -> None:
        self.depth, self.wet, self.dx = depth, wet, dx
        self.open_u = wet & next_x(wet)
        self.open_v = wet & next_y(wet)
        v, u = self.open_v.astype(float), self.open_u.astype(float)
        around_u = v + next_x(v) + before_y(v) + before_y(next_x(v))
        around_v = u + next_y(u) + before_x(u) + before_x(next_y(u))
        self.share_u = 1 / np.maximum(1, around_u)
        self.share_v = 1 / np.maximum(1, around_v)

    def step(self, state: State, dt: float, theta: float, solver: str) -> State:
        """Advance by one time step; `solver` is "cg" or "direct"."""
        zeta, u, v = state.zeta, state.u, state.v
        water = self.depth + zeta
        h_u, h_v = 0.5 * (water + next_x(water)), 0.5 * (water + next_y(water))
        h_u = np.where(self.open_u & (h_u >= MIN_DEPTH), h_u, 0)
        h_v = np.where(self.open_v & (h_v >= MIN_DEPTH), h_v, 0)
        slope_u = np.where(h_u > 0, (next_x(zeta) - zeta) / self.dx, 0)
        slope_v = np.where(h_v > 0, (next_y(zeta) - zeta) / self.dx, 0)
        root_u, root_v = np.sqrt(h_u), np.sqrt(h_v)
        scaled_u = u / np.where(h_u > 0, root_u, 1)
        scaled_v = v / np.where(h_v > 0, root_v, 1)

        south = scaled_v + before_y(scaled_v)
        across_u = root_u * 0.25 * (south + next_x(south))
        west = scaled_u + before_x(scaled_u)
        across_v = root_v * 0.25 * (west + next_y(west))
        south = slope_v + before_y(slope_v)
        cross_u = self.share_u * (south + next_x(south))
        west = slope_u + before_x(slope_u)
        cross_v = self.share_v * (west + next_y(west))

        friction_u = friction(u, across_u, h_u, dt)
        friction_v = friction(v, across_v, h_v, dt)
        turn = CORIOLIS * dt
        frozen = GRAVITY * (1 - np.cos(turn)) / CORIOLIS
        pressure = (1 - theta) * GRAVITY * dt
        star_u = friction_u * (
            np.cos(turn) * u
            + np.sin(turn) * across_u
            - h_u * (frozen * cross_u + pressure * slope_u)
        )
        star_v = friction_v * (
            np.cos(turn) * v
            - np.sin(turn) * across_v
            + h_v * (frozen * cross_v - pressure * slope_v)
        )

        mixed_u, mixed_v = (
            (1 - theta) * u + theta * star_u,
            (1 - theta) * v + theta * star_v,
        )
        outflow = self.dx * (mixed_u - before_x(mixed_u) + mixed_v - before_y(mixed_v))
        b = self.dx**2 * zeta - dt * outflow
        factor = (theta * dt) ** 2 * GRAVITY
        z = self.solve(
            factor * h_u * friction_u, factor * h_v * friction_v, b, zeta, solver
        )

        back = theta * GRAVITY * dt / self.dx
        u_new = star_u - back * h_u * friction_u * (next_x(z) - z)
        v_new = star_v - back * h_v * friction_v * (next_y(z) - z)
        u_mean, v_mean = (1 - theta) * u + theta * u_new, (1 - theta) * v + theta * v_new
        outflow = u_mean - before_x(u_mean) + v_mean - before_y(v_mean)
        return State(zeta - dt / self.dx * outflow, u_new, v_new)

    def solve(
        self,
        east: np.ndarray,
        north: np.ndarray,
        b: np.ndarray,
        guess: np.ndarray,
        name: str,
    ) -> np.ndarray:
        """Solve the five-point system for the new elevation."""
        area = self.dx**2
        diagonal = area + east + before_x(east) + north + before_y(north)
        nx = b.shape[1]
        bands = [diagonal.ravel(), -east.ravel()[:-1], -north.ravel()[:-nx]]
        matrix = sparse.diags_array(
            [bands[0], bands[1], bands[1], bands[2], bands[2]], offsets=[0, 1, -1, nx, -nx]
        )
        if name == "direct":
            return np.asarray(spsolve(matrix.tocsc(), b.ravel())).reshape(b.shape)
        # RMS residual of 1e-5 m; Fortran asks the largest one to be that small.
        inverse = LinearOperator(matrix.shape, lambda r: r / bands[0])
        tolerance = 1e-5 * area * np.sqrt(b.size)
        z, failed = cg(
            matrix.tocsr(), b.ravel(), guess.ravel(), rtol=0, atol=tolerance, M=inverse
        )
        if failed:
            raise RuntimeError("scipy's cg did not converge")
        return np.asarray(z).reshape(b.shape)


def friction(along: np.ndarray, across: np.ndarray, h: np.ndarray, dt: float) -> np.ndarray:
    """Return F of a direction, zero where there is no water."""
    speed = np.sqrt(along**2 + across**2)
    return np.where(h > 0, h**2 / np.where(h > 0, h**2 + dt * DRAG * speed, 1), 0)


def case(n: int, dx: float = 5000.0) -> tuple[Basin, State]:
    """Return the case of `bench_shallow_water plain_peer`."""
    i, j = np.arange(1, n + 1)[None, :], np.arange(1, n + 1)[:, None]
    wet = (np.minimum(i, j) > 1) & (np.maximum(i, j) < n)
    depth = 50 * (1 + 0.4 * np.sin(0.11 * i) * np.cos(0.07 * j))
    hump = np.exp(-((i - 0.3 * n) ** 2 + (j - 0.4 * n) ** 2) / (0.1 * n) ** 2)
    rest = np.zeros((n, n))
    return Basin(depth, wet, dx), State(np.where(wet, hump, 0), rest, rest.copy())
