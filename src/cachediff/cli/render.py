"""`cachediff render`: the JSON of a comparison, made later and elsewhere, in any format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cachediff.cli.options import Config
from cachediff.cli.output import (
    Everything,
    Format,
    FormatOption,
    MaxSize,
    Output,
    Templates,
    choose_format,
    write_report,
)
from cachediff.errors import ReportError, UsageError

_STANDARD_INPUT = Path("-")
_HINT = (
    "give it what compare --format json wrote, without --steps; beside a filed report it is"
    " comparison.json, and in the JSON of steps the value of a step's key comparison"
)


def render(
    comparison: Annotated[
        Path,
        typer.Argument(
            metavar="JSON", help="What compare --format json wrote; - for standard input."
        ),
    ],
    format_: FormatOption = None,
    output: Output = None,
    everything: Everything = False,
    max_size: MaxSize = None,
    templates: Templates = None,
    config: Config = None,
) -> None:
    """Render the JSON of a comparison in another format.

    No source and no store is read, so the plot of how a collection has grown is left out; all else
    is as compare would have written it.
    """
    from cachediff.config import find_settings
    from cachediff.reports.reading import read_json
    from cachediff.reports.templating import check_templates

    chosen = choose_format(Format, format_, output)
    own = templates or find_settings(Path.cwd(), config).templates
    check_templates(own)
    content = _content(comparison)
    try:
        read = read_json(content)
    except ReportError as error:
        name = "standard input" if comparison == _STANDARD_INPUT else comparison
        raise ReportError(f"{name}: {error.message}", error.hint or _HINT) from error
    write_report(read, chosen, output, everything=everything, max_size=max_size, templates=own)


def _content(path: Path) -> bytes:
    if path == _STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", _HINT) from error
