# SPDX-License-Identifier: MIT
"""The main job, step by step. Each step keeps its result; a second run goes on from it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from isthmus.couple.lorenz96 import Trial, judge_networks
from isthmus.couple.lorenz96_export import export_closure, export_stepper
from isthmus.couple.report import write_report
from isthmus.couple.stability import StabilityReport
from isthmus.nets import PolynomialClosure, Rk4Step

from . import parity, pictures
from .training import train_closures, train_emulators
from .truth import Truth, simulate_truth

ONE_LEVEL_DT, TWO_LEVEL_DT = 0.05, 0.01
SPOILT_FACTOR = 0.5  # of the tendency of a good closure: on purpose wrong

Update = Callable[[str, float], None]
Bars = Callable[[], AbstractContextManager[Update]]


@dataclass(frozen=True)
class DemoSettings:
    """How much of everything.

    Attributes
    ----------
    train_members
        Trajectories of each model to train on.
    closure_epochs, emulator_epochs
        Longest trainings.
    n_rollout
        Steps of the closures' rollouts.
    members, closure_steps
        Of the long runs with a closure.
    stepper_members, stepper_steps
        Of the long runs with an emulator.
    """

    train_members: int = 8
    closure_epochs: int = 20
    emulator_epochs: int = 10
    n_rollout: int = 10
    members: int = 100
    closure_steps: int = 40_000
    stepper_members: int = 64
    stepper_steps: int = 2_000


@dataclass(frozen=True)
class DemoResult:
    """What the demo leaves behind."""

    closures: StabilityReport
    emulators: StabilityReport
    parity: dict[str, float]
    pages: list[Path]
    pictures: list[Path]


@contextmanager
def _silent() -> Iterator[Update]:
    """Offer bars that show nothing."""
    yield lambda name, share: None


def run_demo(
    directory: Path, settings: DemoSettings | None = None, *, bars: Bars = _silent
) -> DemoResult:
    """Simulate, train, export, couple, judge and draw.

    Parameters
    ----------
    directory
        Where everything goes.
    settings
        How much of everything.
    bars
        Opens progress bars for one part of the job.

    Raises
    ------
    IsthmusError
        The first failure of any step; what was finished before it is kept.
    """
    settings = settings or DemoSettings()
    with bars() as update:
        update("simulate truth in Fortran", 0.0)
        truth = simulate_truth(
            directory / "truth",
            one_level_dt=ONE_LEVEL_DT,
            two_level_dt=TWO_LEVEL_DT,
            n_members=settings.train_members,
        )
        update("simulate truth in Fortran", 1.0)
    closures = train_closures(
        truth.two_level,
        directory / "training",
        n_rollout=settings.n_rollout,
        epochs=settings.closure_epochs,
    )
    emulators = train_emulators(
        truth.one_level, directory / "training", epochs=settings.emulator_epochs
    )
    with bars() as update:
        files = _export(closures, emulators, truth, directory / "networks", update)
    differences = parity.compare(closures, emulators, files, truth, directory / "parity")
    with bars() as update:
        judged_closures = _judge_closures(
            {name: files[name] for name in [*closures, "spoilt"]},
            settings,
            directory / "closures",
            _polynomial(truth),
            update,
        )
    with bars() as update:
        judged_emulators = _judge_emulators(
            {name: files[name] for name in emulators},
            settings,
            directory / "emulators",
            update,
        )
    pages = [
        write_report(judged_closures, directory / "closures"),
        write_report(judged_emulators, directory / "emulators"),
    ]
    drawn = pictures.draw_all(
        judged_closures, judged_emulators, emulators, truth, directory / "figures"
    )
    return DemoResult(judged_closures, judged_emulators, differences, pages, drawn)


def _export(
    closures: dict[str, nn.Module],
    emulators: dict[str, Rk4Step],
    truth: Truth,
    folder: Path,
    update: Update,
) -> dict[str, Path]:
    """Export every network; the bilinear emulator compiled, the others as TorchScript."""
    files: dict[str, Path] = {}
    jobs = {**closures, "spoilt": _spoilt(closures["rollout"]), **emulators}
    for name, network in jobs.items():
        update(f"export and check: {name}", 0.0)
        suffix = ".pt2" if name == "bilinear" else ".pt"
        files[name] = folder / f"{name.replace(' ', '_')}{suffix}"
        if isinstance(network, Rk4Step):
            export_stepper(
                network, files[name], truth.one_level[0], description=f"{name} emulator"
            )
        else:
            export_closure(
                network, files[name], truth.two_level[0], description=f"{name} closure"
            )
        update(f"export and check: {name}", 1.0)
    return files


def _spoilt(closure: nn.Module) -> nn.Module:
    """Return a closure of half the strength: the report must see it."""
    return nn.Sequential(closure, _Scale(SPOILT_FACTOR))


class _Scale(nn.Module):
    """Multiply by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` times the factor."""
        return self.factor * x


def _polynomial(truth: Truth) -> list[float]:
    """Return the coefficients of the regression of Wilks, the baseline."""
    train = truth.two_level[0]
    fitted = PolynomialClosure.fitted(
        torch.from_numpy(train["x"]), torch.from_numpy(train["coupling"])
    )
    return [float(value) for value in fitted.coefficients]


def _judge_closures(
    files: dict[str, Path],
    settings: DemoSettings,
    folder: Path,
    coefficients: list[float],
    update: Update,
) -> StabilityReport:
    """Judge the closures against the two-level model; the polynomial beside them."""
    trial = Trial(
        role="closure",
        dt=TWO_LEVEL_DT,
        n_steps=settings.closure_steps,
        n_members=settings.members,
        chunk_steps=settings.closure_steps // 4,
    )
    polynomial = {"closure": {"kind": "polynomial", "coefficients": coefficients}}
    return judge_networks(
        files,
        trial,
        folder,
        extra_schemes={"polynomial": polynomial},
        on_progress=update,
    )


def _judge_emulators(
    files: dict[str, Path], settings: DemoSettings, folder: Path, update: Update
) -> StabilityReport:
    """Judge the emulators against the one-level model they replace."""
    trial = Trial(
        role="stepper",
        dt=ONE_LEVEL_DT,
        output_every=2,
        n_steps=settings.stepper_steps,
        n_members=settings.stepper_members,
        chunk_steps=settings.stepper_steps // 4,
        forecast_steps=200,
        spin_up_steps=200,
    )
    return judge_networks(files, trial, folder, on_progress=update)
