"""git: the only file that talks to it. What is asked of it is in `repository` and `mirrors`.

Always argument lists, never a shell; what a user typed goes in on standard input or behind
`--end-of-options`; no prompt, no protocol but https, ssh and file; nothing is ever written to a clone
that is not ours, lazily fetched objects included.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, TYPE_CHECKING, BinaryIO

from cachediff.errors import SourceError
from cachediff.sources.objects import GitObject, read_object

if TYPE_CHECKING:
    from git.cmd import Git

    Running = Git.AutoInterrupt

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much (0 where not known)."""

ONLINE = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
}
"""git's environment where it may talk to an upstream."""

# A promisor remote would otherwise be asked for a missing blob, one by one, writing into a user's
# clone. GIT_NO_LAZY_FETCH is obeyed from git 2.45 on; without any protocol older ones fail at it.
OFFLINE = ONLINE | {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
"""git's environment where it may not."""

HERE = {"GIT_DIR": "."}
"""Added to it: the repository is the folder that git is started in; git looks for no other."""

_REQUESTS = 500
"""Objects asked for at once: few enough to fit in a pipe that git has not begun to read from."""
_NO_GIT, _INSTALL_GIT = "git cannot be run", "install git 2.36 or newer"
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")


class GitFailedError(SourceError):
    """git says that something is wrong; `words` are its own."""

    def __init__(self, arguments: Sequence[str], words: str) -> None:
        verb = next(word for word in arguments if word[0].isalpha() and "." not in word)
        super().__init__(f"git {verb} failed: {words}")
        self.words = words


class ObjectReader:
    """A `git cat-file --batch`, kept for any number of questions, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._running = _start(folder, ["cat-file", "--batch"], PIPE, OFFLINE | HERE)

    def read(self, names: Iterable[str], max_size: int | None) -> Iterator[GitObject]:
        """Objects by any name that git resolves, in the order asked for, to the last.

        Raises:
            GitFailedError: an object is damaged.
            SourceError: a name has a line break.
        """
        process = _popen(self._running)
        requests, answers = stream(process.stdin), stream(process.stdout)
        wanted = iter(names)
        try:
            while some := list(islice(wanted, _REQUESTS)):
                requests.write(_lines(some))
                requests.flush()
                for _ in some:
                    yield read_object(answers, max_size)
        except (EOFError, BrokenPipeError) as error:
            words = _last_words(stream(process.stderr).read())
            raise GitFailedError(["cat-file"], words) from error

    def close(self) -> None:
        """End git."""
        _end(self._running)


def run(
    folder: Path,
    arguments: Sequence[str],
    stdin: Iterable[str] | None = None,
    environment: dict[str, str] = OFFLINE | HERE,
) -> bytes:
    """What git prints when it is run in `folder`; `stdin` is said to it, a line each.

    Raises:
        SourceError: git cannot be run.
        GitFailedError: it failed.
    """
    with said(stdin) as file, process(folder, arguments, file, environment) as running:
        return stream(running.stdout).read()


@contextlib.contextmanager
def process(
    folder: Path,
    arguments: Sequence[str],
    stdin: BinaryIO | None,
    environment: dict[str, str] = OFFLINE | HERE,
    told: list[bytes] | None = None,
) -> Iterator[Popen[bytes]]:
    """A running git; when the block is left its exit status is checked, or it is ended.

    `told` takes what the block itself reads of git's standard error, for the message of a failure.

    Raises:
        SourceError, GitFailedError: as for `run`.
    """
    running = _start(folder, arguments, stdin, environment)
    try:
        yield (popen := _popen(running))
        if popen.wait():
            errors = [*(told or ()), stream(popen.stderr).read()]
            raise GitFailedError(arguments, _last_words(b"\n".join(errors)))
    finally:
        _end(running)


def _start(
    folder: Path,
    arguments: Sequence[str],
    stdin: BinaryIO | int | None,
    environment: dict[str, str],
) -> Running:
    """Start git in `folder`, its output and errors to be read from pipes.

    Raises:
        SourceError: there is no git.
    """
    try:
        from git.cmd import Git  # slow to import: it looks for git
        from git.exc import GitCommandNotFound
    except ImportError as error:
        raise SourceError(_NO_GIT, _INSTALL_GIT) from error
    try:
        # Not GitPython's working folder: where it cannot enter that, it uses the present one.
        return Git().execute(
            ["git", "-C", str(folder), *arguments],
            istream=stdin,
            as_process=True,
            env=environment,
        )
    except GitCommandNotFound as error:
        raise SourceError(_NO_GIT, _INSTALL_GIT) from error


def _end(running: Running) -> None:
    """End git, whatever it is doing, if it has not ended."""
    process = _popen(running)
    process.terminate()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
    process.wait()


@contextlib.contextmanager
def said(items: Iterable[str] | None) -> Iterator[BinaryIO | None]:
    """Items as standard input. A file, so that neither side waits for the other."""
    if items is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(_lines(items))
        file.seek(0)
        yield file


def _lines(items: Iterable[str]) -> bytes:
    """Items as git's standard input, a line each.

    Raises:
        SourceError: one is not one line.
    """
    items = list(items)
    lines = "".join(f"{item}\n" for item in items)
    if lines.count("\n") != len(items):
        raise SourceError("no name in git has a line break")
    return lines.encode("utf-8", "surrogateescape")


def _popen(running: Running) -> Popen[bytes]:
    if running.proc is None:
        raise SourceError("git was ended")
    return running.proc


def stream(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe of a git that was started with it."""
    if pipe is None:
        raise SourceError("git was started without pipes")
    return pipe


def _last_words(errors: bytes) -> str:
    """The line of git's standard error that says what went wrong, without any password."""
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line and not line.startswith("Cloning into ")]
    # That the remote could not be read has a reason, which ssh or the other side gave before.
    fatal = [line for line in lines if line.startswith("fatal:") and "Could not read" not in line]
    words = (fatal or lines or ["it ended without a word"])[0].removeprefix("fatal: ")
    return _CREDENTIALS.sub("", words)
