"""What a comparison shows of each rule. A package that is unknown shows nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TypeAlias

from cachediff.model.change import Change, ChangeKind
from cachediff.model.comparison import Comparison, PackageComparison, PackageStatus
from cachediff.model.gates import (
    CollectionMissing,
    Kind,
    LeftStack,
    NewestCollection,
    NoCollection,
    PackageEvidence,
    PackageRemoved,
    ReadingEvidence,
    SideEvidence,
    StackEvidence,
    StackShrank,
    Unreadable,
    VersionRemoved,
)
from cachediff.model.selection import Selection
from cachediff.model.spec import ROOT_STACK, Spec
from cachediff.model.version import Version

Select: TypeAlias = Callable[[Comparison, Selection], Comparison]
"""Narrows a comparison to what a selection asks for."""

NewestByPattern: TypeAlias = Mapping[str, NewestCollection | None]
"""The newest collection by the pattern that it matches; None where none does."""


def left_stack(comparison: Comparison, rule: LeftStack) -> Iterator[PackageEvidence]:
    """Each package and stack that it left."""
    for package in _packages(comparison, rule.packages):
        for stack in package.stacks_left:
            if passes(stack, rule.stacks):
                specs = [spec for spec in _old_specs(package) if stack in _stacks([spec])]
                yield PackageEvidence(package.package, len(specs), (stack,))


def versions_removed(comparison: Comparison, rule: VersionRemoved) -> Iterator[PackageEvidence]:
    """Each package with the versions of it that are gone."""
    for package in _packages(comparison, rule.packages):
        by_version: dict[Version, list[Spec]] = {each: [] for each in package.versions_removed}
        for spec in _old_specs(package):
            if spec.version in by_version:
                by_version[spec.version].append(spec)
        gone = {each: specs for each, specs in by_version.items() if _in_any(specs, rule.stacks)}
        if gone:
            lost = [spec for specs in gone.values() for spec in specs]
            yield PackageEvidence(package.package, len(lost), _stacks(lost), tuple(gone))


def packages_removed(comparison: Comparison, rule: PackageRemoved) -> Iterator[PackageEvidence]:
    """Each package that is gone."""
    for package in _packages(comparison, rule.packages):
        specs = _old_specs(package)
        if package.status is PackageStatus.REMOVED and _in_any(specs, rule.stacks):
            yield PackageEvidence(
                package.package, len(specs), _stacks(specs), package.versions_removed
            )


def stacks_shrank(comparison: Comparison, rule: StackShrank) -> Iterator[StackEvidence]:
    """Each stack that lost too large a share."""
    for stack, totals in sorted(comparison.stacks.items()):
        shrank = any(
            (before - after) * 100 > before * rule.percent
            for before, after in (totals.specs, totals.packages)
        )
        if shrank and passes(stack, rule.stacks):
            yield StackEvidence(stack, totals.specs, totals.packages)


def of_kind(comparison: Comparison, rule: Kind, select: Select) -> Iterator[PackageEvidence]:
    """Each package and kind of its changes, among those that the rule selects."""
    for package in _packages(select(comparison, rule.selection)):
        changes: defaultdict[ChangeKind, list[Change]] = defaultdict(list)
        for change in package.changes:
            changes[change.kind].append(change)
        for kind, same in sorted(changes.items()):
            specs = [spec for change in same for spec in (change.old, change.new) if spec]
            yield PackageEvidence(package.package, len(same), _stacks(specs), kind=kind)


def unreadable(comparison: Comparison, rule: Unreadable) -> Iterator[ReadingEvidence]:
    """How much of the new side could not be read, if that is more than is allowed."""
    new = comparison.new
    if new.unreadable > rule.allowed:
        doubted = {problem.manifest.partition("/")[0] for problem in new.problems}
        unknown = (
            package.package
            for package in comparison.packages
            if package.status is PackageStatus.UNKNOWN and package.package in doubted
        )
        yield ReadingEvidence(new.unreadable, new.manifests, tuple(sorted(unknown)))


def suspects(comparison: Comparison) -> Iterator[SideEvidence]:
    """Each side that is suspect."""
    for name, side in (("old", comparison.old), ("new", comparison.new)):
        if side.suspect:
            yield SideEvidence(name, side.suspect)


def missing(
    rule: CollectionMissing, newest: NewestByPattern, now: datetime
) -> Iterator[NewestCollection | NoCollection]:
    """The newest collection, if it is too old; nothing where it is not known which that is."""
    if rule.collection in newest:
        found = newest[rule.collection]
        if found is None:
            yield NoCollection()
        elif now - found.since > timedelta(days=rule.days):
            yield found


def passes(value: str, globs: Sequence[str]) -> bool:
    """Whether any of `globs` matches, or there is none."""
    return not globs or any(fnmatchcase(value, glob) for glob in globs)


def _packages(comparison: Comparison, globs: Sequence[str] = ()) -> list[PackageComparison]:
    """The packages that `globs` let pass, by name."""
    passing = [package for package in comparison.packages if passes(package.package, globs)]
    return sorted(passing, key=lambda package: package.package)


def _old_specs(package: PackageComparison) -> list[Spec]:
    return [change.old for change in package.changes if change.old]


def _in_any(specs: Iterable[Spec], globs: Sequence[str]) -> bool:
    """Whether any of the specs is in a stack that `globs` ask for, if they ask for any."""
    return not globs or any(passes(stack, globs) for stack in _stacks(specs))


def _stacks(specs: Iterable[Spec]) -> tuple[str, ...]:
    return tuple(sorted({stack for spec in specs for stack in spec.stacks or ()} - {ROOT_STACK}))
