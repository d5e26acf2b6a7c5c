"""`cachediff config check`: what the settings mean, before anything is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import typer

from cachediff.cli.options import Config, say, settings_here
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

    It says as well by what each delivers, whether there is a heartbeat, and which secrets are there.
    Nothing is fetched and nothing is written; no secret is shown. The exit code is 2 if config.yaml is
    wrong, or a secret is missing that a run needs.
    """
    from cachediff.reports.visible import visible

    settings = settings_here(config)
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
    if settings.heartbeat:
        origin = settings.heartbeat.url
        error = _wrong(settings, [])
        told = f"after each good night, to the {_state('address', origin, error)}"
        typer.echo(visible(f"heartbeat: {told}", longest=2_000))
        if error:
            say(f"cachediff: {error.message}")
            missing = True
    if missing:
        raise typer.Exit(2)


def _lines(settings: Settings, job: Job, now: datetime) -> Iterator[str]:
    """What is to be said of a job, a line each."""
    from cachediff.model.jobs import Event, Schedule
    from cachediff.queries.due import due_dates, times_after

    yield f"job {job.name}: compares {job.old} with {job.new}"
    match job.due:
        case Schedule():
            yield f"  due {job.due.cron} ({job.due.timezone}), once a date; next"
            newest = [night.date for night in due_dates(job.due, None, now)]
            later = times_after(job.due, newest[-1] if newest else None, now)
            for time in islice(later, _TIMES):
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
    import msgspec

    from cachediff.config.deliveries import MailSettings

    delivery = settings.deliver[name]
    if isinstance(delivery, MailSettings):
        addresses = ", ".join(recipient.address for recipient in delivery.recipients)
        line = f"mail by {delivery.host}:{delivery.port} ({delivery.security}) to {addresses}"
        origin = delivery.password
    else:
        line = f"webhook ({delivery.form})"
        origin = delivery.url
    error = _wrong(msgspec.structs.replace(settings, heartbeat=None), [name])
    told = "no secret" if origin is None else _state("secret", origin, error)
    return f"delivery {name}: {line}; {told}", error


def _wrong(settings: Settings, names: list[str]) -> ConfigError | None:
    """What is wrong with the secrets of these deliveries, or of the heartbeat."""
    from cachediff.config.resolving import resolve

    try:
        resolve(settings, os.environ, names)
    except ConfigError as error:
        return error
    return None


def _state(what: str, origin: SecretOrigin, error: ConfigError | None) -> str:
    return f"{what} {_where(origin)}: {'cannot be used' if error else 'present'}"


def _where(origin: SecretOrigin) -> str:
    from cachediff.config.deliveries import FromEnvironment, FromFile

    match origin:
        case FromEnvironment():
            return f"in the environment variable {origin.variable}"
        case FromFile():
            return f"in the file {origin.path}"
        case _:
            return "in config.yaml itself"
