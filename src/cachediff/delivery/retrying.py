"""When a parcel is tried again, and when no more."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from cachediff.model.delivery import Parcel, Postponed, Refused

FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=12)
LONGEST_ASKED_FOR = timedelta(days=1)
"""Longest wait that a server can ask for."""

TRIED_FOR = timedelta(days=5)


def is_due(parcel: Parcel, now: datetime) -> bool:
    """Whether a parcel is to be tried now."""
    wait = parcel.next_try - now
    # A longer wait than any is that of a clock that was ahead.
    return not parcel.parked and (wait <= timedelta(0) or wait > LONGEST_ASKED_FOR)


def begun(parcel: Parcel, now: datetime) -> Parcel:
    """The parcel with one more attempt, which begins now."""
    first_try = min(parcel.first_try or now, now)
    return replace(parcel, attempts=parcel.attempts + 1, first_try=first_try)


def failed(parcel: Parcel, outcome: Postponed | Refused, now: datetime) -> Parcel:
    """The parcel after its attempt has failed.

    Refused, it is parked. Else it waits for 5 minutes, 10, 20 and so on, at most 12 hours, but no less
    than the server wants; and it is parked when five days have passed since the first attempt.
    """
    parcel = replace(parcel, last_error=outcome.reason)
    left = (parcel.first_try or now) + TRIED_FOR - now
    if isinstance(outcome, Refused) or left <= timedelta(0):
        return replace(parcel, parked=True)
    doubled = FIRST_WAIT * 2 ** min(parcel.attempts - 1, 10)
    # The last attempt is made as the five days end, not up to 12 hours later.
    wait = min(doubled, LONGEST_WAIT, left)
    return replace(parcel, next_try=now + max(wait, min(outcome.wait, LONGEST_ASKED_FOR)))
