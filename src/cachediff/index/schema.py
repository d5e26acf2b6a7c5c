"""The tables of the index, and how the file is opened.

Points are numbered over all collections, and ascend in each. Whatever is said again and again, such as
the name of a package or the variants of a build, is a number that `text` explains; lists are in JSON.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cachediff.errors import StoreError
from cachediff.model.comparison import PackageStatus

_APPLICATION = 0x63646931
_SCHEMA = 2
"""To be raised also where comparisons tell something else than before: steps are comparisons."""

_TABLES = """
CREATE TABLE text (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE collection (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL, gone TEXT,
    UNIQUE (source, name)
);
CREATE TABLE point (
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, committed_at TEXT NOT NULL,
    object_id BLOB NOT NULL, sha256 BLOB NOT NULL, manifests INTEGER NOT NULL,
    unreadable INTEGER NOT NULL, packages INTEGER NOT NULL, specs INTEGER NOT NULL, suspect TEXT
);
CREATE INDEX point_of_collection ON point (collection);
CREATE TABLE passed_over (
    collection INTEGER, committed_at TEXT, object_id BLOB, sha256 BLOB, reason TEXT,
    PRIMARY KEY (collection, object_id)
) WITHOUT ROWID;
CREATE TABLE covered (
    point INTEGER, field INTEGER, value INTEGER, specs INTEGER NOT NULL, packages INTEGER NOT NULL,
    PRIMARY KEY (point, field, value)
) WITHOUT ROWID;
CREATE TABLE step (
    collection INTEGER, package INTEGER, point INTEGER, status INTEGER, specs INTEGER NOT NULL,
    added INTEGER NOT NULL, removed INTEGER NOT NULL, rebuilt INTEGER NOT NULL,
    upgraded INTEGER NOT NULL, downgraded INTEGER NOT NULL, changed INTEGER NOT NULL,
    restacked INTEGER NOT NULL, versions_added INTEGER, versions_removed INTEGER,
    stacks_joined INTEGER, stacks_left INTEGER,
    PRIMARY KEY (collection, package, point)
) WITHOUT ROWID;
CREATE TABLE stack_step (
    collection INTEGER, stack INTEGER, point INTEGER, package INTEGER,
    PRIMARY KEY (collection, stack, point, package)
) WITHOUT ROWID;
CREATE TABLE telling (
    collection INTEGER, package INTEGER, point INTEGER, stacks INTEGER,
    PRIMARY KEY (collection, package, point)
) WITHOUT ROWID;
CREATE TABLE unknown (
    collection INTEGER, package INTEGER, first INTEGER, until INTEGER,
    PRIMARY KEY (collection, package, first)
) WITHOUT ROWID;
CREATE TABLE kind (
    id INTEGER PRIMARY KEY, package INTEGER NOT NULL, version INTEGER NOT NULL,
    system INTEGER NOT NULL, variants INTEGER NOT NULL, stacks INTEGER
);
CREATE INDEX kind_of_package ON kind (package);
CREATE TABLE history (id INTEGER PRIMARY KEY, spans BLOB NOT NULL);
CREATE INDEX history_of_spans ON history (spans);
CREATE TABLE life (hash BLOB, kind INTEGER, history INTEGER NOT NULL, PRIMARY KEY (hash, kind))
WITHOUT ROWID;
CREATE TABLE restacked (
    hash BLOB, kind INTEGER, point INTEGER, stacks INTEGER, PRIMARY KEY (hash, kind, point)
) WITHOUT ROWID;
"""

STATUSES = tuple(PackageStatus)
"""The status of a step is its place here, NULL where nothing is known of before."""

_SECONDS_TO_WAIT = 30.0
_PAGES_IN_MEMORY_KIB = 64 * 1024
_BEYOND_REPAIR = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_FORMAT,
}


class DamagedIndexError(StoreError):
    """A file that is no index of this version, or is damaged; it can be made again at any time."""


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection to the index at `path`, read only, in a transaction: it is that of one moment.

    Raises:
        DamagedIndexError: it is no index of this version.
        StoreError: it is not there, or cannot be read.
    """
    with told(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_SECONDS_TO_WAIT
        )
        try:
            connection.execute(
                "BEGIN"
            )  # which begins with the first thing that is read: see _check
            _check(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection to the index at `path`, which is made if it is not there; errors as to read."""
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # The default rollback journal, not WAL: stores are on network file systems, and read only.
        connection = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT, isolation_level=None)
        try:
            connection.execute(f"PRAGMA cache_size=-{_PAGES_IN_MEMORY_KIB}")
            if connection.execute("PRAGMA schema_version").fetchone() == (0,):
                connection.executescript(
                    f"BEGIN IMMEDIATE; PRAGMA application_id={_APPLICATION};"
                    f"PRAGMA user_version={_SCHEMA}; {_TABLES} COMMIT"
                )
            _check(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def damaged(path: Path) -> DamagedIndexError:
    """What to raise where what is there is not what was written."""
    return DamagedIndexError(f"{path} is damaged", _REMEDY)


def _check(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if (application, schema) != (_APPLICATION, _SCHEMA):
        raise DamagedIndexError(f"{path} is no index that this release reads", _REMEDY)


_REMEDY = "make it again, out of the stored snapshots: cachediff reindex"


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Tell what SQLite and the system say of the file `path` in the errors of this project."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}") from error
    # SQLite quotes a damaged file in its messages, which then are not UTF-8.
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise damaged(path) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in _BEYOND_REPAIR:
            raise DamagedIndexError(f"{path} is damaged: {error}", _REMEDY) from error
        raise StoreError(f"{path} cannot be used: {error}") from error
