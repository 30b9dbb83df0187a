# SPDX-License-Identifier: MIT
"""Run long ensembles of several schemes in Fortran, in chunks that survive an interruption.

Each scheme (reference, no network, networks) is one Fortran program and namelist; what a
program is told of the length of a run is said by the `Dialect` of its system. It runs in
chunks of steps; a chunk ends with a restart file from which the next begins, bit for bit
as if there had been no end. After each chunk the state of the campaign is written to
`campaign.json`; a campaign that was killed goes on after the last complete chunk. A scheme
that blows up has its trajectory so far kept and is not run any further; the others are.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from isthmus.couple.campaign_config import CampaignConfig, Chunk, Scheme, Settings
from isthmus.couple.campaign_state import SchemeResult, alone_in, read_state, write_state
from isthmus.couple.programs import run_program
from isthmus.errors import ModelRunError

__all__ = ["CampaignConfig", "Scheme", "SchemeResult", "run_campaign"]

Progress = Callable[[str, float], None]
# Small ensembles: threads inside a run gain less than runs beside each other.
run_on_one_thread = partial(run_program, threads=1)


class Runner(Protocol):
    """Runs a program on a namelist, as `programs.run_program` does."""

    def __call__(
        self,
        name: str,
        namelist: Settings,
        directory: Path,
        *,
        on_progress: Callable[[float], None] | None = None,
        file_name: str = "namelist.nml",
    ) -> None:
        """Run it; raise `ModelRunError` if it fails."""


def run_campaign(
    config: CampaignConfig,
    directory: Path,
    *,
    runner: Runner = run_on_one_thread,
    on_progress: Progress | None = None,
    n_parallel: int = 1,
) -> dict[str, SchemeResult]:
    """Run every scheme to its end, going on where an earlier call was interrupted.

    Parameters
    ----------
    config
        What to run. `n_steps` may grow between calls, all else must stay.
    directory
        Folder of the campaign, made if it is not there.
    runner
        Runs a program on a namelist.
    on_progress
        Called with the name of a scheme and the share of it that is done.
    n_parallel
        Schemes that run at the same time.

    Returns
    -------
    dict
        Results by name of scheme.

    Raises
    ------
    ConfigurationError
        If the directory holds another campaign, or another process runs this one.
    ModelRunError
        If a program fails otherwise than by a blow-up (bad namelist, full disk).
    """
    directory.mkdir(parents=True, exist_ok=True)
    with alone_in(directory):
        state = read_state(config, directory)
        saving = Lock()
        with ThreadPoolExecutor(max_workers=n_parallel) as pool:
            running = [
                pool.submit(
                    _run_scheme,
                    config,
                    scheme,
                    state,
                    directory,
                    runner,
                    on_progress,
                    saving,
                )
                for scheme in config.schemes
            ]
            wait(running, return_when=FIRST_EXCEPTION)
            pool.shutdown(cancel_futures=True)
        for future in running:
            if not future.cancelled():
                future.result()  # raises what ended the campaign
    return state


def _run_scheme(
    config: CampaignConfig,
    scheme: Scheme,
    state: dict[str, SchemeResult],
    directory: Path,
    runner: Runner,
    on_progress: Progress | None,
    saving: Lock,
) -> None:
    """Run the chunks of one scheme that are still to do."""
    result = state[scheme.name]

    def report(share_of_chunk: float, steps: int = 0) -> None:
        if on_progress is not None:
            done = result.steps_done + share_of_chunk * steps
            on_progress(scheme.name, min(1.0, done / config.n_steps))

    while result.steps_done < config.n_steps and result.failure is None:
        left = config.n_steps - result.steps_done
        steps = min(config.chunk_steps, left) if config.dialect.keeps_restarts else left
        begin = time.monotonic()
        before = result.restart
        _run_chunk(config, scheme, result, directory, runner, steps, report)
        result.seconds += time.monotonic() - begin
        with saving:
            write_state(config, state, directory)
        if before is not None and before != result.restart:
            # Not sooner: a campaign killed before the line above still needs it.
            (directory / before).unlink(missing_ok=True)
    report(0.0)


def _run_chunk(
    config: CampaignConfig,
    scheme: Scheme,
    result: SchemeResult,
    directory: Path,
    runner: Runner,
    steps: int,
    report: Callable[[float, int], None],
) -> None:
    """Run one chunk and enter what came of it."""
    folder = directory / scheme.name
    name = f"{result.steps_done + steps:09d}"
    output, restart = f"x_{name}.nc", f"restart_{name}.nc"
    failed = f"x_{name}.failed.nc"
    for left_over in folder.glob(f"*_{name}.*nc*"):
        left_over.unlink()  # of a chunk that was killed
    before = None if result.restart is None else (directory / result.restart).name
    namelist = _namelist(config, scheme, Chunk(steps, output, restart, before))
    try:
        runner(
            scheme.program,
            namelist,
            folder,
            on_progress=lambda share: report(share, steps),
            file_name=f"chunk_{name}.nml",
        )
    except ModelRunError as error:
        trajectory_kept = (folder / failed).is_file()
        blew_up = any(words in str(error) for words in config.dialect.blow_up_words)
        if not (trajectory_kept or blew_up):
            raise
        result.failure = str(error)
        result.files += [f"{scheme.name}/{failed}"] if trajectory_kept else []
        return
    keeps = config.dialect.keeps_restarts
    for made in (output, restart) if keeps else (output,):
        if not (folder / made).is_file():
            raise ModelRunError(
                f"{scheme.program} in {folder}: it ended well but did not write '{made}'"
            )
    result.files.append(f"{scheme.name}/{output}")
    result.restart = f"{scheme.name}/{restart}" if keeps else None
    result.steps_done += steps


def _namelist(
    config: CampaignConfig, scheme: Scheme, chunk: Chunk
) -> dict[str, dict[str, Any]]:
    """Return the namelist of one chunk."""
    groups = {
        group: {key: _absolute(value) for key, value in settings.items()}
        for group, settings in scheme.namelist.items()
    }
    for group, settings in config.dialect.groups(config, chunk).items():
        groups.setdefault(group, {}).update(settings)
    return groups


def _absolute(value: Any) -> Any:  # noqa: ANN401 - a namelist holds any plain value
    """Make paths absolute: the program runs in a folder of its own."""
    return str(value.resolve()) if isinstance(value, Path) else value
