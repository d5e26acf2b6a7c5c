"""The floor: the least that a comparison has to do, and nothing beyond.

What differs is asked of `git diff-tree`, its blobs are got from one `git cat-file --batch`, and the
line of JSON that holds the specs is decoded into typed structs by msgspec, with the cyclic collector
paused. Nothing is checked, made canonical, paired or counted.

Run as a script, it is the floor of a whole command: `python benchmarks/floor.py REPOSITORY OLD NEW`.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec


class Record(msgspec.Struct, gc=False):
    """One record of `spec_details`, with everything that a comparison needs."""

    hash: str
    compiler: str | None
    versions: tuple[str, ...]
    os: str
    platform: str
    target: str
    variants: tuple[str, ...]
    stacks: tuple[str, ...]


_decode = msgspec.json.Decoder(list[Record]).decode
_DETAILS = b"\nspec_details: "


def read_overlapped(repository: Path, old: str, new: str) -> list[list[Record]]:
    """Decode each blob as it comes: git makes the next ones at the same time, on another processor."""
    ids = _differing_blobs(repository, old, new)
    with _collector_paused(), _request(ids) as request:
        command = ["git", "-C", str(repository), "cat-file", "--batch"]
        with subprocess.Popen(command, stdin=request, stdout=subprocess.PIPE) as git:
            assert git.stdout is not None
            return [records_of(_next_blob(git.stdout)) for _ in ids]


def read_in_turn(repository: Path, old: str, new: str) -> list[list[Record]]:
    """Let git end first, and decode then: the sum of both."""
    ids = _differing_blobs(repository, old, new)
    with _collector_paused(), _request(ids) as request, tempfile.TemporaryFile() as answers:
        command = ["git", "-C", str(repository), "cat-file", "--batch"]
        subprocess.run(command, stdin=request, stdout=answers, check=True)
        answers.seek(0)
        return [records_of(_next_blob(answers)) for _ in ids]


def decode_all(repository: Path) -> int:
    """Decode every manifest of the whole history, each distinct one once; how many there are."""
    listing = ["git", "-C", str(repository), "rev-list", "--objects", "--all"]
    objects = subprocess.run(listing, capture_output=True, check=True, text=True).stdout
    ids = [line[:40] for line in objects.splitlines() if line.endswith("/specs.md")]
    with _collector_paused(), _request(ids) as request:
        command = ["git", "-C", str(repository), "cat-file", "--batch"]
        with subprocess.Popen(command, stdin=request, stdout=subprocess.PIPE) as git:
            assert git.stdout is not None
            for _ in ids:
                records_of(_next_blob(git.stdout))
    return len(ids)


def records_of(blob: bytes) -> list[Record]:
    """The specs that a manifest lists."""
    start = blob.index(_DETAILS) + len(_DETAILS)
    return _decode(blob[start : blob.index(b"\n", start)])


def _differing_blobs(repository: Path, old: str, new: str) -> list[str]:
    trees = [f"{side}:_cache/develop" for side in (old, new)]
    command = ["git", "-C", str(repository), "diff-tree", "-r", "--no-abbrev", *trees]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    # ":100644 100644 <old id> <new id> M\t<path>"; an id of zeros where there is no file.
    ids = [id_ for line in listed.splitlines() for id_ in line.split(" ")[2:4]]
    return [id_ for id_ in ids if id_.strip("0")]


@contextmanager
def _request(ids: list[str]) -> Iterator[IO[bytes]]:
    """Ids as standard input. A file, so that nobody waits for anybody."""
    with tempfile.TemporaryFile() as file:
        file.write("".join(f"{id_}\n" for id_ in ids).encode())
        file.seek(0)
        yield file


def _next_blob(answers: IO[bytes]) -> bytes:
    size = int(answers.readline().rpartition(b" ")[2])
    return answers.read(size + 1)


@contextmanager
def _collector_paused() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


if __name__ == "__main__":
    read_overlapped(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
