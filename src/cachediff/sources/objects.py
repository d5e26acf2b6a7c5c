"""git's objects: as `git cat-file --batch` answers with them, and what trees and commits hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import chain
from typing import IO

import msgspec

from cachediff.errors import SourceError

TREE, SYMLINK, SUBMODULE = 0o040000, 0o120000, 0o160000
"""Modes of tree entries; every other is that of a file (https://git-scm.com/docs/git-fast-import)."""


_ENTRIES = {
    width: re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % width, re.DOTALL) for width in (20, 32)
}


class GitObject(msgspec.Struct, frozen=True, gc=False):
    """One answer of `git cat-file --batch`.

    `kind` is git's type, or `missing` where there is no such object; `content` is empty where the
    object is larger than was asked for (`size` says how large).
    """

    id: str
    kind: str
    size: int
    content: bytes


class TreeEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a git tree: a package in a collection, or a file of a package. `mode` is git's."""

    name: str
    mode: int
    id: str


def read_object(answers: IO[bytes], max_size: int | None) -> GitObject:
    """The next answer of `git cat-file --batch`, read to its end.

    Raises:
        EOFError: git ended before that.
    """
    header = answers.readline()
    if not header.endswith(b"\n"):
        raise EOFError
    name, _, last = header[:-1].rpartition(b" ")
    if not last.isdigit():
        return GitObject(name.decode("utf-8", "replace"), "missing", 0, b"")
    id_, _, kind = name.decode().partition(" ")
    size = int(last)
    if max_size is not None and size > max_size:
        left = size + 1
        while left and (chunk := answers.read(min(left, 1 << 20))):
            left -= len(chunk)
        if left:
            raise EOFError
        return GitObject(id_, kind, size, b"")
    content = answers.read(size + 1)
    if len(content) <= size:
        raise EOFError
    return GitObject(id_, kind, size, content[:-1])


def tree_entries(tree: GitObject) -> list[TreeEntry]:
    r"""The entries of a tree: mode, space, name, NUL, id in binary (git's tree format).

    Bytes of names that are not UTF-8 are told as `\xff`.

    Raises:
        SourceError: it is not a well-formed tree.
    """
    width = len(tree.id) // 2
    found = _ENTRIES[width].findall(tree.content)
    entries = [
        TreeEntry(name.decode("utf-8", "backslashreplace"), int(mode, 8), id_.hex())
        for mode, name, id_ in found
    ]
    if sum(map(len, chain.from_iterable(found))) + 2 * len(found) != len(tree.content):
        raise SourceError(f"the git tree {tree.id} is malformed")
    return entries


def committed_at(commit: GitObject) -> str:
    """The committer's time of a commit, in UTC.

    Raises:
        SourceError: there is none, or no such day.
    """
    header, _, _ = commit.content.partition(b"\n\n")
    try:
        committer = next(line for line in header.split(b"\n") if line.startswith(b"committer "))
        time = datetime.fromtimestamp(int(committer.rsplit(b" ", 2)[1]), UTC)
    except (StopIteration, IndexError, ValueError, OverflowError, OSError) as error:
        raise SourceError(f"the git commit {commit.id} has no readable date") from error
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
