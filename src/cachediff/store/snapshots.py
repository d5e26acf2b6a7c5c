"""The store of snapshots: one immutable Parquet file each, and its receipt beside it."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from cachediff.errors import DamagedSnapshotError, StoreError
from cachediff.files import TEMPORARY, sync_folder, write_atomically
from cachediff.model.snapshot import Origin, Snapshot
from cachediff.store.listing import listing_of
from cachediff.store.opened import OpenedSnapshot
from cachediff.store.parquet import decode, encode
from cachediff.store.receipts import (
    DamagedReceipt,
    StoredSnapshot,
    StoreListing,
    check_name,
    encode_receipt,
    is_name,
    read_receipt,
    receipt_path,
    snapshot_path,
    stored_as,
)


class SnapshotStore:
    """The snapshots under the folder `root`: `<source>/<collection>/<commit time>-<commit>.parquet`.

    A snapshot is stored if its receipt is there; a Parquet file without one is an unfinished write
    or removal, which is never read. One process writes at a time; any number read.

    What is written says which `parser_version` read it; what others read is read all the same.
    """

    def __init__(self, root: Path, parser_version: int | None = None) -> None:
        self._root = root
        self._parser_version = parser_version

    def write(self, snapshot: Snapshot) -> StoredSnapshot:
        """Store a snapshot; one of the same commit that is there, damaged or not, is replaced.

        When this is killed, the old one is there, or none, or the new one, whole.

        Raises `StoreError` for a snapshot without a commit, for names that cannot be folders (see
        `check_name`), for text that is not Unicode, and where the disk is full or not writable.
        """
        path = snapshot_path(self._root, snapshot.origin)
        listing = listing_of(snapshot)
        try:
            data = encode(snapshot, listing, self._parser_version)
        except UnicodeEncodeError as error:
            raise StoreError(f"{snapshot.origin.collection} cannot be stored: {error}") from error
        stored = stored_as(path, snapshot.origin, listing, data)

        def write_data(file: BinaryIO) -> None:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            # Now that the disk has the new bytes: the old receipt must not stand beside them.
            receipt_path(path).unlink(missing_ok=True)

        try:
            write_atomically(path, write_data)
            write_atomically(receipt_path(path), encode_receipt(stored))
        except OSError as error:
            raise _not_written(path, error) from error
        return stored

    def list(self, source: str | None = None, collection: str | None = None) -> StoreListing:
        """All snapshots (of a source, of a collection), by source, collection, time and commit.

        Only receipts are read. Raises `StoreError` if a folder cannot be read; a store, source or
        collection that is not there is empty.
        """
        snapshots: list[StoredSnapshot] = []
        damaged: list[DamagedReceipt] = []
        for folder in self._folders(source, collection):
            for path in _receipts(folder):
                receipt = read_receipt(self._root, path)
                if isinstance(receipt, DamagedReceipt):
                    damaged.append(receipt)
                else:
                    snapshots.append(receipt)
        return StoreListing(tuple(snapshots), tuple(damaged))

    def find_unchanged(self, origin: Origin) -> StoredSnapshot | None:
        """The newest snapshot at or before the time of `origin`, if it has the same tree.

        Then there is nothing to store. A tree that comes back after another one is stored again.
        """
        if origin.committed_at is None:
            return None
        folder = self._root / check_name(origin.source) / check_name(origin.collection)
        for path in reversed(_receipts(folder)):
            stored = read_receipt(self._root, path)
            if isinstance(stored, DamagedReceipt):
                return None  # it may have been the one: better to store twice than not at all
            if stored.committed_at <= origin.committed_at:
                return stored if stored.tree == origin.tree else None
        return None

    def open(self, stored: StoredSnapshot) -> OpenedSnapshot:
        """Open a snapshot for reading, once its bytes are known to be those that were written.

        Raises `DamagedSnapshotError` if they are not, or if the file is not there.
        """
        try:
            data = stored.path.read_bytes()
        except FileNotFoundError:
            raise _damaged(stored, "it is missing") from None
        except OSError as error:
            raise _not_read(stored.path, error) from error
        if len(data) != stored.bytes:
            raise _damaged(stored, f"it has {len(data):,} bytes, not {stored.bytes:,}")
        # Before anything looks into the file: Parquet readers do not notice most flipped bits.
        if hashlib.sha256(data).hexdigest() != stored.sha256:
            raise _damaged(stored, "its SHA-256 is not that of its receipt")
        try:
            file, origin, listing = decode(data)
        except ValueError as error:
            raise _damaged(stored, str(error)) from error
        if stored_as(stored.path, origin, listing, data) != stored:
            raise _damaged(stored, "its receipt says something else than its metadata")
        return OpenedSnapshot(file, origin, listing)

    def verify(self, stored: StoredSnapshot) -> tuple[str, ...]:
        """What is wrong with a stored snapshot, read whole; nothing if it is as it should be.

        Raises `StoreError` if the file is there and cannot be read.
        """
        try:
            return tuple(self.open(stored).disagreements())
        except DamagedSnapshotError as error:
            return (error.message,)

    def remove(self, stored: StoredSnapshot) -> None:
        """Remove a snapshot; one that is not there any more is no error.

        When this is killed, it is there, whole, or it is not stored any more and a leftover may be.

        Raises `StoreError` if it cannot be removed.
        """
        try:
            # On the disk as well, the receipt goes before what it stands for.
            for path in (receipt_path(stored.path), stored.path):
                path.unlink(missing_ok=True)
                sync_folder(path.parent)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be removed: {error.strerror}",
                "Make the store a folder that is writable for the user that runs this.",
            ) from error

    def leftovers(self) -> tuple[Path, ...]:
        """What killed writes and removals left: Parquet files without a receipt, and temporary files.

        The same as what a write in progress has not finished yet.
        """
        return tuple(
            path
            for folder in self._folders(None, None)
            for path in _children(folder)
            if path.match(TEMPORARY)
            or (path.suffix == ".parquet" and not receipt_path(path).exists())
        )

    def _folders(self, source: str | None, collection: str | None) -> Iterator[Path]:
        """The folders of collections."""
        for parent in _named(self._root, source):
            yield from _named(parent, collection)


def _named(parent: Path, name: str | None) -> Sequence[Path]:
    """The folder of this name, which need not be there, or all whose names a store can use."""
    if name is not None:
        return [parent / check_name(name)]
    return [child for child in _children(parent) if is_name(child.name) and child.is_dir()]


def _receipts(folder: Path) -> Sequence[Path]:
    """The receipts in a folder, which are in order of time by their names."""
    return [child for child in _children(folder) if child.suffix == ".json"]


def _children(folder: Path) -> Sequence[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _not_read(folder, error) from error


def _damaged(stored: StoredSnapshot, reason: str) -> DamagedSnapshotError:
    return DamagedSnapshotError(
        f"{stored.path} is damaged: {reason}",
        f"Take the snapshot of {stored.collection} at {stored.commit} again, which replaces it, or"
        " restore the file and its receipt from a copy.",
    )


def _not_read(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be read: {error.strerror}", "Make it readable for the user that runs this."
    )


def _not_written(path: Path, error: OSError) -> StoreError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return StoreError(
        f"{path} cannot be written: {error.strerror}",
        "Free some space, and run this again: the snapshot was not stored."
        if full
        else "Make the store a folder that is writable for the user that runs this.",
    )
