# SPDX-License-Identifier: MIT
"""Export the networks of the training tests, and what PyTorch makes of them."""

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

N_STEPS = 20
OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "adam": (torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.01, "amsgrad": True}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01}),
    "lbfgs": (torch.optim.LBFGS, {"lr": 0.5, "max_iter": 4, "history_size": 5}),
}

# Ways to evaluate the same step, and the opposite sign.
NOT_OFFERED = [
    "lr",
    "maximize",
    "foreach",
    "capturable",
    "differentiable",
    "fused",
    "decoupled_weight_decay",
]


class Perceptron(nn.Module):
    """A small network in double precision, with a method besides forward."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.last = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map x[batch, 3] to y[batch, 2]."""
        return self.last(torch.tanh(self.first(x)))

    @torch.jit.export
    def parts(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return x and its two parts, nested."""
        return x, (x + 1.0, x * 2.0)


def samples() -> tuple[Tensor, Tensor]:
    """Return inputs [6, 3] and targets [6, 2] that any language can make exactly."""
    x = torch.arange(18, dtype=torch.float64).reshape(6, 3) / 16.0 - 0.5
    return x, torch.stack((x[:, 0] * x[:, 1], x[:, 2] ** 2), dim=1)


def losses_of(network: nn.Module, name: str) -> list[float]:
    """Train a network by an optimizer of PyTorch; return the loss of each step."""
    kind, options = OPTIMIZERS[name]
    optimizer = kind(network.parameters(), **options)
    x, y = samples()

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(network(x), y)
        loss.backward()
        return loss

    return [float(optimizer.step(closure)) for _ in range(N_STEPS)]


def settings_of(defaults: dict[str, Any]) -> str:
    """Write defaults of PyTorch as the bridge names them."""
    named = {"learning_rate": defaults["lr"]}
    for key, value in defaults.items():
        if key == "betas":
            named["beta1"], named["beta2"] = value
        elif key not in NOT_OFFERED:
            named[key] = value
    if "line_search_fn" in named:
        named.pop("line_search_fn")
        return " ".join(f"{key}={value:.17g}" for key, value in named.items()) + (
            f" line_search={str(defaults['line_search_fn']).lower()}"
        )
    return " ".join(f"{key}={value:.17g}" for key, value in named.items())


def main(folder: Path) -> None:
    """Write the network, the losses and the defaults of PyTorch."""
    warnings.simplefilter("ignore")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    start = Perceptron().double()
    torch.jit.script(start).save(str(folder / "perceptron.pt"))
    for name, (kind, _) in OPTIMIZERS.items():
        defaults = settings_of(kind([nn.Parameter(torch.zeros(1))]).defaults)
        (folder / f"defaults_{name}.txt").write_text(defaults + "\n")
    for name in OPTIMIZERS:
        network = Perceptron().double()
        network.load_state_dict(start.state_dict())
        lines = [f"{loss:.17g}" for loss in losses_of(network, name)]
        (folder / f"losses_{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
