"""Counts of packages and of stacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from cachediff.model.change import ChangeKind
from cachediff.model.changelog import PackageTally, StackTally
from cachediff.model.comparison import PackageComparison, PackageStatus, StackTotals


def package_tally(packages: Sequence[PackageComparison]) -> PackageTally:
    """Count packages by what became of them; see `PackageTally` for what counts where."""
    statuses = Counter(package.status for package in packages)
    kinds = Counter(
        kind
        for package in packages
        if package.status is PackageStatus.CHANGED
        for kind in {change.kind for change in package.changes}
    )
    return PackageTally(
        unknown=statuses[PackageStatus.UNKNOWN],
        added=statuses[PackageStatus.ADDED],
        removed=statuses[PackageStatus.REMOVED],
        upgraded=kinds[ChangeKind.UPGRADED],
        downgraded=kinds[ChangeKind.DOWNGRADED],
        changed=kinds[ChangeKind.CHANGED],
        gained_builds=kinds[ChangeKind.ADDED],
        lost_builds=kinds[ChangeKind.REMOVED],
        rebuilt=kinds[ChangeKind.REBUILT],
        restacked=kinds[ChangeKind.RESTACKED],
        differing=len(packages),
    )


def stack_tallies(stacks: Mapping[str, StackTotals]) -> tuple[StackTally, ...]:
    """Stacks that differ in packages or number of specs: the greatest loss first, then by name."""
    tallies = [
        StackTally(
            stack=stack,
            specs=totals.specs,
            lost=len(totals.packages_lost),
            gained=len(totals.packages_gained),
        )
        for stack, totals in stacks.items()
    ]
    differing = [
        tally for tally in tallies if tally.lost or tally.gained or tally.specs[0] != tally.specs[1]
    ]
    return tuple(sorted(differing, key=lambda tally: (-tally.lost, -tally.gained, tally.stack)))
