"""What is due: the dates of a schedule, and the collections that are new, since a job was done last."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from cachediff.model.jobs import Job, Schedule
from cachediff.sources import SnapshotName, newest_first
from cachediff.store.ledger import DoneNight

_WINDOWS = (1, 31, 366, 8 * 366)
"""Days to look back for the newest time of a schedule: 29 February can be eight years apart."""
_WESTERNMOST = timedelta(hours=15)
"""Before midnight UTC no date of any time zone begins earlier than this."""

_MOST_AHEAD = timedelta(days=1)
"""A date can be begun, somewhere, half a day before it begins in UTC."""


class DueNight(msgspec.Struct, frozen=True):
    """One night to be done: what it is called, and what of the upstream it is about.

    `moment` is the time for which gates are checked. `as_of` is the time of which a name without
    @WHEN means the state, None for the newest there is. `newer` counts the collections, newer than
    the one that it is about, that a glob steps over. `missed` says that a later night is due as well.
    """

    date: date
    moment: datetime
    as_of: datetime | None = None
    newer: int = 0
    missed: bool = False


def due_dates(schedule: Schedule, last: date | None, now: datetime) -> list[DueNight]:
    """The dates of `schedule` after `last` of which a time has come by `now`, each once, ascending.

    A date counts where the job is scheduled, and of several times of one date the first. Where no
    date was done yet, only the newest one is due.
    """
    if last is None:
        for days in _WINDOWS:
            before = schedule.date_of(now - timedelta(days=days))
            if newest := due_dates(schedule, before, now)[-1:]:
                return [msgspec.structs.replace(newest[0], missed=False)]
        return []
    nights: list[DueNight] = []
    for moment in schedule.times(datetime.combine(last, time(), UTC) - _WESTERNMOST):
        if moment > now:
            break
        day = schedule.date_of(moment)
        if day > (nights[-1].date if nights else last):
            nights.append(DueNight(day, moment, as_of=moment, missed=True))
    return [
        *nights[:-1],
        *(msgspec.structs.replace(night, missed=False) for night in nights[-1:]),
    ]


def nights_due(job: Job, last: DoneNight | None, now: datetime) -> list[DueNight]:
    """The dates of `job` that are due by `now` and not done, of which `last` was done last.

    There are none of a job without a schedule.
    """
    if not isinstance(job.due, Schedule):
        return []
    return due_dates(job.due, last.date if last else None, now)


def times_after(schedule: Schedule, last: date | None, now: datetime) -> Iterator[datetime]:
    """The times after `now` (aware) at which a job is due whose newest date, done or due, is `last`."""
    for moment in schedule.times(now):
        if last is None or schedule.date_of(moment) > last:
            last = schedule.date_of(moment)
            yield moment


def ahead_of(night: DoneNight, now: datetime) -> bool:
    """Whether a night that is done is of more than a day after `now` (aware), or was done then.

    A clock was wrong then, or is now; and nothing is due before its date.
    """
    begin = datetime.combine(night.date, time(), UTC)
    return max(begin, datetime.fromisoformat(night.done_at)) - now > _MOST_AHEAD


def due_collections(
    new: SnapshotName, collections: Iterable[str], last: str | None, now: datetime
) -> list[DueNight]:
    """A night for each of `collections` that `new` matches and that is newer than `last`, oldest first.

    Where none was done yet, only the newest one is due; so where `new` counts back from it.
    """
    known = newest_first(fnmatch.filter(collections, new.collection))[new.back :]
    if last is not None:
        known = [name for name in known if newest_first([name, last])[0] != last]
    else:
        known = known[:1]
    today = now.astimezone(UTC).date()
    return [
        DueNight(today, now, newer=newer, missed=newer > 0) for newer in reversed(range(len(known)))
    ]


def gap(nights: Iterable[DueNight]) -> str:
    """Say which dates are caught up; nothing where none is."""
    dates = sorted({night.date for night in nights if night.missed and night.as_of})
    if not dates:
        return ""
    first, last = dates[0], dates[-1]
    missed = f"the night of {first}" if first == last else f"the nights of {first} to {last}"
    return f"missed, and caught up later: {missed}"
