"""A run: whatever is due of each job, in order, and why it is not done where it is not."""

from __future__ import annotations

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
from cachediff.sources import GoneError, NotReachedError, parse_name
from cachediff.store.ledger import DoneNight, Ledger


class NotDone(msgspec.Struct, frozen=True):
    """What of a job could not be done, and is due again in the next run.

    `report` is the folder of the report that says so, None where there is none.
    """

    job: str
    message: str
    hint: str = ""
    report: Path | None = None


class NothingDue(msgspec.Struct, frozen=True):
    """A job of which everything is done already."""

    job: str


NightEvent: TypeAlias = Told | NotDone | NothingDue
"""What the doing of jobs tells of."""


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
) -> Iterator[NightEvent]:
    """Do every night of `jobs` that is due at `now` (aware) and is not in the ledger, oldest first.

    Each is whole before the next begins. Whoever calls holds the lock of the store (`sole_run`). What
    cannot be done is told and stays due; it keeps no other job from being done. Nothing is done for a
    job of which an upstream is not reached: what was fetched before is not the state of that night.
    Of the newest night that was due, this is reported. `sleep` waits for so many seconds; relative
    paths in names are those in `folder`.

    A night that upstream's history cannot tell of (there was no such collection then) is passed over
    where a later one can be told: its report says so, and begins where the last one ended.
    """
    nights = Nights(names, ledger, deliver, folder, now)
    upstreams = _Upstreams(names, folder, sleep)
    for job in jobs:
        try:
            last = ledger.last(job.name)
            if isinstance(job.due, Schedule) and not _due_dates(job.due, last, now):
                yield NothingDue(job.name)
                continue
            try:
                upstreams.reach(job)
                yield from _run_job(nights, upstreams, job, _due(names, job, last, now))
            except _NotReachedError as failure:
                yield from _not_reached(nights, job, last, now, failure)
        except CachediffError as error:
            yield NotDone(job.name, error.message, error.hint)


class _NotReachedError(Exception):
    """That the upstream of the snapshot `name` was not reached."""

    def __init__(self, name: str, error: SourceError) -> None:
        super().__init__(name, error)
        self.name = name
        self.error = error


class _Upstreams:
    """The upstreams of a run, each fetched once; and again where what it has could not be had."""

    def __init__(self, names: Catalogue, folder: Path, sleep: Callable[[float], object]) -> None:
        self._names = names
        self._folder = folder
        self._sleep = sleep
        self._reached: dict[SourceSettings, SourceError | None] = {}

    def reach(self, job: Job, *, again: bool = False) -> None:
        """Fetch all that `job` is about, unless this run did; `_NotReachedError` where that fails."""
        for name in dict.fromkeys([job.new, job.old, *missing_patterns(job)]):
            for source in self._names.sources_of([name], self._folder):
                if again or source not in self._reached:
                    self._reached[source] = fetch_patiently(self._names, source, self._sleep)
                if error := self._reached[source]:
                    raise _NotReachedError(name, error)


def _run_job(
    nights: Nights, upstreams: _Upstreams, job: Job, due: Sequence[DueNight]
) -> Iterator[NightEvent]:
    if not due:
        yield NothingDue(job.name)
    caught_up = gap(due)
    passed_over: list[str] = []
    failure: CachediffError | None = None
    for night in due:
        notices = [*filter(None, [caught_up]), *passed_over]
        try:
            try:
                told = nights.do(job, night, notices)
            except GoneError:
                raise
            except NotReachedError as error:
                raise _NotReachedError(job.new, error) from error
            except SourceError:
                # What upstream has no more may be here after a fetch, as where it was packed anew.
                upstreams.reach(job, again=True)
                told = nights.do(job, night, notices)
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
    nights: Nights, job: Job, last: DoneNight | None, now: datetime, failure: _NotReachedError
) -> Iterator[NotDone]:
    """Say it, and what was the last that was seen of the upstream; and report it, of a night."""
    error = failure.error
    seen, report, because = "never seen yet", None, ""
    if opened := nights.last_seen(job, failure.name):
        seen = f"last commit seen {opened.origin.commit} of {opened.origin.committed_at}"
        due = _due_dates(job.due, last, now) if isinstance(job.due, Schedule) else []
        try:
            for night in due[-1:]:
                report = nights.report_unreached(job, night, opened, error.message)
        except CachediffError as unreported:
            because = f"; and that could not be reported: {unreported.message}"
    yield NotDone(
        job.name,
        f"upstream not reached, {seen}: {error.message}{because}",
        "the next run catches up",
        report,
    )
