"""Runs that are killed, on disks that fail: nothing is ever wrong, and the next run completes it.

This is a sample. `make soak` does it at every call that there is: see docs/reliability.md.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from faults import NEEDED, Do, Fault, build_shim, can_fault
from faults_world import World, world

with_faults = pytest.mark.skipif(not can_fault(), reason=NEEDED)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("watched")
    with world(base, build_shim(base) if can_fault() else None) as one:
        yield one


def survive_each(watched: World, dos: tuple[Do, Do], step: int) -> set[int]:
    """Both kinds of fault in turns, at every `step`-th call; the exit codes of the disturbed runs."""
    watched.begin()
    watched.check(watched.run())
    assert watched.counted
    calls = watched.counted.calls
    assert calls > 200
    codes = set()
    for turn, at in enumerate(range(step // 2, calls, step)):
        codes.add(watched.survive(Fault(at, dos[turn % 2])).code)
    return codes


@with_faults
def test_killed_before_or_after_any_call(watched: World) -> None:
    assert survive_each(watched, ("before", "after"), 45) == {-9}


@with_faults
def test_any_call_fails(watched: World) -> None:
    codes = survive_each(watched, ("eio", "full"), 60)
    assert 2 in codes
    assert codes <= {1, 2}  # 1: it could do without, such as what it remembers of manifests


def test_killed_at_any_moment(watched: World) -> None:
    watched.begin()
    began = time.monotonic()
    watched.check(watched.run())
    length = time.monotonic() - began
    random = Random(4)
    for part in range(4):
        watched.survive_kill(length * (part + random.random()) / 4, alone=part % 2 == 0)


def test_of_many_runs_at_once_one_does_the_work_and_the_others_say_so(watched: World) -> None:
    one, *others = sorted(watched.crowd(20), key=lambda ran: -ran.code)
    assert one.code == 1
    assert one.said.count(": filed in ") == 2
    for other in others:
        assert other.code == 0
        who = r"process \d+ on \S+, since 2025-01-03 18:00:00 UTC"
        assert re.fullmatch(rf"another run is at work, and nothing was done: {who}\n", other.said)
    watched.undisturbed.check_complete(watched.left)


def test_what_is_wrong_is_seen(watched: World) -> None:
    """The checks that all of this relies on can fail."""
    watched.begin()
    done = watched.run()
    watched.check(done)
    undone = done._replace(code=2)
    folder = watched.folder

    def damaged(path: Path, match: str) -> None:
        content = path.read_bytes()
        path.write_bytes(content[:-1])
        with pytest.raises(AssertionError, match=match):
            watched.check(undone)
        path.write_bytes(content)

    damaged(max(folder.glob("snapshots/cache/develop/*.parquet")), "differs")
    damaged(folder / "reports/nightly/2025-01-02/report.eml", "differs")
    (folder / "reports/nightly/2025-01-02").rename(folder / "away")
    with pytest.raises(AssertionError, match="2025-01-02: no report"):
        watched.check(undone)
    (folder / "away").rename(folder / "reports/nightly/2025-01-02")
    (folder / "reports/nightly/2025-01-03/report.md").unlink()
    with pytest.raises(AssertionError, match="is not whole"):
        watched.check(undone)
    watched.begin()
    watched.run()
    watched.chat.posts.append(watched.chat.posts[0].replace(b"rebuilt", b"removed"))
    with pytest.raises(AssertionError, match="got something else"):
        watched.check(undone)
    watched.chat.posts.clear()
    with pytest.raises(AssertionError, match="not all is delivered"):
        watched.check(done)
    watched.begin()
    with pytest.raises(AssertionError):
        watched.check(done)  # it says that it did what it did not
    watched.check(undone)
