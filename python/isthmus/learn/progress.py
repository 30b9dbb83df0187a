# SPDX-License-Identifier: MIT
"""What a person sees of a training: bars on a terminal, JSON lines in a file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from .settings import Evaluation


class Reporter:
    """Progress bars with the time to go, and the metrics file.

    Parameters
    ----------
    metrics : Path, optional
        File of JSON lines, begun anew; `resume` writes the earlier lines again.
    show : bool, optional
        Draw bars; by default when standard error is a terminal.
    """

    def __init__(self, metrics: Path | None, show: bool | None = None) -> None:
        self.metrics = metrics
        self.console = Console(stderr=True)
        self.show = self.console.is_terminal if show is None else show
        self.bars: Progress | None = None
        self.task: TaskID | None = None
        if metrics is not None:
            metrics.write_text("")

    def resume(self, lines: list[Evaluation]) -> None:
        """Write the lines of the part that is already done."""
        if self.metrics is not None:
            self.metrics.write_text("".join(_json_line(line) for line in lines))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show the bars while the body runs."""
        if not self.show:
            yield
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(),
            TextColumn("best {task.fields[best]:.3e}"),
        )
        with Progress(*columns, console=self.console) as self.bars:
            yield
        self.bars = None

    def begin_stage(self, index: int, length: int, total: int) -> None:
        """Open the bar of a stage of `total` batches."""
        if self.bars is not None:
            name = f"stage {index + 1}: {length} step{'s' if length > 1 else ''}"
            self.task = self.bars.add_task(name, total=total, best=float("inf"))

    def advance(self, done: int, best: float) -> None:
        """Move the bar to `done` batches."""
        if self.bars is not None and self.task is not None:
            self.bars.update(self.task, completed=done, best=best)

    def record(self, line: Evaluation) -> None:
        """Append one evaluation to the metrics file."""
        if self.metrics is not None:
            with self.metrics.open("a") as file:
                file.write(_json_line(line))


def _json_line(line: Evaluation) -> str:
    return json.dumps(asdict(line)) + "\n"
