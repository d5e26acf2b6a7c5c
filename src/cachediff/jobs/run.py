"""A run: whatever is due of each job, in order, and why it is not done where it is not."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TypeAlias

import msgspec

from cachediff.config import SourceSettings
from cachediff.errors import CachediffError, NameNotFoundError, SourceError, StoreError
from cachediff.jobs.fetch import fetch_patiently
from cachediff.jobs.nights import Nights, Told, missing_patterns
from cachediff.jobs.telling import Deliver, Telling
from cachediff.model.comparison import Comparison
from cachediff.model.jobs import Event, Job, Schedule
from cachediff.queries import Catalogue
from cachediff.queries.due import DueNight, ahead_of, due_collections, gap, nights_due
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
    telling = Telling(names, deliver, now)
    nights = Nights(names, ledger, telling, folder, now)
    upstreams = _Upstreams(names, folder, sleep)
    for job in jobs:
        try:
            last = ledger.last(job.name)
            if last and ahead_of(last, now):
                raise StoreError(
                    f"the night of {last.date}, done at {last.done_at}, is not yet:"
                    " a clock is or was wrong",
                    "once the clock is right, move the ledger away to begin anew, or wait",
                )
            if isinstance(job.due, Schedule) and not nights_due(job, last, now):
                yield NothingDue(job.name)
                continue
            try:
                upstreams.reach(job)
                yield from _run_job(nights, upstreams, job, _due(names, job, last, now))
            except (_UnreachedError, GoneError) as failure:
                yield _untold(telling, job, last, now, failure)
        except CachediffError as error:
            yield NotDone(job.name, error.message, error.hint)


class _UnreachedError(Exception):
    """That the upstream of the snapshot `name` was not reached."""

    def __init__(self, name: str, error: NotReachedError) -> None:
        super().__init__(name, error)
        self.name = name
        self.error = error


class _Upstreams:
    """The upstreams of a run, each fetched once; and again where what it has could not be had."""

    def __init__(self, names: Catalogue, folder: Path, sleep: Callable[[float], object]) -> None:
        self._names = names
        self._folder = folder
        self._sleep = sleep
        self._fetched: dict[SourceSettings, SourceError | None] = {}

    def reach(self, job: Job, *, again: bool = False) -> None:
        """Fetch all that `job` is about, unless this run did.

        Raises:
            SourceError, _UnreachedError: it cannot be fetched; or its upstream is not reached.
        """
        for name in dict.fromkeys([job.new, job.old, *missing_patterns(job)]):
            for source in self._names.sources_of([name], self._folder):
                if again or source not in self._fetched:
                    self._fetched[source] = self._fetch(source)
                error = self._fetched[source]
                if isinstance(error, NotReachedError):
                    raise _UnreachedError(name, error)
                if error:
                    raise error

    def _fetch(self, source: SourceSettings) -> SourceError | None:
        try:
            fetch_patiently(self._names, source, self._sleep)
        except SourceError as error:
            return error
        return None


def _run_job(
    nights: Nights, upstreams: _Upstreams, job: Job, due: Sequence[DueNight]
) -> Iterator[NightEvent]:
    if not due:
        yield NothingDue(job.name)
    caught_up = gap(due)
    passed_over: list[str] = []
    failure: CachediffError | None = None
    for night in due:
        try:
            try:
                told = nights.do(job, night, caught_up, passed_over)
            except GoneError:
                raise
            except NotReachedError as error:
                raise _UnreachedError(job.new, error) from error
            except SourceError:
                # What upstream has no more may be here after a fetch, as where it was packed anew.
                upstreams.reach(job, again=True)
                told = nights.do(job, night, caught_up, passed_over)
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
            return nights_due(job, last, now)
        case Event.NEW_COLLECTION:
            new = parse_name(job.new)
            source = names.source(new.source)
            known = None
            if last and last.new.source == source.name:
                known = last.new.collection
            if known and not fnmatch.fnmatchcase(known, new.collection):
                known = None  # the job was about others then
            return due_collections(new, source.collections(new.when), known, now)
        case None:
            return [DueNight(now.astimezone(UTC).date(), now)]


def _untold(
    telling: Telling,
    job: Job,
    last: DoneNight | None,
    now: datetime,
    failure: _UnreachedError | GoneError,
) -> NotDone:
    """Say that nothing is known of what is due; and report it, of the newest night that is."""
    if isinstance(failure, GoneError):
        seen = last.new if last else None
        why = message = failure.message
        hint = failure.hint
    else:
        seen = (last.old if failure.name == job.old else last.new) if last else None
        commit = (
            f"last commit seen {seen.commit} of {seen.committed_at}" if seen else "never seen yet"
        )
        why = f"upstream not reached: {failure.error.message}"
        message = f"upstream not reached, {commit}: {failure.error.message}"
        hint = "the next run catches up" if job.due else f"try again: cachediff run {job.name}"
    report = None
    night = _newest_due(job, last, now)
    if seen and night:
        gone = isinstance(failure, GoneError)
        try:
            report = telling.tell_untold(job, night, seen, why, gone=gone)
        except CachediffError as error:
            message += f"; and that could not be reported: {error.message}"
    return NotDone(job.name, message, hint, report)


def _newest_due(job: Job, last: DoneNight | None, now: datetime) -> DueNight | None:
    """The night of which it is told that nothing is known: of an event, the date; None if asked for."""
    match job.due:
        case Schedule():
            return nights_due(job, last, now)[-1]
        case Event.NEW_COLLECTION:
            today = now.astimezone(UTC).date()
            return DueNight(today, datetime.combine(today, time(), UTC))
        case None:
            return None
