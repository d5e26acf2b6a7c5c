"""Commits as data, and as the input of `git fast-import`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

_ROBOT = "Cache Robot <robot@cache.example>"
_MESSAGE = "Automated update of the cache pages"


class Commit(msgspec.Struct, frozen=True):
    """One commit on `main`.

    `files` are (path, content), None for a file that goes; they may be made while they are read, so
    read them before the next commit is asked for. `when` has a time zone, `tag` names a light tag
    on the commit.
    """

    when: datetime
    files: Iterable[tuple[str, bytes | None]]
    tag: str | None = None


def fast_import(commits: Iterable[Commit]) -> Iterator[bytes]:
    """Turn commits, first to last, into a stream for `git fast-import` in an empty repository.

    The stream says where it ends, so that git refuses one that was cut off
    (https://git-scm.com/docs/git-fast-import).
    """
    yield b"feature done\n"
    for commit in commits:
        stamp = f"{_ROBOT} {int(commit.when.timestamp())} +0000"
        yield f"commit refs/heads/main\nauthor {stamp}\ncommitter {stamp}\n".encode()
        yield _data(_MESSAGE.encode())
        for path, content in commit.files:
            if content is None:
                yield f"D {path}\n".encode()
            else:
                yield f"M 100644 inline {path}\n".encode()
                yield _data(content)
        if commit.tag is not None:
            yield f"reset refs/tags/{commit.tag}\nfrom refs/heads/main\n".encode()
    yield b"done\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)
