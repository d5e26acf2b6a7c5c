"""`cachediff config check`: what the settings mean, before anything is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cachediff.cli.options import Config, say
from cachediff.errors import ConfigError

if TYPE_CHECKING:
    from cachediff.config import Settings
    from cachediff.config.deliveries import SecretOrigin
    from cachediff.model.jobs import Job

config_app = typer.Typer(
    help="Look after config.yaml.", no_args_is_help=True, rich_markup_mode=None
)

_TIMES = 3
"""Times of a schedule to show."""


@config_app.callback()
def _config() -> None:
    pass


@config_app.command()
def check(config: Config = None) -> None:
    """Say what each job would do, and when it runs next.

    It says as well by what each delivers, and which secrets are there. Nothing is fetched and nothing
    is written; no secret is shown. The exit code is 2 if config.yaml is wrong, or a secret is missing
    that a job needs.
    """
    from cachediff.config import find_settings
    from cachediff.reports.visible import visible

    settings = find_settings(Path.cwd(), config)
    if settings.file is None:
        raise ConfigError("there is no config.yaml here", "cachediff init writes one to begin with")
    now = datetime.now(UTC)
    typer.echo(visible(f"{settings.file}: sources {', '.join(map(str, settings.sources))}"))
    for job in settings.jobs.values():
        for line in _lines(settings, job, now):
            typer.echo(visible(line, longest=2_000))
    missing = False
    for name in settings.deliver:
        line, error = _delivery(settings, name)
        typer.echo(visible(line, longest=2_000))
        if error:
            say(f"cachediff: {error.message}")
            missing |= any(name in job.deliver for job in settings.jobs.values())
    if missing:
        raise typer.Exit(2)


def _lines(settings: Settings, job: Job, now: datetime) -> Iterator[str]:
    """What is to be said of a job, a line each."""
    from cachediff.model.jobs import Event, Schedule

    yield f"job {job.name}: compares {job.old} with {job.new}"
    match job.due:
        case Schedule():
            yield f"  due {job.due.cron} ({job.due.timezone}), once a date; next"
            for time in islice(job.due.times(now), _TIMES):
                there = f"{job.due.local(time):%Y-%m-%d %H:%M %Z}"
                yield f"    {time:%Y-%m-%d %H:%M} UTC, {there}"
        case Event.NEW_COLLECTION:
            yield f"  due in a run that finds a new collection {job.new}"
        case None:
            yield f"  due when it is asked for: cachediff run {job.name}"
    gates = (f"{gate.name} ({gate.rule.__struct_config__.tag})" for gate in job.gates)
    yield f"  gates: {', '.join(gates) or 'none'}"
    yield f"  reports in {settings.reports / job.name}"
    yield f"  delivers by: {', '.join(job.deliver) or 'nothing else'}"


def _delivery(settings: Settings, name: str) -> tuple[str, ConfigError | None]:
    """What is to be said of a delivery, and what is wrong with its secret."""
    from cachediff.config.deliveries import MailSettings
    from cachediff.config.resolving import resolve

    delivery = settings.deliver[name]
    if isinstance(delivery, MailSettings):
        addresses = ", ".join(recipient.address for recipient in delivery.recipients)
        line = f"mail by {delivery.host}:{delivery.port} ({delivery.security}) to {addresses}"
        origin = delivery.password
    else:
        line = f"webhook ({delivery.form})"
        origin = delivery.url
    error = None
    try:
        resolve(settings, os.environ, [name])
    except ConfigError as wrong:
        error = wrong
    secret = "; no secret" if origin is None else f"; secret {_where(origin)}"
    told = "" if origin is None else f": {'cannot be used' if error else 'present'}"
    return f"delivery {name}: {line}{secret}{told}", error


def _where(origin: SecretOrigin) -> str:
    from cachediff.config.deliveries import FromEnvironment, FromFile

    match origin:
        case FromEnvironment():
            return f"in the environment variable {origin.variable}"
        case FromFile():
            return f"in the file {origin.path}"
        case _:
            return "in config.yaml itself"
