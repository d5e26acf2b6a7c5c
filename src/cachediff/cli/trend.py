"""`cachediff trend`: what collections came to over time."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cachediff.cli.options import Config, Repo, Since, Until, catalogue, complete_name, time_range
from cachediff.cli.output import Output, choose_format
from cachediff.cli.pieces import terminal, write_bytes, write_pieces

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


def trend(
    collections: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COLLECTION",
            help="[SOURCE:]COLLECTION, or a glob, which means its newest match; by default develop.",
            autocompletion=complete_name,
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
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
    so many specs; such snapshots, and those from which too much is missing to be believed, are marked,
    and not taken for a loss.
    """
    from cachediff.queries.homes import DEVELOP
    from cachediff.queries.lives import open_index
    from cachediff.queries.trend import Question, find_trend
    from cachediff.reports.trend import FORMATS, TrendLayout, trend_png

    chosen = choose_format(TrendFormat, format_, output, "trend")
    question = Question(
        collections=collections or [DEVELOP],
        span=time_range(since, until),
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
