"""Sparklines of a trend, each on a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sparklines import sparklines

from cachediff.model.trend import CollectionTrend
from cachediff.reports.trend.lines import MOST_CELLS, Cell, Line, cells, untold


def spark_cells(told: CollectionTrend, most: int = MOST_CELLS) -> list[Cell]:
    """The cells that the sparklines of a collection have, `most` at most."""
    times = [datetime.fromisoformat(each.point.committed_at).timestamp() for each in told.points]
    return cells(told.points, times, most)


def spark(line: Line, told: CollectionTrend, shown: Sequence[Cell]) -> str:
    """The sparkline of a line, a blank for a gap. What is not sure does not stretch it downwards."""
    numbers = [line.numbers[each.places[-1]] if each.places else None for each in shown]
    low, high = line.scale(told.points)
    (drawn,) = sparklines(numbers, minimum=low, maximum=high)
    return str(drawn)


def marks(told: CollectionTrend, by: str | None, shown: Sequence[Cell]) -> list[tuple[str, str]]:
    """What stands below the sparklines, each with its name: marks where a number is not what it seems."""
    kinds = (
        ("unreadable", "?", [each.unreadable > 0 for each in told.points]),
        ("not told", "?", [untold(each, by) > 0 for each in told.points]),
        ("suspect", "!", [each.suspicion is not None for each in told.points]),
    )
    return [
        (
            name,
            "".join(
                mark if any(map(at.__getitem__, each.places)) else " " for each in shown
            ).rstrip(),
        )
        for name, mark, at in kinds
        if any(at)
    ]
