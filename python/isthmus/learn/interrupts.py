# SPDX-License-Identifier: MIT
"""Ctrl-C without half-done batches."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[threading.Event]:
    """Turn Ctrl-C into an event, so that no batch is left half done."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def remember(signum: int, frame: FrameType | None) -> None:
        if event.is_set():  # a second Ctrl-C does not wait
            raise KeyboardInterrupt
        event.set()

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)
