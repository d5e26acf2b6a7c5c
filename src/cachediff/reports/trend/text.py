"""A trend for a terminal: a sparkline a line, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from cachediff.model.trend import CollectionTrend, Trend
from cachediff.reports.terminal import columns, fit
from cachediff.reports.trend import lines
from cachediff.reports.trend.sparks import marks, spark, spark_cells
from cachediff.reports.visible import visible

_Line = tuple[Text, Text]

_GAP = 2
_FEWEST_CELLS = 6


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
        for head, tail in _collection(told, trend, width):
            for line in fit(console, head, tail):
                line.rstrip()
                console.print(line, soft_wrap=True)
    return file.getvalue()


def _collection(told: CollectionTrend, trend: Trend, width: int) -> Iterator[_Line]:
    yield Text(), Text(lines.heading(told, trend, visible, "->"), "bold")
    all_lines = lines.lines_of(told, trend.by)
    words = [
        (
            line.label(visible),
            f"{each.first} -> {each.last}",
            each.change,
            f"min {each.low}",
            f"max {each.high}",
        )
        for line in all_lines
        for each in (lines.figures(line, told.points),)
    ]
    labels = [*(word[0] for word in words), *(name for name, _ in marks(told, trend.by, ()))]
    columns_ = labels, *list(zip(*words, strict=True))[1:]
    room = width - _GAP - sum(max(map(cell_len, column)) + _GAP for column in columns_)
    shown = spark_cells(told, max(_FEWEST_CELLS, min(room, lines.MOST_CELLS)))
    rows = [
        [
            Text(name),
            Text(spark(line, told, shown), "cyan"),
            Text(ends),
            Text(change, "dim" if change == "none" else ""),
            Text(low),
            Text(high),
        ]
        for line, (name, ends, change, low, high) in zip(all_lines, words, strict=True)
    ]
    rows += [
        [Text(name), Text(below, "yellow"), *(Text() for _ in range(4))]
        for name, below in marks(told, trend.by, shown)
    ]
    yield from columns(rows)
    for sentence, style in (
        *((warning, "yellow") for warning in lines.warnings(told, trend.by, visible)),
        (lines.gaps(told, trend), "dim"),
        (lines.left_out(told, trend.by), "dim"),
    ):
        if sentence:
            yield Text("  "), Text(sentence, style)
