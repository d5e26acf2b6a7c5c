"""One run at a time: a lock in the folder of the store, which says who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from cachediff.errors import StoreError

LOCK = "run.lock"
_TRIES, _PAUSE = 10, 0.02
"""How often, and after how many seconds, a lock is tried again: `who_runs` may have it for a moment."""


class Holder(msgspec.Struct, frozen=True):
    """The process that holds the lock: `since` is in UTC."""

    pid: int
    host: str
    since: datetime

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


@contextlib.contextmanager
def sole_run(store: Path, now: datetime) -> Iterator[str | None]:
    """Hold the lock of the store at `store`; where another process does, who that is is told instead.

    It ends with the process, however that ends, so that none is ever stale. `now` is aware.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = store / LOCK
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock = path.open("a+b")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    with lock:
        if not _is_ours(lock):
            yield _holder(path)
            return
        holder = Holder(os.getpid(), platform.node() or "this machine", now)
        lock.truncate(0)
        lock.write(msgspec.json.encode(holder))
        lock.flush()
        try:
            yield None
        finally:
            lock.truncate(0)  # who comes next must not be taken for this process


def _is_ours(lock: BinaryIO) -> bool:
    """Whether the lock could be taken."""
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE)
    return False


def who_runs(store: Path) -> str | None:
    """The process that holds the lock of the store at `store`; None where none does, or none ever did.

    Raises:
        StoreError: the lock is there and cannot be read.
    """
    path = store / LOCK
    try:
        with path.open("rb") as lock:
            if not lock.read(1):
                return None
            # Only where a process was killed is the lock free now, and held here, for a moment.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _holder(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    return None


def _holder(path: Path) -> str:
    try:
        return str(msgspec.json.decode(path.read_bytes(), type=Holder))
    except (OSError, msgspec.MsgspecError):
        return "a process that just began"
