"""git where it talks to an upstream, which may be slow, go away, or never answer."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cachediff.errors import SourceError
from cachediff.sources.git import HERE, ONLINE, GitFailedError, Progress, process, run, said, stream

_NEVER_FOR_EVER = ["-c", "http.lowSpeedLimit=20", "-c", "http.lowSpeedTime=120"]
"""An upstream that sends less, in bytes a second for so many seconds, has hung up. One that is at work
tells how far it is, in more than that. Whoever knows better sets GIT_HTTP_LOW_SPEED_LIMIT and _TIME."""
_SSH_COMMAND = (
    "ssh -o BatchMode=yes -o ConnectTimeout=60 -o ServerAliveInterval=30 -o ServerAliveCountMax=4"
)
"""The same by ssh, which asks nobody for a password; unless git's settings have a command of their own."""
_PROGRESS = re.compile(rb"(?:remote: )?([A-Z][a-z]+ [a-z]+):\s+\d+% \((\d+)/(\d+)\)")
_NOT_UPSTREAM = re.compile(
    r"transport '.*' not allowed|No space left on device|Disk quota exceeded|Read-only file system"
    r"|Unable to create|not our ref"
)
"""What is no matter of reaching the upstream. The last says that it threw away what is asked for."""


class NotReachedError(SourceError):
    """An upstream that was not reached, or went away before all was fetched; it may be back later."""


def follow(
    folder: Path,
    arguments: Sequence[str],
    progress: Progress | None,
    stdin: Iterable[str] | None = None,
    environment: dict[str, str] = ONLINE | HERE,
) -> None:
    """Have git talk to an upstream, and tell `progress` how far it is.

    Raises:
        NotReachedError: the upstream was not reached, or went away.
        SourceError, GitFailedError: as for `run`; or upstream has no more what is asked for.
    """
    try:
        settings = [*_NEVER_FOR_EVER, *_ssh(folder, environment)]
        _follow(folder, [*settings, *arguments], progress, stdin, environment)
    except GitFailedError as error:
        if _NOT_UPSTREAM.search(error.words):
            raise
        raise NotReachedError(error.message) from error


def _ssh(folder: Path, environment: dict[str, str]) -> list[str]:
    """Settings for upstreams by ssh. GIT_SSH_COMMAND, which users may set, is stronger in any case."""
    key = "core.sshCommand"
    theirs = run(folder, ["config", "--default", "", "--get", key], environment=environment)
    return [] if theirs.strip() else ["-c", f"{key}={_SSH_COMMAND}"]


def _follow(
    folder: Path,
    arguments: Sequence[str],
    progress: Progress | None,
    stdin: Iterable[str] | None,
    environment: dict[str, str],
) -> None:
    told: list[bytes] = []
    with (
        said(stdin) as file,
        process(folder, arguments, file, environment, told) as running,
    ):
        rest = b""
        while chunk := os.read(stream(running.stderr).fileno(), 1 << 16):
            *parts, rest = re.split(rb"[\r\n]", rest + chunk)
            for part in parts:
                if not (match := _PROGRESS.match(part)):
                    told.append(part)
                elif progress:
                    progress(match[1].decode(), int(match[2]), int(match[3]))
        told.append(rest)
