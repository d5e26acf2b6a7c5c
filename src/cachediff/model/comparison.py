"""A comparison: all changes between two snapshots, as data."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cachediff.model.change import Change
from cachediff.model.gates import Finding
from cachediff.model.selection import Selection
from cachediff.model.snapshot import Origin, Problem
from cachediff.model.version import Version


class Side(msgspec.Struct, frozen=True):
    """One of the two snapshots compared, and how much of it could be read.

    `manifests` counts those of the collection, `unreadable` those of them that could not be read,
    `packages` those with at least one spec, `specs` all that could be read. `suspect` says why the
    snapshot as a whole is not to be believed, None where there is no reason.
    """

    origin: Origin
    manifests: int
    unreadable: int
    packages: int
    specs: int
    problems: tuple[Problem, ...]
    suspect: str | None = None


class PackageStatus(StrEnum):
    """What became of a package."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNKNOWN = "unknown"


class PackageCounts(msgspec.Struct, frozen=True):
    """How many packages met each fate."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    unchanged: int = 0
    unknown: int = 0


class SpecCounts(msgspec.Struct, frozen=True):
    """How many changes there are of each kind, and how many specs did not change.

    `unknown` are the specs (of the old side, of the new side) in packages that could not be read on
    the other side. For each side: unchanged, plus the changes that have that side, plus its unknown,
    is the side's number of specs.
    """

    added: int = 0
    removed: int = 0
    rebuilt: int = 0
    upgraded: int = 0
    downgraded: int = 0
    changed: int = 0
    restacked: int = 0
    unchanged: int = 0
    unknown: tuple[int, int] = (0, 0)


class CoverageTotals(msgspec.Struct, frozen=True):
    """One stack, platform, os, target or compiler: its specs and packages before and after.

    `packages_gained` and `packages_lost` (sorted names) have specs of it on one side only; so has a
    package that was added or removed. A package that is unknown on either side counts on neither.
    """

    specs: tuple[int, int]
    packages: tuple[int, int]
    packages_gained: tuple[str, ...] = ()
    packages_lost: tuple[str, ...] = ()


class Merge(msgspec.Struct, frozen=True):
    """Several builds that became one (`merged`), or one that became several (`split`).

    `one` is the hash of the single build, `several` the hashes on the other side, the paired one
    first, then in hash order.
    """

    one: str
    several: tuple[str, ...]


class PackageComparison(msgspec.Struct, frozen=True):
    """What changed in one package.

    Versions are in Spack's order, stacks and changes sorted. A package that is unknown has no
    changes: what is known of it is in the problems of its side.
    """

    package: str
    status: PackageStatus
    versions_added: tuple[Version, ...] = ()
    versions_removed: tuple[Version, ...] = ()
    versions_kept: tuple[Version, ...] = ()
    stacks_joined: tuple[str, ...] = ()
    stacks_left: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    merged: tuple[Merge, ...] = ()
    split: tuple[Merge, ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """All changes between two snapshots.

    `packages` lists those that changed or are unknown, by name. `stacks` has the totals of each
    stack, `coverage` those of each platform, os, target and compiler, by field (`platform`, `os`,
    `target`, `compiler`) and value. Specs of which the compiler is unknown are counted as `none`; a
    package that has any on either side neither gains nor loses a compiler.

    `stacks_untold` counts the specs of each side, in packages that could be compared, that do not
    tell their stacks. If there is one, on either side, `stacks` is empty: of a stack, nothing is
    known to be all.

    Where a `selection` was asked for, `packages`, `stacks`, `coverage` and both summaries tell only
    what it selects (unchanged and unknown apart, which are always those of the whole), and `left_out`
    counts the changes that it leaves out.

    `notices` say what a reader should know of how the sides came to be read: an upstream that was not
    reached or rewrote its history, a stored snapshot that was damaged. `findings` are what the gates
    of a job found in the whole, whatever is selected.

    `unreached` is the time of a night (as in `Origin`) at which the upstream could not be asked, `gone`
    that of one at which it had no such collection or branch any more. Both sides are then what was told
    last, and nothing is counted: what changed is not known.
    """

    old: Side
    new: Side
    package_counts: PackageCounts
    spec_counts: SpecCounts
    stacks: dict[str, CoverageTotals]
    coverage: dict[str, dict[str, CoverageTotals]]
    packages: tuple[PackageComparison, ...]
    stacks_untold: tuple[int, int] = (0, 0)
    selection: Selection = Selection()
    left_out: int = 0
    notices: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    unreached: str | None = None
    gone: str | None = None

    @property
    def untold(self) -> str | None:
        """The time of the night of which nothing is known, for either of both reasons."""
        return self.unreached or self.gone

    def totals(self, field: str) -> dict[str, CoverageTotals]:
        """The totals of `stack`, `platform`, `os`, `target` or `compiler`, by value."""
        return self.stacks if field == "stack" else self.coverage[field]

    @property
    def differs(self) -> bool:
        """Whether anything changed, or could not be told (a package that is unknown)."""
        return bool(self.packages)
