"""Waking: when a service that does nothing has to look again."""

from __future__ import annotations

from datetime import datetime, timedelta

from cachediff.config import Settings
from cachediff.delivery import Outbox
from cachediff.model.jobs import Schedule


def next_wake(
    settings: Settings, outbox: Outbox, last: datetime, now: datetime, every: timedelta
) -> datetime:
    """The moment at which a run that began at `last` and is over `now` has to be followed by another.

    That is when a job is due, when something in the outbox is to be tried again, and `every` so long
    in any case, since new collections are found by looking. It is `now` where that has passed while
    the run was at work. All times are aware.

    Raises:
        DeliveryError: the outbox cannot be read.
    """
    moments = [last + every]
    for job in settings.jobs.values():
        if isinstance(job.due, Schedule):
            moments += [next(job.due.times(last))]
    # What the run left though it was due cannot be tried: it waits for the next look.
    tries = [parcel.next_try for parcel in outbox.contents().parcels if not parcel.parked]
    moments += [moment for moment in tries if moment > last]
    return max(now, min(moments))
