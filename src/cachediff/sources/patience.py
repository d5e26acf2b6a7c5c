"""Trying again, after a while, what an upstream that was not reached did not give."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cachediff.sources.online import NotReachedError

T = TypeVar("T")
Sleep = Callable[[float], object]
"""Waits for so many seconds."""

PAUSES = (5.0, 30.0, 120.0)
"""Seconds to wait before an upstream that was not reached is tried again."""


def patiently(attempt: Callable[[], T], sleep: Sleep | None) -> T:
    """What `attempt` returns, made once more after each pause; made only once without `sleep`.

    Raises:
        NotReachedError: the upstream was not reached the last time either.
    """
    if sleep is None:
        return attempt()
    for pause in PAUSES:
        try:
            return attempt()
        except NotReachedError:
            sleep(pause)
    return attempt()
