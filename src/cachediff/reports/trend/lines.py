"""The lines of a trend: numbers over time, and what they come to, the same in every report for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from cachediff.model.trend import CollectionTrend, Trend, TrendPoint
from cachediff.reports.overview import moment
from cachediff.reports.phrases import Show, bounded, counted

MOST_LINES = 8
"""Values that have a line of their own: those with the most specs at any point."""

MOST_CELLS = 60
"""Cells of the longest sparkline."""

_MINUS = "\N{MINUS SIGN}"
_NOT_TOLD = "none"
"""The value of specs that do not tell theirs."""

NOUNS = {
    "stack": "stack",
    "platform": "platform",
    "os": "operating system",
    "target": "target",
    "compiler": "compiler",
}
"""What one value of a field is called."""


class Line(msgspec.Struct, frozen=True):
    """One line: a number at each point, and whether there are `at_least` so many there.

    `name` is from data only if `is_value`.
    """

    name: str
    numbers: tuple[int, ...]
    at_least: tuple[bool, ...]
    is_value: bool = False

    def label(self, show: Show) -> str:
        """What to call it."""
        return show(self.name) if self.is_value else self.name

    def said(self, place: int) -> str:
        """The number at a point, in words: `60,264`, or `≥60,264` where there may be more."""
        return bounded(self.numbers[place], at_least=self.at_least[place])

    def scale(self, points: Sequence[TrendPoint]) -> tuple[int, int]:
        """The lowest and the highest number; the lowest of those that are sure, if any are."""
        sure = [
            number
            for number, at_least, each in zip(self.numbers, self.at_least, points, strict=True)
            if not (at_least or each.suspicion)
        ]
        return min(sure or self.numbers), max(self.numbers)


class Figures(msgspec.Struct, frozen=True):
    """What a line comes to, in words."""

    first: str
    last: str
    change: str
    low: str
    high: str


class Cell(msgspec.Struct, frozen=True):
    """One cell of a sparkline: the places of its points, of which it shows the last; none for a gap."""

    places: tuple[int, ...] = ()


def untold(point: TrendPoint, by: str | None) -> int:
    """How many specs do not tell their stacks, where stacks are what is told of."""
    return point.values.get(_NOT_TOLD, (0, 0))[0] if by == "stack" else 0


def lines_of(told: CollectionTrend, by: str | None) -> tuple[Line, ...]:
    """The lines of a collection: specs and packages, or the specs of the largest values of a field.

    The other values are one line, summed, but for stacks: a spec may be in several, so that there is no
    such sum.
    """
    points = told.points
    unread = tuple(bool(each.unreadable) for each in points)
    if by is None:
        return (
            Line("specs", tuple(each.specs for each in points), unread),
            Line("packages", tuple(each.packages for each in points), unread),
        )
    at_least = tuple(bool(each.unreadable or untold(each, by)) for each in points)
    numbers = {
        value: tuple(each.values.get(value, (0, 0))[0] for each in points)
        for each in points
        for value in each.values
    }
    ranked = sorted(numbers, key=lambda value: (-max(numbers[value]), value))
    lines = [
        Line(value, numbers[value], unread if value == _NOT_TOLD else at_least, is_value=True)
        for value in ranked[:MOST_LINES]
    ]
    if (others := ranked[MOST_LINES:]) and by != "stack":
        summed = tuple(map(sum, zip(*(numbers[value] for value in others), strict=True)))
        lines.append(Line(f"other ({len(others):,})", summed, unread))
    return tuple(lines)


def figures(line: Line, points: Sequence[TrendPoint]) -> Figures:
    """What a line comes to, as its `scale` and its ends say."""
    first, last = line.numbers[0], line.numbers[-1]
    change = f"{last - first:+,}".replace("-", _MINUS) if last != first else "none"
    if points[0].suspicion or points[-1].suspicion:
        change = "suspect"
    if line.at_least[0] or line.at_least[-1]:
        change = "unknown"
    known = {
        number for number, at_least in zip(line.numbers, line.at_least, strict=True) if not at_least
    }
    low, high = line.scale(points)
    return Figures(
        first=line.said(0),
        last=line.said(-1),
        change=change,
        low=bounded(low, at_least=low not in known),
        high=bounded(high, at_least=high not in known),
    )


def heading(told: CollectionTrend, trend: Trend, show: Show, arrow: str) -> str:
    """Say what is told: `demo:develop: 33 snapshots, 2025-03-01 → 2025-04-02, specs by os`."""
    days = [each.point.committed_at[:10] for each in (told.points[0], told.points[-1])]
    every = f", the last of each {trend.every}" if trend.every else ""
    by = f", specs by {NOUNS[trend.by]}" if trend.by else ""
    return (
        f"{show(told.source)} {show(told.collection)}: {counted(len(told.points), 'snapshot')}{every},"
        f" {show(days[0])} {arrow} {show(days[1])}{by}"
    )


def warnings(told: CollectionTrend, by: str | None, show: Show) -> list[str]:
    """Say at which points a number is not what it seems, and why."""
    return [*_unreadable(told, show), *_untold(told, by, show), *_suspect(told, show)]


def _unreadable(told: CollectionTrend, show: Show) -> Iterator[str]:
    marked = [each for each in told.points if each.unreadable]
    if marked:
        worst = max(marked, key=lambda each: each.unreadable)
        read = f"{worst.unreadable:,} of {counted(worst.manifests, 'manifest')} could not be read"
        yield f"{_when(read, worst, len(marked), show)}: {_BOUND}"


def _untold(told: CollectionTrend, by: str | None, show: Show) -> Iterator[str]:
    marked = [each for each in told.points if untold(each, by)]
    if marked:
        worst = max(marked, key=lambda each: untold(each, by))
        specs = f"{untold(worst, by):,} of {counted(worst.specs, 'spec')} did not tell their stacks"
        yield f"{_when(specs, worst, len(marked), show)}: {_BOUND}"


def _suspect(told: CollectionTrend, show: Show) -> Iterator[str]:
    marked = [each for each in told.points if each.suspicion]
    if marked:
        last = marked[-1]
        when = show(moment(last.point.committed_at))
        which = f"The snapshot of {when} is suspect"
        if len(marked) > 1:
            which = f"{len(marked):,} of these snapshots are suspect, the last at {when}"
        why = show(last.suspicion or "")
        yield f"{which}: {why}; what is missing there is not to be taken for lost"


_BOUND = "≥ is at least so many, and a dip there is no loss"


def _when(said: str, worst: TrendPoint, number: int, show: Show) -> str:
    when = show(moment(worst.point.committed_at))
    if number == 1:
        return f"{said} at {when}"
    return f"Up to {said} in {number:,} of these snapshots, the most at {when}"


def gaps(told: CollectionTrend, trend: Trend) -> str:
    """Say how often snapshots are missing in between; '' where none are."""
    number = sum(each.after_gap for each in told.points)
    if not number:
        return ""
    times = "once" if number == 1 else f"{number:,} times"
    longer = f"for a {trend.every} or longer" if trend.every else "for longer than usual"
    return f"No snapshot {longer} {times}: what was there then is not told"


def left_out(told: CollectionTrend, by: str | None) -> str:
    """Say how many stacks have no line, and why they are not summed; '' where there are none."""
    values = {value for each in told.points for value in each.values}
    if by != "stack" or len(values) <= MOST_LINES:
        return ""
    return (
        f"{counted(len(values) - MOST_LINES, 'smaller stack')} not shown; they are not summed, because"
        " a spec may be in several"
    )


def cells(
    points: Sequence[TrendPoint], times: Sequence[float], most: int = MOST_CELLS
) -> list[Cell]:
    """The cells of a sparkline: one a point and one a gap or, of many, equally long times.

    `times` are those of the points.
    """
    one_each: list[Cell] = []
    for place, each in enumerate(points):
        one_each += [Cell()] if each.after_gap else []
        one_each.append(Cell((place,)))
    if len(one_each) <= most:
        return one_each
    long = [Cell()] * most
    begin, whole = min(times), max(times) - min(times)  # dates of commits may not be in order
    for place, time in enumerate(times):
        share = (time - begin) / whole if whole else place / len(times)
        cell = min(int(share * most), most - 1)
        long[cell] = Cell((*long[cell].places, place))
    return long
