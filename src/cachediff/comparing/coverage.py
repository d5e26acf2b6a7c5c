"""Coverage, compared: what each stack, platform, os, target and compiler had and has, gained and lost."""

from __future__ import annotations

from collections import defaultdict

from cachediff.model.comparison import CoverageTotals
from cachediff.model.coverage import COVERED, Coverage, CoverageCounts, CoverageTally

_NOTHING: Coverage = {field: {} for field in COVERED}


class ComparedCoverage:
    """What either side covers, as packages are compared; `equal` is the same on both."""

    def __init__(self, equal: CoverageCounts) -> None:
        self._sides = CoverageTally(equal), CoverageTally(equal)
        self._gained: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
        self._lost: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)

    def add(self, package: str, old: Coverage | None, new: Coverage | None) -> None:
        """Add a package, with what its specs cover; None on a side stands for no manifest there."""
        old, new = old or _NOTHING, new or _NOTHING
        self._sides[0].add(old)
        self._sides[1].add(new)
        for field in COVERED:
            before, after = old[field].keys(), new[field].keys()
            # Specs of which it is not known may have any value: that is no sure gain, and no loss.
            if before != after and None not in before and None not in after:
                for value in after - before:
                    self._gained[field, value].append(package)
                for value in before - after:
                    self._lost[field, value].append(package)

    def stacks_untold(self) -> tuple[int, int]:
        """How many specs of either side do not tell their stacks."""
        before, after = (side.counts()["stack"].get(None, (0, 0)) for side in self._sides)
        return before[0], after[0]

    def stacks(self) -> dict[str, CoverageTotals]:
        """The totals of each stack; none where any spec does not tell its own."""
        return {} if any(self.stacks_untold()) else self._totals("stack")

    def all_but_stacks(self) -> dict[str, dict[str, CoverageTotals]]:
        """The totals by field and value; what is not known is called `none`."""
        return {field: self._totals(field) for field in COVERED if field != "stack"}

    def _totals(self, field: str) -> dict[str, CoverageTotals]:
        before, after = (side.counts()[field] for side in self._sides)
        totals = {}
        for value in before.keys() | after.keys():
            numbers = before.get(value, (0, 0)), after.get(value, (0, 0))
            totals["none" if value is None else value] = CoverageTotals(
                specs=(numbers[0][0], numbers[1][0]),
                packages=(numbers[0][1], numbers[1][1]),
                packages_gained=tuple(sorted(self._gained[field, value])),
                packages_lost=tuple(sorted(self._lost[field, value])),
            )
        return dict(sorted(totals.items()))
