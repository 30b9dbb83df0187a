# SPDX-License-Identifier: MIT
"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner, for small networks.

For a weight matrix W with gradient G, running means L of G G^T and R of G^T G; Q_L and Q_R
their eigenvectors, followed by one QR step every `every` steps. Adam acts on
Q_L^T G Q_R and its result is turned back. Vectors (biases) are taken by Adam as they are.
Directions in which inputs of a layer vary together are so told apart from those in which
they hardly vary, which is what a fit to a few digits needs.

Source: Vyas et al. (2024), "SOAP: Improving and Stabilizing Shampoo using Adam",
arXiv:2409.11321.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class Soap(Optimizer):
    """SOAP for matrices, Adam for the rest.

    Parameters
    ----------
    parameters : iterable of tensor
        What is trained; of two dimensions at most for SOAP, others are taken by Adam.
    lr : float
        Learning rate; three times that of Adam is usual.
    betas : tuple of float
        Memory of the gradient, and of its square and the preconditioner.
    eps : float
        Added to the root of the squares.
    every : int
        Steps between two updates of the eigenvectors.
    weight_decay : float
        Decoupled, as in AdamW.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 3e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        every: int = 10,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "every": every}
        super().__init__(parameters, defaults | {"weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # noqa: ANN401 (what the closure returns)
        """Take a step; return what `closure` returns, if there is one."""
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    _update(weights, weights.grad, self.state[weights], group)
        return value


def _update(
    weights: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
) -> None:
    """Change `weights`; the first gradient only sets the basis."""
    is_matrix = gradient.ndim == 2
    if not state:
        state["n"] = 0
        state["mean"] = torch.zeros_like(gradient)
        state["square"] = torch.zeros_like(gradient)
        if is_matrix:
            for side, moment in _moments(gradient).items():
                state[side] = moment
                state[f"q_{side}"] = torch.linalg.eigh(moment)[1]
            return
    state["n"] += 1
    first, second = group["betas"]
    state["mean"].lerp_(gradient, 1 - first)
    turned, mean = gradient, state["mean"]
    if is_matrix:
        left, right = state["q_left"], state["q_right"]
        turned, mean = (left.t() @ part @ right for part in (turned, mean))
    state["square"].mul_(second).addcmul_(turned, turned, value=1 - second)
    unbiased = (state["square"] / (1 - second ** state["n"])).sqrt_()
    step = mean / (1 - first ** state["n"]) / unbiased.add_(group["eps"])
    if is_matrix:
        step = left @ step @ right.t()
        for side, moment in _moments(gradient).items():
            state[side].lerp_(moment, 1 - second)
        if state["n"] == 1 or state["n"] % group["every"] == 0:
            _turn(state)
    weights.mul_(1 - group["lr"] * group["weight_decay"])
    weights.add_(step, alpha=-group["lr"])


def _moments(gradient: Tensor) -> dict[str, Tensor]:
    """Return G G^T and G^T G."""
    return {"left": gradient @ gradient.t(), "right": gradient.t() @ gradient}


def _turn(state: dict[str, Any]) -> None:
    """Improve the eigenvectors by one QR step; the squares follow their order."""
    for dim, side in enumerate(("left", "right")):
        basis, moment = state[f"q_{side}"], state[side]
        order = (basis.t() @ moment @ basis).diagonal().argsort(descending=True)
        state["square"] = state["square"].index_select(dim, order)
        state[f"q_{side}"] = torch.linalg.qr(moment @ basis[:, order])[0]
