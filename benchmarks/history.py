"""`python -m benchmarks.history`: taking in the past, asking it, and what it takes on disk."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.floor import decode_all
from benchmarks.measuring import in_turn, seconds_or_none
from benchmarks.rivals import console_command
from benchmarks.table import HEADER, Row, as_seconds, ratio_row
from benchmarks.upstream import SPECS, History, history_of
from cachediff.config import find_settings
from cachediff.jobs.backfill import backfill
from cachediff.jobs.snapshot import take
from cachediff.model.span import Span
from cachediff.queries import Catalogue

_KEPT = Path(__file__).parent.parent / ".benchmarks"
_NIGHTS = 200
_REVISIONS = 3
"""Revisions that git-history is given: it takes minutes for each."""
_PATIENCE = 900.0
_CACHEDIFF = (sys.executable, "-m", "cachediff")


def main() -> None:
    """Measure on two histories: one manifest in ten changes a night, and one in fifty."""
    parser = argparse.ArgumentParser("python -m benchmarks.history", description=main.__doc__)
    parser.add_argument("--nights", type=int, default=_NIGHTS)
    parser.add_argument("--size", type=int, default=SPECS, help="specs of the upstream")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=_KEPT, help="where upstreams are kept")
    asked = parser.parse_args()
    os.environ["XDG_CACHE_HOME"] = str(asked.folder.resolve() / "cache")
    print(HEADER, flush=True)
    for one_in in (10, 50):
        history = history_of(asked.size, one_in, asked.nights, asked.folder.resolve())
        for row in measure(history, asked.runs):
            print(row, flush=True)


def measure(history: History, runs: int) -> Iterator[Row]:
    """Everything that is measured on one history."""
    what = f"1 in {history.one_in}"
    with tempfile.TemporaryDirectory(dir=history.folder) as folder:
        world = Path(folder)
        yield from _one_night(history, world, runs, what)
        yield from _backfill(history, world, runs, what)
        yield from _questions(world / "1", history, runs, what)
        yield from _disk(world / "1", history, what)
        yield from _git_history(history, world, what)


def _one_night(history: History, world: Path, runs: int, what: str) -> Iterator[Row]:
    """A snapshot on the one of the night before, beside a whole one of the same commit."""

    def taken(folder: Path, *names: str) -> float:
        settings = find_settings(folder, repo=str(history.repository))
        with closing(Catalogue(settings, world / "cache")) as catalogue:
            for name in names:
                opened = catalogue.open(name, folder)
                start = time.perf_counter()
                take(catalogue, opened)
                seconds = time.perf_counter() - start
        return seconds

    steps: list[float] = []
    wholes: list[float] = []
    for number in range(runs + 1):
        for seconds, names in (
            (steps, ("develop@night-1", "develop@night-2")),
            (wholes, ("develop@night-2",)),
        ):
            folder = world / f"{len(names)}-{number}"
            folder.mkdir()
            seconds.append(taken(folder, *names))
    del steps[0], wholes[0]  # which also loaded what both need
    yield ratio_row(f"{what}: a night's snapshot", steps, "a whole one of it", wholes, 0.2)


def _backfill(history: History, world: Path, runs: int, what: str) -> Iterator[Row]:
    """All nights, beside git and the decoding of every distinct blob; and in two processes."""

    def backfilled(jobs: int) -> None:
        folder = world / str(jobs)
        shutil.rmtree(folder, ignore_errors=True)
        _backfill_into(_fresh(folder), history, jobs)

    busy: dict[str, list[float]] = {"floor": [], "one": []}

    def noted(name: str, action: Callable[[], object]) -> None:
        before = _processor_seconds()
        action()
        busy[name].append(_processor_seconds() - before)

    seconds = in_turn(
        {
            "floor": lambda: noted("floor", lambda: decode_all(history.repository)),
            "one": lambda: noted("one", lambda: backfilled(1)),
            "two": lambda: backfilled(2),
        },
        runs,
    )
    one, two = seconds["one"], seconds["two"]
    floor = "git + msgspec, every blob"
    yield ratio_row(f"{what}: backfill", one, floor, seconds["floor"], 2.5)
    yield ratio_row(f"{what}: backfill, of processors", busy["one"], floor, busy["floor"], 2.5)
    yield ratio_row(f"{what}: backfill, --jobs 2", two, "--jobs 1", one, 1 / 1.7)


def _processor_seconds() -> float:
    """Of this process and of those that it began and that have ended."""
    return sum(os.times()[:4])


def _git_history(history: History, world: Path, what: str) -> Iterator[Row]:
    """The same specs as one JSON file, a few revisions of it."""
    if (git_history := console_command("git-history")) is None:
        yield Row(f"{what}: git-history", "", "it is not installed")
        return
    repository = world / "json"
    specs_as_json(history, repository, _REVISIONS)
    database = str(world / "history.db")
    arguments = ["file", database, str(repository / "specs.json"), "--repo", str(repository)]
    taken = seconds_or_none(
        [git_history, *arguments, "--id", "hash", "--branch", "main"], _PATIENCE
    )
    start = time.perf_counter()
    _backfill_into(_fresh(world / "beside"), history, 1)
    ours = (time.perf_counter() - start) / (history.nights + 1)
    theirs = (_PATIENCE if taken is None else taken) / _REVISIONS
    more = "" if taken is not None else ", ended then"
    yield Row(
        f"{what}: git-history, a revision",
        as_seconds(theirs) + more,
        "backfill, a revision",
        as_seconds(ours),
        f"{theirs / ours:.0f}",
        figure=ours / theirs,
        limit=1 / 200,
    )


def specs_as_json(history: History, repository: Path, revisions: int) -> None:
    """A repository in which `specs.json` has all specs of `develop`, a commit for each night."""
    import cachediff

    repository.mkdir()
    git = ["git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for night in range(1, revisions + 1):
        snapshot = cachediff.open_snapshot(f"develop@night-{night}", repo=str(history.repository))
        specs = [msgspec.to_builtins(spec, enc_hook=str) for spec in snapshot.specs()]
        (repository / "specs.json").write_text(json.dumps(specs))
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", f"night {night}"], check=True)


def _questions(folder: Path, history: History, runs: int, what: str) -> Iterator[Row]:
    """`log` of a package and of a hash, beside the start of the command."""
    package, hash_ = _something(folder)
    start = time.perf_counter()
    subprocess.run([*_CACHEDIFF, "reindex"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    taken = (time.perf_counter() - start) / (history.nights + 1)
    yield Row(f"{what}: index, a night", as_seconds(taken))

    # As it is once it is installed, whatever this shell says of compiled files.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def asked(*arguments: str) -> None:
        command = [*_CACHEDIFF, *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)

    seconds = in_turn(
        {
            "start": lambda: asked("--help"),
            "package": lambda: asked("log", package),
            "hash": lambda: asked("log", hash_[:10]),
        },
        max(runs, 5),
    )
    for name in ("package", "hash"):
        yield ratio_row(
            f"{what}: log {name.upper()}", seconds[name], "cachediff --help", seconds["start"], 2
        )


def _something(folder: Path) -> tuple[str, str]:
    """A package, and a hash, of the newest snapshot that is stored in `folder`."""
    from cachediff.store import SnapshotStore

    store = SnapshotStore(folder / "snapshots")
    newest = store.list().snapshots[-1]
    hash_, package = store.open(newest).listed()[-1]
    return package, hash_


def _disk(folder: Path, history: History, what: str) -> Iterator[Row]:
    """Bytes of the snapshots and of the index."""
    snapshots = sum(path.stat().st_size for path in folder.glob("snapshots/*/*/*"))
    index = sum(path.stat().st_size for path in folder.glob("**/index.sqlite*"))
    packed = sum(path.stat().st_size for path in history.repository.glob("objects/pack/*.pack"))
    for name, size, beside, other, limit in (
        ("snapshots", snapshots, "upstream, packed", packed, 1 / 3),
        ("index", index, "snapshots", snapshots, 0.1),
    ):
        yield Row(
            f"{what}: {name} on disk",
            f"{size / 1e6:.1f} MB",
            beside,
            f"{other / 1e6:.1f} MB",
            f"{size / other:.2f}",
            figure=size / other,
            limit=round(limit, 2),
        )


def _backfill_into(folder: Path, history: History, jobs: int) -> None:
    """Store all nights; the index is no part of it."""
    settings = find_settings(folder, repo=str(history.repository))
    with closing(Catalogue(settings, folder / "cache")) as names:
        done = backfill(names, ["develop"], folder, Span(), datetime.now(UTC), jobs=jobs)
    assert not done.problems


def _fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
