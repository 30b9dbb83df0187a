# SPDX-License-Identifier: MIT
"""How far a campaign has come, kept in a file so that it can go on later."""

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.couple.assessment import Run
from isthmus.couple.campaign_config import CampaignConfig, Scheme
from isthmus.errors import ConfigurationError

STATE_FILE = "campaign.json"
LOCK_FILE = "campaign.lock"


@dataclass
class SchemeResult:
    """How far a scheme has come.

    Attributes
    ----------
    files
        Trajectory files in order of time, relative to the campaign's directory.
    restart
        Restart file at the end of the last complete chunk.
    steps_done
        Steps behind it.
    failure
        The program's last sentence if it stopped on a blow-up.
    seconds
        Machine time (wall clock) of all chunks.
    """

    name: str
    identity: str
    files: list[str] = field(default_factory=list)
    restart: str | None = None
    steps_done: int = 0
    failure: str | None = None
    seconds: float = 0.0

    def to_run(self, config: CampaignConfig, directory: Path, **provenance: object) -> Run:
        """Return it as a run to be judged by `assess_stability`."""
        scheme = next(s for s in config.schemes if s.name == self.name)
        told = {
            "program": scheme.program,
            "namelist": json.dumps(scheme.namelist, default=str),
            "machine time": f"{self.seconds:.1f} s",
            "steps done": f"{self.steps_done:,} of {config.n_steps:,}",
            **provenance,
        }
        return Run(
            name=self.name,
            files=tuple(directory / name for name in self.files),
            failure=self.failure,
            planned_end=config.n_steps * config.dt,
            provenance=told,
        )


def _identity(config: CampaignConfig, scheme: Scheme) -> str:
    """Return a digest of all that decides the numbers of a scheme, its length left out."""
    shared = {
        key: value
        for key, value in vars(config).items()
        if key not in ("schemes", "n_steps", "dialect")
    }
    settings = {"program": scheme.program, "namelist": scheme.namelist, "shared": shared}
    text = json.dumps(settings, sort_keys=True, default=_content)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(value: object) -> str:
    """Return what stands for a value in the digest: the content of a file, for a path."""
    if isinstance(value, Path):
        if not value.is_file():
            raise ConfigurationError(f"campaign: '{value}' not found")
        return hashlib.sha256(value.read_bytes()).hexdigest()
    return str(value)


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Keep other processes from running a campaign in the same directory.

    The lock ends with the process, however that ends.

    Raises
    ------
    ConfigurationError
        If another process holds it.
    """
    with (directory / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"another process is running the campaign in '{directory}'"
            ) from error
        yield


def read_state(config: CampaignConfig, directory: Path) -> dict[str, SchemeResult]:
    """Return where the campaign stands, checked against what is to be run."""
    path = directory / STATE_FILE
    known: dict[str, SchemeResult] = {}
    if path.is_file():
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))["schemes"]
            known = {entry["name"]: SchemeResult(**entry) for entry in entries}
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"'{path}' is not a campaign's state: {error}"
            ) from error
    state = {}
    for scheme in config.schemes:
        identity = _identity(config, scheme)
        result = known.get(scheme.name, SchemeResult(scheme.name, identity))
        if result.identity != identity:
            raise ConfigurationError(
                f"'{directory}' holds a campaign with other settings or networks for "
                f"'{scheme.name}': choose another directory or remove this one"
            )
        state[scheme.name] = _without_lost_files(result, directory)
    return state


def _without_lost_files(result: SchemeResult, directory: Path) -> SchemeResult:
    """Return the result, or a fresh one if some of its files are gone."""
    needed = [*result.files, *([result.restart] if result.restart else [])]
    if all((directory / name).is_file() for name in needed):
        return result
    return SchemeResult(result.name, result.identity)


def write_state(
    config: CampaignConfig, state: Mapping[str, SchemeResult], directory: Path
) -> None:
    """Write where the campaign stands, whole or not at all."""
    path = directory / STATE_FILE
    partial = path.with_name(path.name + ".part")
    content = {
        "n_steps": config.n_steps,
        "schemes": [vars(result) for result in state.values()],
    }
    partial.write_text(json.dumps(content, indent=2), encoding="utf-8")
    partial.replace(path)
