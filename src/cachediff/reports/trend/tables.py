"""The tables of a trend: what its lines come to, and every point."""

from __future__ import annotations

from collections.abc import Iterator

from cachediff.model.trend import CollectionTrend, Trend, TrendPoint
from cachediff.reports.overview import moment
from cachediff.reports.phrases import Show
from cachediff.reports.trend.lines import NOUNS, figures, lines_of, untold
from cachediff.reports.trend.sparks import spark, spark_cells

_Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Columns and rows; every cell is safe where it stands."""

NOTES = "Notes"
"""The column of what there is to know of a point beside its numbers."""


def summary(told: CollectionTrend, trend: Trend, show: Show) -> _Table:
    """A row a line: what it comes to."""
    shown = spark_cells(told)
    rows: list[tuple[str, ...]] = []
    for line in lines_of(told, trend.by):
        each = figures(line, told.points)
        drawn = show(spark(line, told, shown))
        rows.append(
            (line.label(show), drawn, each.first, each.last, each.change, each.low, each.high)
        )
    what = NOUNS[trend.by].capitalize() if trend.by else "Total"
    return (what, "Trend", "First", "Last", "Change", "Lowest", "Highest"), rows


def every_point(told: CollectionTrend, trend: Trend, show: Show) -> _Table:
    """A row a snapshot, the newest first."""
    lines = lines_of(told, trend.by)
    rows = [
        (
            show(moment(each.point.committed_at)),
            show(each.point.commit[:12]),
            *(line.said(place) for line in lines),
            "; ".join(_notes(each, trend.by)),
        )
        for place, each in enumerate(told.points)
    ]
    columns = ("Committed", "Commit", *(line.label(show) for line in lines), NOTES)
    return columns, rows[::-1]


def _notes(point: TrendPoint, by: str | None) -> Iterator[str]:
    if point.unreadable:
        yield f"{point.unreadable:,} of {point.manifests:,} manifests unreadable"
    if specs := untold(point, by):
        yield f"stacks of {specs:,} of {point.specs:,} specs not told"
    if point.suspicion:
        yield "suspect"
