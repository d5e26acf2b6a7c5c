"""A progress bar on standard error, where that is a terminal and the work is long."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE = 0.4
"""Seconds of work before a bar is shown: what is done at once needs none."""
_INTERVAL = 0.05
"""Seconds between two updates."""


class ProgressLine:
    """One bar: what is being done, how far it is, how long it will take."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._next = time.monotonic() + _PATIENCE
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __call__(self, what: str, done: int, of: int) -> None:
        """Tell how far it is; cheap enough to be called for every manifest."""
        now = time.monotonic()
        if not self._shown or (now < self._next and done < of):
            return
        if self._progress is None:
            if now < self._next:
                return
            self._progress, self._task = _start()
        self._next = now + _INTERVAL
        if self._task is not None:
            self._progress.update(self._task, description=what, completed=done, total=of or None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()


def _start() -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.start()
    return progress, progress.add_task("")
