"""`cachediff bisect`: the commit in which a statement became true."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.cli.options import Config, Repo, catalogue, complete_name

if TYPE_CHECKING:
    from cachediff.model.bisection import Bisection

BISECT_EPILOG = """\
\b
A STATEMENT is one of:
  PACKAGE joined STACK            a spec of it is in the stack
  PACKAGE left STACK              no spec of it is in the stack
  PACKAGE added                   it has specs
  PACKAGE removed                 it has none
  PACKAGE@VERSION added|removed   the same of one version
  PACKAGE/HASH added|removed      the same of one spec, by (part of) its hash
  /HASH added|removed             the same, its package being looked up
  PACKAGE unreadable              its manifest cannot be read
\b
Examples:
  # which commit took trilinos out of e4s
  cachediff bisect trilinos left e4s
\b
  # since when is there zlib-ng 2.2.4, in another collection
  cachediff bisect zlib-ng@2.2.4 added --collection e4s-release
\b
  # when was one spec removed, of this year's commits
  cachediff bisect hdf5/2xgit5k removed --since 2025-01-01
"""


class BisectFormat(StrEnum):
    """Formats of a bisection."""

    TEXT = "text"
    JSON = "json"


def bisect(
    statement: Annotated[
        list[str], typer.Argument(metavar="STATEMENT", help="Such as: hdf5 left e4s")
    ],
    collection: Annotated[
        str | None,
        typer.Option(
            "--collection",
            metavar="[SOURCE:]COLLECTION",
            help="In this collection; by default develop, or else the only one.",
            autocompletion=complete_name,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Search from this date or time on (which counts), or after this revision; "
            "by default all of history.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Search up to here; by default the newest commit."),
    ] = None,
    repo: Repo = None,
    config: Config = None,
    format_: Annotated[BisectFormat, typer.Option("--format", "-f")] = BisectFormat.TEXT,
) -> None:
    """Find the commit in which a statement became true.

    It is looked for in git's history, of which only the commits that changed the package count, and those
    at which the collection went or came back; nothing needs to be stored, and nothing is. Where these are
    at most 64, all of their manifests are read, and the last time is told that it became true, with those
    before it. Where they are more, halving finds one such time with a few manifests read. Commits at which
    the manifest cannot be read are unknown: they are passed over, and where it became true among them, the
    commits before and after are told.

    The exit code is 0 where it was found; 1 where it is not true or not known at the end, or was true at
    the beginning and never became it; 2 for any error.
    """
    from cachediff.jobs.fetch import fetch_for
    from cachediff.model.bisection import Outcome
    from cachediff.queries.bisecting import bisect as bisect_history
    from cachediff.queries.homes import DEVELOP
    from cachediff.queries.statements import parse_statement
    from cachediff.reports.bisection import render_bisection, render_bisection_json

    wanted = parse_statement(" ".join(statement))
    with catalogue(repo, config) as names:
        fetch_for(names, [collection or DEVELOP], Path.cwd())
        found = bisect_history(names, wanted, collection=collection, since=since, to=to)
        if format_ is BisectFormat.JSON:
            typer.echo(render_bisection_json(found), nl=False)
        else:
            options = [
                *(["--repo", repo] if repo else []),
                *(["--config", str(config)] if config else []),
            ]
            source = (collection or "").rpartition(":")[0]
            typer.echo(render_bisection(found, _commands(found, source, options)), nl=False)
    if found.outcome is not Outcome.FOUND:
        raise typer.Exit(1)


def _commands(found: Bisection, source: str, options: list[str]) -> list[str]:
    """What to type to see more of what became of the package then."""
    if not found.turn:
        return []
    place = f"{source}:{found.collection}" if source else found.collection
    new = found.turn.commit.commit[:12]
    old = found.turn.before.commit[:12] if found.turn.unknown else f"{new}~1"
    package = str(found.statement.package)
    compare = ["cachediff", "compare", f"{place}@{old}", f"{place}@{new}", package, *options]
    return [shlex.join(compare)]
