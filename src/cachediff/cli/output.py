"""Where a report goes: standard output or a file, in which format, with what colours."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cachediff.cli.pieces import terminal, write_pieces
from cachediff.errors import UsageError

if TYPE_CHECKING:
    from cachediff.model.comparison import Comparison
    from cachediff.model.history import HistoryPoint

ROWS_OF_A_GROUP = 20
"""Rows of each group in a terminal, unless all are asked for."""


class Format(StrEnum):
    """Formats of a report."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    EML = "eml"
    RELEASE_NOTES = "release-notes"


_Formats = TypeVar("_Formats", bound=StrEnum)

_ENDINGS = {
    "": "text",
    ".txt": "text",
    ".md": "markdown",
    ".html": "html",
    ".json": "json",
    ".eml": "eml",
    ".png": "png",
}
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="By default that of FILE's ending, or text."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to FILE, making its folder if need be; - is standard output.",
        callback=lambda path: None if path == Path("-") else path,
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="List long groups to the end.")]
MaxSize = Annotated[
    int | None,
    typer.Option(
        "--max-size",
        metavar="BYTES",
        min=1,
        help="Cut Markdown to so many bytes, the least important first. "
        "GitHub takes 65536 in a comment, 1048576 in a job summary.",
    ),
]
Templates = Annotated[
    Path | None,
    typer.Option(
        "--templates",
        metavar="DIR",
        help="Templates of your own: cachediff init --templates writes ours to begin with.",
    ),
]

WITH_PLOTS = (Format.HTML, Format.EML)
_CUT_TO_SIZE = (Format.MARKDOWN, Format.RELEASE_NOTES)


def choose_format(
    formats: type[_Formats], format_: _Formats | None, output: Path | None, what: str = "report"
) -> _Formats:
    """Of `formats` the one asked for, or else the one that the ending of `output` stands for.

    Raises:
        UsageError: it stands for none, or for one that `what` is written is not made in.
    """
    if format_ is not None:
        return format_
    ending = output.suffix if output else ""
    name = _ENDINGS.get(ending)
    if chosen := next((each for each in formats if each == name), None):
        return chosen
    wrong = f"a {what} is not made as {name}" if name else f"no format ends in {ending!r}"
    raise UsageError(f"{output}: {wrong}", f"say which with --format: {', '.join(formats)}")


def write_report(
    comparison: Comparison,
    format_: Format,
    output: Path | None,
    *,
    everything: bool = False,
    max_size: int | None = None,
    templates: Path | None = None,
    history: tuple[HistoryPoint, ...] = (),
) -> None:
    """Render a comparison, and write it to `output` or, where that is None, to standard output.

    Raises:
        ReportError: it cannot be rendered so.
        UsageError: the file cannot be written, or the format has no use for what is asked.
    """
    from cachediff.changelog import arrange
    from cachediff.reports import FORMATS, Layout

    if max_size is not None and format_ not in _CUT_TO_SIZE:
        formats = " and ".join(_CUT_TO_SIZE)
        raise UsageError(f"--max-size is for {formats}, not for {format_}")
    width, colour = terminal(output)
    limited = format_ is Format.TEXT and not everything
    layout = Layout(
        width=width,
        colour=colour,
        limit=ROWS_OF_A_GROUP if limited else None,
        max_size=max_size,
        templates=templates,
        history=history,
    )
    write_pieces([FORMATS[format_](comparison, arrange, layout)], output)
