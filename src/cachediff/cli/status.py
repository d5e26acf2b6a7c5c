"""`cachediff status`: whether all is well, and what to do where it is not."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cachediff.cli.options import Config, settings_here


class StatusFormat(StrEnum):
    """Formats of a status."""

    TEXT = "text"
    JSON = "json"


def status(
    config: Config = None,
    metrics: Annotated[
        Path | None,
        typer.Option("--metrics", metavar="FILE", help="Write it for Prometheus as well."),
    ] = None,
    format_: Annotated[StatusFormat, typer.Option("--format", "-f")] = StatusFormat.TEXT,
) -> None:
    """Say whether all is well: the jobs, the outbox, the disk.

    Of each job its last nights are told. Nothing is fetched and nothing is written but FILE; a run that
    is at work is not disturbed.

    The exit code is 1 if something needs attention: a job of which more than one date is due and not
    done, or one for over an hour, or whose last night is still to come; parcels that are parked or
    damaged; too little space. It is 2 if the state cannot be told, as where the ledger is damaged.
    """
    from platformdirs import user_cache_path

    from cachediff.jobs.status import status_of
    from cachediff.reports.metrics import write_metrics
    from cachediff.reports.status import render_status, render_status_json

    settings = settings_here(config)
    found = status_of(settings, user_cache_path("cachediff"), datetime.now(UTC))
    if metrics is not None:
        write_metrics(metrics, found)
    render = render_status_json if format_ is StatusFormat.JSON else render_status
    typer.echo(render(found), nl=False)
    if found.attention:
        raise typer.Exit(1)
