"""The past, taken in: which commits, how often killed, by whom; and the same bytes in the end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import cachediff
from cachediff.config import find_settings
from cachediff.demo.commits import Commit, fast_import
from cachediff.jobs.behind import Behind
from cachediff.jobs.chunks import LENGTH, chunks_of
from cachediff.jobs.locking import sole_run
from cachediff.model.snapshot import Origin
from cachediff.model.span import Every, Span
from cachediff.queries import Catalogue, load
from cachediff.queries.opened import StoredSnapshot
from cachediff.sources import import_history
from cachediff.store import SnapshotStore
from cachediff.store.shelf import LocalShelf
from commands import AT_ONCE, COMMAND, Done, in_terminal, refuses, succeeds
from commands import cachediff as command
from conftest import MakeRepository
from faults_backfill import (
    NIGHTS,
    generated,
    kill_at_random,
    past_of,
    said,
    stored_files,
    undisturbed,
)
from pages import page, record
from repositories import Content, add_commits, git

STOPPED = "stopped: what is stored stays, and the same command goes on from there"
PAST = ("snapshot", "develop", "--since", "2020-01-01")


def stored_commits(folder: Path, collection: str = "develop") -> list[str]:
    """The commits that are stored, oldest first."""
    listing = SnapshotStore(folder / "snapshots").list(None, collection)
    assert not listing.damaged
    return [one.commit for one in listing.snapshots]


def subjects(folder: Path, collection: str = "develop") -> list[str]:
    """What the stored commits are called."""
    return [
        git(folder, "log", "-1", "--format=%s", each) for each in stored_commits(folder, collection)
    ]


def stored_as_in_git(folder: Path, repo: Path) -> int:
    """How many snapshots are stored; each of them as it is when it is read from git as a whole."""
    names = Catalogue(find_settings(folder, None, str(repo)), folder / "cache")
    with contextlib.closing(names):
        listing = SnapshotStore(folder / "snapshots").list()
        for one in listing.snapshots:
            there = load(StoredSnapshot(names.store.open(one)))
            assert there == load(names.open(f"{one.collection}@{one.commit}", folder))
    return len(listing.snapshots)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generated(tmp_path_factory.mktemp("upstream") / "cache.git")


@pytest.fixture(scope="module")
def unkilled(upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of it, undisturbed."""
    return undisturbed(upstream, tmp_path_factory.mktemp("unkilled"))


class Start:
    """Starts commands in sessions of their own."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, *arguments: str | Path, folder: Path) -> subprocess.Popen[bytes]:
        self.processes.append(
            subprocess.Popen(
                [*map(str, arguments)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        )
        return self.processes[-1]


@pytest.fixture
def started() -> Iterator[Start]:
    """Nothing is left in the end of what a test starts by this."""
    start = Start()
    yield start
    for process in start.processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until_stored(folder: Path, number: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many receipts are there."""
    while len(list((folder / "snapshots").glob("*/*/*.json"))) < number:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def children(pid: int) -> list[int]:
    """The processes that a process has started: Python's workers, without their resource tracker."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            line = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"spawn_main" in line:
                found.append(child)
    return found


def gone(pids: Sequence[int]) -> bool:
    """Whether none of these processes is there any more, after some seconds at most."""
    for _ in range(500):
        if not any(_runs(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def manifest(*seeds: str, package: str = "hdf5", collection: str = "develop") -> str:
    return page([record(seed) for seed in seeds], package, collection)


class TestWhichCommits:
    def test_those_that_changed_the_collection(self, make_repository: MakeRepository) -> None:
        folder = make_repository(
            [
                {"_cache/develop/hdf5/specs.md": manifest("1")},
                {"README.md": "nothing"},
                {"_cache/v1/hdf5/specs.md": manifest("1", collection="v1")},
                {"_cache/develop/zlib/specs.md": manifest("z", package="zlib")},
                {"_cache/develop/zlib": None, "_cache/develop/broken/specs.md": "---\n"},
                {"_cache/develop/hdf5/specs.md": manifest("1", "2")},
            ]
        )
        out = succeeds(*PAST[:2], "--since", "2025-01-01", folder=folder)
        assert said(out) == (4, 0)
        assert out.startswith("develop  2025-01-01T12:00:00Z to 2025-01-06T12:00:00Z: 4 taken, 0")
        assert subjects(folder) == ["commit 0", "commit 3", "commit 4", "commit 5"]
        assert stored_as_in_git(folder, folder) == 4
        assert "4 whole, 0 with" in succeeds("verify", folder=folder)

    def test_merges_are_one_commit_each(self, make_repository: MakeRepository) -> None:
        folder = make_repository([{"_cache/develop/hdf5/specs.md": manifest("1")}])
        git(folder, "config", "user.name", "Test")
        git(folder, "config", "user.email", "test@cache.example")
        git(folder, "checkout", "--quiet", "-b", "side")
        for seed in ("2", "3"):
            (folder / "_cache/develop/hdf5/specs.md").write_text(manifest(seed))
            git(folder, "commit", "--quiet", "-am", f"side {seed}")
        git(folder, "checkout", "--quiet", "main")
        git(folder, "merge", "--quiet", "--no-ff", "-m", "merged", "side")
        succeeds(*PAST[:2], "--since", "2025-01-01", folder=folder)
        assert subjects(folder) == ["commit 0", "merged"]

    @pytest.fixture
    def several_a_day(self, tmp_path: Path) -> Path:
        """Changes at 6, 12 and 18 o'clock on ten days from Friday, 2025-01-03 on."""
        start = datetime(2025, 1, 3, tzinfo=UTC)
        commits = [
            Commit(
                start + timedelta(days=day, hours=hour),
                [("_cache/develop/hdf5/specs.md", manifest(f"{day}-{hour}").encode())],
                f"day-{day}-{hour}",
            )
            for day in range(10)
            for hour in (6, 12, 18)
        ]
        import_history(tmp_path / "several.git", fast_import(commits))
        return tmp_path / "several.git"

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["--every", "day"], [f"day-{day}-18" for day in range(10)]),
            (["--every", "week"], ["day-2-18", "day-9-18"]),
            (["--every", "day", "--until", "2025-01-04"], ["day-0-18", "day-1-18"]),
            (["--until", "2025-01-03 12:00"], ["day-0-6", "day-0-12"]),
            (["--every", "day", "--until", "2025-01-04 12:00"], ["day-0-18", "day-1-12"]),
            (["--every", "week", "--until", "2025-01-04"], ["day-1-18"]),
            (
                ["--since", "2025-01-11", "--until", "2025-01-11"],
                ["day-8-6", "day-8-12", "day-8-18"],
            ),
            (["--since", "2025-01-12T12:00Z"], ["day-9-12", "day-9-18"]),
            (["--since", "2025-01-12T13:00+01:00"], ["day-9-12", "day-9-18"]),
            (["--since", "2030-01-01"], []),
        ],
    )
    def test_every_and_until(
        self, several_a_day: Path, tmp_path: Path, arguments: list[str], expected: list[str]
    ) -> None:
        past = ("snapshot", "develop", "--repo", several_a_day, "--since", "2025-01-03")
        out = succeeds(*past, *arguments, folder=tmp_path)
        assert said(out) == (len(expected), 0)
        tags = [git(several_a_day, "tag", "--points-at", one) for one in stored_commits(tmp_path)]
        assert tags == expected

    def test_all_collections_that_ever_were(self, make_repository: MakeRepository) -> None:
        folder = make_repository(
            [
                {"_cache/develop/hdf5/specs.md": manifest("1")},
                {"_cache/v1/hdf5/specs.md": manifest("1", collection="v1")},
                {"_cache/v1": None, "_cache/v2/hdf5/specs.md": manifest("2", collection="v2")},
                {"_cache/develop/hdf5/specs.md": manifest("2")},
                # It comes back as it was: that is stored.
                {"_cache/v1/hdf5/specs.md": manifest("1", collection="v1")},
                {"_cache/v1/hdf5/specs.md": manifest("3", collection="v1")},
            ]
        )
        past = ("snapshot", "--since", "2025-01-01")
        out = succeeds(*past, "--all-collections", folder=folder)
        assert said(out) == (5, 0)
        assert [line.split()[0] for line in out.splitlines()[:-1]] == ["develop", "v1", "v2"]
        assert subjects(folder, "v1") == ["commit 1", "commit 5"]
        assert subjects(folder, "v2") == ["commit 2"]
        assert said(succeeds(*past, "v*", "develop", "v1", folder=folder)) == (0, 5)
        assert stored_as_in_git(folder, folder) == 5

    def test_packages_without_a_collection(self, make_repository: MakeRepository) -> None:
        """As in 2021; a package that has lost its page belongs to them."""
        folder = make_repository(
            [
                {f"_cache/{name}/specs.md": manifest(name, package=name) for name in ("a", "b")},
                {"_cache/a/specs.md": None, "_cache/a/README.md": "lost"},
                {"_cache/b/specs.md": manifest("b2", package="b")},
                {"_cache": None, "_cache/develop/b/specs.md": manifest("b3", package="b")},
            ]
        )
        out = succeeds("snapshot", "--since", "2025-01-01", "--all-collections", folder=folder)
        assert said(out) == (4, 0)
        assert subjects(folder, "default") == ["commit 0", "commit 1", "commit 2"]
        assert subjects(folder, "develop") == ["commit 3"]
        assert stored_as_in_git(folder, folder) == 4

    def test_a_rewritten_history_adds_to_what_is_stored(
        self, make_repository: MakeRepository
    ) -> None:
        pages = [{"_cache/develop/hdf5/specs.md": manifest(str(n))} for n in range(4)]
        folder = make_repository(pages)
        succeeds(*PAST[:2], "--since", "2025-01-01", folder=folder)
        before = stored_files(folder)
        git(folder, "reset", "--quiet", "--hard", "HEAD~2")
        other: dict[str, Content] = {"_cache/develop/hdf5/specs.md": manifest("another")}
        # Commit 2 anew, with the same tree a day later, and then something else.
        add_commits(folder, [{**pages[2], "README.md": "rewritten"}, other], start=3)
        done = command(*PAST[:2], "--since", "2025-01-01", folder=folder)
        assert said(done.out) == (2, 2)
        assert "2 snapshots of repository0:develop taken of a history that upstream" in done.err
        assert before.items() <= stored_files(folder).items()
        assert len(stored_commits(folder)) == 6
        assert "6 whole, 0 with" in succeeds("verify", folder=folder)


class TestPlan:
    def origins(self, trees: Sequence[int]) -> list[Origin]:
        start = datetime(2025, 1, 1, tzinfo=UTC)
        return [
            Origin(
                "cache",
                "develop",
                f"{number:040x}",
                f"{start + timedelta(hours=7 * number):%Y-%m-%dT%H:%M:%SZ}",
                f"{tree:040x}",
            )
            for number, tree in enumerate(trees)
        ]

    @pytest.mark.parametrize("every", list(Every))
    def test_a_chunk_is_the_same_whatever_was_asked_for(self, every: Every) -> None:
        """Later commits, and an earlier or later beginning, cut off ends of chunks and no more."""
        changes = self.origins(range(2_000))
        whole, _ = chunks_of(changes, Span(every=every), [])
        assert {len(chunk.origins) for chunk in whole[:-1]} == {LENGTH}
        for number in (1, 31, 33, 700):
            since = str(changes[number].committed_at)[:10]
            some, _ = chunks_of(changes, Span(since=since, every=every), [])
            assert some[1:] == whole[len(whole) - len(some) + 1 :]
            assert whole[len(whole) - len(some)].origins[-len(some[0].origins) :] == some[0].origins
            fewer, _ = chunks_of(changes[:-number], Span(every=every), [])
            assert fewer[:-1] == whole[: len(fewer) - 1]

    def test_what_did_not_change_since_the_period_before(self) -> None:
        changes = self.origins([1, 2, 3, 1, 4, 1, 5, 1, 5])
        chunks, unchanged = chunks_of(changes, Span(every=Every.DAY), [])
        # By day: 1 2 3 1 | 4 1 5 | 1 5
        trees = [str(origin.tree)[-1] for chunk in chunks for origin in chunk.origins]
        assert (trees, unchanged) == (["1", "5"], [])


def test_one_run_at_a_time(make_repository: MakeRepository) -> None:
    folder = make_repository([{"_cache/develop/hdf5/specs.md": manifest("1")}])
    past = ("snapshot", "develop", "--since", "2025-01-01")
    with sole_run(folder / "snapshots", datetime(2025, 6, 1, tzinfo=UTC)):
        error = refuses(*past, folder=folder)
    assert f"another run is at work: process {os.getpid()}" in error
    assert said(succeeds(*past, folder=folder)) == (1, 0)


class TestBehind:
    def test_nothing_is_written_after_what_could_not_be(self, tmp_path: Path) -> None:
        """Or there would be receipts without a file."""
        shelf = Behind(LocalShelf(tmp_path))
        (tmp_path / "in-the-way").write_text("")
        names = ["a", "in-the-way/b", *map(str, range(10))]
        for name in names:
            with contextlib.suppress(OSError):
                shelf.write(tmp_path / name, b"content")
        with pytest.raises(OSError, match="in-the-way"):
            shelf.finish()
        assert {path.name for path in tmp_path.iterdir()} == {"a", "in-the-way"}
        shelf.write(tmp_path / "c", b"content")
        assert [path.name for path in shelf.files(tmp_path)] == ["a", "c", "in-the-way"]
        shelf.close()


class TestInterrupted:
    def test_what_is_there_is_left(self, upstream: Path, unkilled: Path, tmp_path: Path) -> None:
        folder = tmp_path / "copy"
        shutil.copytree(unkilled, folder)
        times = {path: path.stat().st_mtime_ns for path in folder.glob("snapshots/*/*/*")}
        past = ("snapshot", "develop", "--since", "2025-04-20", "--repo", upstream)
        assert said(succeeds(*past, folder=folder)) == (0, NIGHTS)
        assert {path: path.stat().st_mtime_ns for path in folder.glob("snapshots/*/*/*")} == times

    def test_all_is_as_it_is_in_git(self, upstream: Path, unkilled: Path) -> None:
        assert stored_as_in_git(unkilled, upstream) == NIGHTS

    @pytest.mark.parametrize(
        "lost", [[0], [1], [40, 41], [LENGTH - 1, LENGTH, LENGTH + 1, 74], [*range(5, 70)]]
    )
    def test_what_is_missing_is_written_again(
        self, upstream: Path, unkilled: Path, tmp_path: Path, lost: list[int]
    ) -> None:
        """Receipts and files, or only receipts: the same bytes come again."""
        folder = tmp_path / "copy"
        shutil.copytree(unkilled, folder)
        receipts = sorted(folder.glob("snapshots/*/*/*.json"))
        for number in lost:
            receipts[number].unlink()
            if number % 2:
                receipts[number].with_suffix(".parquet").unlink()
        past = ("snapshot", "develop", "--since", "2025-04-20", "--jobs", "1", "--repo", upstream)
        assert said(succeeds(*past, folder=folder)) == (len(lost), NIGHTS - len(lost))
        assert stored_files(folder) == stored_files(unkilled)

    @pytest.mark.parametrize("number", [0, 7, LENGTH, NIGHTS - 1])
    def test_what_is_damaged_is_written_again(
        self, upstream: Path, unkilled: Path, tmp_path: Path, number: int
    ) -> None:
        folder = tmp_path / "copy"
        shutil.copytree(unkilled, folder)
        file = sorted(folder.glob("snapshots/*/*/*.parquet"))[number]
        content = bytearray(file.read_bytes())
        content[100] ^= 1
        file.write_bytes(content)
        past = ("snapshot", "develop", "--since", "2025-04-20", "--repo", upstream)
        assert said(succeeds(*past, folder=folder)) == (1, NIGHTS - 1)
        assert stored_files(folder) == stored_files(unkilled)

    def test_what_is_damaged_is_written_on_what_it_was(
        self, upstream: Path, tmp_path: Path
    ) -> None:
        """Night by night no chunks are cut: it goes on what it was written on, whatever it is now."""
        whole = f"develop@night-{LENGTH - 2}"
        for name in (whole, *(f"develop@night-{LENGTH - 2 + more}" for more in (1, 2, 3, 4))):
            succeeds("snapshot", name, "--repo", upstream, folder=tmp_path)
        before = stored_files(tmp_path)
        assert [json.loads(each).get("bases") is None for each in list(before.values())[::2]] == [
            True, False, False, False, False,
        ]  # fmt: skip
        broken = sorted(tmp_path.glob("snapshots/*/*/*.parquet"))[2]
        broken.unlink()
        past = ("snapshot", "develop", "--since", "2025-04-20", "--repo", upstream)
        taken = succeeds(*past, folder=tmp_path)
        assert said(taken) == (NIGHTS - 4, 4)
        after = stored_files(tmp_path)
        assert {name: after[name] for name in before} == before
        assert "0 with problems" in succeeds("verify", folder=tmp_path)

    def test_what_is_to_be_gone_on_from_and_is_damaged(
        self, upstream: Path, unkilled: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "copy"
        shutil.copytree(unkilled, folder)
        files = sorted(folder.glob("snapshots/*/*/*.parquet"))
        for number in (39, 40):
            content = bytearray(files[number].read_bytes())
            content[len(content) // 2] ^= 1
            files[number].write_bytes(content)
        for path in files[41:]:
            path.unlink()
            path.with_suffix(".json").unlink()
        past = ("snapshot", "develop", "--since", "2025-04-20", "--jobs", "1", "--repo", upstream)
        succeeds(*past, folder=folder)
        assert stored_files(folder) == stored_files(unkilled)

    def test_killed_at_random(self, upstream: Path, unkilled: Path, tmp_path: Path) -> None:
        """A few times; `make soak` does it a hundred times."""
        kill_at_random(4, upstream, unkilled, tmp_path, seed=1)

    def test_a_worker_is_killed(
        self,
        upstream: Path,
        unkilled: Path,
        tmp_path: Path,
        started: Start,
    ) -> None:
        process = started(*past_of(upstream, 2), folder=tmp_path)
        until_stored(tmp_path, 5, process)
        workers = children(process.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, b"")
        assert said(out.decode()) == (NIGHTS, 0)
        assert stored_files(tmp_path) == stored_files(unkilled)

    @pytest.mark.parametrize("jobs", [1, 2])
    @pytest.mark.parametrize(
        ("number", "code"),
        [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)],
    )
    def test_workers_end_with_the_command(
        self, upstream: Path, tmp_path: Path, started: Start, jobs: int, number: int, code: int
    ) -> None:
        process = started(*past_of(upstream, jobs), folder=tmp_path)
        until_stored(tmp_path, 5, process)
        workers = children(process.pid)
        assert len(workers) == (0 if jobs == 1 else 2)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        assert process.wait(timeout=20) == code
        assert gone(workers)
        _, err = process.communicate()
        if number != signal.SIGKILL:  # of which Python's resource tracker tells
            assert err.decode() == f"{STOPPED}\n"
            assert not list((tmp_path / "snapshots").rglob(".*.tmp"))


class TestMirror:
    def test_files_are_fetched_in_bulk(
        self, upstream: Path, unkilled: Path, tmp_path: Path
    ) -> None:
        git(upstream, "config", "uploadpack.allowFilter", "true")
        git(upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
        past = ("snapshot", "develop", "--since", "2025-04-20", "--repo", f"file://{upstream}")
        assert said(succeeds(*past, "--jobs", "2", folder=tmp_path)) == (NIGHTS, 0)
        assert stored_files(tmp_path) == stored_files(unkilled)
        (mirror,) = (Path(os.environ["XDG_CACHE_HOME"]) / "cachediff" / "mirrors").glob("*.git")
        # One pack of all commits and trees, and one for each of the chunks.
        assert len(list((mirror / "objects" / "pack").glob("*.pack"))) == 1 + -(-NIGHTS // LENGTH)


class TestMissing:
    NIGHTS = tuple(
        {"_cache/develop/hdf5/specs.md": manifest(f"{number}"), f"_cache/v{number}/a/specs.md": ""}
        for number in range(5)
    )

    def test_a_shallow_clone(self, make_repository: MakeRepository, tmp_path: Path) -> None:
        whole = make_repository(self.NIGHTS, "--bare")
        clone = tmp_path / "shallow.git"
        git(tmp_path, "clone", "--bare", "--quiet", "--depth=3", f"file://{whole}", str(clone))
        past = ("snapshot", "develop", "--repo", clone, "--since")
        done = command(*past, "2025-01-01", folder=tmp_path)
        assert (done.code, said(done.out)) == (2, (3, 0))
        assert "begins at 2025-01-03T12:00:00Z, and not before" in done.err
        assert "shallow: git fetch --unshallow" in done.err
        assert said(succeeds(*past, "2025-01-03 12:00:00", folder=tmp_path)) == (0, 3)

    @pytest.mark.parametrize(
        ("lost", "taken", "words"),
        [
            ("HEAD~2:_cache/develop/hdf5/specs.md", 4, "lacks some of its manifests"),
            ("HEAD~2:_cache/develop/hdf5", 4, "lacks some of its manifests"),
            ("HEAD~2:_cache/develop", 4, "is missing from"),
            ("HEAD~2:_cache", 4, "the folder _cache of"),
            ("HEAD~2^{tree}", 4, "the folder _cache of"),
            ("HEAD~2", 2, "is missing from"),
        ],
    )
    def test_an_object(
        self, make_repository: MakeRepository, lost: str, taken: int, words: str
    ) -> None:
        folder = make_repository(self.NIGHTS)
        for pack in unpacked(folder):
            git(folder, "unpack-objects", "-q", stdin=pack)
        id_ = git(folder, "rev-parse", lost)
        (folder / ".git" / "objects" / id_[:2] / id_[2:]).unlink()
        done = command("snapshot", "develop", "--since", "2025-01-01", folder=folder)
        assert (done.code, said(done.out)) == (2, (taken, 0)), done
        assert words in done.err
        assert "2025-01-0" in done.err
        kept = [0, 1, 3, 4] if taken == 4 else [3, 4]
        times = [f"2025-01-0{number + 1}T12:00:00Z" for number in kept]
        listing = SnapshotStore(folder / "snapshots").list(None, "develop")
        assert [one.committed_at for one in listing.snapshots] == times
        assert f"{taken} whole, 0 with" in succeeds("verify", folder=folder)


def unpacked(folder: Path) -> Iterator[bytes]:
    """Take the packs away from a repository."""
    for pack in (folder / ".git" / "objects" / "pack").glob("*.pack"):
        yield pack.read_bytes()
        for path in pack.parent.glob(f"{pack.stem}.*"):
            path.unlink()


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["devlop", "--since", "2025-01-01"], "did you mean develop?"),
            (["v*", "--since", "2025-01-01"], "there never was a collection 'v*'"),
            (["develop@HEAD", "--since", "2025-01-01"], "is not the name of a collection"),
            (["develop*~1", "--since", "2025-01-01"], "is not the name of a collection"),
            (["./develop", "--since", "2025-01-01"], "is not the name of a collection"),
            (["other:develop", "--since", "2025-01-01"], "there is no source 'other'"),
            (["--since", "2025-01-01"], "which collections?"),
            (["develop", "--since", "2025-01-01", "--all-collections"], "some of them by name"),
            (["develop", "--since", "yesterday"], "'yesterday' is not a date"),
            (["develop", "--since", "2025-02-30"], "'2025-02-30' is not a date"),
            (["develop", "--since", "2025-03-01", "--until", "2025-02-01"], "is before --since"),
            (["develop", "--since", "2025-01-01", "--every", "month"], "'commit', 'day', 'week'"),
            (["develop", "--since", "2025-01-01", "--jobs", "0"], "--jobs"),
            (["develop", "--since", "2025-01-01", "--jobs", "2", "--dask", "x"], "say one of them"),
            (["develop", "--every", "week"], "--since 2023-05-01"),
            (["develop", "--jobs", "2"], "--since 2023-05-01"),
            (["--all-collections"], "--since 2023-05-01"),
        ],
    )
    def test_refused(
        self, make_repository: MakeRepository, arguments: list[str], words: str
    ) -> None:
        folder = make_repository([{"_cache/develop/hdf5/specs.md": manifest("1")}])
        assert words in refuses("snapshot", *arguments, folder=folder)
        assert not (folder / "snapshots").exists()

    def test_a_date_before_history(self, make_repository: MakeRepository) -> None:
        """All there is was asked for; that it is less than one may think is said."""
        folder = make_repository([{"_cache/develop/hdf5/specs.md": manifest("1")}])
        done = command(*PAST, folder=folder)
        assert (done.code, said(done.out)) == (0, (1, 0))
        assert done.err == "note: the history of repository0 begins at 2025-01-01T12:00:00Z\n"

    def test_a_store_that_cannot_be_written(self, make_repository: MakeRepository) -> None:
        folder = make_repository([{"_cache/develop/hdf5/specs.md": manifest("1")}])
        (folder / "snapshots" / folder.name).mkdir(parents=True)
        (folder / "snapshots" / folder.name / "develop").write_text("in the way")
        done = command("snapshot", "develop", "--since", "2025-01-01", folder=folder)
        assert done.code == 2
        assert "develop" in done.err


class TestProgress:
    def test_a_bar_in_a_terminal(self, upstream: Path, tmp_path: Path) -> None:
        past = ("snapshot", "develop", "--since", "2025-04-20", "--jobs", "1", "--repo", upstream)
        code, shown, out = in_terminal(
            *past, folder=tmp_path, columns=120, command=AT_ONCE, piped=True
        )
        assert code == 0
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
        assert re.search(rf"Taking snapshots .*\d+/{NIGHTS} .*\d/s .*\d:\d\d:\d\d", plain)
        assert said(out) == (NIGHTS, 0)


DASK = (sys.executable, "-m", "dask")


class TestDask:
    @pytest.fixture
    def scheduler(self, tmp_path: Path, started: Start) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        options = ("--no-dashboard", "--no-show", "--host", "127.0.0.1")
        started(*DASK, "scheduler", *options, "--port", address.rpartition(":")[2], folder=tmp_path)
        return address

    @pytest.mark.parametrize("by_url", [False, True])
    def test_a_worker_of_three_is_killed(
        self,
        upstream: Path,
        unkilled: Path,
        tmp_path: Path,
        started: Start,
        scheduler: str,
        by_url: bool,
    ) -> None:
        workers = []
        for number in range(3):
            folder = tmp_path / f"worker{number}"
            folder.mkdir()
            options = ("--no-nanny", "--no-dashboard", "--nthreads", "1")
            where = ("--local-directory", str(folder))
            workers.append(started(*DASK, "worker", scheduler, *options, *where, folder=folder))
        repo = f"file://{upstream}" if by_url else upstream
        past = ["snapshot", "develop", "--since", "2025-04-20", "--repo", str(repo)]
        process = started(*COMMAND, *past, "--dask", scheduler, folder=tmp_path)
        until_stored(tmp_path, 10, process)
        workers[1].kill()
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, b""), err.decode()
        assert said(out.decode()) == (NIGHTS, 0)
        assert stored_files(tmp_path) == stored_files(unkilled)

    def test_the_scheduler_is_killed(
        self,
        upstream: Path,
        unkilled: Path,
        tmp_path: Path,
        started: Start,
        scheduler: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
        started(*DASK, "worker", scheduler, "--no-nanny", "--no-dashboard", folder=tmp_path)
        past = ["snapshot", "develop", "--since", "2025-04-20", "--repo", str(upstream)]
        process = started(*COMMAND, *past, "--dask", scheduler, folder=tmp_path)
        until_stored(tmp_path, 5, process)
        started.processes[0].kill()
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (2, b"")
        assert b"Traceback" not in err
        assert f"the Dask scheduler at {scheduler} is gone" in err.decode()
        # One process goes on with what the worker left.
        started.processes[1].kill()
        assert said(succeeds(*past, folder=tmp_path))[1] >= 5
        assert stored_files(tmp_path) == stored_files(unkilled)

    def test_no_scheduler(
        self, upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
        done = self.run(upstream, tmp_path, "tcp://127.0.0.1:1", COMMAND)
        assert (done.code, done.out) == (2, "")
        assert "there is no Dask scheduler at tcp://127.0.0.1:1" in done.err

    def test_not_installed(self, upstream: Path, tmp_path: Path) -> None:
        without = "import sys; sys.modules['distributed'] = None\nimport cachediff.__main__ as m; m.main()"
        done = self.run(upstream, tmp_path, "tcp://127.0.0.1:1", (sys.executable, "-c", without))
        assert (done.code, done.out) == (2, "")
        assert "pip install 'cachediff[dask]'" in done.err

    def run(self, upstream: Path, folder: Path, address: str, how: Sequence[str]) -> Done:
        past = ("snapshot", "develop", "--since", "2025-04-20", "--repo", upstream)
        return command(*past, "--dask", address, folder=folder, command=how)


def test_the_package_that_is_tested_is_this_one() -> None:
    assert Path(cachediff.__file__).parents[2] == Path(__file__).parents[1]
