"""What the state of the service is made of: jobs by the ledger and the clock, the outbox, the disk."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cachediff.config import Settings
from cachediff.model.delivery import OutboxContents
from cachediff.model.jobs import Event, Job, Schedule
from cachediff.model.status import (
    Ahead,
    Attention,
    DamagedParcels,
    FolderStatus,
    JobStatus,
    Lagging,
    LittleSpace,
    NightStatus,
    OutboxStatus,
    ParkedParcels,
)
from cachediff.queries.disk import free_bytes, mirrors_of
from cachediff.queries.due import ahead_of, nights_due, times_after
from cachediff.store.ledger import LEDGER, DoneNight, Ledger

PATIENCE = timedelta(hours=1)
"""How long a night may be due and not done before it needs attention."""

_MIB = 1024 * 1024


def job_states(settings: Settings, now: datetime) -> tuple[JobStatus, ...]:
    """How far each job is at `now` (aware), by the ledger, which need not be there yet.

    Raises:
        StoreError: the ledger is damaged, or cannot be read.
    """
    path = settings.state / LEDGER
    if not path.exists():  # opening it would make it
        return tuple(job_state(job, (), now) for job in settings.jobs.values())
    with contextlib.closing(Ledger(path)) as ledger:
        return tuple(job_state(job, ledger.nights(job.name), now) for job in settings.jobs.values())


def job_state(job: Job, nights: Sequence[DoneNight], now: datetime) -> JobStatus:
    """How far a job is at `now` (aware), of which `nights` are done, in that order."""
    last = nights[-1] if nights else None
    due: Literal["schedule", "new-collection", "asked-for"] = "asked-for"
    next_due = lagging = since = None
    match job.due:
        case Schedule():
            due = "schedule"
            open_ = nights_due(job, last, now)
            lagging = len(open_)
            since = open_[0].moment if open_ else None
            latest = open_[-1].date if open_ else last.date if last else None
            next_due = next(times_after(job.due, latest, now), None)
        case Event.NEW_COLLECTION:
            due = "new-collection"
    return JobStatus(
        name=job.name,
        due=due,
        new=job.new,
        last=_night(last),
        last_good=_night(next((each for each in reversed(nights) if not each.red), None)),
        last_red=_night(next((each for each in reversed(nights) if each.red), None)),
        ahead=last is not None and ahead_of(last, now),
        next_due=next_due,
        lagging=lagging,
        lagging_since=since,
    )


def outbox_state(contents: OutboxContents) -> OutboxStatus:
    """The outbox in numbers."""
    waiting = [parcel for parcel in contents.parcels if not parcel.parked]
    return OutboxStatus(
        waiting=len(waiting),
        late=sum(parcel.attempts > 0 for parcel in waiting),
        parked=len(contents.parcels) - len(waiting),
        damaged=len(contents.damaged),
        oldest=min((parcel.created for parcel in waiting), default=None),
    )


def folder_states(settings: Settings, cache: Path) -> tuple[FolderStatus, ...]:
    """The folders that grow: store, reports, and the mirrors in `cache` of the sources of the settings.

    Of a store that is no folder, its state alone is counted. What is not there yet has no bytes; what
    is free is asked of the nearest folder above it.

    Raises:
        StoreError: there is no such file system to ask.
    """
    store = settings.store if isinstance(settings.store, Path) else settings.state
    return (
        _folder("store", store, dict.fromkeys((store, settings.state))),
        _folder("reports", settings.reports, [settings.reports]),
        _folder("mirrors", cache, mirrors_of(settings, cache)),
    )


def attentions(
    jobs: Iterable[JobStatus],
    outbox: OutboxStatus,
    folders: Iterable[FolderStatus],
    *,
    free_space: int,
    now: datetime,
) -> Iterator[Attention]:
    """What of this somebody should look after; `free_space` is how many MiB a run asks for.

    A red night is not among it: it is about the cache, and was told where nights are told.
    """
    for job in jobs:
        if job.last and job.ahead:
            yield Ahead(job.name, job.last)
        lagging, since = job.lagging, job.lagging_since
        if lagging and since and (lagging > 1 or now - since > PATIENCE):
            yield Lagging(job.name, lagging, since, never=job.last is None)
    if outbox.parked:
        yield ParkedParcels(outbox.parked)
    if outbox.damaged:
        yield DamagedParcels(outbox.damaged)
    asked = free_space * _MIB
    for folder in folders:
        if folder.free < asked:
            yield LittleSpace(folder, asked)


def _night(night: DoneNight | None) -> NightStatus | None:
    if night is None:
        return None
    return NightStatus(
        date=night.date,
        done_at=datetime.fromisoformat(night.done_at).astimezone(UTC),
        collection=night.new.collection,
        red=night.red,
        report=night.report,
    )


def _folder(
    name: Literal["store", "reports", "mirrors"], path: Path, counted: Iterable[Path]
) -> FolderStatus:
    total = sum(map(_bytes, counted))
    return FolderStatus(name=name, path=path, bytes=total, free=free_bytes(path))


def _bytes(folder: Path) -> int:
    """The bytes of all files below `folder`; what goes away meanwhile, or cannot be read, has none."""
    total = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                status = os.lstat(os.path.join(above, name))  # noqa: PTH118  # there are many
                total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total
