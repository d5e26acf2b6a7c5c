"""The command itself, run as a user runs it: in a process of its own, in a folder, in a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = (sys.executable, "-m", "cachediff")

_WITH_PATIENCE = """
import cachediff.cli.progress as progress
from cachediff.__main__ import main
progress._PATIENCE = progress._INTERVAL = {}
main()
"""
AT_ONCE = (sys.executable, "-c", _WITH_PATIENCE.format(0.0))
"""The same command, but for its patience: bars are shown from the first moment on."""
WITHOUT_BARS = (sys.executable, "-c", _WITH_PATIENCE.format(3600.0))
"""The same command on a machine that is never too slow to do without a bar."""


class Done(NamedTuple):
    """What a command left: its exit code, and what it wrote, which is UTF-8."""

    code: int
    out: str
    err: str


def cachediff(
    *arguments: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = COMMAND,
) -> Done:
    """Run the command in `folder`; no error of any kind may show a traceback."""
    done = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=folder,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def succeeds(*arguments: str | Path, folder: Path, **options: Any) -> str:
    """What the command writes when all is well: exit code 0, nothing on standard error."""
    done = cachediff(*arguments, folder=folder, **options)
    assert (done.code, done.err) == (0, ""), done
    return done.out


def refuses(*arguments: str | Path, folder: Path, **options: Any) -> str:
    """What the command says when it cannot do its work: exit code 2, nothing on standard output."""
    done = cachediff(*arguments, folder=folder, **options)
    assert (done.code, done.out) == (2, ""), done
    assert done.err.strip()
    return done.err


def compared(*arguments: str | Path, folder: Path, **options: Any) -> dict[str, Any]:
    """The JSON of a comparison."""
    document: dict[str, Any] = json.loads(
        succeeds("compare", *arguments, "--format", "json", folder=folder, **options)
    )
    return document


def in_terminal(
    *arguments: str | Path,
    folder: Path,
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = WITHOUT_BARS,
    piped: bool = False,
) -> tuple[int, str, str]:
    """Exit code, what a terminal was shown, and what went into the pipe instead if `piped`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"TERM": "xterm", **(environment or {})},
        stdin=theirs,
        stdout=subprocess.PIPE if piped else theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = bytearray()
        with contextlib.suppress(OSError):  # the other end was closed
            while chunk := os.read(ours, 65536):
                shown += chunk
        written = process.stdout.read() if process.stdout else b""
    os.close(ours)
    return process.returncode, shown.decode(), written.decode()
