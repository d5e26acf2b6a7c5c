"""Spans of the past: what is stored of one, and where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median

from cachediff.errors import NameNotFoundError
from cachediff.model.lives import Collection, Point
from cachediff.model.timeline import TimeRange

_LONGER = 1.5
"""How much longer than usual two snapshots are apart where some are missing in between."""


def points_in(points: Sequence[Point], where: Collection, span: TimeRange) -> tuple[Point, ...]:
    """The points in the span: at least one."""
    inside = tuple(point for point in points if span.holds(point))
    if not inside:
        raise nothing_then(where, points, span)
    return inside


def nothing_then(where: Collection, points: Sequence[Point], span: TimeRange) -> NameNotFoundError:
    """What to say where none of the points of a collection is in a span."""
    asked = (("from", span.since), ("until", span.until))
    limits = "".join(f" {word} {limit}" for word, limit in asked if limit)
    return NameNotFoundError(
        f"no snapshot of {':'.join(where)} is stored{limits}",
        f"there are {len(points):,}, from {points[0].committed_at} to {points[-1].committed_at};"
        " more of the past can be taken: cachediff snapshot --since DATE",
    )


def after_gaps(points: Sequence[Point]) -> list[bool]:
    """Of each point, whether the one before it is longer ago than is usual."""
    times = [datetime.fromisoformat(each.committed_at).timestamp() for each in points]
    apart = [after - before for before, after in pairwise(times)]
    usual = median(apart) if apart else 0
    return [False, *(each > _LONGER * usual for each in apart)]
