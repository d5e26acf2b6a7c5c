"""The snapshots of a collection, walked through in their order: what became of each package at each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from cachediff.comparing.packages import compare_package
from cachediff.comparing.stacks import stacks_of
from cachediff.comparing.suspicion import Weight, suspicions
from cachediff.index import IndexedSnapshot, PackageNews, PointNews
from cachediff.model.change import Change
from cachediff.model.comparison import PackageComparison, PackageStatus
from cachediff.model.coverage import CoverageCounts, CoverageTally, combined, no_coverage
from cachediff.model.lives import PackageStep, Point, StepCounts
from cachediff.model.snapshot import Manifest, Origin
from cachediff.store import OpenedSnapshot, StoredSnapshot

Recall: TypeAlias = Callable[[Collection[str]], Iterable[Manifest]]
"""Reads, of some packages, the manifests that were read last."""


class Walk:
    """Where one is among the snapshots of a collection, at first before all of them.

    Of a package that is there, or unknown, the manifest that was read last is in memory, or `recall`
    reads it.
    """

    def __init__(self) -> None:
        self._begun = False
        self._stored: StoredSnapshot | None = None
        self._entries: Mapping[str, str] = {}
        self._known: dict[str, Manifest] = {}
        self._unknown: set[str] = set()
        self._never_known: set[str] = set()
        self._coverage = no_coverage()
        self._recall: Recall = _nothing
        self._to_recall: set[str] = set()
        self._recalled = False

    def resume(
        self,
        opened: OpenedSnapshot,
        coverage: CoverageCounts,
        unknown: Mapping[str, int],
        recall: Recall,
    ) -> None:
        """Go to a snapshot that covers this.

        `unknown` are the packages that cannot be read there, each with the place among the snapshots
        of the first at which it could not: 0 where it never could.
        """
        self._begun = True
        self._stored, self._entries = opened.stored, opened.entries
        self._coverage, self._recall = coverage, recall
        self._unknown = set(unknown)
        self._never_known = {package for package, place in unknown.items() if place == 0}
        self._to_recall = (opened.entries.keys() | self._unknown) - self._never_known

    def step(
        self, stored: StoredSnapshot, opened: OpenedSnapshot
    ) -> tuple[PointNews, list[PackageNews]]:
        """Go on to the next snapshot: what it comes to, and what became of the packages.

        Raises `DamagedSnapshotError` where it cannot be read; then this is where it was.
        """
        point = Point(stored.committed_at, stored.commit)
        # Ids that are the same are manifests that are the same.
        differing = sorted(
            {package for package, _ in self._entries.items() ^ opened.entries.items()}
        )
        pages = {page.package: page for page in opened.read(differing)}
        self._remember(differing)
        before, after = CoverageTally(no_coverage()), CoverageTally(no_coverage())
        unread = [0, 0]
        news = []
        for package in differing:
            old, new = self._known.get(package), pages.get(package)
            if package in self._unknown:
                unread[1] += len(new.specs) if new else 0
            elif old:
                before.add(old.summary().coverage)
                unread[0] += len(old.specs) if new and not new.readable else 0
            if new:
                after.add(new.summary().coverage)
            told = self._tell(point, package, old, new)
            if told is not None:
                news.append(told)
        rest = combined(self._coverage, before.counts(), -1)
        self._coverage = combined(rest, after.counts())
        suspicion = _suspicion(self._stored, stored, unread) if self._stored else None
        self._begun = True
        self._stored, self._entries = stored, opened.entries
        totals = PointNews(
            snapshot=IndexedSnapshot(point, stored.sha256),
            manifests=stored.manifests,
            unreadable=stored.unreadable,
            packages=stored.packages,
            specs=stored.specs,
            coverage=self._coverage,
            suspicion=suspicion,
        )
        return totals, news

    def _remember(self, differing: Sequence[str]) -> None:
        """Have the old manifests of `differing` in memory; all of them, if this is not the only step."""
        needed = self._to_recall.intersection(differing)
        if needed:
            wanted = set(self._to_recall) if self._recalled else needed
            self._known |= {page.package: page for page in self._recall(sorted(wanted))}
            self._to_recall -= wanted
            self._recalled = True

    def _tell(
        self, point: Point, package: str, old: Manifest | None, new: Manifest | None
    ) -> PackageNews | None:
        if new is not None and not new.readable:
            return self._tell_unknown(point, package)
        was_known = self._begun and package not in self._never_known
        was_unknown = package in self._unknown
        self._unknown.discard(package)
        self._never_known.discard(package)
        if new is None:
            self._known.pop(package, None)
        else:
            self._known[package] = new
        found = compare_package(package, old, new).package
        step = package_step(point, package, found, new, was_known=was_known) if found else None
        stacks = [stacks_of(page.specs) if page else frozenset[str]() for page in (old, new)]
        old_specs = {spec.hash: spec for spec in (old.specs if old else ())}
        new_specs = {spec.hash: spec for spec in (new.specs if new else ())}
        return PackageNews(
            package=package,
            step=step,
            is_known=was_unknown,
            come=[spec for hash_, spec in new_specs.items() if hash_ not in old_specs],
            restacked=[
                spec
                for hash_, spec in new_specs.items()
                if hash_ in old_specs and old_specs[hash_].stacks != spec.stacks
            ],
            gone=[hash_ for hash_ in old_specs if hash_ not in new_specs],
            is_untold=stacks[0] is not None and stacks[1] is None,
            told_again=sorted(stacks[1]) if stacks[0] is None and stacks[1] is not None else None,
        )

    def _tell_unknown(self, point: Point, package: str) -> PackageNews | None:
        if package in self._unknown:
            return None
        if not self._begun:
            self._never_known.add(package)
        self._unknown.add(package)
        step = PackageStep(point=point, package=package, status=PackageStatus.UNKNOWN, specs=0)
        return PackageNews(package=package, step=step)


def _suspicion(old: StoredSnapshot, new: StoredSnapshot, unread: Sequence[int]) -> str | None:
    """Why `new` is suspect after `old`; of each, so many specs are of packages unread in the other."""
    old_weight, new_weight = (
        # Which one is later their order says: dates of commits may not be in order.
        Weight(
            Origin(each.source, each.collection),
            each.manifests,
            each.unreadable,
            each.specs,
            each.specs - specs,
        )
        for each, specs in zip((old, new), unread, strict=True)
    )
    return suspicions(old_weight, new_weight)[1]


def package_step(
    point: Point,
    package: str,
    found: PackageComparison,
    new: Manifest | None,
    *,
    was_known: bool,
) -> PackageStep:
    """What a comparison found, as a step; where nothing was known before, only what there is."""
    return PackageStep(
        point=point,
        package=package,
        status=found.status if was_known else None,
        specs=len(new.specs) if new else 0,
        counts=_counts(found.changes) if was_known else StepCounts(),
        versions_added=tuple(version.text for version in found.versions_added),
        versions_removed=tuple(version.text for version in found.versions_removed),
        stacks_joined=found.stacks_joined,
        stacks_left=found.stacks_left,
    )


def _counts(changes: Iterable[Change]) -> StepCounts:
    return StepCounts(**Counter(change.kind.value for change in changes))


def _nothing(_: Collection[str]) -> Iterable[Manifest]:
    return ()
