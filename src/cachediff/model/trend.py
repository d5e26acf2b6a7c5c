"""Trends: what a collection came to, snapshot by snapshot."""

from __future__ import annotations

import msgspec

from cachediff.model.lives import Point
from cachediff.model.timeline import TimeRange


class TrendPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What one snapshot comes to; numbers as in `PointTotals`.

    Where manifests are unreadable there are at least so many packages and specs. `after_gap` says that
    snapshots are missing before it: of a period asked for, or for longer than is usual between two.
    `suspicion` is as in `PointTotals`: where there is one, what is missing is not to be taken for lost.
    `values` maps each value of the field asked for to (specs, packages).
    """

    point: Point
    manifests: int
    unreadable: int
    packages: int
    specs: int
    after_gap: bool = False
    suspicion: str | None = None
    values: dict[str, tuple[int, int]] = {}


class CollectionTrend(msgspec.Struct, frozen=True):
    """One collection: its points in the time asked for, ascending; there is at least one."""

    source: str
    collection: str
    points: tuple[TrendPoint, ...]


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, and the collections.

    `by` is one of `model.coverage.COVERED`, None for the whole; `every` is `day`, `week` or `month`, of
    each of which the last snapshot is told, None for all snapshots.
    """

    span: TimeRange
    by: str | None
    every: str | None
    collections: tuple[CollectionTrend, ...]
