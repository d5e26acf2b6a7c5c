"""A backfill that is killed again and again, for the tests and for `python -m benchmarks.soak`."""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from cachediff.demo import Night, upstream_history
from cachediff.sources import import_history
from cachediff.store import SnapshotStore
from commands import COMMAND, succeeds

NIGHTS = 110
"""Of the generated upstream: three chunks."""


def generated(path: Path) -> Path:
    """An upstream of which so little changes in a night that nearly all snapshots are steps."""
    nights = [Night(f"night-{number}", 3) for number in range(1, NIGHTS)]
    import_history(path, upstream_history(40, 800, seed=7, nights=nights))
    return path


def past_of(upstream: Path, jobs: int) -> list[str]:
    """The command that takes in all of the generated upstream."""
    return [*COMMAND, *_past(upstream, jobs)]


def _past(upstream: Path, jobs: int) -> list[str]:
    past = ["snapshot", "develop", "--since", "2025-04-20", "--jobs", str(jobs)]
    return [*past, "--repo", str(upstream)]


def undisturbed(upstream: Path, folder: Path) -> Path:
    """A folder with what one process makes of it."""
    environment = {"XDG_CACHE_HOME": str(folder / "home")}
    out = succeeds(*_past(upstream, 1), folder=folder, environment=environment)
    assert said(out) == (NIGHTS, 0)
    # With small worlds all could be stored whole, and nothing of what is tested would be.
    stored = SnapshotStore(folder / "snapshots").list().snapshots
    assert sum(one.depth > 0 for one in stored) > 0.9 * NIGHTS
    return folder


def stored_files(folder: Path) -> dict[str, bytes]:
    """Everything in the folders of sources, by path; leftovers of what was killed are none of it."""
    store = folder / "snapshots"
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in sorted(store.glob("*/*/*"))
        if not path.match(".*.tmp")
    }


def said(out: str) -> tuple[int, int]:
    """Snapshots that were taken, and that were there."""
    match = re.search(r"^([\d,]+) snapshots? taken, ([\d,]+) were there, in ", out, re.MULTILINE)
    assert match, out
    return int(match[1]), int(match[2])


def kill_at_random(times: int, upstream: Path, unkilled: Path, folder: Path, seed: int) -> None:
    """Kill a backfill so many times, at any point, and let it end then: no file differs.

    It begins anew where all was stored before it was killed often enough.
    """
    rng = random.Random(seed)
    expected = stored_files(unkilled)
    begun = time.monotonic()
    subprocess.run(past_of(upstream, 2), cwd=folder, check=True, capture_output=True)
    length = time.monotonic() - begun
    shutil.rmtree(folder / "snapshots")
    killed = 0
    for number in itertools.count():
        command = past_of(upstream, rng.choice((1, 2)))
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with process:
            if killed == times:
                _, err = process.communicate(timeout=120)
                assert (process.returncode, err) == (0, b"")
                break
            try:
                process.wait(timeout=length * rng.uniform(0.25, 0.85))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if stored_files(folder) != expected:
                    killed += 1
                    continue
            assert stored_files(folder) == expected, f"attempt {number}"
            shutil.rmtree(folder / "snapshots")
    assert stored_files(folder) == expected
