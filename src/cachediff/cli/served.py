"""`cachediff served`: whether a cache still has what a lock file pins."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.cli.options import Config, Repo, catalogue, complete_name
from cachediff.cli.output import ROWS_OF_A_GROUP, Everything, Output, choose_format
from cachediff.cli.pieces import terminal, write_pieces
from cachediff.errors import UsageError

if TYPE_CHECKING:
    from cachediff.model.served import Served

SERVED_EPILOG = """\
\b
Examples:
  # is all of an environment in the cache
  cachediff served spack.lock
\b
  # is it in the collection that a site is pinned to
  cachediff served spack.lock --collection develop-2025-04-20
\b
  # what is installed here, and is still served
  spack find --format '{name}/{hash}' | cachediff served -
"""

_STANDARD_INPUT = Path("-")


class ServedFormat(StrEnum):
    """Formats of what is served."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def served(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A spack.lock, or hashes, one a line; - for standard input."
        ),
    ],
    collection: Annotated[
        list[str] | None,
        typer.Option(
            "--collection",
            metavar="[SOURCE:]COLLECTION",
            help="Only in this collection: a name or a glob; can be given several times.",
            autocompletion=complete_name,
        ),
    ] = None,
    repo: Repo = None,
    config: Config = None,
    format_: Annotated[
        ServedFormat | None,
        typer.Option("--format", "-f", help="By default that of FILE's ending, or text."),
    ] = None,
    output: Output = None,
    everything: Everything = False,
) -> None:
    """Tell which of the specs that a lock file pins are served.

    For each: which collections serve it now; else when it was last seen in which, and when it was gone;
    or that it was never seen. Now is the newest stored snapshot of each collection, whose date is told.
    A collection that upstream removed serves nothing. Where the manifest of a package, or the newest
    snapshot, cannot be read, or too much is missing from it, what became of specs since is not known.

    A spec is known by its DAG hash, whatever version of the format the lock file is of. Externals are in
    no cache, and listed apart. A list has one hash a line, as HASH, /HASH or PACKAGE/HASH; what follows a
    # is not read.

    The exit code is 0 where all are served, 1 where one is not, or is not known to be; 2 for any error.
    """
    from cachediff.queries.served import served as find_served
    from cachediff.sources.lock_files import read_pins

    chosen = choose_format(ServedFormat, format_, output, "list of what is served")
    pins = read_pins("standard input" if file == _STANDARD_INPUT else str(file), _content(file))
    with catalogue(repo, config) as names:
        found = find_served(names, pins, collection or ())
        _write(found, chosen, output, everything=everything)
    if found.missing:
        raise typer.Exit(1)


def _content(path: Path) -> bytes:
    """What is to be read, or as much of it as shows that it is too large."""
    from cachediff.sources.lock_files import MAX_SIZE

    if path == _STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_SIZE + 1)
    try:
        with path.open("rb") as file:
            return file.read(MAX_SIZE + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _write(found: Served, format_: ServedFormat, output: Path | None, *, everything: bool) -> None:
    from cachediff.reports.served import (
        render_served_json,
        render_served_markdown,
        render_served_text,
    )

    match format_:
        case ServedFormat.JSON:
            report = render_served_json(found)
        case ServedFormat.MARKDOWN:
            report = render_served_markdown(found)
        case ServedFormat.TEXT:
            width, _ = terminal(output)
            limit = None if everything else ROWS_OF_A_GROUP
            report = render_served_text(found, width=width, limit=limit)
    write_pieces([report], output)
