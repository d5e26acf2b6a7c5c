"""Real git repositories out of dictionaries: one dictionary of changed files for each commit."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """What stands at a path that is no ordinary file: `content` is that of a file of this mode."""

    mode: str
    content: str | bytes


def symlink(target: str) -> Entry:
    return Entry("120000", target)


def executable(content: str | bytes) -> Entry:
    return Entry("100755", content)


def submodule(commit: str = "1" * 40) -> Entry:
    return Entry("160000", commit)


Path_ = str | bytes
Content = str | bytes | Entry | None
Commit = Mapping[Path_, Content] | Mapping[str, Content]
"""Files that a commit writes, by path; None removes the file or folder at the path."""

FIRST_DAY = datetime(2025, 1, 1, 12, tzinfo=UTC)


def committed_at(number: int) -> datetime:
    """When commit `number` (from 0) was made: at noon UTC, from 2025-01-01 on, one a day."""
    return FIRST_DAY + timedelta(days=number)


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """What a git command prints, stripped; `CalledProcessError` if it fails."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, input=stdin, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def listing(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a folder: mode, time of change and content of each file, by path."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def write_repository(path: Path, commits: Iterable[Commit], *, init: tuple[str, ...] = ()) -> Path:
    """A new repository at `path` with these commits on `main`, checked out unless it is bare.

    `init` are options for `git init`: `--bare`, `--object-format=sha256`.
    """
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main", *init)
    add_commits(path, commits)
    if "--bare" not in init:
        git(path, "reset", "--quiet", "--hard")
    return path


def add_commits(
    path: Path, commits: Iterable[Commit], *, start: int = 0, branch: str = "main"
) -> None:
    """Put more commits onto `branch`, the first of which is made at `committed_at(start)`."""
    git(path, "fast-import", "--quiet", "--force", stdin=b"".join(_stream(commits, start, branch)))


def _stream(commits: Iterable[Commit], start: int, branch: str) -> Iterator[bytes]:
    ref = f"refs/heads/{branch}"
    for number, commit in enumerate(commits, start):
        stamp = f"Test <test@cache.example> {int(committed_at(number).timestamp())} +0000"
        yield f"commit {ref}\nauthor {stamp}\ncommitter {stamp}\n".encode()
        yield _data(f"commit {number}")
        if number == start and start:
            yield f"from {ref}^0\n".encode()
        for name, content in commit.items():
            yield _file(_bytes(name), content)


def _file(path: bytes, content: Content) -> bytes:
    quoted = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    if content is None:
        return b'D "%b"\n' % quoted
    entry = content if isinstance(content, Entry) else Entry("100644", content)
    if entry.mode == "160000":
        return b'M 160000 %b "%b"\n' % (_bytes(entry.content), quoted)
    return b'M %b inline "%b"\n' % (entry.mode.encode(), quoted) + _data(entry.content)


def _data(content: str | bytes) -> bytes:
    raw = _bytes(content)
    return b"data %d\n%b\n" % (len(raw), raw)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
