"""`cachediff run`: whatever is due, now."""

from __future__ import annotations

import contextlib
import os
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.cli.options import Config, catalogue, say
from cachediff.errors import ConfigError, NameNotFoundError

if TYPE_CHECKING:
    from cachediff.config import Settings
    from cachediff.jobs.run import RunEvent
    from cachediff.model.comparison import Comparison
    from cachediff.model.delivery import DeliveryRound
    from cachediff.model.jobs import Job


def run(
    jobs: Annotated[
        list[str] | None,
        typer.Argument(metavar="JOB", help="By default every job with a schedule or an event."),
    ] = None,
    config: Config = None,
) -> None:
    """Do whatever is due of the jobs in config.yaml, once.

    It is made for cron, systemd timers and CI. Sources are fetched; of each date that is due and was
    not done, a snapshot is taken and compared, the gates are checked, and a report is filed and
    delivered. Dates that were missed are caught up. It can be run as often as you like, and be
    interrupted at any time: what is done is in the ledger beside the snapshots. A job that has no
    schedule is run where it is named.

    The exit code is 1 if a gate found something that is not accepted, 2 if anything could not be done.
    Where another run is at work, it is 0 and nothing is done.
    """
    from cachediff.config.resolving import resolve
    from cachediff.jobs.locking import sole_run
    from cachediff.jobs.parcels import deliver as send
    from cachediff.jobs.parcels import enqueue, outbox_of
    from cachediff.jobs.run import NotDone, run_jobs
    from cachediff.queries import history
    from cachediff.reports import Layout
    from cachediff.store.ledger import LEDGER, Ledger

    now = datetime.now(UTC)
    codes = {0}
    with catalogue(None, config) as names:
        chosen = chosen_jobs(names.settings, jobs or [])
        with sole_run(names.settings.store, now) as holder:
            if holder is not None:
                say(f"another run is at work, and nothing was done: {holder}")
                return
            settings = names.settings
            used = dict.fromkeys(name for job in settings.jobs.values() for name in job.deliver)
            deliveries = resolve(settings, os.environ, used)
            outbox = outbox_of(settings)

            def deliver(job: Job, night: date, comparison: Comparison) -> None:
                grown = history(names, comparison.new.origin)
                layout = Layout(templates=settings.templates, history=grown)
                enqueue(outbox, job, night, comparison, deliveries, layout, now=now)

            with contextlib.closing(Ledger(settings.store / LEDGER)) as ledger:
                for event in run_jobs(
                    names,
                    chosen,
                    ledger,
                    now=now,
                    folder=folder_of(settings),
                    sleep=time.sleep,
                    deliver=deliver,
                ):
                    _tell(settings, event)
                    codes.add(2 if isinstance(event, NotDone) else _red(event))
            if used:
                _tell_delivered(send(outbox, deliveries, now))
    if code := max(codes):
        raise typer.Exit(code)


def chosen_jobs(settings: Settings, wanted: list[str]) -> list[Job]:
    """The jobs of these names; those that are due by themselves where there is none.

    Raises:
        ConfigError: no job is set.
        NameNotFoundError: there is no job of such a name.
    """
    from cachediff.sources import close_names

    if not settings.jobs:
        where = settings.file or "config.yaml"
        raise ConfigError(f"{where}: no job is set", "cachediff init writes an example")
    for name in wanted:
        if name not in settings.jobs:
            raise NameNotFoundError(f"there is no job {name!r}", close_names(name, settings.jobs))
    if wanted:
        return [settings.jobs[name] for name in dict.fromkeys(wanted)]
    return [job for job in settings.jobs.values() if job.due is not None]


def folder_of(settings: Settings) -> Path:
    """What relative paths in the settings are relative to."""
    return settings.file.parent if settings.file else Path.cwd()


def _red(event: RunEvent) -> int:
    from cachediff.jobs.nights import Told

    return int(isinstance(event, Told) and event.night.red)


def _tell(settings: Settings, event: RunEvent) -> None:
    from cachediff.jobs.nights import Told
    from cachediff.jobs.run import NotDone
    from cachediff.reports.findings import sentence
    from cachediff.reports.visible import visible

    if isinstance(event, NotDone):
        say(f"{event.job}: not done: {event.message}")
        if event.hint:
            say(f"  {event.hint}")
    elif isinstance(event, Told):
        night = event.night
        told = event.outcome or f"filed in {settings.reports / str(night.report)}"
        typer.echo(visible(f"{night.job} {night.date}: {told}", longest=2_000))
        for finding in event.findings:
            colour = "accepted" if finding.accepted else "red"
            typer.echo(f"  {colour}: {sentence(finding, visible)}")
    else:
        typer.echo(f"{event.job}: nothing is due")


def _tell_delivered(round_: DeliveryRound | None) -> None:
    if round_ is None:
        say("what is in the outbox is left to another process, which is delivering")
        return
    if round_.accepted:
        typer.echo(f"delivered: {len(round_.accepted):,}")
    for parcel in (*round_.postponed, *round_.parked):
        state = "given up" if parcel.parked else "to be tried again"
        say(f"{state}: {parcel.title} to {parcel.destination}: {parcel.last_error}")
    for damaged in round_.damaged:
        say(f"the outbox holds what cannot be understood: {damaged.name}: {damaged.reason}")
