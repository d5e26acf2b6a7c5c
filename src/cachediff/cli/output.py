"""Where a report goes: standard output or a file, in which format, with what colours."""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path

import typer

from cachediff.model.comparison import Comparison

ROWS_OF_A_GROUP = 20
"""Rows of each group in a terminal, unless all are asked for."""

_UNLIMITED_WIDTH = 1_000_000


class Format(StrEnum):
    """Formats of a report."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


_SUFFIXES = {".txt": Format.TEXT, ".md": Format.MARKDOWN, ".json": Format.JSON}


def write_report(
    comparison: Comparison, format_: Format | None, output: Path | None, *, everything: bool
) -> None:
    """Render a comparison and write it to `output`, whose name says the format where nothing else does.

    Raises:
        UsageError: the file cannot be written.
    """
    from cachediff.changelog import arrange
    from cachediff.jobs.publish import publish
    from cachediff.reports import FORMATS, Layout

    chosen = format_ or _SUFFIXES.get(output.suffix if output else "", Format.TEXT)
    to_terminal = output is None and sys.stdout.isatty()
    limited = chosen is Format.TEXT and not everything
    layout = Layout(
        width=shutil.get_terminal_size().columns if to_terminal else _UNLIMITED_WIDTH,
        colour=to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        limit=ROWS_OF_A_GROUP if limited else None,
    )
    report = FORMATS[chosen](arrange(comparison), layout)
    if output is None:
        typer.echo(report, nl=False)
    else:
        publish(output, report)
