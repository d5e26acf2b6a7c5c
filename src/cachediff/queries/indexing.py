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
from cachediff.index import DamagedIndexError, Index, IndexWriter, Reason
from cachediff.model.lives import Collection
from cachediff.queries.known import Known, known_by
from cachediff.queries.upstreams import Upstreams

if TYPE_CHECKING:
    from cachediff.config import Settings
    from cachediff.model.snapshot import Manifest
    from cachediff.queries.catalogue import Catalogue
    from cachediff.queries.walking import Walk
    from cachediff.store import OpenedSnapshot, StoredSnapshot, StoreListing

_TOGETHER = 16
"""Snapshots that are written in one transaction: that many at most are read again after a kill."""


class Indexed(msgspec.Struct, frozen=True):
    """What was done: `snapshots` were taken in, of which some may have been in the index before.

    `dropped` were in it and are not any more: not stored, not to be read, or not upstream's history now.
    """

    snapshots: int = 0
    dropped: int = 0
    began_again: bool = False


def index_path(settings: Settings) -> Path:
    """Where the index is."""
    return settings.state / "index.sqlite"


def bring_up_to_date(names: Catalogue, *, anew: bool = False) -> Indexed:
    """Take in what is stored and not in the index; all of it where `anew`, or where it is damaged.

    Only what follows the first snapshot that is another one than before is read. A snapshot that is
    damaged is passed over until it is not. Where the repository of a source is at hand
    it says in which order snapshots came, which are not of its history any more, and which collections
    are gone; where it is not, what is known of that stays, and what is new goes by its time. Where
    another process is at it, that is waited for. This can be killed at any time, and goes on from where
    it was.

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


def is_current(names: Catalogue, index: Index, listing: StoreListing) -> bool:
    """Whether all that is stored is in the index, or was passed over for a reason, and nothing else.

    `listing` is what is stored.

    Raises:
        StoreError: the store or the index cannot be read.
    """
    indexed, passed_over = index.snapshots(), index.passed_over()
    stored = _stored(listing)
    for collection, some in stored.items():
        known = Known(indexed.get(collection, ()), passed_over.get(collection, {}))
        wanted, _ = known.ordered(some)
        if {*map(known_by, known.readable(names.store, wanted))} != {*known.snapshots}:
            return False
    return indexed.keys() <= stored.keys()


def _bring_up_to_date(names: Catalogue, writer: IndexWriter) -> Indexed:
    stored = _stored(names.store.list())
    there, passed_over = writer.snapshots(), writer.passed_over()
    stored |= {collection: [] for collection in there.keys() - stored.keys()}
    upstreams = Upstreams(names, stored)
    known = {each: Known(there.get(each, ()), passed_over.get(each, {})) for each in stored}
    ordered = {
        each: upstreams.ordered(each) or known[each].ordered(some) for each, some in stored.items()
    }
    updates = [_Update(names, writer, each, ordered[each][0], known[each]) for each in stored]
    with writer.transaction():
        for each, some in stored.items():
            _leave_out(writer, each, some, ordered[each][1], known[each])
    number = sum(len(update.to_do) for update in updates)
    done = 0
    for update in updates:
        while update.to_do:
            for taken_in in update.go_on():
                done += taken_in
                if names.progress:
                    names.progress("indexing snapshots", done, max(done, number))
    for collection, time in upstreams.gone(writer.gone()):
        writer.set_gone(collection, time)
    now = writer.snapshots()
    dropped = sum(len({*some} - {*now.get(each, ())}) for each, some in there.items())
    return Indexed(done, dropped)


def _leave_out(
    writer: IndexWriter,
    collection: Collection,
    stored: Sequence[StoredSnapshot],
    left: Set[str],
    known: Known,
) -> None:
    """Note which of `stored` are left out; and forget, of what was passed over, what need not be."""
    there = {known_by(one): one.commit in left for one in stored}
    for one, reason in known.passed_over.items():
        if one not in there or (reason is Reason.REWRITTEN and not there[one]):
            writer.consider_again(collection, one)
    for one, is_left in there.items():
        if is_left:
            writer.pass_over(collection, one, Reason.REWRITTEN)


class _Update:
    """One collection brought up to date: `to_do` are the snapshots that are to be taken in."""

    def __init__(
        self,
        names: Catalogue,
        writer: IndexWriter,
        collection: Collection,
        ordered: Sequence[StoredSnapshot],
        known: Known,
    ) -> None:
        self._names = names
        self._writer = writer
        self._collection = collection
        self._ordered = ordered
        self._newest: OpenedSnapshot | None = None
        self._plan(known)

    def _plan(self, known: Known) -> None:
        """Find what is to be done, once what follows anything that does not belong there is dropped."""
        wanted = known.readable(self._names.store, self._ordered)
        pairs = zip(map(known_by, wanted), known.snapshots, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if same < len(known.snapshots):
            self._writer.keep_only(self._collection, same)
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
            self._pass_over(error.stored)
            passed_over = self._writer.passed_over().get(self._collection, {})
            self._plan(Known(self._writer.snapshots().get(self._collection, ()), passed_over))

    def _take_in(self, walk: Walk, stored: StoredSnapshot) -> bool:
        try:
            # What differs from the one before it is read, and nothing else.
            self._newest = self._names.store.open(stored, self._newest)
            news = walk.step(stored, self._newest)
        except DamagedSnapshotError:
            self._pass_over(stored)
            return False
        self._writer.append(self._collection, *news)
        return True

    def _pass_over(self, stored: StoredSnapshot) -> None:
        self._writer.pass_over(self._collection, known_by(stored), Reason.DAMAGED)

    def _resumed(self) -> Walk:
        """At the newest snapshot that is in the index."""
        from cachediff.queries.walking import Walk

        walk = Walk()
        if self._done:
            unknown = self._writer.unknown(self._collection)
            self._newest = newest = self._reopen(self._done[-1])
            walk.resume(
                newest,
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
            raise _NotRecalledError(stored) from error

    def _reread(self, opened: OpenedSnapshot, packages: Some[str]) -> Sequence[Manifest]:
        try:
            return tuple(opened.read(packages))
        except DamagedSnapshotError as error:
            raise _NotRecalledError(opened.stored) from error


class _NotRecalledError(Exception):
    """A snapshot that is in the index, and is damaged."""

    def __init__(self, stored: StoredSnapshot) -> None:
        super().__init__(stored)
        self.stored = stored


def _stored(listing: StoreListing) -> dict[Collection, list[StoredSnapshot]]:
    """All that is stored, in order."""
    return {
        collection: list(some)
        for collection, some in groupby(
            listing.snapshots, key=lambda one: (one.source, one.collection)
        )
    }


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
        raise StoreError(
            f"{lock_path} cannot be written: {error.strerror}",
            "`state` in config.yaml names another folder for the index",
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
