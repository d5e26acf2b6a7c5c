"""The heartbeat: an address that is asked for after a good night, so that its silence is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cachediff.delivery.webhooks import request
from cachediff.model.delivery import Heartbeat, Outcome, Postponed

_PAUSES = (1.0, 5.0)
"""Seconds to wait before it is tried again: who waits for it waits for minutes at least."""


def beat(heartbeat: Heartbeat, *, now: datetime, sleep: Callable[[float], object]) -> Outcome:
    """Ask for the address, at most three times; what came of it the last time.

    It is tried again where that may help (`Postponed`): not where it is refused. No outcome shows
    more of the URL than its host. `now` is aware; `sleep` waits for so many seconds.
    """
    outcome = request("GET", heartbeat, now=now)
    for pause in _PAUSES:
        if not isinstance(outcome, Postponed):
            break
        sleep(pause)
        outcome = request("GET", heartbeat, now=now)
    return outcome
