"""Where a report goes: standard output or a file, in which format, with what colours."""

from __future__ import annotations

import os
import shutil
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cachediff.errors import UsageError

if TYPE_CHECKING:
    from cachediff.model.comparison import Comparison

ROWS_OF_A_GROUP = 20
"""Rows of each group in a terminal, unless all are asked for."""

_UNLIMITED_WIDTH = 1_000_000
_STANDARD_OUTPUT = 1


class Format(StrEnum):
    """Formats of a report."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


_ENDINGS = {"": Format.TEXT, ".txt": Format.TEXT, ".md": Format.MARKDOWN, ".json": Format.JSON}


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
    comparison: Comparison, format_: Format, output: Path | None, *, everything: bool
) -> None:
    """Render a comparison, and write it to `output` or, where that is None, to standard output.

    Raises:
        UsageError: the file cannot be written.
    """
    from cachediff.changelog import arrange
    from cachediff.jobs.publish import publish
    from cachediff.reports import FORMATS, Layout

    to_terminal = output is None and os.isatty(_STANDARD_OUTPUT)
    limited = format_ is Format.TEXT and not everything
    layout = Layout(
        width=shutil.get_terminal_size().columns if to_terminal else _UNLIMITED_WIDTH,
        colour=to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        limit=ROWS_OF_A_GROUP if limited else None,
    )
    report = FORMATS[format_](comparison, arrange, layout)
    if output is None:
        typer.echo(report, nl=False)
    else:
        publish(output, report)
