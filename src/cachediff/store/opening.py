"""Opening a stored snapshot: all files that it needs, each known to be what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from cachediff.errors import DamagedSnapshotError
from cachediff.store.listing import Base
from cachediff.store.opened import OpenedSnapshot
from cachediff.store.parquet import Decoded, decode
from cachediff.store.receipts import StoredSnapshot
from cachediff.store.rows import NOTHING, Composed, compose
from cachediff.store.shelf import Shelf, not_read

_SAYS_ELSE = "its receipt says something else than its metadata"


class _DamageError(Exception):
    """What is wrong with which file."""

    def __init__(self, path: PurePath, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


def open_stored(
    shelf: Shelf, stored: StoredSnapshot, before: OpenedSnapshot | None = None
) -> OpenedSnapshot:
    """Open a snapshot for reading, once its bytes are known to be those that were written.

    The same for the files that it is a step on; where that is `before`, they were read already. Raises
    `DamagedSnapshotError` if they are not, or if a file is not there.
    """
    paths, below, base = stored.files, NOTHING, None
    if before and paths[1:] == before.stored.files and stored.base_sha256 == before.stored.sha256:
        paths, below = paths[:1], before.composed
        base = Base(before.stored.path.name, before.stored.sha256)
    try:
        opened = _open(shelf, paths, stored.sha256, stored.bytes, below, base)
        if opened.stored != stored:
            raise _DamageError(stored.path, _SAYS_ELSE)
    except _DamageError as error:
        again = (
            f"Take the snapshot of {stored.collection} at {stored.commit} again, which replaces it"
        )
        if error.path == stored.path:
            raise DamagedSnapshotError(
                f"{stored.path} is damaged: {error.reason}",
                f"{again}, or restore the file and its receipt from a copy.",
                error.path,
                error.reason,
            ) from error
        raise DamagedSnapshotError(
            f"{error.path} is damaged: {error.reason}; {stored.path.name} is a step on it",
            f"Restore it from a copy, or take its snapshot again, if it is stored. Else: {again}.",
            error.path,
            error.reason,
        ) from error
    return opened


def open_base(shelf: Shelf, stored: StoredSnapshot) -> OpenedSnapshot | None:
    """What `stored` is a step on, also where that is no snapshot of its own any more; None if damaged."""
    try:
        return _open(shelf, stored.files[1:], stored.base_sha256)
    except _DamageError:
        return None


def intact(shelf: Shelf, stored: Sequence[StoredSnapshot]) -> Iterator[StoredSnapshot]:
    """Those whose own file is as it was written; nothing is said of the files that they need."""
    for one, content in zip(stored, shelf.read([one.path for one in stored]), strict=True):
        if isinstance(content, FileNotFoundError):
            continue
        if isinstance(content, OSError):
            raise not_read(one.path, content)
        if hashlib.sha256(content).hexdigest() == one.sha256:
            yield one


def _open(
    shelf: Shelf,
    paths: Sequence[PurePath],
    sha256: str,
    size: int | None = None,
    below: Composed = NOTHING,
    base: Base | None = None,
) -> OpenedSnapshot:
    """The snapshot of the first of `paths`, whose digest and size are these; the others are its bases.

    The last of them is a step on `base`, which comes to what is `below`, or whole. Raises `_DamageError`.
    """
    own, data = paths[0], b""
    files: list[Decoded] = []
    expected: Base | None = Base(own.name, sha256)
    for path, content in zip(paths, shelf.read(paths), strict=True):
        if isinstance(content, FileNotFoundError):
            raise _DamageError(path, "it is missing")
        if isinstance(content, OSError):
            raise not_read(path, content)
        if expected is None or expected.name != path.name:
            raise _DamageError(own, _SAYS_ELSE)
        if path == own and size is not None and len(content) != size:
            raise _DamageError(path, f"it has {len(content):,} bytes, not {size:,}")
        # Before anything looks into the file: Parquet readers do not notice most flipped bits.
        if hashlib.sha256(content).hexdigest() != expected.sha256:
            whose = "that of its receipt" if path == own else "the one that it had"
            raise _DamageError(path, f"its SHA-256 is not {whose}")
        try:
            files.append(decode(content))
        except ValueError as error:
            raise _DamageError(path, str(error)) from error
        expected = files[-1].base
        data = data or content
    if expected != base:
        raise _DamageError(own, _SAYS_ELSE)
    try:
        return OpenedSnapshot(own, data, compose(reversed(files), below))
    except ValueError as error:
        raise _DamageError(own, str(error)) from error
