"""The lines of a trend: numbers over time, and what they come to, the same in every report for people."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cachediff.model.trend import CollectionTrend, Trend, TrendPoint
from cachediff.reports.overview import moment
from cachediff.reports.phrases import Show, counted

MOST_LINES = 8
"""Values that have a line of their own: those with the most specs at any point."""

_SPARK_CELLS = 60
_AT_LEAST = "≥"
_MINUS = "\N{MINUS SIGN}"

NOUNS = {
    "stack": "stack",
    "platform": "platform",
    "os": "operating system",
    "target": "target",
    "compiler": "compiler",
}
"""What one value of a field is called."""


class Line(msgspec.Struct, frozen=True):
    """One line: a number at each point. `name` is from data only if `is_value`."""

    name: str
    numbers: tuple[int, ...]
    is_value: bool = False

    def label(self, show: Show) -> str:
        """What to call it."""
        return show(self.name) if self.is_value else self.name

    def scale(self, points: Sequence[TrendPoint]) -> tuple[int, int]:
        """The lowest and the highest number; the lowest of the points that were read whole, if any were."""
        whole = [
            number for number, each in zip(self.numbers, points, strict=True) if not each.unreadable
        ]
        return min(whole or self.numbers), max(self.numbers)


class Figures(msgspec.Struct, frozen=True):
    """What a line comes to, in words: `60,264`, `≥60,264` where not all manifests could be read."""

    first: str
    last: str
    change: str
    low: str
    high: str


class Cell(msgspec.Struct, frozen=True):
    """One cell of a sparkline: the place of a point, None for a gap; `marked` if any was unreadable."""

    place: int | None
    marked: bool = False


def lines_of(told: CollectionTrend, by: str | None) -> tuple[Line, ...]:
    """The lines of a collection: specs and packages, or the specs of the largest values of a field.

    The other values are one line, summed, but for stacks: a spec may be in several, so that there is no
    such sum.
    """
    points = told.points
    if by is None:
        return (
            Line("specs", tuple(each.specs for each in points)),
            Line("packages", tuple(each.packages for each in points)),
        )
    numbers = {
        value: tuple(each.values.get(value, (0, 0))[0] for each in points)
        for each in points
        for value in each.values
    }
    ranked = sorted(numbers, key=lambda value: (-max(numbers[value]), value))
    lines = [Line(value, numbers[value], is_value=True) for value in ranked[:MOST_LINES]]
    if (others := ranked[MOST_LINES:]) and by != "stack":
        summed = tuple(map(sum, zip(*(numbers[value] for value in others), strict=True)))
        lines.append(Line(f"other ({len(others):,})", summed))
    return tuple(lines)


def left_out(told: CollectionTrend, by: str | None) -> str:
    """Say how many stacks have no line, and why they are not summed; '' where there are none."""
    values = {value for each in told.points for value in each.values}
    if by != "stack" or len(values) <= MOST_LINES:
        return ""
    return (
        f"{counted(len(values) - MOST_LINES, 'smaller stack')} not shown; they are not summed, because"
        " a spec may be in several"
    )


def figures(line: Line, points: Sequence[TrendPoint]) -> Figures:
    """What a line comes to, as its `scale` and its ends say."""
    begin, end = points[0], points[-1]
    first, last = line.numbers[0], line.numbers[-1]
    change = f"{last - first:+,}".replace("-", _MINUS) if last != first else "none"
    low, high = line.scale(points)
    whole = {
        number for number, each in zip(line.numbers, points, strict=True) if not each.unreadable
    }
    return Figures(
        first=number(first, begin),
        last=number(last, end),
        change="unknown" if begin.unreadable or end.unreadable else change,
        low=_bound(low, whole=low in whole),
        high=_bound(high, whole=high in whole),
    )


def number(value: int, point: TrendPoint) -> str:
    """A number at a point, in words."""
    return _bound(value, whole=not point.unreadable)


def _bound(number: int, *, whole: bool) -> str:
    return f"{number:,}" if whole else f"{_AT_LEAST}{number:,}"


def heading(told: CollectionTrend, trend: Trend, show: Show, arrow: str) -> str:
    """Say what is told: `demo:develop: 33 snapshots, 2025-03-01 → 2025-04-02, specs by os`."""
    days = [each.point.committed_at[:10] for each in (told.points[0], told.points[-1])]
    every = f", the last of each {trend.every}" if trend.every else ""
    by = f", specs by {NOUNS[trend.by]}" if trend.by else ""
    return (
        f"{show(told.source)} {show(told.collection)}: {counted(len(told.points), 'snapshot')}{every},"
        f" {show(days[0])} {arrow} {show(days[1])}{by}"
    )


def unreadable(told: CollectionTrend, show: Show) -> str:
    """Say at which points manifests could not be read; '' where all were."""
    marked = [each for each in told.points if each.unreadable]
    if not marked:
        return ""
    worst = max(marked, key=lambda each: each.unreadable)
    read = f"{worst.unreadable:,} of {counted(worst.manifests, 'manifest')} could not be read"
    when = show(moment(worst.point.committed_at))
    if len(marked) == 1:
        said = f"{read} at {when}"
    else:
        said = f"Up to {read} in {len(marked):,} of these snapshots, the most at {when}"
    return f"{said}: {_AT_LEAST} is at least so many, and a dip there is no loss"


def gaps(told: CollectionTrend, trend: Trend) -> str:
    """Say how often snapshots are missing in between; '' where none are."""
    number = sum(each.after_gap for each in told.points)
    if not number:
        return ""
    times = "once" if number == 1 else f"{number:,} times"
    longer = f"for a {trend.every} or longer" if trend.every else "for longer than usual"
    return f"No snapshot {longer} {times}: what was there then is not told"


def cells(points: Sequence[TrendPoint], times: Sequence[float]) -> list[Cell]:
    """The cells of a sparkline: one a point and one a gap or, of many, equally long times.

    `times` are those of the points. A cell of many points tells the last of them.
    """
    one_each: list[Cell] = []
    for place, each in enumerate(points):
        one_each += [Cell(None)] if each.after_gap else []
        one_each.append(Cell(place, bool(each.unreadable)))
    if len(one_each) <= _SPARK_CELLS:
        return one_each
    long = [Cell(None)] * _SPARK_CELLS
    whole = times[-1] - times[0]
    for place, (each, time) in enumerate(zip(points, times, strict=True)):
        cell = min(int((time - times[0]) / whole * _SPARK_CELLS), _SPARK_CELLS - 1)
        long[cell] = Cell(place, long[cell].marked or bool(each.unreadable))
    return long
