"""Trends out of the index: what collections came to, snapshot by snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from cachediff.model.lives import Collection, PointTotals
from cachediff.model.timeline import TimeRange
from cachediff.model.trend import CollectionTrend, Trend, TrendPoint
from cachediff.queries.homes import DEVELOP, collections_of, named_home
from cachediff.queries.spans import after_gaps, nothing_then

if TYPE_CHECKING:
    from cachediff.index import Index
    from cachediff.queries.catalogue import Catalogue

PERIODS: Mapping[str, Callable[[date], int]] = MappingProxyType(
    {
        "day": lambda day: day.toordinal(),
        "week": lambda day: (day.toordinal() - 1) // 7,  # day 1 was a Monday
        "month": lambda day: day.year * 12 + day.month,
    }
)
"""The periods of which the last snapshot can be asked for, and the number of that of a day (UTC)."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a trend is asked: collections by name, and as in `Trend`."""

    collections: Sequence[str] = (DEVELOP,)
    span: TimeRange = TimeRange()
    by: str | None = None
    every: str | None = None


def find_trend(names: Catalogue, index: Index, question: Question) -> Trend:
    """What `index` tells of what is asked for.

    Raises:
        NameNotFoundError: there is no such source or collection, or no snapshot of that time; the hint
            says what there is.
        UsageError: a name is not that of a collection, or of one in several sources.
        StoreError: the index cannot be read.
    """
    homes = dict.fromkeys(
        named_home(names, collections_of(names, index, text), text, "trend")
        for text in question.collections
    )
    return Trend(
        span=question.span,
        by=question.by,
        every=question.every,
        collections=tuple(_collection(index, home, question) for home in homes),
    )


def _collection(index: Index, home: Collection, question: Question) -> CollectionTrend:
    span = question.span
    inside = [each for each in index.totals(*home, span.since) if span.holds(each.point)]
    if not inside:
        raise nothing_then(home, index.points(*home), span)
    return CollectionTrend(*home, tuple(_points(inside, question)))


def _points(totals: Sequence[PointTotals], question: Question) -> Iterator[TrendPoint]:
    if question.every:
        period = PERIODS[question.every]
        # Of each period the last: a later one takes the place of an earlier one.
        last = {period(_time(each).date()): each for each in totals}
        totals = list(last.values())
        gaps = [False, *(after - before > 1 for before, after in pairwise(last))]
    else:
        gaps = after_gaps([each.point for each in totals])
    for each, gap in zip(totals, gaps, strict=True):
        yield TrendPoint(
            point=each.point,
            manifests=each.manifests,
            unreadable=each.unreadable,
            packages=each.packages,
            specs=each.specs,
            after_gap=gap,
            suspicion=each.suspicion,
            values=each.coverage[question.by] if question.by else {},
        )


def _time(totals: PointTotals) -> datetime:
    return datetime.fromisoformat(totals.point.committed_at)
