"""What manifests and collections come to that were read before, so that they are not read again.

Derived: the file can be deleted at any time, and nothing fails for want of it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from cachediff.model.snapshot import ManifestSummary, Totals
from cachediff.store.hashes import ListedHashes

_Value = TypeVar("_Value", ManifestSummary, Totals, tuple[str, ...])

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS summary (
    object_id TEXT, parser INTEGER, summary BLOB, checksum INTEGER, PRIMARY KEY (object_id, parser)
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS hashes (
    number INTEGER PRIMARY KEY, tree TEXT, parser INTEGER, hashes BLOB, checksum INTEGER
)
""",
)
_GET = """
SELECT object_id, summary, checksum
FROM json_each(?) AS wanted JOIN summary ON object_id = wanted.value AND parser = ?
"""
_PUT = "INSERT OR REPLACE INTO summary VALUES (?, ?, ?, ?)"
_GET_HASHES = "SELECT hashes, checksum FROM hashes WHERE tree = ? AND parser = ?"
_PUT_HASHES = "INSERT INTO hashes (tree, parser, hashes, checksum) VALUES (?, ?, ?, ?)"
_FORGET_HASHES = "DELETE FROM hashes WHERE number <= (SELECT max(number) FROM hashes) - ?"
_MOST_HASHES = 8
"""Trees of which the hashes are kept: half a megabyte each, of use to the next nights."""
_SECONDS_TO_WAIT = 1.0
# SQL that is always the same cannot be wrong: an error in it means that the tables are not ours.
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
# SQLite quotes a damaged file in its messages, which then are not UTF-8.
_ERRORS = (OSError, sqlite3.Error, UnicodeDecodeError)


class SummaryCache:
    """Summaries by object id, as told by one version of the parsers, in the SQLite file `path`.

    Nothing here fails: where the file cannot be used (locked for a second, not writable, the disk
    full) the cache finds nothing and forgets, and a damaged file is begun again. Processes can share
    the file, each with a cache of its own; threads cannot share a cache.
    """

    def __init__(self, path: Path, parser_version: int) -> None:
        self._path = path
        self._parser_version = parser_version
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = _connect(path)
        except _ERRORS as error:
            self._begin_again_if_damaged(error)

    def get_many(self, object_ids: Sequence[str]) -> dict[str, ManifestSummary]:
        """The summaries that are known of manifests with these object ids."""
        return self._get(object_ids, ManifestSummary)

    def put_many(self, summaries: Mapping[str, ManifestSummary]) -> None:
        """Remember the summaries of manifests, by object id."""
        self._put(summaries)

    def get_totals(self, trees: Sequence[str]) -> dict[str, Totals]:
        """The totals that are known of collections with these trees."""
        return self._get(trees, Totals)

    def put_totals(self, totals: Mapping[str, Totals]) -> None:
        """Remember the totals of collections, by tree."""
        self._put(totals)

    def get_sharing(self, tree: str) -> frozenset[str] | None:
        """The packages of a tree that list a hash which another one lists too, if they are known."""
        known = self._get([f"sharing:{tree}"], tuple[str, ...])
        return frozenset(*known.values()) if known else None

    def get_hashes(self, tree: str) -> ListedHashes | None:
        """The hashes that the manifests of a tree list, if they are known."""
        rows: list[tuple[object, object]] = []
        wanted = tree, self._parser_version
        self._attempt(lambda file: rows.extend(file.execute(_GET_HASHES, wanted)))
        for encoded, checksum in rows:
            if isinstance(encoded, bytes) and checksum == self._checksum(tree, encoded):
                return ListedHashes(encoded)
        return None

    def put_listed(self, tree: str, sharing: Set[str], hashes: ListedHashes) -> None:
        """Remember the packages of a tree that share a hash, and all hashes, these for a few trees."""
        self._put({f"sharing:{tree}": tuple(sorted(sharing))})
        encoded = hashes.encode()
        row = tree, self._parser_version, encoded, self._checksum(tree, encoded)

        def put(file: sqlite3.Connection) -> None:
            file.execute(_PUT_HASHES, row)
            file.execute(_FORGET_HASHES, (_MOST_HASHES,))

        self._attempt(put)

    def _get(self, object_ids: Sequence[str], kind: type[_Value]) -> dict[str, _Value]:
        wanted = msgspec.json.encode(object_ids).decode()
        rows: list[tuple[str, object, object]] = []
        self._attempt(lambda file: rows.extend(file.execute(_GET, (wanted, self._parser_version))))
        decoder = msgspec.msgpack.Decoder(kind)
        values = {}
        for object_id, encoded, checksum in rows:
            # SQLite does not notice flipped bits in a value.
            if isinstance(encoded, bytes) and checksum == self._checksum(object_id, encoded):
                try:
                    values[object_id] = decoder.decode(encoded)
                except msgspec.DecodeError:  # of another release, with other fields
                    continue
        return values

    def _put(self, values: Mapping[str, _Value]) -> None:
        if not values:
            return
        rows = []
        for object_id, value in values.items():
            encoded = msgspec.msgpack.encode(value)
            checksum = self._checksum(object_id, encoded)
            rows.append((object_id, self._parser_version, encoded, checksum))
        self._attempt(lambda file: file.executemany(_PUT, rows))

    def close(self) -> None:
        """Close the file. From here on, the cache finds nothing and forgets."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _checksum(self, object_id: str, encoded: bytes) -> int:
        return zlib.crc32(encoded, zlib.crc32(f"{self._parser_version} {object_id}".encode()))

    def _attempt(self, action: Callable[[sqlite3.Connection], object]) -> None:
        """Do it in one transaction, or not at all."""
        if self._connection is None:
            return
        try:
            with self._connection:
                action(self._connection)
        except _ERRORS as error:
            self._begin_again_if_damaged(error)

    def _begin_again_if_damaged(self, error: Exception) -> None:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
        if code not in _DAMAGED and not isinstance(error, UnicodeDecodeError):
            return
        self.close()
        with contextlib.suppress(*_ERRORS):
            self._path.unlink(missing_ok=True)
            self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
            self._connection = _connect(self._path)


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The default rollback journal, not WAL: home directories are on network file systems.
    connection = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT)
    try:
        for table in _TABLES:
            connection.execute(table)
    except _ERRORS:
        connection.close()
        raise
    return connection
