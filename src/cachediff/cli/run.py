"""`cachediff run`: whatever is due, now."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.cli.logs import Entry, LogFormat, LogOption, log, logged
from cachediff.cli.options import Config, catalogue, no_settings
from cachediff.errors import ConfigError, NameNotFoundError

if TYPE_CHECKING:
    from cachediff.config import Settings
    from cachediff.jobs.service import Run
    from cachediff.model.jobs import Job

Metrics = Annotated[
    Path | None,
    typer.Option(
        "--metrics",
        metavar="FILE",
        help="Afterwards, write what `cachediff status` says to this file, for Prometheus.",
    ),
]

_JOB_SUMMARY = "GITHUB_STEP_SUMMARY"


def run(
    jobs: Annotated[
        list[str] | None,
        typer.Argument(metavar="JOB", help="By default every job with a schedule or an event."),
    ] = None,
    config: Config = None,
    metrics: Metrics = None,
    log_format: LogOption = LogFormat.TEXT,
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
    from cachediff.jobs.service import Run
    from cachediff.jobs.status import status_of
    from cachediff.reports.metrics import write_metrics

    with logged(log_format), catalogue(None, config, note=_note) as names:
        settings = names.settings
        chosen = chosen_jobs(settings, jobs or [])
        used = dict.fromkeys(name for job in settings.jobs.values() for name in job.deliver)
        summary = os.environ.get(_JOB_SUMMARY)
        code = told(
            Run(
                names=names,
                jobs=chosen,
                deliveries=resolve(settings, os.environ, used),
                now=datetime.now(UTC),
                folder=folder_of(settings),
                sleep=time.sleep,
                summary=Path(summary) if summary else None,
            )
        )
        if metrics:
            write_metrics(metrics, status_of(settings, names.cache, datetime.now(UTC)))
    if code:
        raise typer.Exit(code)


def told(run: Run) -> int:
    """Do a run and log what it tells; the exit code that follows from it comes back."""
    from cachediff.cli.telling import entries, exit_code
    from cachediff.jobs.service import do_run

    code = 0
    try:
        for event in do_run(run):
            code = max(code, exit_code(event))
            for entry in entries(event, run.names.settings):
                log(entry)
    except (SystemExit, KeyboardInterrupt):
        log(Entry("stopped", "stopped; the next run does what is not done", logging.WARNING))
        raise
    return code


def chosen_jobs(settings: Settings, wanted: list[str]) -> list[Job]:
    """The jobs of these names; those that are due by themselves where there is none.

    Raises:
        ConfigError: no job is set.
        NameNotFoundError: there is no job of such a name.
    """
    from cachediff.sources import close_names

    if settings.file is None:
        raise no_settings()
    if not settings.jobs:
        raise ConfigError(f"{settings.file}: no job is set", "cachediff init writes an example")
    for name in wanted:
        if name not in settings.jobs:
            raise NameNotFoundError(f"there is no job {name!r}", close_names(name, settings.jobs))
    if wanted:
        return [settings.jobs[name] for name in dict.fromkeys(wanted)]
    return [job for job in settings.jobs.values() if job.due is not None]


def folder_of(settings: Settings) -> Path:
    """What relative paths in the settings are relative to."""
    return settings.file.parent if settings.file else Path.cwd()


def _note(notice: str) -> None:
    log(Entry("note", f"note: {notice}", logging.WARNING))
