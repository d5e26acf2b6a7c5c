"""A snapshot, opened: which packages it has, and their manifests when they are asked for.

Wherever it comes from (git, a folder, the store, memory), a comparison sees the same: object ids to
know what is equal, and manifests of what is not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

from cachediff.manifests import parse
from cachediff.model.snapshot import Manifest, Origin, Snapshot, Totals
from cachediff.queries.in_git import GitSnapshot
from cachediff.store import ListedHashes

if TYPE_CHECKING:
    from cachediff import store
    from cachediff.manifests import Interner
    from cachediff.sources import FolderCollection

Pages: TypeAlias = tuple[Manifest | None, Manifest | None]
"""The old and the new manifest of a package."""


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


class ReadWhole(ABC):
    """A snapshot of which all hashes are at hand.

    `parser` is the version of the parsers that read it, None where that is not known.
    """

    parser: int | None = None

    def sharing(self) -> Set[str]:
        """The packages that list a hash which another one of them lists too."""
        return sharing_a_hash(self.listed)

    def hashes(self) -> ListedHashes:
        """The hashes that all manifests list."""
        return ListedHashes.of(hash_ for hash_, _ in self.listed)

    @cached_property
    def listed(self) -> list[tuple[str, str]]:
        """Every hash, with the package that lists it."""
        return list(self._list())

    @abstractmethod
    def _list(self) -> Iterable[tuple[str, str]]:
        """Every hash, with the package that lists it."""


class StoredSnapshot(ReadWhole):
    """A snapshot in the store, its bytes already checked."""

    def __init__(self, opened: store.OpenedSnapshot) -> None:
        self.origin = opened.origin
        self.entries: Mapping[str, str | None] = opened.entries
        self.parser = opened.parser
        self._opened = opened

    def read(self, packages: Collection[str]) -> Iterator[Manifest]:
        """The manifests of `packages`, sorted by name."""
        return self._opened.read(packages)

    def totals_without(self, packages: Set[str]) -> Totals:
        """What all manifests but those of `packages` come to, as they were stored."""
        summaries = self._opened.summaries.items()
        return Totals.of({name: summary for name, summary in summaries if name not in packages})

    def _list(self) -> Iterable[tuple[str, str]]:
        return self._opened.listed()


class LoadedSnapshot(ReadWhole):
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

    def _list(self) -> Iterable[tuple[str, str]]:
        return (pair for page in self._manifests.values() for pair in listed(page))


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


def read_both(old: OpenedSnapshot, new: OpenedSnapshot, packages: Sequence[str]) -> Iterator[Pages]:
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
