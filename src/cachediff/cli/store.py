"""`cachediff list`, `snapshot` and `verify`: what there is, what is kept, and whether it is whole."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.cli.options import Config, Repo, catalogue, complete_name, say
from cachediff.errors import SourceError, UsageError

if TYPE_CHECKING:
    from cachediff.jobs.snapshot import Taken


_LONGEST = 2_000
"""Characters of a path or reason: what is to be typed must not be cut."""


class Every(StrEnum):
    """Of which commits of the past snapshots are taken."""

    COMMIT = "commit"
    DAY = "day"
    WEEK = "week"


def list_(
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Only this source.")
    ] = None,
    repo: Repo = None,
    config: Config = None,
) -> None:
    """List sources, their collections and what is stored of them."""
    from cachediff.jobs.fetch import fetch_for
    from cachediff.queries.holdings import holdings
    from cachediff.reports.phrases import counted
    from cachediff.reports.visible import visible

    unread = 0
    with catalogue(repo, config) as names:
        for name in [source] if source else list(names.settings.sources):
            try:
                fetch_for(names, [f"{name}:*" if name else "*"], Path.cwd())
            except SourceError as error:  # what is stored of it, and the other sources, are told
                names.notices.append(error.message)
            held = holdings(names, name)
            unread += not held.was_read
            typer.echo(visible(held.source))
            width = max((len(visible(one.name)) for one in held.collections), default=0)
            for one in held.collections:
                line = f"  {visible(one.name):{width}}"
                if one.newest:
                    line += f"  {one.stored:,} stored, newest {one.newest.committed_at}"
                    line += f" {one.newest.commit[:12]}, {counted(one.newest.specs, 'spec')}"
                if one.in_source is False:
                    line += " (no longer in the source)"
                typer.echo(line.rstrip())
            for receipt in held.damaged:
                say(f"note: {receipt.path}: {receipt.reason}; see cachediff verify")
    if unread:
        raise typer.Exit(2)


def snapshot(
    collections: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Snapshots, named as for compare; by default every collection. "
            "With --since: collections, a glob being all that ever matched.",
            autocompletion=complete_name,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Take in the past: all that changed on DATE or later."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="With --since: and not later than this."),
    ] = None,
    every: Annotated[
        Every,
        typer.Option(
            help="With --since: each change, or the last one of each UTC day or ISO week."
        ),
    ] = Every.COMMIT,
    all_collections: Annotated[
        bool,
        typer.Option(
            "--all-collections", help="With --since: every collection that there ever was."
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="With --since: processes; by default one a core."),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="With --since: the Dask scheduler (tcp://host:8786) whose workers do it.",
        ),
    ] = None,
    repo: Repo = None,
    config: Config = None,
) -> None:
    """Store snapshots, which outlive a rewritten upstream.

    Each becomes one Parquet file in the store, which is the folder snapshots unless config.yaml says
    otherwise, with its SHA-256 beside it. The same tree is not stored twice; a damaged snapshot is
    stored anew.

    With --since, the past is taken in: every commit since then that changed the collection. It can be
    killed at any time and goes on where it was. DATE is 2023-05-01, or a time; both are in UTC.
    """
    if since is not None:
        from cachediff.cli.backfill import Asked, take_in
        from cachediff.model import span

        take_in(
            Asked(
                collections=tuple(collections or ()),
                all_collections=all_collections,
                since=since,
                until=until,
                every=span.Every(every),
                jobs=jobs,
                dask=dask,
            ),
            repo,
            config,
        )
        return
    if until or all_collections or jobs or dask or every is not Every.COMMIT:
        raise UsageError(
            "--until, --every, --all-collections, --jobs and --dask are for the past",
            "say since when: --since 2023-05-01",
        )
    from cachediff.jobs.indexing import update_index
    from cachediff.jobs.snapshot import take_snapshots

    with catalogue(repo, config) as names:
        for taken in take_snapshots(names, collections or [], Path.cwd()):
            tell_taken(taken)
        update_index(names)


def tell_taken(taken: Taken) -> None:
    """One line on a snapshot that was taken, or was there."""
    from cachediff.reports.phrases import counted
    from cachediff.reports.visible import visible

    stored = taken.stored
    line = f"{visible(stored.collection)}  {taken.origin.committed_at}"
    line += f"  {counted(stored.specs, 'spec')}"
    if stored.unreadable:
        line += f", {stored.unreadable:,} of {stored.manifests:,} manifests unreadable"
    line += "" if taken.is_new else f"  (unchanged since {stored.committed_at}, not stored again)"
    typer.echo(line)


def verify(config: Config = None) -> None:
    """Check that stored snapshots are whole and add up.

    Those are of all sources. Whatever is damaged is told once, with how many others are steps on it. The
    exit code is 1 where a snapshot is not whole, or where a file is left that none needs.
    """
    from cachediff.queries.verification import verify as verify_store
    from cachediff.reports.phrases import counted
    from cachediff.reports.visible import visible

    with catalogue(None, config, stored_only=True) as names:
        verdict = verify_store(names)
        location = names.store.location
    for finding in verdict.findings:
        typer.echo(visible(str(finding.path), longest=_LONGEST))
        depend = f"{counted(finding.dependent, 'other snapshot')} cannot be read without it"
        for text in (*finding.reasons, depend if finding.dependent else "", finding.remedy):
            if text:
                typer.echo(f"  {visible(text, longest=_LONGEST)}")
    told = f"{verdict.whole:,} whole, {len(verdict.findings):,} with problems"
    if verdict.dependent:
        told += f", {verdict.dependent:,} that depend on those"
    if not (verdict.whole or verdict.findings):
        told = f"nothing is stored in {visible(str(location), longest=_LONGEST)}"
    typer.echo(f"Stored snapshots: {told}")
    if verdict.findings:
        raise typer.Exit(1)
