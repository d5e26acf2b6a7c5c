"""`cachediff snapshot --since`: the past, taken in."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from cachediff.cli.options import begin_of, catalogue, end_of, say
from cachediff.errors import UsageError
from cachediff.model.span import Every, Span

if TYPE_CHECKING:
    from cachediff.jobs.backfill import Result


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    collections: tuple[str, ...]
    all_collections: bool
    since: str
    until: str | None
    every: Every
    jobs: int | None
    dask: str | None


def take_in(asked: Asked, repo: str | None, config: Path | None) -> None:
    """Take snapshots of the past, and say what became of them."""
    from cachediff.jobs.backfill import backfill
    from cachediff.jobs.indexing import update_index

    begun = time.monotonic()
    span = Span(
        since=begin_of("--since", asked.since),
        until=end_of("--until", asked.until) if asked.until else Span().until,
        every=asked.every,
    )
    if span.until < span.since:
        raise UsageError(f"--until {asked.until} is before --since {asked.since}")
    if asked.jobs and asked.dask:
        raise UsageError("--jobs is for this machine, --dask for others", "say one of them")
    with catalogue(repo, config) as names:
        texts = _texts(asked, list(names.settings.sources))
        jobs = asked.jobs or _cores()
        try:
            done = backfill(
                names, texts, Path.cwd(), span, datetime.now(UTC), jobs=jobs, dask=asked.dask
            )
        except (SystemExit, KeyboardInterrupt):
            say("stopped: what is stored stays, and the same command goes on from there")
            raise
        _tell(done, span, time.monotonic() - begun)
        update_index(names)
    for problem in done.problems:
        say(f"cachediff: {problem}")
    if done.problems:
        raise typer.Exit(2)


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _tell(done: Result, span: Span, seconds: float) -> None:
    """A line for each collection, and one for all."""
    from cachediff.reports.phrases import counted
    from cachediff.reports.visible import visible

    for one in done.collections:
        until = "" if span.until == Span().until else f" until {span.until}"
        none = f"no change since {span.since}{until}"
        when = f"{one.first} to {one.last}" if one.first else none
        typer.echo(
            f"{visible(one.collection)}  {when}: {one.taken:,} taken, {one.there:,} were there"
        )
    taken = sum(one.taken for one in done.collections)
    there = sum(one.there for one in done.collections)
    rate = f" ({taken / seconds:,.1f} a second)" if taken else ""
    typer.echo(
        f"{counted(taken, 'snapshot')} taken, {there:,} were there, in {seconds:,.1f} s{rate}"
    )


def _texts(asked: Asked, sources: list[str | None]) -> list[str]:
    """The names of all that is meant."""
    if asked.all_collections:
        if asked.collections:
            raise UsageError("--all-collections, and some of them by name", "say one of them")
        return [f"{source}:*" if source else "*" for source in sources]
    if not asked.collections:
        raise UsageError("which collections?", "name some, or say --all-collections")
    return list(asked.collections)
