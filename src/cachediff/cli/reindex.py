"""`cachediff reindex`: the index of lives, made anew."""

from __future__ import annotations

import time

import typer

from cachediff.cli.options import Config, catalogue


def reindex(config: Config = None) -> None:
    """Make the index anew, of all stored snapshots.

    Those are of all sources. The index is what log, trend and served read. It is kept up to date by
    itself; this is for when it is in doubt. It can be interrupted: the rest is done when the index is
    used next.
    """
    from cachediff.jobs.indexing import reindex as make_anew
    from cachediff.reports.phrases import counted
    from cachediff.reports.visible import visible

    begun = time.monotonic()
    with catalogue(None, config, stored_only=True) as names:
        done = make_anew(names)
        location = names.store.location
        listing = names.store.list()
    if not (listing.snapshots or listing.damaged):
        typer.echo(f"nothing is stored in {visible(str(location))}")
        return
    seconds = time.monotonic() - begun
    rate = f", {done.snapshots / seconds:,.1f} a second" if done.snapshots else ""
    typer.echo(f"{counted(done.snapshots, 'snapshot')} indexed{rate}")
