"""What must not be cut off between a server's answer and our note of it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """SIGTERM and SIGINT wait until this is over, and are then handled as they would have been.

    In another thread than the main one there is nothing to do: Python handles signals in that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    # Not by blocking them: another thread, such as Arrow's, would take them, and Python handle them.
    before = {
        number: signal.signal(number, lambda which, _: came.append(which))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for which in came:
            signal.raise_signal(which)
