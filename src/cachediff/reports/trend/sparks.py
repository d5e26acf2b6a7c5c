"""Sparklines of a trend, each on a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sparklines import sparklines

from cachediff.model.trend import CollectionTrend
from cachediff.reports.trend.lines import Cell, Line, cells

MARK = "?"


def spark_cells(told: CollectionTrend) -> list[Cell]:
    """The cells that the sparklines of a collection have."""
    times = [datetime.fromisoformat(each.point.committed_at).timestamp() for each in told.points]
    return cells(told.points, times)


def spark(line: Line, told: CollectionTrend, shown: Sequence[Cell]) -> str:
    """The sparkline of a line, a blank for a gap. What was not read whole does not stretch it downwards."""
    numbers = [None if each.place is None else line.numbers[each.place] for each in shown]
    low, high = line.scale(told.points)
    (drawn,) = sparklines(numbers, minimum=low, maximum=high)
    return str(drawn)


def marks(shown: Sequence[Cell]) -> str:
    """What stands below the sparklines: a mark where manifests could not be read; '' where all were."""
    return "".join(MARK if each.marked else " " for each in shown).rstrip()
