"""`cachediff trend`: what collections came to over time."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cachediff.cli.options import Config, Repo, catalogue, complete_name
from cachediff.cli.output import Output
from cachediff.cli.pieces import terminal, write_bytes, write_pieces
from cachediff.errors import UsageError

EXAMPLES = """\
\b
Examples:
  # how develop has grown, as far as snapshots are stored
  cachediff trend
\b
  # this year, week by week, by operating system, as a page with plots
  cachediff trend --since 2025-01-01 --every week --by os -o trend.html
\b
  # the plot alone
  cachediff trend develop e4s -o trend.png
"""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class TrendFormat(StrEnum):
    """Formats of a trend."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"
    PNG = "png"


class By(StrEnum):
    """Fields that totals can be told by."""

    STACK = "stack"
    PLATFORM = "platform"
    OS = "os"
    TARGET = "target"
    COMPILER = "compiler"


class Every(StrEnum):
    """Periods of which the last snapshot can be told."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_ENDINGS = {
    "": TrendFormat.TEXT,
    ".txt": TrendFormat.TEXT,
    ".md": TrendFormat.MARKDOWN,
    ".json": TrendFormat.JSON,
    ".html": TrendFormat.HTML,
    ".png": TrendFormat.PNG,
}


def trend(
    collections: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COLLECTION",
            help="[SOURCE:]COLLECTION, or a glob, which means its newest match; by default develop.",
            autocompletion=complete_name,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Only from this ISO date or time on, in UTC."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only until this one, which is included.")
    ] = None,
    by: Annotated[By | None, typer.Option(help="A line for each value: of the largest.")] = None,
    every: Annotated[
        Every | None, typer.Option(help="Only the last snapshot of each; by default all of them.")
    ] = None,
    repo: Repo = None,
    config: Config = None,
    format_: Annotated[
        TrendFormat | None,
        typer.Option("--format", "-f", help="By default that of FILE's ending, or text."),
    ] = None,
    output: Output = None,
) -> None:
    """Tell how collections have grown, snapshot by snapshot.

    Packages and specs are told from stored snapshots (cachediff snapshot --since takes those of the
    past), out of an index of them that is kept beside them and brought up to date as need be. No source
    is read.

    Nothing is said of nights without a snapshot. Where manifests could not be read there are at least
    so many specs; such snapshots are marked, and not taken for a loss.
    """
    from cachediff.model.timeline import Span
    from cachediff.queries.lives import open_index
    from cachediff.queries.trend import DEFAULT, Question, find_trend
    from cachediff.reports.trend import FORMATS, TrendLayout, trend_png

    chosen = _format(format_, output)
    question = Question(
        collections=collections or [DEFAULT],
        span=Span(_time(since, first=True), _time(until, first=False)),
        by=by and by.value,
        every=every and every.value,
    )
    with catalogue(repo, config) as names:
        with open_index(names) as index:
            found = find_trend(names, index, question)
        if chosen is TrendFormat.PNG:
            write_bytes(trend_png(found), output)
            return
        width, colour = terminal(output)
        layout = TrendLayout(width=width, colour=colour)
        write_pieces([FORMATS[chosen](found, layout)], output)


def _format(format_: TrendFormat | None, output: Path | None) -> TrendFormat:
    if format_ is not None or output is None:
        return format_ or TrendFormat.TEXT
    try:
        return _ENDINGS[output.suffix]
    except KeyError:
        formats = ", ".join(TrendFormat)
        raise UsageError(
            f"{output}: no format of a trend ends in {output.suffix!r}",
            f"say which with --format: {formats}",
        ) from None


def _time(text: str | None, *, first: bool) -> str | None:
    """A date or time as in `Origin`; a date alone means the `first` or the last second of the day."""
    if text is None:
        return None
    from cachediff.sources.names import until

    moment = until(f"{text}T00:00" if first and _DAY.fullmatch(text) else text)
    if moment is None:
        raise UsageError(
            f"{text!r} is not a date or time", "such as 2025-04-20 or 2025-04-20T03:12Z"
        )
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
