# SPDX-License-Identifier: MIT
"""Export the networks of the training tests, and what PyTorch makes of them."""

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

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


class Stepper(nn.Module):
    """A tendency of two variables, with dropout."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(2, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 2)
        )

    def forward(self, u: Tensor) -> Tensor:
        """Map u[batch, 2] to du/dt[batch, 2]."""
        return self.body(u)


class Weighted(nn.Module):
    """A loss of one's own: the second variable counts three times."""

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Map two states [batch, 2] to one number."""
        return ((prediction - target) ** 2 * torch.tensor([1.0, 3.0])).mean()


N_ROLLOUT, DT, N_TRAINED = 3, 0.25, 30
SCHEDULES: dict[str, Any] = {
    "step": lambda o: lr_scheduler.StepLR(o, 4, 0.5),
    "multi_step": lambda o: lr_scheduler.MultiStepLR(o, [3, 8], 0.25),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 10, 0.001),
    "warm_up": lambda o: lr_scheduler.SequentialLR(
        o,
        [
            lr_scheduler.LinearLR(o, 0.25, 1.0, 5),
            lr_scheduler.CosineAnnealingLR(o, 10, 0.001),
        ],
        [5],
    ),
}


def states() -> list[Tensor]:
    """Return the states 0.5 ** i * (1, -2) + (0, i / 8) that any language makes exactly."""
    start = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    drift = torch.tensor([[0.0, 0.125]], dtype=torch.float64)
    return [0.5**i * start + i * drift for i in range(N_ROLLOUT + 1)]


def rollout_losses(network: nn.Module) -> list[float]:
    """Train on one trajectory; return the loss of each step and of the average after."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    decay = torch.optim.swa_utils.get_ema_multi_avg_fn(0.75)
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=decay)
    average.update_parameters(network)

    def loss_of(model: nn.Module) -> Tensor:
        u, loss = states()[0], torch.zeros((), dtype=torch.float64)
        for target in states()[1:]:
            u = u + DT * model(u)
            loss = loss + nn.functional.mse_loss(u, target) / N_ROLLOUT
        return loss

    losses = []
    for _ in range(N_TRAINED):
        optimizer.zero_grad()
        loss = loss_of(network)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        average.update_parameters(network)
        losses.append(float(loss))
    return [*losses, float(loss_of(average))]


def rates_of(name: str) -> list[float]:
    """Return the learning rates that a schedule of PyTorch gives 20 steps."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = SCHEDULES[name](optimizer)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def plateau_rates(losses: list[float]) -> list[float]:
    """Return the rates after each of these validation losses."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=1, cooldown=1, min_lr=0.01
    )
    rates = []
    for loss in losses:
        schedule.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def write_numbers(path: Path, numbers: list[float]) -> None:
    """Write numbers so that they are read back to the bit."""
    path.write_text("".join(f"{number:.17g}\n" for number in numbers))


def export_steppers(folder: Path) -> None:
    """Write the networks of the trainer's tests and what PyTorch makes of them."""
    torch.manual_seed(2)
    plain = Stepper(0.0).double()
    torch.jit.script(plain).save(str(folder / "stepper.pt"))
    torch.jit.script(Stepper(0.2).double()).save(str(folder / "stepper_dropout.pt"))
    torch.jit.script(Weighted().double()).save(str(folder / "weighted.pt"))
    write_numbers(folder / "losses_rollout.txt", rollout_losses(plain))
    for name in SCHEDULES:
        write_numbers(folder / f"rates_{name}.txt", rates_of(name))
    losses = [4.0, 3.0, 3.0, 3.5, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0, *[2.0] * 20]
    write_numbers(folder / "plateau_losses.txt", losses)
    write_numbers(folder / "plateau_rates.txt", plateau_rates(losses))


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
    export_steppers(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
