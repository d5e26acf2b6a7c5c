"""Lives: since when, until when and how often, out of all snapshots of a collection, in their order.

A *point* is one stored snapshot in the order of a collection's snapshots. What is said of a package or
a hash between two points is said of the later one. A package that cannot be read at a point is unknown
there: nothing began, ended or changed for it, until it is read again.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from cachediff.model.comparison import PackageStatus
from cachediff.model.snapshot import Origin


class Point(msgspec.Struct, frozen=True, order=True):
    """One snapshot of a collection: `committed_at` in UTC as in `Origin`, and its commit."""

    committed_at: str
    commit: str

    @classmethod
    def of(cls, origin: Origin) -> Point:
        """The point of a snapshot that has a commit."""
        return cls(str(origin.committed_at), str(origin.commit))


class PointTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What one snapshot comes to.

    `manifests`, `unreadable`, `packages` and `specs` are as in `Side`. `coverage` maps each of
    `model.coverage.COVERED` to its values, and these to (specs, packages). `suspicion` says why it is
    suspect beside the point before it, as a comparison of the two does; None where it is not.
    """

    point: Point
    manifests: int
    unreadable: int
    packages: int
    specs: int
    coverage: dict[str, dict[str, tuple[int, int]]]
    suspicion: str | None = None

    @property
    def suspect(self) -> bool:
        """Whether too much of the collection is missing there for that to be believed."""
        return self.suspicion is not None


class StepCounts(msgspec.Struct, frozen=True):
    """How many specs of a package met each fate at a point; as in `SpecCounts`."""

    added: int = 0
    removed: int = 0
    rebuilt: int = 0
    upgraded: int = 0
    downgraded: int = 0
    changed: int = 0
    restacked: int = 0


class PackageStep(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one package at a point, compared with the point before it at which it was read.

    `status` is None at the first point at which a collection is known: nothing is known of before;
    `versions_added` and `stacks_joined` are then all there are. `specs` counts those there are now; it
    is 0 where the package is unknown, which `status` says. Versions are in Spack's order.
    """

    point: Point
    package: str
    status: PackageStatus | None
    specs: int
    counts: StepCounts = StepCounts()
    versions_added: tuple[str, ...] = ()
    versions_removed: tuple[str, ...] = ()
    stacks_joined: tuple[str, ...] = ()
    stacks_left: tuple[str, ...] = ()


class StackChange(msgspec.Struct, frozen=True):
    """The stacks of one spec from a point on; None where they are not told."""

    point: Point
    stacks: tuple[str, ...] | None


class HashLife(msgspec.Struct, frozen=True, kw_only=True):
    """One stay of a hash in a collection; one that went and came back has several.

    `last` is the last point at which it was seen, `gone` the first at which it was not any more, None
    while it is served, or as long as nothing is known of its package. `stacks` begins with those at
    `first`.
    """

    source: str
    collection: str
    hash: str
    package: str
    version: str
    compiler: str | None
    platform: str
    os: str
    target: str
    variants: tuple[str, ...]
    first: Point
    last: Point
    gone: Point | None
    stacks: tuple[StackChange, ...]


class VersionLife(msgspec.Struct, frozen=True, kw_only=True):
    """One stay of a version of a package in a collection; points as in `HashLife`."""

    source: str
    collection: str
    package: str
    version: str
    first: Point
    last: Point
    gone: Point | None


Collection: TypeAlias = tuple[str, str]
"""A source and a collection of it, by name."""
