"""Other ways to compare the same specs, once they are extracted to JSON: csv-diff and DeepDiff.

Extracting them is a gift: its time is not counted.
"""

from __future__ import annotations

import io
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.floor import records_of
from benchmarks.upstream import Sides, Upstream

_DEEPDIFF = Path(__file__).with_name("deepdiff_files.py")


def console_command(name: str) -> Path | None:
    """A command of this Python's environment, None where it is not installed."""
    path = Path(sysconfig.get_path("scripts"), name)
    return path if path.exists() else None


def csv_diff(upstream: Upstream, sides: Sides, *options: str) -> list[str | Path] | None:
    """The command that compares the two lists of specs with csv-diff, None where there is none."""
    program = console_command("csv-diff")
    if program is None:
        return None
    files = [_extracted(upstream, tag, keyed=False) for tag in (sides.old, sides.new)]
    return [program, *files, "--format=json", "--key=hash", *options]


def deep_diff(upstream: Upstream, sides: Sides) -> list[str | Path]:
    """The command that compares the two dictionaries of specs, by hash, with DeepDiff."""
    files = [_extracted(upstream, tag, keyed=True) for tag in (sides.old, sides.new)]
    return [sys.executable, _DEEPDIFF, *files]


def _extracted(upstream: Upstream, tag: str, *, keyed: bool) -> Path:
    """The specs of one commit as JSON: a list, or a dictionary by hash; made unless it is there."""
    path = upstream.folder / f"{tag}-{'by-hash' if keyed else 'list'}.json"
    if not path.exists():
        specs = list(_flat_specs(upstream.repository, tag))
        content: Any = {spec["hash"]: spec for spec in specs} if keyed else specs
        new = path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(content))
        new.rename(path)
    return path


def _flat_specs(repository: Path, tag: str) -> Iterator[dict[str, str | None]]:
    """Specs with plain values only: csv-diff takes no lists, and DeepDiff is faster without them."""
    command = ["git", "-C", str(repository), "archive", "--format=tar", f"{tag}:_cache/develop"]

    archive = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            file = files.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            for record in records_of(file.read()):
                yield {
                    "hash": record.hash,
                    "package": member.name.partition("/")[0],
                    "version": record.versions[0],
                    "compiler": record.compiler,
                    "platform": record.platform,
                    "os": record.os,
                    "target": record.target,
                    "variants": " ".join(record.variants),
                    "stacks": " ".join(record.stacks),
                }
