"""Counts of packages, and of what stacks, platforms, oses, targets and compilers cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from cachediff.model.change import ChangeKind
from cachediff.model.changelog import Coverage, CoverageTally, PackageTally
from cachediff.model.comparison import (
    Comparison,
    CoverageTotals,
    PackageComparison,
    PackageStatus,
)


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


def coverages(comparison: Comparison) -> Iterator[Coverage]:
    """What differs in coverage, a field at a time: stacks first, then the others as they come."""
    fields = {"stack": comparison.stacks, **comparison.coverage}
    for field, totals in fields.items():
        if tallies := _differing(totals):
            yield Coverage(field, len(totals), tallies)


def _differing(totals: Mapping[str, CoverageTotals]) -> tuple[CoverageTally, ...]:
    """Values that differ in packages or number of specs: the greatest loss first, then by name."""
    tallies = [
        CoverageTally(
            value=value,
            specs=each.specs,
            packages=each.packages,
            lost=len(each.packages_lost),
            gained=len(each.packages_gained),
        )
        for value, each in totals.items()
        if each.packages_lost
        or each.packages_gained
        or each.specs[0] != each.specs[1]
        or each.packages[0] != each.packages[1]
    ]
    return tuple(sorted(tallies, key=lambda tally: (-tally.lost, -tally.gained, tally.value)))
