"""`cachediff outbox`: what waits to be delivered, and what is done about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.cli.options import Config, settings_here
from cachediff.errors import DeliveryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cachediff.delivery import Outbox
    from cachediff.model.delivery import Parcel

_SHOWN = 12
"""Digits of an id that are shown: those of any two parcels differ among them."""

_EMPTY = "The outbox is empty"

outbox = typer.Typer(name="outbox", invoke_without_command=True)


@outbox.callback()
def list_outbox(context: typer.Context, config: Config = None) -> None:
    """List what waits to be delivered; try it again, or drop it.

    Mail and webhooks wait here until they are accepted. They are tried again by each run, less and less
    often, for five days; then, or where they are refused, they are parked. The exit code is 1 where
    something is parked or damaged.
    """
    if context.invoked_subcommand:
        context.obj = config
        return
    from cachediff.reports.phrases import counted
    from cachediff.reports.visible import visible

    contents = _outbox(config).contents()
    for parcel in contents.parcels:
        destination, title = visible(parcel.destination), visible(parcel.title)
        typer.echo(f"{parcel.id[:_SHOWN]}  {destination}  {title}")
        typer.echo(f"{'':{_SHOWN}}  {_state(parcel)}")
    for damaged in contents.damaged:
        typer.echo(f"{visible(damaged.name)}  damaged: {visible(damaged.reason)}")
    parked = sum(parcel.parked for parcel in contents.parcels)
    if not (contents.parcels or contents.damaged):
        typer.echo(_EMPTY)
    else:
        waiting = counted(len(contents.parcels) - parked, "parcel")
        typer.echo(f"{waiting} waiting, {parked:,} parked, {len(contents.damaged):,} damaged")
    if parked or contents.damaged:
        raise typer.Exit(1)


@outbox.command()
def retry(
    context: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="As listed, or their beginnings.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Whatever is there.")] = False,
    config: Config = None,
) -> None:
    """Let parcels be tried by the next run, and for another five days."""
    from datetime import UTC, datetime

    from cachediff.reports.visible import visible

    if bool(ids) == everything:
        raise UsageError("say which parcels to try again", "give their ids, or --all")
    box = _outbox(config or context.obj)
    known = [parcel.id for parcel in box.contents().parcels]
    if not known and everything:
        typer.echo(_EMPTY)
    for found in known if everything else _named(ids or [], known):
        parcel = box.retry(found, datetime.now(UTC))
        typer.echo(f"{found[:_SHOWN]}  {visible(parcel.destination)}  is tried by the next run")


@outbox.command()
def drop(
    context: typer.Context,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="As listed, or their beginnings.")
    ],
    config: Config = None,
) -> None:
    """Throw parcels away: they will not be delivered."""
    from cachediff.reports.visible import visible

    box = _outbox(config or context.obj)
    contents = box.contents()
    known = {parcel.id: parcel.destination for parcel in contents.parcels}
    known |= {damaged.name: "what was damaged" for damaged in contents.damaged}
    for found in _named(ids, known):
        box.drop(found)
        typer.echo(f"{visible(found[:_SHOWN])}  {visible(known[found])}  dropped")


def _outbox(config: Path | None) -> Outbox:
    from cachediff.jobs.parcels import outbox_of

    return outbox_of(settings_here(config))


def _state(parcel: Parcel) -> str:
    """How often it was tried, when it is tried next, and what was said the last time."""
    from cachediff.reports.phrases import counted
    from cachediff.reports.visible import visible

    tried = counted(parcel.attempts, "attempt")
    if parcel.parked:
        state = f"parked after {tried}"
    else:
        state = f"{tried}, next try {parcel.next_try:%Y-%m-%d %H:%M} UTC"
    return f"{state}: {visible(parcel.last_error)}" if parcel.last_error else state


def _named(beginnings: Iterable[str], known: Iterable[str]) -> list[str]:
    """The ids that begin so, each once; all of them are found, or it is an error."""
    found = []
    for beginning in beginnings:
        matching = [each for each in known if each.startswith(beginning)]
        if beginning in matching:
            matching = [beginning]
        if len(matching) != 1 or not beginning:
            several = f"{len(matching):,} parcels begin with" if matching else "there is no parcel"
            raise DeliveryError(f"{several} {beginning!r}", "cachediff outbox lists them all")
        found += matching
    return list(dict.fromkeys(found))
