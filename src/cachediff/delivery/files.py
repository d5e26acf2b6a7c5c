"""A parcel as a file: a checksum, a line of JSON that says what it is, and its content; and locks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from cachediff.model.delivery import Parcel


def parcel_id(kind: Literal["mail", "webhook"], destination: str, content: bytes) -> str:
    """32 hexadecimal digits that no other content, and no other destination, has."""
    identity = json.dumps([kind, destination, hashlib.sha256(content).hexdigest()])
    return hashlib.sha256(identity.encode("ascii")).hexdigest()[:32]


def encode(parcel: Parcel, content: bytes) -> bytes:
    """The parcel as the bytes of its file."""
    body = msgspec.json.encode(parcel) + b"\n" + content
    return hashlib.sha256(body).hexdigest().encode("ascii") + b"\n" + body


def decode(name: str, file: bytes) -> tuple[Parcel, bytes]:
    """The parcel and its content, from the bytes of the file `name`.

    Raises:
        ValueError: these are not the bytes that `encode` gave for that name.
    """
    checksum, _, body = file.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode("ascii") != checksum:
        raise ValueError("its checksum does not match")
    head, _, content = body.partition(b"\n")
    try:
        parcel = msgspec.json.decode(head, type=Parcel)
    except msgspec.MsgspecError as error:
        raise ValueError(f"its first line is not understood: {error}") from error
    if parcel.id != name or parcel_id(parcel.kind, parcel.destination, content) != name:
        raise ValueError("it has the name of another")
    return parcel, content


def find(path: Path) -> tuple[Parcel, bytes] | None:
    """The parcel in the file at `path`, and its content; None where it is not there or not whole."""
    try:
        return decode(path.name, path.read_bytes())
    except (OSError, ValueError):
        return None


def set_aside(path: Path, folder: Path) -> None:
    """Move a file, if it is there, into a folder in which nothing is overwritten."""
    if path.exists():
        folder.mkdir(exist_ok=True)
        endings = itertools.chain([""], (f".{number}" for number in itertools.count(2)))
        names = (folder / f"{path.name}{ending}" for ending in endings)
        path.rename(next(name for name in names if not name.exists()))


@contextlib.contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Whether this process holds the lock at `path`, after waiting for it if asked to.

    It ends with the process, however that ends. Raises `OSError` where the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
