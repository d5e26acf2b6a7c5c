"""Rows of the index, told as the model says: points, steps, stays of versions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from cachediff.index.schema import STATUSES
from cachediff.model.lives import (
    Collection,
    PackageStep,
    Point,
    StepCounts,
    VersionLife,
)
from cachediff.model.version import Version

Unknown: TypeAlias = Sequence[tuple[int, int | None]]
"""The points from which on something was unknown, each with the one at which it was not any more."""

_list = msgspec.json.Decoder(tuple[str, ...]).decode


class PointOrder:
    """The points of one collection, by their numbers, which ascend; their times need not."""

    def __init__(self, numbers: Sequence[int], points: Sequence[Point]) -> None:
        self._numbers = numbers
        self.points = points
        self._number_of = dict(zip(points, numbers, strict=True))

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, bytes]]) -> PointOrder:
        """Those of rows of number, time and commit, in order."""
        told = [(number, Point(time, commit.hex())) for number, time, commit in rows]
        return cls([number for number, _ in told], [point for _, point in told])

    def point(self, number: int) -> Point:
        """The point of a number; `LookupError` if it is none of these."""
        place = bisect_left(self._numbers, number)
        if self._numbers[place] != number:
            raise LookupError(number)
        return self.points[place]

    def number(self, point: Point) -> int:
        """The number of one of these points; `LookupError` if it is none of them."""
        return self._number_of[point]

    def since(self, time: str | None) -> Sequence[int]:
        """The numbers of those at or after a time in UTC; of all for None."""
        return [
            number
            for number, point in zip(self._numbers, self.points, strict=True)
            if time is None or time <= point.committed_at
        ]

    def between(self, first: int, until: int | None) -> Sequence[int]:
        """The numbers of those from `first` on, and before `until`."""
        end = None if until is None else bisect_left(self._numbers, until)
        return self._numbers[bisect_left(self._numbers, first) : end]

    def last_known(self, gone: int | None, unknown: Unknown) -> Point:
        """The last point before `gone` (None: of all) at which it was not unknown."""
        place = len(self._numbers) if gone is None else bisect_left(self._numbers, gone)
        place -= 1
        for first, until in reversed(unknown):
            number = self._numbers[place]
            if first <= number and (until is None or number < until):
                place = bisect_left(self._numbers, first) - 1
        return self.points[place]


def step_of(row: Sequence[Any], package: str, order: PointOrder) -> PackageStep:
    """A step, of a row of the table and the texts of its four lists."""
    _, _, point, status, specs, *counts = row[:12]
    added, removed, joined, left = (_list(text) if text else () for text in row[-4:])
    return PackageStep(
        point=order.point(point),
        package=package,
        status=None if status is None else STATUSES[status],
        specs=specs,
        counts=StepCounts(*counts),
        versions_added=added,
        versions_removed=removed,
        stacks_joined=joined,
        stacks_left=left,
    )


def package_stacks(
    steps: Iterable[PackageStep], told: Iterable[tuple[int, str | None]], order: PointOrder
) -> list[tuple[Point, frozenset[str] | None]]:
    """The stacks that a package is in from a point on, in order.

    They are what its `steps` come to, but where `told` (rows of point and list) says that they are not
    told from there on, or are again, and what they are then.
    """
    steps_at = {step.point: step for step in steps}
    told_at = {order.point(point): text for point, text in told}
    stacks: frozenset[str] | None = frozenset()
    found = []
    for point in order.points:
        if point in told_at:
            text = told_at[point]
            stacks = None if text is None else frozenset(_list(text))
        elif stacks is not None and point in steps_at:
            step = steps_at[point]
            stacks = stacks.union(step.stacks_joined).difference(step.stacks_left)
        found.append((point, stacks))
    return found


def version_lives(
    collection: Collection,
    package: str,
    steps: Iterable[PackageStep],
    order: PointOrder,
    unknown: Unknown,
) -> list[VersionLife]:
    """The stays of versions that steps, in their order, come to."""
    source, name = collection
    living: dict[Version, tuple[str, Point]] = {}
    lives: list[VersionLife] = []

    def end(version: Version, gone: Point | None) -> None:
        text, first = living.pop(version)
        lives.append(
            VersionLife(
                source=source,
                collection=name,
                package=package,
                version=text,
                first=first,
                last=order.last_known(None if gone is None else order.number(gone), unknown),
                gone=gone,
            )
        )

    for step in steps:
        for text in step.versions_removed:
            end(Version(text), step.point)
        for text in step.versions_added:
            living[Version(text)] = text, step.point
    for version in list(living):
        end(version, None)
    return sorted(lives, key=lambda life: (order.number(life.first), Version(life.version)))
