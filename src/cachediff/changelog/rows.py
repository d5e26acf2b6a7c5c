"""The rows of one package: its changes, folded into those of which the same is to be said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from cachediff.changelog.pairs import pair_rows
from cachediff.model.change import ChangeKind
from cachediff.model.changelog import (
    Extent,
    PairRow,
    PresenceRow,
    Row,
    StackRow,
    Step,
    Topic,
    Traits,
    UnknownRow,
    WaveRow,
)
from cachediff.model.comparison import Merge, PackageComparison, PackageStatus, Side
from cachediff.model.spec import ROOT_STACK, Spec
from cachediff.model.version import Version

_EXTENTS = tuple(Extent)
_STEPS = tuple(Step)
_REMOVED = {
    Extent.PACKAGE: Topic.PACKAGES_REMOVED,
    Extent.VERSION: Topic.VERSIONS_REMOVED,
    Extent.MERGED: Topic.BUILDS_MERGED,
}
_ADDED = {Extent.PACKAGE: Topic.PACKAGES_ADDED, Extent.SPLIT: Topic.BUILDS_SPLIT}


def unknown_row(package: str, old: Side, new: Side) -> UnknownRow:
    """Row of a package that could not be compared, with what its manifests' problems say.

    A side whose manifests could all be read is not the reason, whatever problems it has.
    """
    return UnknownRow(package, old=_reasons(package, old), new=_reasons(package, new))


def changed_rows(package: PackageComparison) -> Iterator[tuple[Topic, Row]]:
    """Rows of a package that could be compared, each with the topic of its group."""
    changes = defaultdict(list)
    for change in package.changes:
        changes[change.kind].append(change)

    for row in _presence_rows(
        [change.old for change in changes.pop(ChangeKind.REMOVED, ()) if change.old],
        whole=package.status is PackageStatus.REMOVED,
        versions=package.versions_removed,
        surplus=dict.fromkeys(_several(package.merged), Extent.MERGED),
    ):
        yield _REMOVED.get(row.extent, Topic.BUILDS_REMOVED), row
    for row in _presence_rows(
        [change.new for change in changes.pop(ChangeKind.ADDED, ()) if change.new],
        whole=package.status is PackageStatus.ADDED,
        versions=package.versions_added,
        surplus=dict.fromkeys(_several(package.split), Extent.SPLIT),
    ):
        yield _ADDED.get(row.extent, Topic.BUILDS_ADDED), row

    for kind, pairs in changes.items():
        for pair_row in pair_rows(package, kind, pairs):
            yield Topic(kind), pair_row

    if package.status is PackageStatus.CHANGED:
        if package.stacks_left:
            yield Topic.LEFT_STACK, StackRow(package.package, package.stacks_left)
        if package.stacks_joined:
            yield Topic.JOINED_STACK, StackRow(package.package, package.stacks_joined)


def row_order(row: Row) -> tuple[object, ...]:
    """Order of the rows of one group.

    Waves, whole packages and whole versions come first, great steps before small ones; then it goes
    by name and by version.
    """
    match row:
        case WaveRow():
            return (0, -row.count, row.package)
        case PresenceRow():
            return (1, _EXTENTS.index(row.extent), row.package, row.versions)
        case PairRow():
            step = _STEPS.index(row.step) if row.step else 0
            differences = [(each.field, each.old, each.new) for each in row.differences]
            return (1, step, row.package, row.old, row.new, differences)
        case _:
            return (1, row.package)


def _reasons(package: str, side: Side) -> tuple[str, ...]:
    return tuple(
        problem.reason
        for problem in side.problems
        if side.unreadable and problem.manifest.partition("/")[0] == package
    )


def _several(merges: Iterable[Merge]) -> set[str]:
    """Hashes of the builds of which several met one: one of them is paired, the rest are left over."""
    return {hash_ for merge in merges for hash_ in merge.several}


def _presence_rows(
    specs: Sequence[Spec], whole: bool, versions: Iterable[Version], surplus: dict[str, Extent]
) -> Iterator[PresenceRow]:
    """Rows of specs that are on one side only; `versions` are on that side only too."""
    whole_versions = frozenset(versions)
    folds: dict[tuple[Extent, Version | None], list[Spec]] = defaultdict(list)
    for spec in specs:
        if whole:
            folds[Extent.PACKAGE, None].append(spec)
        elif extent := surplus.get(spec.hash):
            folds[extent, spec.version].append(spec)
        else:
            extent = Extent.VERSION if spec.version in whole_versions else Extent.BUILDS
            folds[extent, spec.version].append(spec)
    for (extent, _), fold in folds.items():
        yield PresenceRow(
            package=fold[0].package,
            extent=extent,
            versions=tuple(sorted({spec.version for spec in fold})),
            count=len(fold),
            stacks=_stacks(fold),
            traits=Traits() if extent in (Extent.PACKAGE, Extent.VERSION) else _traits(fold),
        )


def _stacks(specs: Iterable[Spec]) -> tuple[str, ...]:
    return tuple(sorted({stack for spec in specs for stack in spec.stacks or ()} - {ROOT_STACK}))


def _traits(specs: Iterable[Spec]) -> Traits:
    compilers = {spec.compiler for spec in specs}
    return Traits(
        # With one of them unknown, naming the others would say that it is one of these.
        compilers=() if None in compilers else tuple(sorted(filter(None, compilers))),
        oss=tuple(sorted({spec.os for spec in specs})),
        targets=tuple(sorted({spec.target for spec in specs})),
    )
