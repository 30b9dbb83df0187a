# SPDX-License-Identifier: MIT
"""Progress bars of the command line: one look for every long task."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float], None]]:
    """Show a bar for one task; yield a function that takes the share done, 0 to 1.

    Without a terminal one line at the end says that it is done, and how long it took.
    """
    with Progress(*_columns(), console=console) as progress:
        task = progress.add_task(title, total=1.0)

        def update(share: float) -> None:
            progress.update(task, completed=min(1.0, share))

        yield update
        progress.update(task, completed=1.0)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, float], None]]:
    """Show a bar per named task, made when the task is first heard of."""
    with Progress(*_columns(), console=console) as progress:
        tasks: dict[str, TaskID] = {}

        def update(name: str, share: float) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=1.0)
            progress.update(tasks[name], completed=min(1.0, share))

        yield update


def _columns() -> tuple[ProgressColumn, ...]:
    """Return the columns of every bar: title, bar, per cent, elapsed, to go."""
    return (
        TextColumn("{task.description:<44}"),
        BarColumn(bar_width=28),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
