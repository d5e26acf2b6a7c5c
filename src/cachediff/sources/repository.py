"""A git repository, and what is asked of it."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from cachediff.errors import NameNotFoundError, SourceError
from cachediff.sources.git import (
    HERE,
    OFFLINE,
    GitFailedError,
    ObjectReader,
    Progress,
    process,
    run,
)
from cachediff.sources.objects import GitObject, TreeEntry
from cachediff.sources.online import follow
from cachediff.sources.patience import Sleep, patiently
from cachediff.sources.tips import PINS, follows, keep_tips
from cachediff.sources.writing import clear_unfinished, sole_writer

_MISSING = "a commit or tree is missing here: git fsck tells which; ask for what is after it"


class Repository:
    """A git repository: a clone of somebody's, which is only read, or a mirror of our own.

    `sleep` waits for so many seconds before an upstream that was not reached is asked again for what
    this mirror lacks; it is asked only once where that is None.
    """

    def __init__(self, path: Path, *, mirror: bool = False, sleep: Sleep | None = None) -> None:
        """Open the repository that `path` is in; a mirror is the one at `path` itself.

        Raises:
            SourceError: there is none, it is not ours to read, or there is no git.
        """
        self.mirror = mirror
        self._sleep = sleep
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

    def commits_of(self, path: str, commit: str, after: str | None = None) -> list[str]:
        """The commits that changed what is at `path`, newest first, back from `commit`, up to `after`.

        Both are ids; `after` itself is none of them, nor are those before it. Branches that were merged
        are one commit each: the merge.

        Raises:
            SourceError: git failed; so where a partial clone lacks folders.
        """
        span = [commit, *([f"^{after}"] if after else [])]
        return self._listed("--first-parent", *span, "--", path)

    def follows(self, commit: str, earlier: str) -> bool:
        """Whether `earlier` is `commit` (both ids) or one of those before it."""
        return follows(self.git_dir, commit, earlier)

    def no_way(self, earlier: str, commit: str) -> tuple[str, str] | None:
        """Why one does not come from `earlier` to `commit` (both ids) by first parents, and what to do.

        None where one does: the commits in between are then those that the branch went through itself.
        """
        line = self._listed("--first-parent", commit, "--")
        if earlier in line:
            return None
        if self.follows(commit, earlier):
            after = set(self._listed("--ancestry-path", f"{earlier}..{commit}", "--"))
            merge = next(each for each in reversed(line) if each in after)
            return (
                f"{earlier[:12]} is on a branch that was merged, all at once, in {merge[:12]}",
                f"begin at the commit before that merge: {merge[:12]}~1",
            )
        what = f"{earlier[:12]} is not among the commits before {commit[:12]}"
        hint = "this clone is shallow: git fetch --unshallow" if self.shallow else ""
        return f"{what}: it is later, or on another branch, or upstream rewrote its history", hint

    def tree_differences(self, old: str, new: str) -> list[tuple[TreeEntry, TreeEntry]]:
        """What differs between two trees, without what is below: (old, new), with an empty id for none.

        Raises:
            SourceError: git failed.
        """
        # Or a .gitmodules, which is read with the paths of another tree, could hide a submodule.
        options = ["-z", "--raw", "--no-renames", "--full-index", "--ignore-submodules=none"]
        raw = run(self.git_dir, ["diff-tree", *options, old, new])
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

    def fetch(self, progress: Progress | None = None) -> dict[str, str]:
        """Bring this mirror up to date with its upstream.

        Returns the branches that upstream rewrote, each with the commit that it ended with before,
        which is kept here.

        Raises:
            NotReachedError: the upstream was not reached.
            SourceError: the mirror cannot be written.
        """
        # Now and then git packs the packs of many fetches into one; in the foreground, while we are
        # the only writer.
        settings = ["-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false"]
        with self._writing(progress):
            before = keep_tips(self.git_dir)  # a fetch that was killed may have moved them
            self._fetch([*settings, "fetch", "--prune"], None, progress)
            return before | keep_tips(self.git_dir)

    def fetch_objects(self, ids: Iterable[str], progress: Progress | None = None) -> None:
        """Fetch objects that a partial mirror lacks, all in one request.

        Raises:
            NotReachedError: the upstream was not reached.
            SourceError: it has them no more, or the mirror cannot be written.
        """
        # Named objects are missing because of our filter, not because history moved on: there is
        # nothing to negotiate. git's own lazy fetches do the same.
        settings = ["-c", "fetch.negotiationAlgorithm=noop", "-c", "protocol.version=2"]
        options = ["--no-auto-maintenance", "--no-tags", "--filter=blob:none", "--stdin"]
        wanted = list(ids)

        def fetch() -> None:
            with self._writing(progress):
                self._fetch([*settings, "fetch", *options], wanted, progress)

        patiently(fetch, self._sleep)

    def pin(self, commit: str) -> None:
        """Keep `commit` in this mirror, whatever becomes of it upstream."""
        with self._writing():
            run(self.git_dir, ["update-ref", f"{PINS}{commit}", commit])

    def _listed(self, *arguments: str) -> list[str]:
        try:
            command = ["--literal-pathspecs", "rev-list", *arguments]
            return run(self.git_dir, command).decode().split()
        except GitFailedError as error:
            error.hint = _MISSING
            raise

    @contextlib.contextmanager
    def _writing(self, progress: Progress | None = None) -> Iterator[None]:
        with sole_writer(self.git_dir, progress):
            clear_unfinished(self.git_dir)
            try:
                yield
            except SourceError:
                clear_unfinished(self.git_dir)  # half a pack may be large, and the next try far off
                raise

    def _fetch(
        self, command: Sequence[str], stdin: Iterable[str] | None, progress: Progress | None
    ) -> None:
        options = ["--progress", "--no-write-fetch-head", "origin"]
        follow(self.git_dir, [*command, *options], progress, stdin)


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
