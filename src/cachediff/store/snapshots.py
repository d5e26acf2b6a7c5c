"""The store of snapshots: one immutable Parquet file each, and its receipt beside it."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from cachediff.errors import DamagedSnapshotError, StoreError
from cachediff.model.snapshot import Manifest, Origin, Snapshot
from cachediff.store.inventory import Inventory
from cachediff.store.listing import Base, ListedManifest, listing_of
from cachediff.store.opened import OpenedSnapshot
from cachediff.store.opening import intact, open_base, open_stored
from cachediff.store.parquet import encode, encode_step
from cachediff.store.receipts import (
    DamagedReceipt,
    StoredSnapshot,
    StoreListing,
    check_name,
    encode_receipt,
    receipt_path,
    snapshot_path,
    stored_as,
)
from cachediff.store.shelf import Shelf, reason_of, shelf_at
from cachediff.store.steps import Carried, StepLimits, step_from

_LIMITS = StepLimits()


class SnapshotStore:
    """The snapshots in a folder, at the URL of an object store, or on any other shelf.

    They are `<source>/<collection>/<commit time>-<commit>.parquet`, with a receipt beside each.

    A snapshot is stored if its receipt is there. Its file is whole, or a step on the file of another
    snapshot, which stays for it when that one is removed. A file that no receipt needs is an unfinished
    write or removal, which is never read. One process writes at a time; any number read.

    What is written says which `parser_version` read it; what others read is read all the same, but no
    step is taken on it.
    """

    def __init__(
        self,
        shelf: Shelf | Path | str,
        parser_version: int | None = None,
        limits: StepLimits = _LIMITS,
    ) -> None:
        self._shelf = shelf_at(shelf) if isinstance(shelf, Path | str) else shelf
        self._inventory = Inventory(self._shelf)
        self._parser_version = parser_version
        self._limits = limits

    @property
    def location(self) -> PurePath:
        """Where it is, as users are told."""
        return self._shelf.root

    def write(self, snapshot: Snapshot) -> StoredSnapshot:
        """Store a snapshot, whole; one of the same commit that is there, damaged or not, is replaced.

        When this is killed, the old one is there, or none, or the new one, whole. Steps on the old one
        are damaged from then on, until they are taken again, unless the bytes are the same.

        Raises `StoreError` for a snapshot without a commit, for names that cannot be folders (see
        `check_name`), for text that is not Unicode, and where the disk is full or not writable.
        """
        return self.begin(snapshot).stored

    def begin(self, snapshot: Snapshot) -> Carried:
        """As `write`, for the next to be a step on it."""
        self._path(snapshot.origin)  # what cannot be stored is refused before anything else
        listing = {listed.package: listed for listed in listing_of(snapshot)}
        manifests = {manifest.package: manifest for manifest in snapshot.manifests}
        return self._write_whole(snapshot.origin, listing, manifests)

    def write_step(
        self,
        origin: Origin,
        object_ids: Mapping[str, str],
        changed: Iterable[Manifest],
        base: Carried,
    ) -> Carried:
        """Store a snapshot as what has changed since `base`, another one of the same collection.

        `object_ids` are those of all its manifests; `changed` the manifests, in any order, whose ids are
        not those in `base`. It is stored whole where a step would not be much smaller, or too many would
        follow each other (see `StepLimits`), or where another version of the parsers read `base`. The
        bytes follow from the snapshot and the files of `base`. Errors as for `write`.

        Raises `ValueError` if `changed` are others, or `base` is of another collection or this one.
        """
        path = self._path(origin)
        if base.stored.path.parent != path.parent or base.stored.path == path:
            raise ValueError(f"{path} cannot be a step on {base.stored.path}")
        now = {manifest.package: manifest for manifest in sorted(changed, key=_package)}
        then = base.object_ids
        if now.keys() != {name for name, id_ in object_ids.items() if then.get(name) != id_}:
            raise ValueError("the manifests that changed are not those whose object ids did")
        ids = {package: object_ids[package] for package in now}
        changes = listing_of(Snapshot(origin, tuple(now.values()), ids))
        listing = {**base.listing, **{listed.package: listed for listed in changes}}
        listing = {package: listing[package] for package in sorted(object_ids)}

        if base.parser == self._parser_version:
            base = self._with(base, now.keys() & then.keys())
            step, added = step_from(base, now, changes, then.keys() - object_ids.keys())
            on = Base(base.stored.path.name, base.stored.sha256)
            with _unicode(origin):
                data = encode_step(origin, on, step, added, self._parser_version)
            if self._limits.allow(base, len(data)):
                bases = (on.name, *base.stored.bases)
                stored = stored_as(path, origin, listing.values(), data, bases, on.sha256)
                self._put(stored, data)
                there = {name: page for name, page in base.manifests.items() if name in listing}
                steps = base.steps + len(data)
                return Carried(stored, listing, there | now, base.parser, base.whole, steps)
        base = self._with(base, object_ids.keys() - now.keys())
        manifests = {package: now.get(package) or base.manifests[package] for package in listing}
        return self._write_whole(origin, listing, manifests)

    def carry(self, stored: StoredSnapshot) -> Carried:
        """A stored snapshot in memory, for the next to be a step on it; errors as for `open`."""
        return self.open(stored).carry()

    def find_base(self, origin: Origin) -> OpenedSnapshot | None:
        """What the snapshot of `origin` is best written on as a step: the newest before it, if whole.

        One that is stored already, though it may be damaged, goes on what it was written on then: so it
        gets the same bytes, and the steps on it are good again.
        """
        path = self._path(origin)
        before: StoredSnapshot | DamagedReceipt | None = None
        for receipt in self._inventory.receipts(path.parent, newest_first=True):
            if isinstance(receipt, StoredSnapshot) and receipt.path == path:
                return open_base(self._shelf, receipt) if receipt.bases else None
            if receipt.path.stem < path.stem:
                before = receipt
                break
        if not isinstance(before, StoredSnapshot):
            return None
        try:
            return self.open(before)
        except DamagedSnapshotError:
            return None

    def list(self, source: str | None = None, collection: str | None = None) -> StoreListing:
        """All snapshots (of a source, of a collection), by source, collection, time and commit.

        Only receipts are read. Raises `StoreError` if a folder cannot be read; a store, source or
        collection that is not there is empty.
        """
        snapshots: list[StoredSnapshot] = []
        damaged: list[DamagedReceipt] = []
        for folder in self._inventory.folders(source, collection):
            for receipt in self._inventory.receipts(folder):
                if isinstance(receipt, DamagedReceipt):
                    damaged.append(receipt)
                else:
                    snapshots.append(receipt)
        return StoreListing(tuple(snapshots), tuple(damaged))

    def collections(self, source: str) -> tuple[str, ...]:
        """The collections of a source that have a folder here, sorted; errors as for `list`."""
        return tuple(folder.name for folder in self._inventory.folders(source, None))

    def find_unchanged(self, origin: Origin) -> StoredSnapshot | None:
        """The newest snapshot at or before the time of `origin`, if it has the same tree.

        Then there is nothing to store. A tree that comes back after another one is stored again.
        """
        if origin.committed_at is None:
            return None
        folder = self._shelf.root / check_name(origin.source) / check_name(origin.collection)
        for stored in self._inventory.receipts(folder, newest_first=True):
            if isinstance(stored, DamagedReceipt):
                return None  # it may have been the one: better to store twice than not at all
            if stored.committed_at <= origin.committed_at:
                return stored if stored.tree == origin.tree else None
        return None

    def open(self, stored: StoredSnapshot, before: OpenedSnapshot | None = None) -> OpenedSnapshot:
        """Open a snapshot for reading, once its bytes are known to be those that were written.

        So are those of the files that it is a step on. Where that is the one opened `before`, only its own
        file is read. Raises `DamagedSnapshotError` if they are not, or if a file is not there.
        """
        return open_stored(self._shelf, stored, before)

    def intact(self, stored: Sequence[StoredSnapshot]) -> Iterator[StoredSnapshot]:
        """Those whose own file is as it was written; nothing is said of the files that they need.

        Raises `StoreError` if a file is there and cannot be read.
        """
        return intact(self._shelf, stored)

    def verify(self, stored: StoredSnapshot) -> tuple[str, ...]:
        """What is wrong with a stored snapshot, read whole; nothing if it is as it should be.

        Raises `StoreError` if a file is there and cannot be read.
        """
        try:
            return tuple(self.open(stored).disagreements())
        except DamagedSnapshotError as error:
            return (error.message,)

    def remove(self, stored: StoredSnapshot) -> None:
        """Remove a snapshot; one that is not there any more is no error.

        Of its files, those that others need stay until they do not. When this is killed, it is there,
        whole, or it is not stored any more and leftovers may be.

        Raises `StoreError` if it cannot be removed.
        """
        path = receipt_path(stored.path)
        try:
            # On the disk as well, the receipt goes before what it stands for.
            self._shelf.remove(path)
            needed = self._inventory.needed(path.parent)
            if needed is not None:
                for path in stored.files:
                    if path not in needed:
                        self._shelf.remove(path)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be removed: {reason_of(error)}",
                "Make the store a folder that is writable for the user that runs this.",
            ) from error

    def leftovers(self) -> tuple[PurePath, ...]:
        """The files that no receipt needs: what killed writes and removals left, and what is none of ours.

        The same as what a write in progress has not finished yet. A damaged receipt may need files that
        are told here: nobody knows which, but its own.
        """
        return tuple(self._inventory.leftovers())

    def _path(self, origin: Origin) -> PurePath:
        return snapshot_path(self._shelf.root, origin)

    def _with(self, base: Carried, packages: Collection[str]) -> Carried:
        """`base` with the manifests of `packages`, at least."""
        return base if base.manifests.keys() >= set(packages) else self.carry(base.stored)

    def _write_whole(
        self,
        origin: Origin,
        listing: Mapping[str, ListedManifest],
        manifests: Mapping[str, Manifest],
    ) -> Carried:
        """Both are by package, in order."""
        ids = {package: listed.object_id for package, listed in listing.items()}
        snapshot = Snapshot(origin, tuple(manifests.values()), ids)
        with _unicode(origin):
            data = encode(snapshot, tuple(listing.values()), self._parser_version)
        stored = stored_as(self._path(origin), origin, listing.values(), data)
        self._put(stored, data)
        return Carried(stored, listing, manifests, self._parser_version, len(data), 0)

    def _put(self, stored: StoredSnapshot, data: bytes) -> None:
        receipt = receipt_path(stored.path)
        try:
            # The old receipt must not stand beside the new bytes.
            self._shelf.write(stored.path, data, instead=receipt)
            self._shelf.write(receipt, encode_receipt(stored))
        except OSError as error:
            raise _not_written(stored.path, error) from error


def _package(manifest: Manifest) -> str:
    return manifest.package


@contextlib.contextmanager
def _unicode(origin: Origin) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise StoreError(f"{origin.collection} cannot be stored: {error}") from error


def _not_written(path: PurePath, error: OSError) -> StoreError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return StoreError(
        f"{path} cannot be written: {reason_of(error)}",
        "Free some space, and run this again: the snapshot was not stored."
        if full
        else "Make the store a folder that is writable for the user that runs this.",
    )
