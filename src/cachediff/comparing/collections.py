"""Two collections: every package compared, and what they say together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import attrgetter

from cachediff.comparing.coverage import ComparedCoverage
from cachediff.comparing.packages import Compared, compare_package
from cachediff.comparing.suspicion import Weight, suspicions
from cachediff.model.comparison import (
    Comparison,
    PackageComparison,
    PackageCounts,
    PackageStatus,
    Side,
    SpecCounts,
)
from cachediff.model.snapshot import Manifest, ManifestSummary, Origin, Problem, Totals

Pages = tuple[Manifest | None, Manifest | None]
"""The old and the new manifest of one package, None where there is none."""


def compare(
    old: Origin,
    new: Origin,
    differing: Iterable[Pages],
    equal: Totals,
    sharing: Iterable[Manifest] = (),
) -> Comparison:
    """Compare two snapshots.

    `differing` are the manifests that may differ, a package at a time, in any order; `equal` is what
    those come to that are known to be the same on both sides, and `sharing` are at least those of the
    equal ones that list a hash which another manifest lists too, on either side. `differing` is gone
    through once and not kept, and `sharing` after it.
    """
    sides = _SideTally(equal), _SideTally(equal)
    tally = _Tally(equal)
    for pages in differing:
        package = next(page.package for page in pages if page)
        summaries = [page.summary() if page else None for page in pages]
        for side, page, total in zip(sides, pages, summaries, strict=True):
            if page and total:
                side.add(package, total)
                side.find_repeated(page)
        tally.add(package, compare_package(package, *pages), *summaries)
    for page in sharing:
        for side in sides:
            side.find_repeated(page)
    unknown = tally.unknown[0], tally.unknown[1]
    old_weight, new_weight = (
        Weight(origin, side.manifests, side.unreadable, side.specs, side.specs - unread)
        for origin, side, unread in zip((old, new), sides, unknown, strict=True)
    )
    doubts = suspicions(old_weight, new_weight)
    return Comparison(
        old=sides[0].side(old, doubts[0]),
        new=sides[1].side(new, doubts[1]),
        package_counts=PackageCounts(**tally.packages),
        spec_counts=SpecCounts(**tally.specs, unknown=unknown),
        stacks=tally.coverage.stacks(),
        coverage=tally.coverage.all_but_stacks(),
        packages=tuple(sorted(tally.told, key=attrgetter("package"))),
        stacks_untold=tally.coverage.stacks_untold(),
    )


class _SideTally:
    """What one snapshot has, as its manifests are gone through."""

    def __init__(self, equal: Totals) -> None:
        self.manifests = equal.manifests
        self.unreadable = len(equal.unreadable)
        self.packages = equal.packages
        self.specs = equal.specs
        self.problems = list(equal.problems)
        self._packages: dict[str, str] = {}
        self._repeated: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, package: str, summary: ManifestSummary) -> None:
        self.manifests += 1
        self.unreadable += not summary.readable
        self.packages += summary.specs > 0
        self.specs += summary.specs
        self.problems += summary.problems_of(package)

    def find_repeated(self, page: Manifest) -> None:
        """Note each hash that another manifest of this snapshot lists too: one of them is wrong."""
        hashes = dict.fromkeys((spec.hash for spec in page.specs), page.package)
        for hash_ in hashes.keys() & self._packages.keys():
            self._repeated[hash_] |= {page.package, self._packages[hash_]}
        self._packages |= hashes

    def side(self, origin: Origin, suspect: str | None) -> Side:
        for hash_, packages in self._repeated.items():
            first, *others = sorted(packages)
            reason = f"hash {hash_} is also listed by {first}"
            self.problems += [Problem(package, reason) for package in others]
        return Side(
            origin,
            self.manifests,
            self.unreadable,
            self.packages,
            self.specs,
            tuple(sorted(self.problems)),
            suspect,
        )


class _Tally:
    """What both sides together come to, as packages are compared."""

    def __init__(self, equal: Totals) -> None:
        self.told: list[PackageComparison] = []
        self.packages: Counter[str] = Counter(unchanged=equal.packages)
        self.specs: Counter[str] = Counter(unchanged=equal.specs)
        self.unknown = [0, 0]
        self.coverage = ComparedCoverage(equal.coverage)
        for package in equal.unreadable:
            self._tell(PackageComparison(package, PackageStatus.UNKNOWN))

    def add(
        self,
        name: str,
        compared: Compared,
        old: ManifestSummary | None,
        new: ManifestSummary | None,
    ) -> None:
        package = compared.package
        self.specs["unchanged"] += compared.unchanged
        if package is None:
            self.packages["unchanged"] += compared.unchanged > 0
        else:
            self._tell(package)
        if package and package.status is PackageStatus.UNKNOWN:
            for side, summary in enumerate((old, new)):
                self.unknown[side] += summary.specs if summary else 0
        else:
            self.coverage.add(name, old.coverage if old else None, new.coverage if new else None)

    def _tell(self, package: PackageComparison) -> None:
        self.told.append(package)
        self.packages[package.status] += 1
        for kind, number in Counter(change.kind for change in package.changes).items():
            self.specs[kind] += number
