"""What versions did between two snapshots: of a package as a whole, and of its builds in each stack."""

from __future__ import annotations

from collections import defaultdict
from typing import TypeAlias

import msgspec

from cachediff.model.change import ChangeKind
from cachediff.model.changelog import Extent, PackageEntry, PairRow, PresenceRow, Topic
from cachediff.model.comparison import Comparison
from cachediff.model.spec import ROOT_STACK
from cachediff.model.version import Version
from cachediff.reports.markdown import code

ARROW = "→"

Moves: TypeAlias = dict[str, set[tuple[Version, Version]]]
"""By package, the old and the new version of builds that moved from the one to the other."""


class Versions(msgspec.Struct, frozen=True):
    """What the versions of one package did: moved, came and went; and the stacks that this is in."""

    package: str
    moves: tuple[tuple[Version, Version], ...]
    new: tuple[Version, ...]
    gone: tuple[Version, ...]
    kept: frozenset[Version]
    stacks: tuple[str, ...]


def versions_of(entry: PackageEntry) -> Versions | None:
    """What the versions of a package that is on both sides did; None where they stayed."""
    moves: set[tuple[Version, Version]] = set()
    new: set[Version] = set()
    gone: set[Version] = set()
    stacks: set[str] = set()
    for topic, row in entry.rows:
        if isinstance(row, PairRow) and topic in (Topic.UPGRADED, Topic.DOWNGRADED):
            moves.add((row.old, row.new))
        elif isinstance(row, PresenceRow) and row.extent is Extent.VERSION:
            (new if topic is Topic.BUILDS_ADDED else gone).update(row.versions)
        else:
            continue
        stacks.update(row.stacks)
    if not (moves or new or gone):
        return None
    return Versions(
        package=entry.package.package,
        moves=tuple(sorted(moves)),
        new=tuple(sorted(new - {version for _, version in moves})),
        gone=tuple(sorted(gone - {version for version, _ in moves})),
        kept=frozenset(entry.package.versions_kept),
        stacks=tuple(sorted(stacks)),
    )


def told(versions: Versions) -> str:
    """`1.14.3` → `1.14.5`, `2.1` new, `1.8` gone."""
    said = [move(old, new, stays=old in versions.kept) for old, new in versions.moves]
    said += [f"{code(version.text)} new" for version in versions.new]
    said += [f"{code(version.text)} gone" for version in versions.gone]
    return ", ".join(said)


def move(old: Version, new: Version, *, stays: bool = False) -> str:
    """`5.0.7` → `5.0.6` (downgrade); `stays` says that there are still builds of the old version."""
    notes = ["downgrade"] * (new < old) + [f"{code(old.text)} stays"] * stays
    return f"{code(old.text)} {ARROW} {code(new.text)}" + f" ({', '.join(notes)})" * bool(notes)


def moves_in_stacks(comparison: Comparison) -> defaultdict[str, Moves]:
    """By stack, what moved to another version and was in the stack before and after."""
    moves: defaultdict[str, Moves] = defaultdict(lambda: defaultdict(set))
    for package in comparison.packages:
        for change in package.changes:
            if change.kind not in (ChangeKind.UPGRADED, ChangeKind.DOWNGRADED):
                continue
            if change.old is None or change.new is None:
                raise ValueError(f"a change of kind {change.kind} without both sides")
            stacks = {*(change.old.stacks or ())} & {*(change.new.stacks or ())}
            for stack in stacks - {ROOT_STACK}:
                moves[stack][package.package].add((change.old.version, change.new.version))
    return moves
