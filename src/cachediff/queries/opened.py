"""A snapshot, opened: which packages it has, and their manifests when they are asked for.

Wherever it comes from (git, a folder, the store, memory), a comparison sees the same: object ids to
know what is equal, and manifests of what is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from typing import Protocol

from cachediff import store
from cachediff.manifests import Interner, parse
from cachediff.model.snapshot import Manifest, ManifestSummary, Origin, Snapshot, Totals
from cachediff.sources import FolderCollection, GitCollection, Progress
from cachediff.store import ListedHashes, SummaryCache


class OpenedSnapshot(Protocol):
    """A snapshot of which as little is read as possible.

    `entries` maps every package to the object id of its manifest, None where it has none.
    """

    @property
    def origin(self) -> Origin:
        """Where it comes from."""

    @property
    def entries(self) -> Mapping[str, str | None]:
        """Every package, with the object id of its manifest."""

    def read(self, packages: Collection[str]) -> Iterator[Manifest]:
        """The manifests of `packages`, which are sorted, in that order."""

    def totals_without(self, packages: Set[str]) -> Totals:
        """What all manifests but those of `packages` come to, read only where it is not known."""

    def sharing(self) -> Set[str] | None:
        """The packages that list a hash which another one of them lists too, if they are known."""

    def hashes(self) -> ListedHashes | None:
        """The hashes that all manifests list, if they are known."""


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


class FolderSnapshot:
    """A folder of manifests, parsed as it is read."""

    def __init__(self, folder: FolderCollection, interner: Interner) -> None:
        self.origin = folder.origin
        self.entries: Mapping[str, str | None] = folder.entries
        self._folder = folder
        self._interner = interner

    def read(self, packages: Collection[str]) -> Iterator[Manifest]:
        """The manifests of `packages`, in the order asked for."""
        return (parse(files, self._interner) for files in self._folder.read(packages))

    def totals_without(self, packages: Set[str]) -> Totals:
        """What all manifests but those of `packages` come to."""
        rest = [package for package in self.entries if package not in packages]
        return Totals.of({page.package: page.summary() for page in self.read(rest)})

    def sharing(self) -> None:
        """Not known: all manifests are read anyway."""

    def hashes(self) -> None:
        """Not known: all manifests are read anyway."""


class StoredSnapshot:
    """A snapshot in the store, its bytes already checked."""

    def __init__(self, opened: store.OpenedSnapshot) -> None:
        self.origin = opened.origin
        self.entries: Mapping[str, str | None] = opened.entries
        self._opened = opened

    def read(self, packages: Collection[str]) -> Iterator[Manifest]:
        """The manifests of `packages`, sorted by name."""
        return self._opened.read(packages)

    def totals_without(self, packages: Set[str]) -> Totals:
        """What all manifests but those of `packages` come to, as they were stored."""
        summaries = self._opened.summaries.items()
        return Totals.of({name: summary for name, summary in summaries if name not in packages})

    def sharing(self) -> Set[str]:
        """The packages that list a hash which another one of them lists too."""
        return sharing_a_hash(self._listed)

    def hashes(self) -> ListedHashes:
        """The hashes that all manifests list."""
        return ListedHashes.of(hash_ for hash_, _ in self._listed)

    @cached_property
    def _listed(self) -> list[tuple[str, str]]:
        return self._opened.listed()


class LoadedSnapshot:
    """A snapshot that is in memory already."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.origin = snapshot.origin
        self._manifests = {manifest.package: manifest for manifest in snapshot.manifests}
        self.entries: Mapping[str, str | None] = {
            package: snapshot.object_ids.get(package) for package in self._manifests
        }

    def read(self, packages: Collection[str]) -> Iterator[Manifest]:
        """The manifests of `packages`, in the order asked for."""
        return (self._manifests[package] for package in packages)

    def totals_without(self, packages: Set[str]) -> Totals:
        """What all manifests but those of `packages` come to."""
        rest = [package for package in self.entries if package not in packages]
        return Totals.of({page.package: page.summary() for page in self.read(rest)})

    def sharing(self) -> Set[str]:
        """The packages that list a hash which another one of them lists too."""
        return sharing_a_hash(self._listed)

    def hashes(self) -> ListedHashes:
        """The hashes that all manifests list."""
        return ListedHashes.of(hash_ for hash_, _ in self._listed)

    @cached_property
    def _listed(self) -> list[tuple[str, str]]:
        return [pair for page in self._manifests.values() for pair in listed(page)]


def listed(page: Manifest) -> list[tuple[str, str]]:
    """Every hash of a manifest, with its package."""
    return [(spec.hash, page.package) for spec in page.specs]


def sharing_a_hash(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The packages that list a hash which others list too; each pair is a hash and who lists it."""
    packages: dict[str, str] = {}
    sharing: set[str] = set()
    for hash_, package in pairs:
        first = packages.setdefault(hash_, package)
        if first != package:
            sharing |= {first, package}
    return sharing


def load(opened: OpenedSnapshot) -> Snapshot:
    """The whole of an opened snapshot, in memory."""
    packages = sorted(opened.entries)
    ids = {package: id_ for package, id_ in opened.entries.items() if id_ is not None}
    return Snapshot(opened.origin, tuple(opened.read(packages)), ids)


def differing_packages(old: OpenedSnapshot, new: OpenedSnapshot) -> set[str]:
    """Names of the packages whose manifests may differ."""
    if isinstance(old, GitSnapshot) and isinstance(new, GitSnapshot) and old.shares_with(new):
        return old.collection.differing(new.collection)
    return {
        *(package for package, _ in old.entries.items() ^ new.entries.items()),
        *(package for package, id_ in old.entries.items() if id_ is None),
    }


def read_both(
    old: OpenedSnapshot, new: OpenedSnapshot, packages: Sequence[str]
) -> Iterator[tuple[Manifest | None, Manifest | None]]:
    """The old and the new manifest of each package, one package at a time."""
    if isinstance(old, GitSnapshot) and isinstance(new, GitSnapshot) and old.shares_with(new):
        yield from old.read_with(new, packages)
        return
    olds, news = (
        side.read([package for package in packages if package in side.entries])
        for side in (old, new)
    )
    for package in packages:
        yield (
            next(olds) if package in old.entries else None,
            next(news) if package in new.entries else None,
        )
    for manifests in (olds, news):
        next(manifests, None)  # ends the read, see `read_with`
