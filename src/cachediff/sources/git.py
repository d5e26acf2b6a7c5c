"""git: the only file that talks to it.

Always argument lists, never a shell; what a user typed goes in on standard input or behind
`--end-of-options`; no prompt, no protocol but https, ssh and file; nothing is ever written to a clone
that is not ours, lazily fetched objects included.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, TYPE_CHECKING, BinaryIO

import msgspec

from cachediff.errors import NameNotFoundError, SourceError

if TYPE_CHECKING:
    from git.cmd import Git

    Running = Git.AutoInterrupt

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much (0 where not known)."""

_OURS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
}
# A promisor remote would otherwise be asked for a missing blob, one by one, writing into a user's
# clone. GIT_NO_LAZY_FETCH is obeyed from git 2.45 on; without any protocol older ones fail at it.
_LOCAL = _OURS | {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
_CAT_FILE = ("cat-file", "--batch")
_REQUESTS = 500
"""Objects asked for at once: few enough to fit in a pipe that git has not begun to read from."""
_NO_GIT, _INSTALL_GIT = "git cannot be run", "install git 2.36 or newer"
_PROGRESS = re.compile(rb"(?:remote: )?([A-Z][a-z]+ [a-z]+):\s+\d+% \((\d+)/(\d+)\)")


class GitObject(msgspec.Struct, frozen=True, gc=False):
    """One answer of `git cat-file --batch`.

    `kind` is git's type, or `missing` where there is no such object; `content` is empty where the
    object is larger than was asked for (`size` says how large).
    """

    id: str
    kind: str
    size: int
    content: bytes


class Repository:
    """A git repository: a clone of somebody's, which is only read, or a mirror of our own."""

    def __init__(self, path: Path, *, mirror: bool = False) -> None:
        """Open the repository that `path` is in.

        Raises:
            SourceError: there is none, it is not ours to read, or there is no git.
        """
        self.mirror = mirror
        if not path.is_dir():
            raise SourceError(f"{path} is not a folder")
        answer = _run(path, ["rev-parse", "--absolute-git-dir", "--git-common-dir"])
        git_dir, common = answer.decode("utf-8", "surrogateescape").splitlines()[:2]
        self.git_dir = Path(git_dir)
        self._idle: list[Running] = []
        self._common = (path / common).resolve()

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
        origin = _run(self.git_dir, ["config", "--default", "", "--get", "remote.origin.url"])
        last = origin.decode("utf-8", "replace").strip().rstrip("/").rpartition("/")[2]
        folder = self.git_dir.parent if self.git_dir.name == ".git" else self.git_dir
        return (last or folder.name).removesuffix(".git") or "source"

    def objects(self, names: Iterable[str], max_size: int | None = None) -> Iterator[GitObject]:
        """Objects by id or by any name that git resolves, in the order asked for.

        One `git cat-file --batch` answers all calls, for as long as this repository is open; a call
        made while another is still being read gets a process of its own.

        Raises:
            SourceError: git failed, or an object is damaged.
        """
        running = self._idle.pop() if self._idle else _start(self.git_dir, _CAT_FILE, PIPE, _LOCAL)
        process = _popen(running)
        try:
            requests, answers = _stream(process.stdin), _stream(process.stdout)
            wanted = iter(names)
            while some := list(islice(wanted, _REQUESTS)):
                requests.write("".join(f"{name}\n" for name in some).encode())
                requests.flush()
                for _ in some:
                    yield _git_object(answers, max_size)
        except (SourceError, BrokenPipeError) as error:
            raise SourceError(f"git cat-file failed: {_end(running)}") from error
        except BaseException:
            _end(running)
            raise
        self._idle.append(running)

    def close(self) -> None:
        """End the processes that are kept for further questions."""
        while self._idle:
            _end(self._idle.pop())

    def commit_until(self, moment: datetime, branch: str) -> str:
        """The last commit of `branch` at or before `moment`, which has a time zone.

        Raises:
            NameNotFoundError: there is none that early.
        """
        command = ["rev-list", "--first-parent", "--max-count=1", f"--until={moment.isoformat()}"]
        found = _run(self.git_dir, [*command, "--end-of-options", branch]).decode().strip()
        if not found:
            raise NameNotFoundError(
                f"there is no commit at or before {moment:%Y-%m-%d %H:%M:%S} UTC",
                "this clone is shallow: git fetch --unshallow" if self.shallow else "",
            )
        return found

    def missing(self, trees: Iterable[str]) -> set[str]:
        """Ids of the objects below `trees` that this clone does not have, without asking for them."""
        command = ["rev-list", "--objects", "--no-walk", "--missing=print", "--stdin"]
        with _lines(trees) as wanted, _process(self.git_dir, command, wanted) as process:
            listed = _stream(process.stdout).read()
        return {line[1:].decode() for line in listed.splitlines() if line.startswith(b"?")}

    def fetch(self, progress: Progress | None = None) -> None:
        """Bring this mirror up to date with its upstream.

        Raises:
            SourceError: the upstream could not be reached.
        """
        self._fetch(["--prune", "--no-write-fetch-head", "origin"], None, progress)

    def fetch_objects(self, ids: Iterable[str], progress: Progress | None = None) -> None:
        """Fetch objects that a partial mirror lacks, all in one request.

        Raises:
            SourceError: the upstream could not be reached, or has them no more.
        """
        options = ["--no-write-fetch-head", "--no-tags", "--filter=blob:none", "--stdin"]
        with _lines(ids) as wanted:
            self._fetch([*options, "origin"], wanted, progress)

    def pin(self, commit: str) -> None:
        """Keep `commit` in this mirror, whatever becomes of it upstream."""
        _run(self.git_dir, ["update-ref", "--end-of-options", f"refs/cachediff/{commit}", commit])

    def _fetch(
        self, arguments: Sequence[str], stdin: BinaryIO | None, progress: Progress | None
    ) -> None:
        # Named objects are missing because of our filter, not because history moved on: there is
        # nothing to negotiate. git's own lazy fetches do the same.
        settings = ["-c", "fetch.negotiationAlgorithm=noop"] if stdin else []
        command = [*settings, "fetch", "--progress", "--no-auto-maintenance", *arguments]
        said: list[bytes] = []
        with _process(self.git_dir, command, stdin, _OURS, said) as process:
            _follow(process, progress, said)


def clone_mirror(url: str, path: Path, progress: Progress | None = None) -> Repository:
    """A new bare mirror of `url` at `path`, without blobs: those are fetched as they are needed.

    It is made beside `path` and renamed, so that an interrupted clone leaves nothing that looks whole.

    Raises:
        SourceError: `url` could not be reached, or is of a protocol that is not allowed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".clone-", dir=path.parent) as folder:
        new = Path(folder) / "mirror"
        command = ["clone", "--bare", "--filter=blob:none", "--progress", "--end-of-options", url]
        said: list[bytes] = []
        with _process(path.parent, [*command, str(new)], None, _OURS, said) as process:
            _follow(process, progress, said)
        _run(new, ["config", "remote.origin.fetch", "+refs/heads/*:refs/heads/*"])
        new.rename(path)
    return Repository(path, mirror=True)


def import_history(path: Path, stream: Iterable[bytes]) -> None:
    """Write a `git fast-import` stream into a new bare repository at `path`.

    Raises:
        SourceError: git refused the stream.
    """
    path.mkdir(parents=True, exist_ok=True)
    _run(path, ["init", "--quiet", "--bare", "--initial-branch=main"])
    with tempfile.TemporaryFile() as commands:
        commands.writelines(stream)
        commands.seek(0)
        with _process(path, ["fast-import", "--quiet"], commands):
            pass


@contextlib.contextmanager
def _lines(items: Iterable[str]) -> Iterator[BinaryIO]:
    """Items as standard input, a line each. A file, so that neither side waits for the other."""
    with tempfile.TemporaryFile() as file:
        file.write("".join(f"{item}\n" for item in items).encode("utf-8", "surrogateescape"))
        file.seek(0)
        yield file


def _run(folder: Path, arguments: Sequence[str]) -> bytes:
    with _process(folder, arguments) as process:
        return _stream(process.stdout).read()


def _start(
    folder: Path,
    arguments: Sequence[str],
    stdin: BinaryIO | int | None,
    environment: dict[str, str],
) -> Running:
    """Start git in `folder`, its output and errors to be read from pipes.

    Raises:
        SourceError: there is no such folder, or no git.
    """
    # GitPython would run in the working folder instead.
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    try:
        from git.cmd import Git  # slow to import: it looks for git
        from git.exc import GitCommandNotFound
    except ImportError as error:
        raise SourceError(_NO_GIT, _INSTALL_GIT) from error
    try:
        return Git(folder).execute(
            ["git", *arguments],
            istream=stdin,
            as_process=True,
            env=environment,
        )
    except GitCommandNotFound as error:
        raise SourceError(_NO_GIT, _INSTALL_GIT) from error


@contextlib.contextmanager
def _process(
    folder: Path,
    arguments: Sequence[str],
    stdin: BinaryIO | None = None,
    environment: dict[str, str] = _LOCAL,
    said: list[bytes] | None = None,
) -> Iterator[Popen[bytes]]:
    """A running git; when the block is left its exit status is checked, or it is ended.

    `said` takes what the block itself reads of git's standard error, for the message of a failure.

    Raises:
        SourceError: git cannot be run, or failed; with what it said was wrong.
    """
    from git.exc import GitCommandError

    running = _start(folder, arguments, stdin, environment)
    try:
        yield _popen(running)
    except BaseException:
        _end(running)
        raise
    try:
        running.wait(b"".join(said or ()))
    except GitCommandError as error:
        verb = next(word for word in arguments if word[0].isalpha() and "." not in word)
        raise SourceError(f"git {verb} failed: {_last_words(str(error.stderr))}") from error
    finally:
        _stream(_popen(running).stdout).close()
        _stream(_popen(running).stderr).close()


def _end(running: Running) -> str:
    """End git, whatever it is doing; what it said was wrong comes back."""
    process = _popen(running)
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    _stream(process.stdout).close()
    process.wait()
    words = _stream(process.stderr).read()
    _stream(process.stderr).close()
    return _last_words(words.decode("utf-8", "replace"))


def _follow(process: Popen[bytes], progress: Progress | None, said: list[bytes]) -> None:
    """Tell `progress` how far git is, and keep the rest of what it says in `said`."""
    for line in _stream(process.stderr):
        for part in line.split(b"\r"):
            if match := _PROGRESS.match(part):
                if progress:
                    progress(match[1].decode(), int(match[2]), int(match[3]))
            elif part.strip():
                said.append(part + b"\n")


def _popen(running: Running) -> Popen[bytes]:
    if running.proc is None:
        raise SourceError("git was ended")
    return running.proc


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise SourceError("git was started without pipes")
    return stream


def _last_words(text: str) -> str:
    """The line of git's standard error that says what went wrong."""
    text = text.strip().removeprefix("stderr: ").strip("'").strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["it ended without a word"])[0].removeprefix("fatal: ")


def _git_object(answers: IO[bytes], max_size: int | None) -> GitObject:
    """The next answer of `git cat-file --batch`, read to its end."""
    header = answers.readline()
    if not header:
        raise SourceError("git ended before its answer")
    name, _, last = header[:-1].rpartition(b" ")
    if not last.isdigit():
        return GitObject(name.decode("utf-8", "replace"), "missing", 0, b"")
    id_, _, kind = name.decode().partition(" ")
    size = int(last)
    if max_size is not None and size > max_size:
        left = size + 1
        while left and (chunk := answers.read(min(left, 1 << 20))):
            left -= len(chunk)
        return GitObject(id_, kind, size, b"")
    content = answers.read(size + 1)
    if len(content) <= size:
        raise SourceError("git ended in the middle of its answer")
    return GitObject(id_, kind, size, content[:-1])
