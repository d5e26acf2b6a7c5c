"""A progress bar on standard error, where that is a terminal and the work is long."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_STANDARD_ERROR = 2
_PATIENCE = 0.4
"""Seconds of work before a bar is shown: what is done at once needs none."""
_INTERVAL = 0.05
"""Seconds between two updates."""


class ProgressLine:
    """One bar: what is being done, how far it is, how fast it goes, how long it will take."""

    def __init__(self) -> None:
        self._shown = os.isatty(_STANDARD_ERROR)
        self._next = time.monotonic() + _PATIENCE
        self._bar: tuple[Progress, TaskID] | None = None

    def __call__(self, what: str, done: int, of: int) -> None:
        """Tell how far it is; cheap enough to be called for every manifest."""
        if not self._shown:
            return
        if done == of:  # what is said next must not stand beside a bar
            self.clear()
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _INTERVAL
        if self._bar is None:
            self._bar = _start()
        progress, task = self._bar
        progress.update(task, description=what, completed=done, total=of or None)

    def clear(self) -> None:
        """Take the bar away, until there is more work that is long."""
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None
        self._next = time.monotonic() + _PATIENCE


def _start() -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
    )
    from rich.progress import TimeRemainingColumn as Remaining
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.1f}/s" if task.speed else "", style="progress.data.speed")

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        Remaining(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # standard output may be a file, and is never part of the bar
        redirect_stderr=False,
    )
    progress.start()
    return progress, progress.add_task("")
