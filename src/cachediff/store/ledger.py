"""The ledger: which nights of which jobs are done, and which of them digests tell.

It is one SQLite file that is never begun again unasked.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from cachediff.errors import StoreError
from cachediff.files import write_atomically
from cachediff.model.snapshot import Origin
from cachediff.store.digests import ALL, TABLE, WRITE, Digest, digest_of, values_of

LEDGER = "ledger.sqlite"
"""Its name in the folder of the store."""

_APPLICATION = 0x63646C31
_SCHEMA = 1
_TABLE = """
CREATE TABLE night (
    number INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    date TEXT NOT NULL,
    collection TEXT NOT NULL,
    done_at TEXT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    report TEXT NOT NULL,
    red INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    deliver TEXT,
    UNIQUE (job, date, collection, report)
)
"""
_RECORD = """
INSERT INTO night (job, date, collection, done_at, old, new, report, red, deliver, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET done_at = excluded.done_at, old = excluded.old, new = excluded.new,
    report = excluded.report, red = excluded.red, deliver = excluded.deliver,
    checksum = excluded.checksum
"""
_OF_JOB = """
SELECT job, date, collection, done_at, old, new, report, red, deliver, checksum
FROM night WHERE job = ? ORDER BY number
"""
_LAST_OF_JOB = f"{_OF_JOB} DESC LIMIT 1"
_BETWEEN = """
SELECT number, job, date, collection, done_at, old, new, report, red, deliver, checksum
FROM night WHERE number BETWEEN ? AND ? ORDER BY number
"""
_SECONDS_TO_WAIT = 30.0
_BEYOND_REPAIR = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


class DoneNight(msgspec.Struct, frozen=True, kw_only=True):
    """A night of a job that is done: what was compared, and where that is told.

    `date` is the calendar date that was due, where the job is scheduled, or else that of the run in
    UTC. `done_at` is a time in UTC as in `Origin`. `old` is the same as `new` where there was nothing
    to compare with yet, or nothing new. `report` is the path of the report's folder in that of all
    reports, None where there was nothing to report. `deliver` names the deliveries of the job in that
    night, whatever becomes of the job; None where that was not written down.
    """

    job: str
    date: date
    done_at: str
    old: Origin
    new: Origin
    report: str | None = None
    red: bool = False
    deliver: tuple[str, ...] | None = None


class Ledger:
    """The ledger in the file `path`, which is made if it is not there.

    What `record`, `plan` and `mark_made` were told is on the disk when they return. One process writes
    at a time; any number read. Every method raises `StoreError` where the file cannot be read or
    written, is damaged, or is not a ledger of this version; it is left as it is then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors():
            if not path.exists():
                write_atomically(path, _empty())  # whole from the first moment on
            self._connection = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT)
            try:
                self._check()
            except BaseException:
                self._connection.close()
                raise

    def last(self, job: str) -> DoneNight | None:
        """The night of `job` that was done last."""
        with self._errors():
            row = self._connection.execute(_LAST_OF_JOB, (job,)).fetchone()
            return self._decoded(row) if row else None

    def nights(self, job: str) -> tuple[DoneNight, ...]:
        """All nights of `job`, in the order in which they were done first."""
        with self._errors():
            return tuple(map(self._decoded, self._connection.execute(_OF_JOB, (job,))))

    def newest(self) -> int:
        """The number of the night that was done last of all, 0 if there is none."""
        with self._errors():
            (number,) = self._connection.execute("SELECT max(number) FROM night").fetchone()
        return number or 0

    def nights_between(self, first: int, last: int) -> dict[int, DoneNight]:
        """The nights of the numbers `first` to `last`, of whatever jobs, in their order."""
        with self._errors():
            rows = self._connection.execute(_BETWEEN, (first, last))
            return {number: self._decoded(tuple(row)) for number, *row in rows}

    def record(self, night: DoneNight) -> None:
        """Write that `night` is done.

        One of the same job, date, collection and report is replaced, and stays where it was in the
        order. With another report, as of a job that is asked for twice a day, it is a night of its own.
        """
        values = (
            night.job,
            night.date.isoformat(),
            night.new.collection,
            night.done_at,
            msgspec.json.encode(night.old).decode(),
            msgspec.json.encode(night.new).decode(),
            night.report or "",
            int(night.red),
            None if night.deliver is None else msgspec.json.encode(night.deliver).decode(),
        )
        with self._errors(), self._connection:
            self._connection.execute(_RECORD, (*values, _checksum(values)))

    def digests(self) -> tuple[Digest, ...]:
        """All digests, in the order in which they were planned."""
        with self._errors():
            return tuple(digest_of(self._values(row)) for row in self._connection.execute(ALL))

    def plan(self, digest: Digest) -> None:
        """Write down a digest that has no number yet."""
        with self._errors():
            (newest,) = self._connection.execute("SELECT max(number) FROM digest").fetchone()
        self._write(msgspec.structs.replace(digest, number=(newest or 0) + 1))

    def mark_made(self, digest: Digest) -> None:
        """Write that the mail of a digest that was planned is in the outbox, or that there is none."""
        self._write(msgspec.structs.replace(digest, made=True))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _write(self, digest: Digest) -> None:
        values = values_of(digest)
        with self._errors(), self._connection:
            self._connection.execute(WRITE, (*values, _checksum(values)))

    def _check(self) -> None:
        self._connection.execute("PRAGMA synchronous=FULL")
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (schema,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION:
            raise self._damaged("it is no ledger")
        if schema != _SCHEMA:
            raise StoreError(
                f"{self._path} is a ledger of version {schema}, and this release reads {_SCHEMA}",
                "run the release of cachediff that wrote it, or a newer one",
            )
        (verdict,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise self._damaged(verdict)
        # One of before there were digests has neither.
        self._connection.execute(TABLE)
        columns = self._connection.execute("PRAGMA table_info(night)").fetchall()
        if not any(column[1] == "deliver" for column in columns):
            self._connection.execute("ALTER TABLE night ADD COLUMN deliver TEXT")
        self.nights_between(0, self.newest())  # each row is what was written, or it is damaged

    def _decoded(self, row: tuple[object, ...]) -> DoneNight:
        job, day, _, done_at, old, new, report, red, deliver = self._values(row)
        return msgspec.convert(
            {
                "job": job,
                "date": day,
                "done_at": done_at,
                "old": msgspec.json.decode(str(old)),
                "new": msgspec.json.decode(str(new)),
                "report": report or None,
                "red": bool(red),
                "deliver": None if deliver is None else msgspec.json.decode(str(deliver)),
            },
            DoneNight,
        )

    def _values(self, row: tuple[object, ...]) -> list[object]:
        *values, checksum = row
        # SQLite does not notice flipped bits in a value.
        if checksum != _checksum(tuple(values)):
            raise self._damaged("a row is not what was written")
        return values

    def _damaged(self, reason: str) -> StoreError:
        return StoreError(
            f"{self._path} is damaged: {reason}; no night is done until it is put right",
            "put back a copy of it. Without one, move it away: then only the newest night of each job"
            " is done, and what was missed before is not caught up",
        )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}") from error
        except UnicodeDecodeError as error:  # SQLite quotes a damaged file in its messages
            raise self._damaged("it is not text in UTF-8") from error
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code in _BEYOND_REPAIR:
                raise self._damaged(str(error)) from error
            raise StoreError(f"{self._path} cannot be used: {error}") from error


def _empty() -> bytes:
    """A ledger without a night."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"PRAGMA application_id={_APPLICATION}")
        connection.execute(f"PRAGMA user_version={_SCHEMA}")
        connection.execute(_TABLE)
        connection.execute(TABLE)
        connection.commit()
        return connection.serialize()


def _checksum(values: tuple[object, ...]) -> int:
    if (
        values[-1] is None
    ):  # the deliveries of a night that was written when there was no such column
        values = values[:-1]
    return zlib.crc32(repr(values).encode("utf-8", "surrogatepass"))
