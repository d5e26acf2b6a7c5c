"""A run: whatever is due of each job, in order, and why it is not done where it is not."""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from cachediff.config import SourceSettings
from cachediff.errors import CachediffError, NameNotFoundError, SourceError
from cachediff.jobs.fetch import fetch_patiently
from cachediff.jobs.nights import Deliver, Nights, Told, missing_patterns
from cachediff.model.comparison import Comparison
from cachediff.model.jobs import Event, Job, Schedule
from cachediff.queries import Catalogue
from cachediff.queries.due import DueNight, due_collections, due_dates, gap
from cachediff.sources import parse_name
from cachediff.store.ledger import DoneNight, Ledger


class NotDone(msgspec.Struct, frozen=True):
    """What of a job could not be done, and is due again in the next run."""

    job: str
    message: str
    hint: str = ""


class NothingDue(msgspec.Struct, frozen=True):
    """A job of which everything is done already."""

    job: str


RunEvent: TypeAlias = Told | NotDone | NothingDue
"""What a run tells of."""


def deliver_nothing(_job: Job, _night: date, _comparison: Comparison) -> None:
    """Deliver nothing: reports are filed, and that is all."""


def run_jobs(
    names: Catalogue,
    jobs: Sequence[Job],
    ledger: Ledger,
    *,
    now: datetime,
    folder: Path,
    sleep: Callable[[float], object],
    deliver: Deliver = deliver_nothing,
) -> Iterator[RunEvent]:
    """Do every night of `jobs` that is due at `now` (aware) and is not in the ledger, oldest first.

    Each is whole before the next begins. Whoever calls holds the lock of the store (`sole_run`). What
    cannot be done is told and stays due; it keeps no other job from being done. Nothing is done for a
    job of which an upstream is not reached: what was fetched before is not the state of that night.
    `sleep` waits for so many seconds; relative paths in names are those in `folder`.

    A night that upstream's history cannot tell of (there was no such collection then) is passed over
    where a later one can be told: its report says so, and begins where the last one ended.
    """
    reached: dict[SourceSettings, SourceError | None] = {}
    nights = Nights(names, ledger, deliver, folder, now)
    for job in jobs:
        try:
            last = ledger.last(job.name)
            if isinstance(job.due, Schedule) and not _due_dates(job.due, last, now):
                yield NothingDue(job.name)
                continue
            for source in names.sources_of([job.old, job.new, *missing_patterns(job)], folder):
                if source not in reached:
                    reached[source] = fetch_patiently(names, source, sleep)
                if error := reached[source]:
                    yield _not_reached(names, job, last, error, folder)
                    break
            else:
                yield from _run_job(nights, job, _due(names, job, last, now))
        except CachediffError as error:
            yield NotDone(job.name, error.message, error.hint)


def _run_job(nights: Nights, job: Job, due: Sequence[DueNight]) -> Iterator[RunEvent]:
    if not due:
        yield NothingDue(job.name)
    caught_up = gap(due)
    passed_over: list[str] = []
    failure: CachediffError | None = None
    for night in due:
        try:
            told = nights.do(job, night, [*filter(None, [caught_up]), *passed_over])
        except (NameNotFoundError, SourceError) as error:
            passed_over.append(f"no report of {night.date}: {error.message}")
            failure = error
        else:
            yield told
            passed_over, failure = [], None
    if failure:
        raise failure


def _due(names: Catalogue, job: Job, last: DoneNight | None, now: datetime) -> list[DueNight]:
    match job.due:
        case Schedule():
            return _due_dates(job.due, last, now)
        case Event.NEW_COLLECTION:
            new = parse_name(job.new)
            known = last.new.collection if last else None
            if known and not fnmatch.fnmatchcase(known, new.collection):
                known = None  # the job was about others then
            collections = names.source(new.source).collections(new.when)
            return due_collections(new, collections, known, now)
        case None:
            return [DueNight(now.astimezone(UTC).date(), now)]


def _due_dates(schedule: Schedule, last: DoneNight | None, now: datetime) -> list[DueNight]:
    return due_dates(schedule, last.date if last else None, now)


def _not_reached(
    names: Catalogue, job: Job, last: DoneNight | None, error: SourceError, folder: Path
) -> NotDone:
    """Say it, and what was the last that was seen of the upstream."""
    seen = last.new if last else None
    with contextlib.suppress(CachediffError):
        seen = names.open(job.new, folder).origin
    commit = f"last commit seen {seen.commit} of {seen.committed_at}" if seen else "never seen yet"
    return NotDone(
        job.name, f"upstream not reached, {commit}: {error.message}", "the next run catches up"
    )
