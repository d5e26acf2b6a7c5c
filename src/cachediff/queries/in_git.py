"""A snapshot in git: parsed as it is read, and what it comes to remembered by object id."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from cachediff.manifests import parse
from cachediff.model.snapshot import Manifest, ManifestSummary, Totals

if TYPE_CHECKING:
    from cachediff.manifests import Interner
    from cachediff.sources import GitCollection, Progress
    from cachediff.store import ListedHashes, SummaryCache


class GitSnapshot:
    """A collection in git, parsed as it is read; what it comes to is remembered.

    `complete` becomes False when something that was read turns out to be missing from this clone.
    """

    def __init__(
        self,
        collection: GitCollection,
        interner: Interner,
        cache: SummaryCache,
        progress: Progress | None = None,
    ) -> None:
        self.origin = collection.origin
        self.collection = collection
        self.cache = cache
        self.complete = True
        self._interner = interner
        self._progress = progress

    @property
    def entries(self) -> Mapping[str, str | None]:
        """Every package, with the object id of its folder."""
        return self.collection.entries

    def read(self, packages: Collection[str]) -> Iterator[Manifest]:
        """The manifests of `packages`, in the order asked for."""
        return self._read([(self, package) for package in packages])

    def shares_with(self, other: GitSnapshot) -> bool:
        """Whether both are in the same repository."""
        return self.collection.source.repository is other.collection.source.repository

    def read_with(
        self, other: GitSnapshot, packages: Sequence[str]
    ) -> Iterator[tuple[Manifest | None, Manifest | None]]:
        """Both sides' manifests of each package, out of one read of the repository they share."""
        wanted = [
            (side, package)
            for package in packages
            for side in (self, other)
            if side.collection.find(package)
        ]
        manifests = self._read(wanted)
        for package in packages:
            old = next(manifests) if self.collection.find(package) else None
            new = next(manifests) if other.collection.find(package) else None
            yield old, new
        # Let the read end: it is then that what was learned is remembered.
        next(manifests, None)

    def totals_without(self, packages: Set[str]) -> Totals:
        """What all manifests but those of `packages` come to, read only where it is not known."""
        rest = [package for package in self.entries if package not in packages]
        known = self.cache.get_many([self._key(package) for package in rest])
        unknown = [package for package in rest if self._key(package) not in known]
        read = {manifest.package: manifest.summary() for manifest in self.read(unknown)}
        return Totals.of({name: read.get(name) or known[self._key(name)] for name in rest})

    def known_totals_without(self, packages: Set[str]) -> Totals | None:
        """The same out of the totals of the whole, if those are known: nothing else is looked at.

        So the cost of a comparison follows the change, not the collection.
        """
        whole = self.cache.get_totals([self._tree]).get(self._tree)
        part = self._known(packages)
        return whole.minus(Totals.of(part)) if whole and part is not None else None

    def remember(self, packages: Set[str], rest: Totals) -> None:
        """Remember what the whole comes to: `packages` and the `rest`.

        Not what could only not be read here: another clone may have it.
        """
        if not self.complete or self.cache.get_totals([self._tree]):
            return
        part = self._known(packages)
        if part is not None:
            self.cache.put_totals({self._tree: rest.plus(Totals.of(part))})

    def sharing(self) -> Set[str] | None:
        """The packages that list a hash which another one of them lists too, if they are known."""
        return self.cache.get_sharing(self._tree)

    def hashes(self) -> ListedHashes | None:
        """The hashes that all manifests list, if they are known."""
        return self.cache.get_hashes(self._tree)

    def remember_listed(self, sharing: Set[str], hashes: ListedHashes) -> None:
        """Remember which packages share a hash, and all hashes."""
        self.cache.put_listed(self._tree, sharing, hashes)

    @property
    def _tree(self) -> str:
        return f"tree:{self.origin.tree}"

    def _key(self, package: str) -> str:
        """What the summary of a package depends on: its files, and what they are the files of."""
        return f"{self.collection.folder(package).id}:{package}"

    def _known(self, packages: Set[str]) -> dict[str, ManifestSummary] | None:
        """The summaries of those of `packages` that are here, if all are known."""
        here = [package for package in packages if self.collection.find(package)]
        keys = {package: self._key(package) for package in here}
        known = self.cache.get_many(list(keys.values()))
        if len(known) < len(keys):
            return None
        return {package: known[key] for package, key in keys.items()}

    def _read(self, wanted: Sequence[tuple[GitSnapshot, str]]) -> Iterator[Manifest]:
        folders = [side.collection.folder(package) for side, package in wanted]
        known = self.cache.get_many([side._key(package) for side, package in wanted])
        learned: dict[str, ManifestSummary] = {}
        files = self.collection.source.read(folders, self._progress)
        for (side, package), package_files in zip(wanted, files, strict=True):
            manifest = parse(package_files, self._interner)
            key = side._key(package)
            if not package_files.complete:
                side.complete = False
            elif key not in known:
                learned[key] = manifest.summary()
            yield manifest
        self.cache.put_many(learned)
