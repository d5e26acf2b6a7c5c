"""What differs in coverage: of stacks, platforms, oses, targets and compilers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cachediff.model.changelog import CoverageChange, FieldCoverage
from cachediff.model.comparison import (
    Comparison,
    CoverageTotals,
)


def coverages(comparison: Comparison) -> Iterator[FieldCoverage]:
    """What differs in coverage, a field at a time: stacks first, then the others as they come."""
    fields = {"stack": comparison.stacks, **comparison.coverage}
    for field, totals in fields.items():
        if tallies := _differing(totals):
            yield FieldCoverage(field, len(totals), tallies)


def _differing(totals: Mapping[str, CoverageTotals]) -> tuple[CoverageChange, ...]:
    """Values that differ in packages or number of specs: the greatest loss first, then by name."""
    tallies = [
        CoverageChange(
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
