"""Timelines: what became of a package, a stack or a hash in a collection, snapshot by snapshot.

Points are snapshots (`cachediff.model.lives`). Nothing is said of the time between two of them, nor of the
time before the first: what a point tells happened some time after the one that it was compared with.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from cachediff.model.comparison import PackageStatus
from cachediff.model.lives import HashLife, PackageStep, Point, VersionLife


class TimeRange(msgspec.Struct, frozen=True):
    """The time asked for, from `since` to `until`, both as in `Origin` and included; None has no limit."""

    since: str | None = None
    until: str | None = None

    def holds(self, point: Point) -> bool:
        """Whether a point is in it."""
        return (self.since is None or self.since <= point.committed_at) and (
            self.until is None or point.committed_at <= self.until
        )


class Event(msgspec.Struct, frozen=True):
    """What became of a package at a point.

    `after` is the point that it was compared with: the one before it at which the package could be
    read, or the one before it where it is unknown. It is None at the first. `unread` counts the
    points in between, at all of which it could not be read. `doubt` is the suspect point at which
    what it tells of is missing: its own or, where something came back, the one at which that went.
    """

    step: PackageStep
    after: Point | None
    unread: int = 0
    doubt: Point | None = None

    @property
    def is_rebuild(self) -> bool:
        """Whether specs were rebuilt, and nothing else is known to have happened."""
        step = self.step
        counts = step.counts
        return (
            step.status is PackageStatus.CHANGED
            and counts.rebuilt > 0
            and counts.rebuilt == sum(msgspec.structs.astuple(counts))
            and not (step.stacks_joined or step.stacks_left)
        )

    @property
    def is_unknown(self) -> bool:
        """Whether the package could not be read."""
        return self.step.status is PackageStatus.UNKNOWN


class StackStay(msgspec.Struct, frozen=True):
    """When a package was in a stack: the first and the last point at which it is known to have been.

    `gone` is the first one after `last` at which it is known not to be in it.
    """

    first: Point | None
    last: Point | None
    gone: Point | None


class PackageTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one package in one collection.

    `oldest` and `newest` are the first and the last snapshot of the collection; `points` are those in the
    span, ascending, and `specs` how many specs the package has at each, None where it is unknown.
    `first` and `last` are the first and the last point at which it was seen, whatever the span; `gone`
    is the first one after `last` at which it is known not to be there. `versions` are the stays of its
    versions, whatever the span, by point; `events` those in the span, newest first.

    Where a `stack` is asked for, `events` are those of the package joining or leaving it, and the points
    at which the package is unknown; `in_stack` says when it was in it, whatever the span.

    `untold` counts the points of the collection at which the package could be read, and some spec of it
    does not tell its stacks. `suspicions` are the suspect points, each with why it is (as in
    `PointTotals`).
    """

    source: str
    collection: str
    package: str
    stack: str | None
    in_stack: StackStay | None = None
    untold: int = 0
    suspicions: dict[Point, str] = {}
    span: TimeRange
    oldest: Point
    newest: Point
    first: Point | None
    last: Point | None
    gone: Point | None
    points: tuple[Point, ...]
    specs: tuple[int | None, ...]
    versions: tuple[VersionLife, ...]
    events: tuple[Event, ...]


class StackPoint(msgspec.Struct, frozen=True):
    """What a stack comes to at a point.

    There are at least so many specs and packages where manifests of the collection are `unreadable`, or
    specs of it are `untold`: do not tell their stacks. `after_gap` is as in `TrendPoint`.
    """

    point: Point
    specs: int
    packages: int
    unreadable: int
    untold: int = 0
    after_gap: bool = False

    @property
    def at_least(self) -> bool:
        """Whether there may be more than that."""
        return bool(self.unreadable or self.untold)


class StackNight(msgspec.Struct, frozen=True):
    """The packages that joined or left a stack at a point, by name.

    A package that was added to the collection, or removed from it, is among those too.
    """

    at: StackPoint
    joined: tuple[Event, ...]
    left: tuple[Event, ...]


class StackTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """What joined and left one stack in one collection; fields are as in `PackageTimeline`."""

    source: str
    collection: str
    stack: str
    span: TimeRange
    oldest: Point
    newest: Point
    points: tuple[StackPoint, ...]
    nights: tuple[StackNight, ...]
    suspicions: dict[Point, str] = {}


class Stay(msgspec.Struct, frozen=True):
    """One stay of a hash in a collection, of which `oldest` and `newest` are the first and last point.

    `doubt` says why the point at which it was gone is suspect; `is_back` that it was at such a one before.
    `removed` is the time of the commit at which upstream was seen not to have the collection any more.
    """

    life: HashLife
    oldest: Point
    newest: Point
    doubt: str | None = None
    is_back: bool = False
    removed: str | None = None

    @property
    def is_served(self) -> bool:
        """Whether the newest snapshot lists it, of a collection that there is."""
        return self.life.last == self.newest and self.removed is None

    @property
    def is_unknown(self) -> bool:
        """Whether its package could not be read ever since it was seen last."""
        return self.life.gone is None and not self.is_served and self.removed is None


class HashTimeline(msgspec.Struct, frozen=True):
    """Every stay of one hash, in all collections asked for; the one seen last comes first."""

    hash: str
    stays: tuple[Stay, ...]


class HashChoice(msgspec.Struct, frozen=True):
    """The hashes that begin with `prefix`, in order: the newest life of each."""

    prefix: str
    lives: tuple[HashLife, ...]


Timeline: TypeAlias = PackageTimeline | StackTimeline | HashTimeline
"""What a log tells of."""
