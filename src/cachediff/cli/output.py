"""Where a report goes: standard output or a file, in which format, with what colours."""

from __future__ import annotations

import os
import shutil
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.errors import UsageError

if TYPE_CHECKING:
    from cachediff.model.comparison import Comparison
    from cachediff.model.history import HistoryPoint

ROWS_OF_A_GROUP = 20
"""Rows of each group in a terminal, unless all are asked for."""

_UNLIMITED_WIDTH = 1_000_000
_STANDARD_OUTPUT = 1


class Format(StrEnum):
    """Formats of a report."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    EML = "eml"
    RELEASE_NOTES = "release-notes"


_ENDINGS = {
    "": Format.TEXT,
    ".txt": Format.TEXT,
    ".md": Format.MARKDOWN,
    ".html": Format.HTML,
    ".json": Format.JSON,
    ".eml": Format.EML,
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


def choose_format(format_: Format | None, output: Path | None) -> Format:
    """The format asked for, or else the one that the ending of `output` stands for.

    Raises:
        UsageError: it stands for none.
    """
    if format_ is not None or output is None:
        return format_ or Format.TEXT
    try:
        return _ENDINGS[output.suffix]
    except KeyError:
        formats = ", ".join(Format)
        raise UsageError(
            f"{output}: no format ends in {output.suffix!r}", f"say which with --format: {formats}"
        ) from None


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
    to_terminal = output is None and os.isatty(_STANDARD_OUTPUT)
    limited = format_ is Format.TEXT and not everything
    layout = Layout(
        width=shutil.get_terminal_size().columns if to_terminal else _UNLIMITED_WIDTH,
        colour=to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        limit=ROWS_OF_A_GROUP if limited else None,
        max_size=max_size,
        templates=templates,
        history=history,
    )
    report = FORMATS[format_](comparison, arrange, layout)
    if output is None:
        typer.echo(report, nl=False)
    else:
        from cachediff.jobs.publish import publish

        publish(output, report)
