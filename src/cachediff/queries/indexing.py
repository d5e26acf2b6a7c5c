"""The index, brought up to date: every stored snapshot taken in, in the order of its collection."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Collection as Some
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import groupby, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cachediff.errors import DamagedSnapshotError, StoreError
from cachediff.index import DamagedIndexError, Index, IndexedSnapshot, IndexWriter
from cachediff.model.lives import Collection, Point

if TYPE_CHECKING:
    from cachediff.config import Settings
    from cachediff.model.snapshot import Manifest
    from cachediff.queries.catalogue import Catalogue
    from cachediff.queries.walking import Walk
    from cachediff.store import OpenedSnapshot, SnapshotStore, StoredSnapshot

_TOGETHER = 16
"""Snapshots that are written in one transaction: that many at most are read again after a kill."""


class Indexed(msgspec.Struct, frozen=True):
    """What was done: `snapshots` were taken in, and `dropped` were there and are not any more."""

    snapshots: int = 0
    dropped: int = 0
    began_again: bool = False


def index_path(settings: Settings) -> Path:
    """Where the index is."""
    return settings.state / "index.sqlite"


def bring_up_to_date(names: Catalogue, *, anew: bool = False) -> Indexed:
    """Take in what is stored and not in the index; all of it where `anew`, or where it is damaged.

    Only what follows the first snapshot that is another one than before is read. A snapshot that is
    damaged is passed over, with a notice, until it is not. Where another process is at it, that is
    waited for. This can be killed at any time, and goes on from where it was.

    Raises:
        StoreError: the store cannot be read, or the index not written.
    """
    path = index_path(names.settings)
    with _sole_writer(path):
        try:
            with IndexWriter(path) as writer:
                if anew:
                    writer.clear()
                return _bring_up_to_date(names, writer)
        except DamagedIndexError:
            # It is derived: unlike the ledger, it can be begun again unasked.
            for file in (path, path.with_name(f"{path.name}-journal")):
                file.unlink(missing_ok=True)
            with IndexWriter(path) as writer:
                done = _bring_up_to_date(names, writer)
            return msgspec.structs.replace(done, began_again=True)


def is_current(names: Catalogue, index: Index) -> bool:
    """Whether all that is stored is in the index, and nothing else.

    Raises:
        StoreError: the store or the index cannot be read.
    """
    indexed, passed_over = index.snapshots(), index.passed_over()
    stored = _stored(names.store)
    return indexed.keys() <= stored.keys() and all(
        indexed.get(collection, [])
        == list(map(_known_by, _readable(names.store, some, passed_over.get(collection, set()))))
        for collection, some in stored.items()
    )


def _bring_up_to_date(names: Catalogue, writer: IndexWriter) -> Indexed:
    stored = _stored(names.store)
    stored |= {collection: [] for collection in writer.snapshots().keys() - stored.keys()}
    updates = [_Update(names, writer, collection, some) for collection, some in stored.items()]
    number = sum(len(update.to_do) for update in updates)
    done = 0
    for update in updates:
        while update.to_do:
            for taken_in in update.go_on():
                done += taken_in
                if names.progress:
                    names.progress("indexing snapshots", done, max(done, number))
    return Indexed(done, sum(update.dropped for update in updates))


class _Update:
    """One collection brought up to date: `to_do` are the snapshots that are to be taken in."""

    def __init__(
        self,
        names: Catalogue,
        writer: IndexWriter,
        collection: Collection,
        stored: Sequence[StoredSnapshot],
    ) -> None:
        self._names = names
        self._writer = writer
        self._collection = collection
        self._stored = stored
        self._newest: OpenedSnapshot | None = None
        self.dropped = 0
        self._plan()

    def _plan(self) -> None:
        """Find what is to be done, once what follows anything that is not stored any more is dropped."""
        passed_over = self._writer.passed_over().get(self._collection, set())
        wanted = _readable(self._names.store, self._stored, passed_over)
        there = self._writer.snapshots().get(self._collection, [])
        pairs = zip(map(_known_by, wanted), there, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if same < len(there):
            self._writer.keep_only(self._collection, same)
            self.dropped += len(there) - same
        self._done, self.to_do = wanted[:same], wanted[same:]

    def go_on(self) -> Iterator[int]:
        """Take in what is to be done, as far as it goes: how many snapshots were, time and again."""
        try:
            walk = self._resumed()
            for some in _batched(self.to_do, _TOGETHER):
                with self._writer.transaction():
                    number = sum(self._take_in(walk, stored) for stored in some)
                yield number
            self.to_do = []
        except _NotRecalledError as error:  # what was indexed before is damaged by now
            self._pass_over(error.stored, error.damage)
            self._plan()

    def _take_in(self, walk: Walk, stored: StoredSnapshot) -> bool:
        try:
            # What differs from the one before it is read, and nothing else.
            self._newest = self._names.store.open(stored, self._newest)
            news = walk.step(stored, self._newest)
        except DamagedSnapshotError as error:
            self._pass_over(stored, error)
            return False
        self._writer.append(self._collection, *news)
        return True

    def _pass_over(self, stored: StoredSnapshot, error: DamagedSnapshotError) -> None:
        self._writer.pass_over(self._collection, _known_by(stored))
        self._names.notices.append(
            f"{error.message}; no history is told of it. {error.hint}".strip()
        )

    def _resumed(self) -> Walk:
        """At the newest snapshot that is in the index."""
        from cachediff.queries.walking import Walk

        walk = Walk()
        if self._done:
            unknown = self._writer.unknown(self._collection)
            self._newest = newest = self._reopen(self._done[-1])
            walk.resume(
                newest.entries,
                self._writer.coverage(self._collection),
                unknown,
                lambda packages: self._recall(packages, newest, unknown),
            )
        return walk

    def _recall(
        self, packages: Some[str], newest: OpenedSnapshot, unknown: Mapping[str, int]
    ) -> Iterator[Manifest]:
        """What the newest indexed snapshot has; of what is unknown there, what the last one had."""
        yield from self._reread(newest, [each for each in packages if each not in unknown])
        places: dict[int, list[str]] = {}
        for package in packages:
            if package in unknown:
                places.setdefault(unknown[package], []).append(package)
        for place, some in places.items():
            yield from self._reread(self._reopen(self._done[place - 1]), some)

    def _reopen(self, stored: StoredSnapshot) -> OpenedSnapshot:
        try:
            return self._names.store.open(stored)
        except DamagedSnapshotError as error:
            raise _NotRecalledError(stored, error) from error

    def _reread(self, opened: OpenedSnapshot, packages: Some[str]) -> Sequence[Manifest]:
        try:
            return tuple(opened.read(packages))
        except DamagedSnapshotError as error:
            raise _NotRecalledError(opened.stored, error) from error


class _NotRecalledError(Exception):
    """A snapshot that is in the index, and is damaged."""

    def __init__(self, stored: StoredSnapshot, damage: DamagedSnapshotError) -> None:
        super().__init__(stored, damage)
        self.stored = stored
        self.damage = damage


def _stored(store: SnapshotStore) -> dict[Collection, list[StoredSnapshot]]:
    """All that is stored, in order."""
    listing = store.list().snapshots
    return {
        collection: list(some)
        for collection, some in groupby(listing, key=lambda one: (one.source, one.collection))
    }


def _readable(
    store: SnapshotStore, stored: Sequence[StoredSnapshot], passed_over: Set[IndexedSnapshot]
) -> list[StoredSnapshot]:
    """These but those that were damaged when they were `passed_over`, and still are."""
    return [
        one for one in stored if _known_by(one) not in passed_over or not _is_damaged(store, one)
    ]


def _is_damaged(store: SnapshotStore, stored: StoredSnapshot) -> bool:
    try:
        store.open(stored)
    except DamagedSnapshotError:
        return True
    return False


def _known_by(stored: StoredSnapshot) -> IndexedSnapshot:
    return IndexedSnapshot(Point(stored.committed_at, stored.commit), stored.sha256)


def _batched(stored: Sequence[StoredSnapshot], number: int) -> Iterator[Sequence[StoredSnapshot]]:
    for start in range(0, len(stored), number):
        yield stored[start : start + number]


@contextlib.contextmanager
def _sole_writer(path: Path) -> Iterator[None]:
    """Be the only process that writes the index at `path`; others are waited for."""
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = lock_path.open("ab")
    except OSError as error:
        raise StoreError(f"{lock_path} cannot be written: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
