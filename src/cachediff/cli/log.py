"""`cachediff log`: what became of a package, a hash or a stack."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.cli.options import Config, Repo, Since, Until, catalogue, say, time_range
from cachediff.cli.output import Output, choose_format
from cachediff.cli.pieces import UNLIMITED_WIDTH, terminal, write_pieces

if TYPE_CHECKING:
    from cachediff.model.timeline import HashChoice, Timeline

EXAMPLES = """\
\b
Examples:
  # since when is hdf5 at 1.14.6, and when did it leave e4s?
  cachediff log hdf5
  cachediff log hdf5 --stack e4s
\b
  # is the build that I pin still served, and since when not?
  cachediff log /2xgit5k
\b
  # what joined and left a stack this year, as a page with plots
  cachediff log --stack e4s --since 2025-01-01 -o e4s.html
"""

_MOST_LISTED = 20


class TimelineFormat(StrEnum):
    """Formats of a timeline."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def log(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="PACKAGE|HASH",
            help="A package, or the beginning of a hash; with / before it always a hash.",
        ),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            metavar="[SOURCE:]COLLECTION",
            help="Only in this collection: a name or a glob. By default develop, or else the only"
            " one that has the package; for a hash all of them.",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="STACK",
            help="What joined and left this stack; with PACKAGE, when that one did.",
        ),
    ] = None,
    repo: Repo = None,
    config: Config = None,
    format_: Annotated[
        TimelineFormat | None,
        typer.Option("--format", "-f", help="By default that of FILE's ending, or text."),
    ] = None,
    output: Output = None,
) -> None:
    """Tell what became of a package, a hash or a stack, and when.

    The newest comes first. It is told from stored snapshots (cachediff snapshot --since takes those of
    the past), out of an index of them that is kept beside them and brought up to date as need be. No
    source is read.
    """
    from cachediff.model.timeline import HashChoice
    from cachediff.queries.lives import open_index
    from cachediff.queries.timeline import Question, find_timeline

    chosen = choose_format(TimelineFormat, format_, output, "log")
    question = Question(
        what=what,
        stack=stack,
        collection=collection,
        span=time_range(since, until),
    )
    with catalogue(repo, config) as names:
        with open_index(names) as index:
            found = find_timeline(names, index, question)
        if isinstance(found, HashChoice):
            _offer(found)
            raise typer.Exit(2)
        _write(found, chosen, output)


def _write(timeline: Timeline, format_: TimelineFormat, output: Path | None) -> None:
    from cachediff.reports.timeline import FORMATS, TimelineLayout

    width, colour = terminal(output)
    layout = TimelineLayout(width=None if width == UNLIMITED_WIDTH else width, colour=colour)
    write_pieces([FORMATS[format_](timeline, layout)], output)


def _offer(choice: HashChoice) -> None:
    """Say which hashes may be meant, and what to type for each."""
    hashes = [life.hash for life in choice.lives]
    say(f"cachediff: {len(hashes):,} hashes begin with {choice.prefix}; type more of one:")
    for life in choice.lives[:_MOST_LISTED]:
        say(
            f"  cachediff log /{_shortest(life.hash, hashes)}    {life.package}@{life.version}, seen in"
            f" {life.source}:{life.collection} until {life.last.committed_at[:10]}"
        )
    if len(hashes) > _MOST_LISTED:
        say(f"  and {len(hashes) - _MOST_LISTED:,} more")


def _shortest(hash_: str, others: list[str]) -> str:
    """The least of a hash that none of the others begins with."""
    from cachediff.queries.homes import SHORTEST

    for size in range(SHORTEST, len(hash_)):
        if sum(each.startswith(hash_[:size]) for each in others) == 1:
            return hash_[:size]
    return hash_
