# SPDX-License-Identifier: MIT
"""Progress bars of the command line: one look for every long task."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
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
    columns = (
        TextColumn("{task.description:<44}"),
        BarColumn(bar_width=28),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=1.0)

        def update(share: float) -> None:
            progress.update(task, completed=min(1.0, share))

        yield update
        progress.update(task, completed=1.0)
