"""A changelog: a comparison arranged for people: grouped, folded, counted, ordered."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from cachediff.model.comparison import Comparison, PackageComparison
from cachediff.model.version import Version


class Topic(StrEnum):
    """What a group tells, in the order of telling: what is unknown, then losses, then the rest."""

    UNKNOWN = "unknown"
    LEFT_STACK = "left-stack"
    PACKAGES_REMOVED = "packages-removed"
    VERSIONS_REMOVED = "versions-removed"
    DOWNGRADED = "downgraded"
    BUILDS_REMOVED = "builds-removed"
    UPGRADED = "upgraded"
    PACKAGES_ADDED = "packages-added"
    BUILDS_ADDED = "builds-added"
    BUILDS_MERGED = "builds-merged"
    BUILDS_SPLIT = "builds-split"
    CHANGED = "changed"
    REBUILT = "rebuilt"
    RESTACKED = "restacked"
    JOINED_STACK = "joined-stack"


class Step(StrEnum):
    """How far apart two versions are, by the component in which they first differ.

    `major`: the first one; `minor`: the second; `patch`: a later one, or only the pre-release.
    """

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"


class Extent(StrEnum):
    """How much of a package was added or removed, in the order of telling.

    `package`: all of it. `version`: the last specs of a version, or its first. `builds`: some of a
    version that is on both sides. `merged`: removed because several builds became one. `split`: added
    because one build became several.
    """

    PACKAGE = "package"
    VERSION = "version"
    BUILDS = "builds"
    MERGED = "merged"
    SPLIT = "split"


class UnknownRow(msgspec.Struct, frozen=True):
    """A package that could not be compared, with the problems of its manifest on each side.

    A problem on both sides does not mean that neither could be read: one may be harmless.
    """

    package: str
    old: tuple[str, ...]
    new: tuple[str, ...]


class StackRow(msgspec.Struct, frozen=True):
    """A package, still in the collection, that left or joined these stacks (sorted)."""

    package: str
    stacks: tuple[str, ...]


class Traits(msgspec.Struct, frozen=True):
    """What tells some builds from others; sorted. `compilers` is empty unless all are known."""

    compilers: tuple[str, ...] = ()
    oss: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class PresenceRow(msgspec.Struct, frozen=True):
    """Specs of one package that were added or removed, to the same extent.

    `count` is their number, `versions` those that they have, in Spack's order (one, unless the
    extent is the package), `stacks` the stacks that any of them is in. `traits` are empty where all
    builds of a version, or of the package, are meant.
    """

    package: str
    extent: Extent
    versions: tuple[Version, ...]
    count: int
    stacks: tuple[str, ...]
    traits: Traits = Traits()


class Difference(msgspec.Struct, frozen=True):
    """One field that differs between the two sides of pairs, in `count` of the pairs of a row.

    `old` and `new` are the values; of `variants` and `stacks`, those that are on that side alone.
    Both are empty where the pairs do not all differ in the same way.
    """

    field: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    count: int


class PairRow(msgspec.Struct, frozen=True):
    """Pairs of one package of which the same is to be said.

    `count` is the number of pairs, `stacks` the stacks that any of the new specs is in, `step` how far
    apart the versions are, None where they are the same.
    `differences` leave the version out, which is `old` and `new`; `old_stays` says that there are
    still builds of the old version. `merged` and `split` count builds (before, after) that became
    fewer or more: (2, 1) where two builds became one; (0, 0) where none did.
    """

    package: str
    old: Version
    new: Version
    count: int
    stacks: tuple[str, ...]
    differences: tuple[Difference, ...] = ()
    old_stays: bool = False
    merged: tuple[int, int] = (0, 0)
    split: tuple[int, int] = (0, 0)
    step: Step | None = None


class WaveRow(msgspec.Struct, frozen=True):
    """Many packages that were rebuilt in the same stacks, of which nothing else is said here.

    `package` is the one with the most such specs, `packages` are all of them, sorted; `count` is the
    number of their rebuilt specs, `stacks` those that they are in (none, where none are told).
    """

    package: str
    packages: tuple[str, ...]
    count: int
    stacks: tuple[str, ...]


Row: TypeAlias = UnknownRow | StackRow | PresenceRow | PairRow | WaveRow


class Group(msgspec.Struct, frozen=True):
    """The rows of one topic, with the number of packages and specs (or pairs) that they stand for.

    A group that is `withheld` is what a suspect side makes of the other: it is counted, and has no
    rows.
    """

    topic: Topic
    packages: int
    specs: int
    rows: tuple[Row, ...]
    withheld: bool = False


class News(msgspec.Struct, frozen=True):
    """Packages (sorted) of which the same is news: the topic, and the stacks that they left or joined."""

    topic: Topic
    packages: tuple[str, ...]
    stacks: tuple[str, ...] = ()


class CoverageChange(msgspec.Struct, frozen=True):
    """One stack, platform, os, target or compiler: its specs and packages before and after.

    `lost` and `gained` count the packages that left it and came to it.
    """

    value: str
    specs: tuple[int, int]
    packages: tuple[int, int]
    lost: int
    gained: int


class FieldCoverage(msgspec.Struct, frozen=True):
    """The values of one field, such as `os`, that cover other specs or packages than before.

    `tallies` are the greatest loss first; `values` counts all values that there are on either side.
    """

    field: str
    values: int
    tallies: tuple[CoverageChange, ...]


class PackageEntry(msgspec.Struct, frozen=True):
    """All that is told of one package: its rows, each with its topic, in the order of telling."""

    package: PackageComparison
    rows: tuple[tuple[Topic, Row], ...]


class Changelog(msgspec.Struct, frozen=True):
    """A comparison arranged for people.

    `news` is what a headline says, in the order of `Topic`, of stacks the greatest loss or gain first.
    `groups` are in the same order, none of them empty; `coverage` has the fields of which any
    value differs, stacks first; `packages` has every package that is told, by name, unfolded: without
    waves.
    """

    comparison: Comparison
    news: tuple[News, ...]
    coverage: tuple[FieldCoverage, ...]
    groups: tuple[Group, ...]
    packages: tuple[PackageEntry, ...]
