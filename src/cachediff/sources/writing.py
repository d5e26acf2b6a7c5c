"""One process at a time writes to a mirror, and what a killed one left unfinished is cleared away."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cachediff.errors import SourceError
from cachediff.sources.git import Progress

_UNFINISHED = (
    "*.lock",
    "refs/**/*.lock",
    "objects/*.lock",
    "objects/info/**/*.lock",
    "objects/pack/*.lock",
    "packed-refs.new",
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "objects/[0-9a-f][0-9a-f]/tmp_obj_*",
    "objects/tmp_objdir-*",
    # By this a fetch keeps its pack from being packed anew while it writes refs; nobody else does here.
    "objects/pack/*.keep",
)
"""What git has while it fetches, packs and writes refs, in a bare repository."""


@contextlib.contextmanager
def sole_writer(mirror: Path, progress: Progress | None = None) -> Iterator[None]:
    """Hold the lock on the mirror at `mirror`, which need not be there yet.

    The lock lies beside it, and ends with the process that holds it, however that ends. `progress`
    is told if another process has it.

    Raises:
        SourceError: the folder of mirrors cannot be written.
    """
    try:
        mirror.parent.mkdir(parents=True, exist_ok=True)
        lock = mirror.with_suffix(".lock").open("wb")
    except OSError as error:
        raise SourceError(f"{mirror.parent} cannot be written: {error.strerror}") from error
    with lock:
        if not _is_ours(lock):
            if progress:
                progress("Waiting for another run", 0, 0)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sweep_mirror(mirror: Path) -> tuple[Path, ...]:
    """Remove what killed gits and clones left, unless some process is at work; what is gone then.

    What cannot be removed stays.
    """
    with contextlib.suppress(OSError), mirror.with_suffix(".lock").open("r+b") as lock:
        if _is_ours(lock):
            return clear_unfinished(mirror)
    return ()


def clear_unfinished(mirror: Path) -> tuple[Path, ...]:
    """Remove what killed gits and clones left; no git may be at work in the mirror (`sole_writer`)."""
    in_it = sorted({path for pattern in _UNFINISHED for path in mirror.glob(pattern)})
    for path in in_it:
        _remove(path)
    return (*in_it, *clear_clones(mirror))


def clear_clones(mirror: Path) -> tuple[Path, ...]:
    """Remove what killed clones left beside the mirror; none may be at work (`sole_writer`)."""
    clones = tuple(mirror.parent.glob(f"{mirror.stem}.*.new"))
    for path in clones:
        _remove(path)
    return clones


def _is_ours(lock: BinaryIO) -> bool:
    """Whether the lock could be taken."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
