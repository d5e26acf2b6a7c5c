"""A trend for a terminal: a sparkline a line, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

from rich.console import Console
from rich.text import Text

from cachediff.model.trend import CollectionTrend, Trend
from cachediff.reports.terminal import columns, fit
from cachediff.reports.trend import lines
from cachediff.reports.trend.sparks import marks, spark, spark_cells
from cachediff.reports.visible import visible

_Line = tuple[Text, Text]


def render_text(trend: Trend, *, width: int, colour: bool) -> str:
    """Render a trend as lines of text; `width` and `colour` as for a comparison."""
    file = StringIO()
    console = Console(
        file=file,
        width=width,
        color_system="standard" if colour else None,
        force_terminal=colour,
        force_jupyter=False,
        no_color=not colour,
        legacy_windows=False,
        _environ={},  # Rich would otherwise look for NO_COLOR, TERM and COLUMNS itself
    )
    for place, told in enumerate(trend.collections):
        if place:
            console.print()
        for head, tail in _collection(told, trend):
            for line in fit(console, head, tail):
                line.rstrip()
                console.print(line, soft_wrap=True)
    return file.getvalue()


def _collection(told: CollectionTrend, trend: Trend) -> Iterator[_Line]:
    yield Text(), Text(lines.heading(told, trend, visible, "->"), "bold")
    shown = spark_cells(told)
    rows = [
        [
            Text(line.label(visible)),
            Text(spark(line, told, shown), "cyan"),
            Text(f"{each.first} -> {each.last}"),
            Text(each.change, "dim" if each.change == "none" else ""),
            Text(f"min {each.low}"),
            Text(f"max {each.high}"),
        ]
        for line in lines.lines_of(told, trend.by)
        for each in (lines.figures(line, told.points),)
    ]
    if below := marks(shown):
        rows.append([Text("unreadable"), Text(below, "yellow"), Text(), Text(), Text(), Text()])
    yield from columns(rows)
    for sentence, style in (
        (lines.unreadable(told, visible), "yellow"),
        (lines.gaps(told, trend), "dim"),
        (lines.left_out(told, trend.by), "dim"),
    ):
        if sentence:
            yield Text("  "), Text(sentence, style)
