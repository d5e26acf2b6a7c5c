"""Hashes that several manifests of a snapshot list, also those that are equal on both sides.

What differs is read, and its hashes are held against each other. Of the rest it is remembered, by
tree, which packages share a hash. Of a tree that is new, that follows from what is remembered of the
other side, and from what differs. Where nothing is remembered, all is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from cachediff.model.snapshot import Manifest
from cachediff.queries.in_git import GitSnapshot
from cachediff.queries.opened import OpenedSnapshot, Pages, listed, sharing_a_hash
from cachediff.store import ListedHashes, beginning


class SharedHashes:
    """The search for them, in two snapshots that are the same but for `differing` packages.

    What differs has to go through `watched` before anything is `found`.
    """

    def __init__(self, old: OpenedSnapshot, new: OpenedSnapshot, differing: Set[str]) -> None:
        self._sides = old, new
        self._differing = differing
        self._sharing = old.sharing(), new.sharing()
        self._listed: tuple[list[tuple[str, str]], ...] = [], []

    def watched(self, differing: Iterator[Pages]) -> Iterator[Pages]:
        """The manifests that differ, of which it is noted what they list, if that is needed."""
        for pages in differing:
            if None in self._sharing:
                for page, pairs in zip(pages, self._listed, strict=True):
                    pairs.extend(listed(page) if page else ())
            yield pages

    def found(self) -> Iterator[Manifest]:
        """The equal manifests that list a hash which another one of either side lists too.

        Rarely also one with a hash that only begins as another does.
        """
        old, new = self._sharing
        if old is not None and new is not None:
            yield from self._sides[1].read(sorted((old | new) - self._differing))
            return
        rest = self._known_rest()
        shared = set[str]()
        if rest is None:
            rest = ListedHashes.of(spec.hash for page in self._equal() for spec in page.specs)
            shared = rest.repeated()
        for pairs in self._listed:
            shared |= rest.alike(hash_ for hash_, _ in pairs)
        found = [
            page
            for page in (self._equal() if shared else ())
            if not shared.isdisjoint(beginning(spec.hash) for spec in page.specs)
        ]
        self._remember(rest, [pair for page in found for pair in listed(page)])
        yield from found

    def _known_rest(self) -> ListedHashes | None:
        """What the equal manifests list, if that is known, and that none of them share a hash."""
        for side, sharing, pairs in zip(self._sides, self._sharing, self._listed, strict=True):
            if sharing is not None and sharing <= self._differing and (hashes := side.hashes()):
                return hashes.without(hash_ for hash_, _ in pairs)
        return None

    def _equal(self) -> Iterator[Manifest]:
        new = self._sides[1]
        return new.read(sorted(new.entries.keys() - self._differing))

    def _remember(self, rest: ListedHashes, found: list[tuple[str, str]]) -> None:
        """Remember it of trees in git; not what could only not be read here."""
        sides = [side for side in self._sides if isinstance(side, GitSnapshot)]
        if not all(side.complete for side in sides):
            return
        for side, sharing, pairs in zip(self._sides, self._sharing, self._listed, strict=True):
            if isinstance(side, GitSnapshot) and sharing is None:
                hashes = rest.plus(hash_ for hash_, _ in pairs)
                side.remember_listed(sharing_a_hash([*pairs, *found]), hashes)
