# SPDX-License-Identifier: MIT
"""Judge networks inside the Fortran Lorenz-96 model: long runs, forecasts, one report.

A closure network is judged against the two-level model, with the one-level model without
network as control. A stepper network is judged against the one-level model it replaces.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from isthmus.contract import read_contract
from isthmus.couple.campaign import CampaignConfig, Scheme, SchemeResult, run_campaign
from isthmus.couple.criteria import Criteria
from isthmus.couple.request import Request, check_model_files
from isthmus.couple.stability import Run, StabilityReport, assess_stability
from isthmus.errors import ConfigurationError

SIMULATE = "isthmus-lorenz96"
COUPLE = "isthmus-lorenz96-coupled"
ROLES = ("closure", "stepper")
TWO_LEVEL = {"n_sites": 36, "n_fast": 10, "forcing": 10.0, "h": 1.0, "c": 10.0, "b": 10.0}
ONE_LEVEL = {"n_sites": 40, "forcing": 8.0}
# Leading Lyapunov exponents of the references [1 / time unit]; the one-level value is 1.66
# in the literature and in docs/results, the two-level one is of the slow error growth.
LYAPUNOV_EXPONENT = {"closure": None, "stepper": 1.66}

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Trial:
    """How long, how many, how often.

    Attributes
    ----------
    role
        "closure" or "stepper": what the networks stand for.
    scheme
        Of the closure: "held" or "every_stage".
    dt, output_every
        Time step [1], steps between outputs.
    n_steps, n_members
        Of the long runs.
    chunk_steps
        Steps between restart files.
    spin_up_steps
        Before the long runs begin.
    forecast_members, forecast_steps
        Of the forecasts from the reference's states.
    seed
        Of the initial states.
    device
        Where the networks run.
    n_parallel
        Runs at the same time, each on one thread; all cores if not given.
    model
        Parameters of the reference model that differ from the defaults.
    """

    role: str = "closure"
    scheme: str = "held"
    dt: float = 0.01
    n_steps: int = 100_000
    n_members: int = 100
    output_every: int = 10
    chunk_steps: int = 10_000
    spin_up_steps: int = 1000
    forecast_members: int = 200
    forecast_steps: int = 500
    seed: int = 11
    device: str = "cpu"
    n_parallel: int = field(default_factory=lambda: os.cpu_count() or 1)
    model: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown role."""
        if self.role not in ROLES:
            raise ConfigurationError(
                f"role '{self.role}', expected one of {', '.join(ROLES)}"
            )

    @property
    def reference_model(self) -> dict[str, Any]:
        """Group `&model` of the reference."""
        defaults: dict[str, Any] = TWO_LEVEL if self.role == "closure" else ONE_LEVEL
        levels = 2 if self.role == "closure" else 1
        return {"levels": levels, **defaults, **self.model}

    @property
    def resolved_model(self) -> dict[str, Any]:
        """Group `&model` of the runs with a network, or without."""
        reference = self.reference_model
        return {"levels": 1, **{key: reference[key] for key in ("n_sites", "forcing")}}


def judge_networks(
    networks: Mapping[str, Path],
    trial: Trial,
    directory: Path,
    *,
    extra_schemes: Mapping[str, Mapping[str, Any]] | None = None,
    criteria: Criteria | None = None,
    on_progress: Progress | None = None,
) -> StabilityReport:
    """Run networks long and far inside the Fortran model, and judge them.

    Parameters
    ----------
    networks
        Model files by the name they have in the report.
    trial
        What to run.
    directory
        Folder of the runs. A second call goes on where the first was interrupted.
    extra_schemes
        Candidates without a network: groups of the namelist by name, e.g.
        `{"linear": {"closure": {"kind": "linear", "coefficients": [-0.2, -0.31]}}}`.
    criteria
        Thresholds of the verdicts.
    on_progress
        Called with the name of a run and the share of it that is done.

    Raises
    ------
    ConfigurationError
        If there is nothing to judge or `directory` holds other runs.
    ModelRunError
        If a program fails otherwise than by a blow-up.
    """
    reference = Scheme("reference", SIMULATE, {"model": trial.reference_model})
    candidates = [
        *(_network_scheme(name, path, trial) for name, path in networks.items()),
        *(
            _plain_scheme(name, groups, trial)
            for name, groups in (extra_schemes or {}).items()
        ),
    ]
    if not candidates:
        raise ConfigurationError("stability: no network given, at least one expected")
    controls = [_plain_scheme("no closure", {}, trial)] if trial.role == "closure" else []
    schemes = (reference, *controls, *candidates)

    long_runs = _config(schemes, trial)
    results = run_campaign(
        long_runs, directory / "long", on_progress=on_progress, n_parallel=trial.n_parallel
    )
    truth, forecasts = _forecast(reference, [*controls, *candidates], trial, directory)
    runs = {
        name: _to_run(result, long_runs, directory, forecasts.get(name, ()))
        for name, result in results.items()
    }
    return assess_stability(
        runs["reference"],
        [runs[scheme.name] for scheme in candidates],
        control=runs["no closure"] if controls else None,
        truth_for_forecasts=truth,
        training_range=_training_range(networks),
        lyapunov_exponent=LYAPUNOV_EXPONENT[trial.role],
        criteria=criteria,
        metadata=_metadata(networks, trial),
        on_progress=(lambda name, share: on_progress(f"read {name}", share))
        if on_progress
        else None,
    )


def judge_request(
    networks: Mapping[str, Path], request: Request, directory: Path, on_progress: Progress
) -> StabilityReport:
    """Judge networks as `isthmus stability` asks: see `systems`."""
    asked = request.asked()
    if "n_crowd" in asked:
        raise ConfigurationError("lorenz96: 'crowd' is for driven systems: use members")
    unknown = set(request.options) - {"role", "scheme", "device"}
    if unknown:
        raise ConfigurationError(f"lorenz96: unknown option '{unknown.pop()}'")
    trial = Trial(**{**asked, **request.options})
    check_model_files(networks)
    tenth = max(1, round(trial.n_steps / 10 / trial.output_every)) * trial.output_every
    trial = replace(trial, chunk_steps=tenth)
    return judge_networks(networks, trial, directory, on_progress=on_progress)


def _network_scheme(name: str, path: Path, trial: Trial) -> Scheme:
    """Return the scheme of a network in its slot."""
    groups: dict[str, dict[str, Any]] = {
        "model": trial.resolved_model,
        "coupling": {"network": path, "role": trial.role, "device": trial.device},
    }
    if trial.role == "closure":
        groups["closure"] = {"scheme": trial.scheme}
    return Scheme(name, COUPLE, groups)


def _plain_scheme(name: str, groups: Mapping[str, Any], trial: Trial) -> Scheme:
    """Return the scheme of the resolved model without a network."""
    return Scheme(name, SIMULATE, {"model": trial.resolved_model, **groups})


def _config(schemes: tuple[Scheme, ...], trial: Trial) -> CampaignConfig:
    """Return the campaign of the long runs."""
    return CampaignConfig(
        schemes=schemes,
        dt=trial.dt,
        n_steps=trial.n_steps,
        n_members=trial.n_members,
        chunk_steps=min(trial.chunk_steps, trial.n_steps),
        output_every=trial.output_every,
        spin_up_steps=trial.spin_up_steps,
        seed=trial.seed,
    )


def _forecast(
    reference: Scheme, others: list[Scheme], trial: Trial, directory: Path
) -> tuple[list[Path], dict[str, tuple[Path, ...]]]:
    """Run the truth of the forecasts, then every scheme from the truth's first states."""
    shared = replace(
        _config((reference,), trial),
        n_steps=trial.forecast_steps,
        n_members=trial.forecast_members,
        chunk_steps=trial.forecast_steps,
        seed=trial.seed + 1,
        precision="float64",
    )
    folder = directory / "forecast"
    truth = run_campaign(shared, folder / "truth")["reference"]
    truth_files = [folder / "truth" / name for name in truth.files]
    config = replace(
        shared,
        schemes=tuple(others),
        spin_up_steps=0,
        initial=truth_files[0],
        initial_record=1,
    )
    results = run_campaign(config, folder / "schemes", n_parallel=trial.n_parallel)
    files = {
        name: tuple(folder / "schemes" / file for file in result.files)
        for name, result in results.items()
    }
    return truth_files, files


def _to_run(
    result: SchemeResult,
    config: CampaignConfig,
    directory: Path,
    forecasts: tuple[Path, ...],
) -> Run:
    """Return a result as a run with its forecasts."""
    run = result.to_run(config, directory / "long")
    return replace(run, forecasts=forecasts)


def _training_range(networks: Mapping[str, Path]) -> tuple[float, float] | None:
    """Return the range that all networks have seen in training, if their contracts say."""
    ranges = []
    for path in networks.values():
        contract = read_contract(path)
        state = contract.variables[contract.methods["forward"].inputs[0]]
        if state.training_range is not None:
            ranges.append(state.training_range)
    if not ranges:
        return None
    return max(low for low, _ in ranges), min(high for _, high in ranges)


def _metadata(networks: Mapping[str, Path], trial: Trial) -> dict[str, Any]:
    """Return what the report says about itself."""
    return {
        "model": "Lorenz-96, "
        + ", ".join(f"{k}={v}" for k, v in trial.reference_model.items()),
        "trial": ", ".join(f"{k}={v}" for k, v in vars(trial).items() if k != "model"),
        **{f"network {name}": str(path) for name, path in networks.items()},
    }
