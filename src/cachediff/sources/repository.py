"""A git repository, and what is asked of it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from cachediff.errors import NameNotFoundError, SourceError
from cachediff.sources.git import (
    HERE,
    OFFLINE,
    GitFailedError,
    ObjectReader,
    Progress,
    follow,
    process,
    run,
)
from cachediff.sources.objects import GitObject, TreeEntry
from cachediff.sources.writing import clear_unfinished, sole_writer

_REWRITTEN = re.compile(rb" \+ \S+ +(\S+) +-> \S+ +\(forced update\)")


class Repository:
    """A git repository: a clone of somebody's, which is only read, or a mirror of our own."""

    def __init__(self, path: Path, *, mirror: bool = False) -> None:
        """Open the repository that `path` is in; a mirror is the one at `path` itself.

        Raises:
            SourceError: there is none, it is not ours to read, or there is no git.
        """
        self.mirror = mirror
        command = ["rev-parse", "--absolute-git-dir", "--git-common-dir"]
        try:
            answer = run(path, command, environment=OFFLINE | (HERE if mirror else {}))
        except GitFailedError as error:
            raise SourceError(
                f"there is no git repository at {path}: {error.words}",
                "run inside a clone of the repository behind a cache's pages, or name one with --repo",
            ) from error
        git_dir, common = answer.decode("utf-8", "surrogateescape").split("\n")[:2]
        self.git_dir = Path(git_dir)
        self._common = (path / common).resolve()
        self._idle: list[ObjectReader] = []

    @property
    def partial(self) -> bool:
        """Whether objects may be missing here because a promisor remote has them."""
        return next((self._common / "objects" / "pack").glob("*.promisor"), None) is not None

    @property
    def shallow(self) -> bool:
        """Whether the history is cut off."""
        return (self._common / "shallow").exists()

    def name(self) -> str:
        """What to call it: the last part of its origin's URL, or of its own path."""
        origin = run(self.git_dir, ["config", "--default", "", "--get", "remote.origin.url"])
        last = re.split("[/:@]", origin.decode("utf-8", "replace").strip().rstrip("/"))[-1]
        folder = self.git_dir.parent if self.git_dir.name == ".git" else self.git_dir
        return (last or folder.name).removesuffix(".git") or "source"

    def objects(
        self, names: Iterable[str], max_size: int | None = None
    ) -> Generator[GitObject, None, None]:
        """Objects by id or by any name that git resolves, in the order asked for.

        One `git cat-file --batch` answers all calls, for as long as this repository is open; a call
        made while another is still being read gets a process of its own. Content of more than
        `max_size` bytes is left out.

        Raises:
            SourceError: git failed, or an object is damaged.
        """
        reader = self._idle.pop() if self._idle else ObjectReader(self.git_dir)
        try:
            yield from reader.read(names, max_size)
        except GitFailedError as error:
            reader.close()
            error.hint = "this clone is partial: clone without --filter" if self.partial else ""
            raise
        except BaseException:
            reader.close()
            raise
        self._idle.append(reader)

    def close(self) -> None:
        """End the processes that are kept for further questions."""
        while self._idle:
            self._idle.pop().close()

    def commit_until(self, moment: datetime, commit: str) -> str:
        """The last commit at or before `moment`, which has a time zone, back from `commit` (an id).

        Raises:
            NameNotFoundError: there is none that early.
        """
        # In seconds: git does not understand years before 1970 and after 2099.
        until = f"--until=@{max(0, int(moment.timestamp()))} +0000"
        found = run(self.git_dir, ["rev-list", "--first-parent", "--max-count=1", until, commit])
        if not found:
            raise NameNotFoundError(
                f"there is no commit at or before {moment:%Y-%m-%d %H:%M:%S} UTC",
                "this clone is shallow: git fetch --unshallow" if self.shallow else "",
            )
        return found.decode().strip()

    def first_commit_of(self, path: str, commit: str) -> str | None:
        """The commit in which `path` first was there, back from `commit` (an id); None if it never was."""
        command = ["--literal-pathspecs", "rev-list", "--first-parent", "--reverse", commit]
        found = run(self.git_dir, [*command, "--", path])
        return found.split(b"\n", 1)[0].decode() or None

    def follows(self, commit: str, earlier: str) -> bool:
        """Whether `earlier` is `commit` (both ids) or one of those before it."""
        try:
            return not run(self.git_dir, ["rev-list", "--max-count=1", earlier, f"^{commit}"])
        except GitFailedError:
            return False  # it is gone altogether

    def tree_differences(self, old: str, new: str) -> list[tuple[TreeEntry, TreeEntry]]:
        """What differs between two trees, without what is below: (old, new), with an empty id for none.

        Raises:
            SourceError: git failed.
        """
        raw = run(
            self.git_dir, ["diff-tree", "-z", "--raw", "--no-renames", "--full-index", old, new]
        )
        fields = raw.decode("utf-8", "surrogateescape").split("\0")[:-1]
        differences = []
        for entry, path in zip(fields[::2], fields[1::2], strict=True):
            modes_and_ids = entry.removeprefix(":").split(" ")
            name = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            sides = [
                TreeEntry(name, int(mode, 8), id_ if id_.strip("0") else "")
                for mode, id_ in zip(modes_and_ids[:2], modes_and_ids[2:4], strict=True)
            ]
            differences.append((sides[0], sides[1]))
        return differences

    def missing(self, trees: Iterable[str]) -> set[str]:
        """Ids of the objects below `trees` that this clone does not have, without asking for them."""
        command = ["rev-list", "--objects", "--no-walk", "--missing=print", "--stdin"]
        listed = run(self.git_dir, command, trees)
        return {line[1:].decode() for line in listed.splitlines() if line.startswith(b"?")}

    def fetch(self, progress: Progress | None = None) -> list[str]:
        """Bring this mirror up to date with its upstream.

        Returns the branches that upstream rewrote: commits that were in them are not any more.

        Raises:
            SourceError: the upstream could not be reached.
        """
        # Now and then git packs the packs of many fetches into one; in the foreground, while we are
        # the only writer.
        settings = ["-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false"]
        told = self._fetch([*settings, "fetch", "--prune"], None, progress)
        return [match[1].decode() for line in told if (match := _REWRITTEN.match(line))]

    def fetch_objects(self, ids: Iterable[str], progress: Progress | None = None) -> None:
        """Fetch objects that a partial mirror lacks, all in one request.

        Raises:
            SourceError: the upstream could not be reached, or has them no more.
        """
        # Named objects are missing because of our filter, not because history moved on: there is
        # nothing to negotiate. git's own lazy fetches do the same.
        settings = ["-c", "fetch.negotiationAlgorithm=noop", "-c", "protocol.version=2"]
        options = ["--no-auto-maintenance", "--no-tags", "--filter=blob:none", "--stdin"]
        self._fetch([*settings, "fetch", *options], ids, progress)

    def pin(self, commit: str) -> None:
        """Keep `commit` in this mirror, whatever becomes of it upstream."""
        with sole_writer(self.git_dir):
            run(self.git_dir, ["update-ref", f"refs/cachediff/{commit}", commit])

    def _fetch(
        self, command: Sequence[str], stdin: Iterable[str] | None, progress: Progress | None
    ) -> list[bytes]:
        with sole_writer(self.git_dir, progress):
            clear_unfinished(self.git_dir)
            options = ["--progress", "--no-write-fetch-head", "origin"]
            return follow(self.git_dir, [*command, *options], progress, stdin)


def import_history(path: Path, stream: Iterable[bytes]) -> None:
    """Write a `git fast-import` stream into a new bare repository at `path`.

    Raises:
        SourceError: git refused the stream.
    """
    path.mkdir(parents=True, exist_ok=True)
    run(path, ["init", "--quiet", "--bare", "--initial-branch=main"])
    with tempfile.TemporaryFile() as commands:
        commands.writelines(stream)
        commands.seek(0)
        with process(path, ["fast-import", "--quiet"], commands):
            pass
