"""What the snapshots of a walk come to, carried from each to the next: it costs what changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from cachediff.model.snapshot import Manifest, ManifestSummary, Totals
from cachediff.queries.opened import OpenedSnapshot, Pages, listed


class Along:
    """The totals of the snapshot that one is at, and which packages list each hash.

    A step is `begin`, all that differs going through `watched`, and `found`: then one is at the next.
    """

    def __init__(self, totals: Totals, hashes: Iterable[tuple[str, str]]) -> None:
        """Begin at a snapshot that comes to `totals`; `hashes` are all, each with who lists it."""
        self._totals = totals
        # A hash that several packages list is in `_several`, and what `_package` says of it is stale.
        self._package: dict[str, str] = {}
        self._several: dict[str, set[str]] = {}
        for hash_, package in hashes:
            self._add(hash_, package)

    def begin(
        self, new: OpenedSnapshot, differing: Collection[str], old: Mapping[str, Manifest]
    ) -> Totals:
        """What is equal in the `new` snapshot; `old` are the manifests that `differing` had so far."""
        self._new, self._differing = new, differing
        self._sharing = self._who_shares()
        self._come: dict[str, ManifestSummary] = {}
        went = {package: page.summary() for package, page in old.items()}
        self._totals = self._totals.minus(Totals.of(went))
        return self._totals

    def watched(self, differing: Iterator[Pages]) -> Iterator[Pages]:
        """The manifests that differ, of which it is noted what they list."""
        for before, after in differing:
            for hash_, package in listed(before) if before else ():
                self._remove(hash_, package)
            for hash_, package in listed(after) if after else ():
                self._add(hash_, package)
            if after:
                self._come[after.package] = after.summary()
            yield before, after

    def found(self) -> Iterator[Manifest]:
        """The equal manifests that list a hash which another one of either snapshot lists too.

        It is to be gone through when all that differs was watched.
        """
        self._totals = self._totals.plus(Totals.of(self._come))
        sharing = (self._sharing | self._who_shares()).difference(self._differing)
        if sharing:
            yield from self._new.read(sorted(sharing))

    def _who_shares(self) -> set[str]:
        return {package for packages in self._several.values() for package in packages}

    def _add(self, hash_: str, package: str) -> None:
        if hash_ in self._several:
            self._several[hash_].add(package)
        elif (first := self._package.setdefault(hash_, package)) != package:
            self._several[hash_] = {first, package}

    def _remove(self, hash_: str, package: str) -> None:
        packages = self._several.get(hash_)
        if packages is None:
            del self._package[hash_]
            return
        packages.remove(package)
        if len(packages) == 1:
            (self._package[hash_],) = packages
            del self._several[hash_]
