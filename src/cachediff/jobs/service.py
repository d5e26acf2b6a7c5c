"""One run of the service, from the lock to the heartbeat: what cron starts, and what `schedule` repeats."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain
from pathlib import Path, PurePath
from typing import TypeAlias

import msgspec

from cachediff.config import Settings
from cachediff.config.resolving import Deliveries
from cachediff.delivery import Outbox
from cachediff.delivery.heartbeat import beat
from cachediff.errors import CachediffError
from cachediff.jobs.digests import begin_digests, enqueue_digests
from cachediff.jobs.indexing import update_index
from cachediff.jobs.locking import sole_run
from cachediff.jobs.nights import Told
from cachediff.jobs.parcels import deliver, enqueue, outbox_of, write_summary
from cachediff.jobs.retention import Thinned, thin
from cachediff.jobs.run import NightEvent, NotDone, run_jobs
from cachediff.jobs.space import check_space
from cachediff.jobs.sweeping import sweep
from cachediff.model.comparison import Comparison
from cachediff.model.delivery import Accepted, DeliveryRound
from cachediff.model.jobs import Job
from cachediff.queries import Catalogue, history
from cachediff.queries.due import nights_due
from cachediff.reports import Layout
from cachediff.store.ledger import LEDGER, Ledger


class Held(msgspec.Struct, frozen=True):
    """Another run is at work, by `holder`, and this one leaves it to that."""

    holder: str


class Swept(msgspec.Struct, frozen=True):
    """What interrupted writes had left, and is removed now."""

    paths: tuple[PurePath, ...]


class Untellable(msgspec.Struct, frozen=True):
    """What nobody can be told any more, in words: a digest of an address that is not set now."""

    message: str


class Delivered(msgspec.Struct, frozen=True):
    """What was delivered; `round` is None where another process was at it."""

    round: DeliveryRound | None


class Failed(msgspec.Struct, frozen=True):
    """A part of the run, other than a night, that could not be done."""

    part: str
    message: str
    hint: str = ""


RunEvent: TypeAlias = NightEvent | Held | Swept | Untellable | Delivered | Thinned | Failed
"""What a run tells of."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one run is about.

    `now` is aware; `sleep` waits for so many seconds; relative paths in names are those in `folder`.
    `summary` is the file of GitHub's job summary, None where there is none.
    """

    names: Catalogue
    jobs: Sequence[Job]
    deliveries: Deliveries
    now: datetime
    folder: Path
    sleep: Callable[[float], object]
    summary: Path | None = None


def do_run(run: Run) -> Iterator[RunEvent]:
    """Do whatever is due, telling of each thing as it is done.

    Where it is stopped, however that happens, the next run completes it.

    Raises:
        CachediffError: nothing can be done: the disk is full, or the ledger is damaged.
    """
    names, now = run.names, run.now
    settings = names.settings
    with sole_run(settings.state, now) as holder:
        if holder is not None:
            yield Held(holder)
            return
        if swept := sweep(names, now):
            yield Swept(swept)
        check_space(settings, names.cache)
        outbox = outbox_of(settings)
        done, whole, red = 0, True, False
        with contextlib.closing(Ledger(settings.state / LEDGER)) as ledger:
            begin_digests(ledger, run.deliveries)
            for event in chain(_nights(run, ledger, outbox), _deliver(run, ledger, outbox)):
                yield event
                done += isinstance(event, Told)
                whole &= not isinstance(event, NotDone | Failed)
                red |= isinstance(event, Told) and event.night.red
            yield from _keep_up(run, ledger, whole=whole)
            good = done and whole and not red and not _is_left(ledger, settings, now)
        if run.deliveries.heartbeat and good:
            outcome = beat(run.deliveries.heartbeat, now=now, sleep=run.sleep)
            if not isinstance(outcome, Accepted):
                yield Failed("heartbeat", outcome.reason)


def _is_left(ledger: Ledger, settings: Settings, now: datetime) -> bool:
    """Whether a night of any job is still due, as of one that was not asked for."""
    return any(nights_due(job, ledger.last(job.name), now) for job in settings.jobs.values())


def _nights(run: Run, ledger: Ledger, outbox: Outbox) -> Iterator[RunEvent]:
    """The nights of all jobs, with what they deliver put into the outbox."""
    names, templates = run.names, run.names.settings.templates
    failures: list[Failed] = []

    def deliver_night(job: Job, night: date, comparison: Comparison) -> None:
        layout = Layout(templates=templates, history=history(names, comparison.new.origin))
        enqueue(outbox, job, night, comparison, run.deliveries, layout, now=run.now)
        if run.summary:
            with _failing(failures, "job summary"):
                write_summary(run.summary, comparison, templates)

    for event in run_jobs(
        names,
        run.jobs,
        ledger,
        now=run.now,
        folder=run.folder,
        sleep=run.sleep,
        deliver=deliver_night,
    ):
        yield event
        yield from failures
        failures.clear()


def _deliver(run: Run, ledger: Ledger, outbox: Outbox) -> Iterator[RunEvent]:
    """Put the digests that are due into the outbox, and send what waits in it."""
    settings = run.names.settings
    failures: list[Failed] = []
    with _failing(failures, "digests"):
        for untold in enqueue_digests(
            outbox,
            tuple(settings.jobs.values()),
            ledger,
            run.deliveries,
            settings.reports,
            settings.templates,
            now=run.now,
        ):
            yield Untellable(untold)
    with _failing(failures, "delivery"):
        yield Delivered(deliver(outbox, run.deliveries, run.now))
    yield from failures


def _keep_up(run: Run, ledger: Ledger, *, whole: bool) -> Iterator[RunEvent]:
    """Thin out the store, if the run was `whole`, and bring its index up to date."""
    failures: list[Failed] = []
    if whole:  # else what was begun is made again from what is stored
        with _failing(failures, "retention"):
            yield thin(run.names, ledger)
    with _failing(failures, "index"):
        update_index(run.names)
    yield from failures


@contextlib.contextmanager
def _failing(failures: list[Failed], part: str) -> Iterator[None]:
    """Note down in `failures` that a part of the run, which the block is, could not be done."""
    try:
        yield
    except CachediffError as error:
        failures.append(Failed(part, error.message, error.hint))
