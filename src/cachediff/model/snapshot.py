"""A snapshot: the specs of one collection at one commit, and what could not be read of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from cachediff.model.coverage import (
    Coverage,
    CoverageCounts,
    CoverageTally,
    combined,
    coverage_of,
    no_coverage,
)
from cachediff.model.spec import Spec


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something in a manifest that could not be read or does not add up.

    `manifest` is the path inside the collection, `hdf5/specs.md`; `reason` says what is wrong and
    where: the record, the field.
    """

    manifest: str
    reason: str

    @classmethod
    def of(cls, package: str, file: str, reason: str) -> Problem:
        """The problem of one file of a package, or of its whole folder where `file` is empty."""
        return cls(f"{package}/{file}" if file else package, reason)

    def within(self, package: str) -> tuple[str, str]:
        """The file of `package` that it is about, as for `of`, and the reason."""
        return self.manifest.removeprefix(package).removeprefix("/"), self.reason


class Manifest(msgspec.Struct, frozen=True):
    """What one manifest says: the specs of one package.

    `readable` is False where the specs could not be known for certain; then `specs` is empty and the
    package is unknown on that side: neither removed, nor added, nor unchanged. `specs` hold each hash
    once, in hash order.
    """

    package: str
    specs: tuple[Spec, ...]
    problems: tuple[Problem, ...] = ()
    readable: bool = True

    def summary(self) -> ManifestSummary:
        """The totals of this manifest."""
        problems = tuple(problem.within(self.package) for problem in self.problems)
        return ManifestSummary(len(self.specs), coverage_of(self.specs), problems, self.readable)


class ManifestSummary(msgspec.Struct, frozen=True):
    """What the totals need of a manifest that is not read again.

    `specs` is its number of specs, `coverage` what they cover, `problems` its problems as (file name,
    reason).
    """

    specs: int
    coverage: Coverage
    problems: tuple[tuple[str, str], ...] = ()
    readable: bool = True

    def problems_of(self, package: str) -> tuple[Problem, ...]:
        """The problems, as those of `package`."""
        return tuple(Problem.of(package, file, reason) for file, reason in self.problems)


class Totals(msgspec.Struct, frozen=True):
    """What the manifests of a collection, or some of them, come to together.

    `packages` counts those with at least one spec; `unreadable` names, sorted, those whose manifest
    could not be read.
    """

    manifests: int = 0
    packages: int = 0
    specs: int = 0
    coverage: CoverageCounts = msgspec.field(default_factory=no_coverage)
    unreadable: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, summaries: Mapping[str, ManifestSummary]) -> Totals:
        """The totals of manifests, by package."""
        tally = CoverageTally(no_coverage())
        for summary in summaries.values():
            tally.add(summary.coverage)
        problems = (
            problem
            for package, summary in summaries.items()
            for problem in summary.problems_of(package)
        )
        return cls(
            manifests=len(summaries),
            packages=sum(summary.specs > 0 for summary in summaries.values()),
            specs=sum(summary.specs for summary in summaries.values()),
            coverage=tally.counts(),
            unreadable=tuple(
                sorted(package for package, summary in summaries.items() if not summary.readable)
            ),
            problems=tuple(sorted(problems)),
        )

    def plus(self, more: Totals) -> Totals:
        """These manifests and `more`, which are others."""
        return Totals(
            self.manifests + more.manifests,
            self.packages + more.packages,
            self.specs + more.specs,
            combined(self.coverage, more.coverage),
            tuple(sorted((*self.unreadable, *more.unreadable))),
            tuple(sorted((*self.problems, *more.problems))),
        )

    def minus(self, part: Totals) -> Totals:
        """These manifests but `part`, which is some of them."""
        return Totals(
            self.manifests - part.manifests,
            self.packages - part.packages,
            self.specs - part.specs,
            combined(self.coverage, part.coverage, -1),
            tuple(sorted((Counter(self.unreadable) - Counter(part.unreadable)).elements())),
            tuple(sorted((Counter(self.problems) - Counter(part.problems)).elements())),
        )


class Origin(msgspec.Struct, frozen=True):
    """Where a snapshot comes from.

    `commit` is a full object id, `committed_at` the committer's time in UTC
    (`2025-04-20T03:12:09Z`), `tree` the object id of the collection's folder. All three are None for
    a plain folder of manifests.
    """

    source: str
    collection: str
    commit: str | None = None
    committed_at: str | None = None
    tree: str | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """The specs of one collection at one commit, in memory: one `Manifest` a package, by name.

    `object_ids` maps a package to git's id of its folder: equal ids are equal manifests.
    """

    origin: Origin
    manifests: tuple[Manifest, ...]
    object_ids: dict[str, str]

    def specs(self) -> Iterator[Spec]:
        """Every spec that could be read, by package and hash."""
        for manifest in self.manifests:
            yield from manifest.specs


class PackageFiles(msgspec.Struct, frozen=True):
    """The raw files of one package's folder, on their way from a source to the manifest parsers.

    `files` maps a file name to its bytes; `unreadable` names files that are there but could not be
    given, with the reason (a symbolic link, a missing object, too large). A reason for the folder as
    a whole has the file name `""`. `complete` is False where the source lacks objects that others may
    have: what cannot be read then says nothing of the manifest itself.
    """

    package: str
    files: dict[str, bytes]
    unreadable: tuple[tuple[str, str], ...] = ()
    complete: bool = True
