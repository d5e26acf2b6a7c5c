"""What interrupted work leaves is removed once nobody can be at it; and space is looked at first."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from cachediff.config import Settings, SourceSettings, find_settings
from cachediff.errors import StoreError
from cachediff.jobs.snapshot import take_snapshots
from cachediff.jobs.space import check_space
from cachediff.jobs.sweeping import AGE, sweep
from cachediff.queries import Catalogue
from cachediff.queries.verification import verify
from cachediff.sources import GitSource, Repository, clone_mirror, mirror_path, parse_name
from cachediff.sources.writing import sole_writer
from conftest import MakeRepository
from pages import page, record
from repositories import Commit, add_commits, git

NOW = datetime(2025, 6, 1, tzinfo=UTC)
OLD, YOUNG = NOW - AGE - timedelta(minutes=1), NOW - AGE + timedelta(minutes=1)


@pytest.fixture
def names(tmp_path: Path, make_repository: MakeRepository) -> Iterator[Catalogue]:
    """One stored snapshot, in a folder that holds reports as well."""
    repository = make_repository([{"_cache/develop/hdf5/specs.md": page([record("hdf5")])}])
    settings = find_settings(tmp_path, repo=str(repository))
    with closing(Catalogue(settings, tmp_path / "cache")) as opened:
        list(take_snapshots(opened, ["develop"], tmp_path))
        yield opened


def interrupted(folder: Path, *, whole_folder: bool = False) -> Path:
    """What a process leaves that is killed while it writes into `folder`."""
    code = (
        "import os, signal, sys; from pathlib import Path; from cachediff.files import *\n"
        "def kill(file): file.write(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "class Files(dict):\n"
        "    def items(self):\n"
        "        yield 'a', b'half'; kill(sys.stdout.buffer)\n"
        "path = Path(sys.argv[1], 'x')\n"
    )
    code += (
        "write_folder_atomically(path, Files())" if whole_folder else "write_atomically(path, kill)"
    )
    before = set(folder.iterdir()) if folder.exists() else set()
    done = subprocess.run([sys.executable, "-c", code, folder], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    (left,) = set(folder.iterdir()) - before
    assert left.is_dir() == whole_folder
    return left


def aged(path: Path, moment: datetime) -> Path:
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "cache" not in path.relative_to(folder).parts[0]}


@pytest.mark.parametrize(
    ("where", "whole_folder"),
    [
        ("snapshots", False),
        ("snapshots/.outbox", False),
        ("snapshots/.outbox/parked", False),
        ("snapshots/repository0/develop", False),
        ("reports", False),
        ("reports/nightly", True),
        ("reports/nightly/2025-06-01", False),
    ],
)
def test_what_a_killed_write_left_goes_after_an_hour(
    names: Catalogue, tmp_path: Path, where: str, whole_folder: bool
) -> None:
    (tmp_path / where).mkdir(parents=True, exist_ok=True)
    before = everything(tmp_path)
    left = aged(interrupted(tmp_path / where, whole_folder=whole_folder), YOUNG)
    assert sweep(names, NOW) == ()
    assert left.exists()
    aged(left, OLD)
    assert sweep(names, NOW) == (left,)
    assert everything(tmp_path) == before
    assert verify(names).findings == ()


def test_a_snapshot_whose_receipt_was_lost_stays_and_is_named(names: Catalogue) -> None:
    (stored,) = names.store.list().snapshots
    path = Path(stored.path)
    path.with_suffix(".json").unlink()
    for each in (path, path.parent):
        aged(each, OLD)
    assert sweep(names, NOW) == ()
    (finding,) = verify(names).findings
    assert finding.path == path
    assert f"cachediff snapshot repository0:develop@{stored.commit[:12]}" in finding.remedy


def test_nothing_else_goes(names: Catalogue, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    others = [
        reports / ".cache.tmp",
        reports / ".0123456789abcdeg.tmp",
        reports / "0123456789abcdef.tmp",
        reports / "nightly" / "x.tmp",
        reports / "nightly" / "2025-01-01" / "deeper" / ".0123456789abcdef.tmp",
        tmp_path / "snapshots" / "notes.txt",
        tmp_path / "snapshots" / "repository0" / "develop" / "x.json",
        tmp_path / ".0123456789abcdef.tmp",
    ]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("not ours")
    for path in everything(tmp_path):
        aged(path, OLD)
    before = everything(tmp_path)
    assert sweep(names, NOW) == ()
    assert everything(tmp_path) == before


def test_a_link_is_not_followed(names: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "reports").mkdir()
    link = tmp_path / "reports" / ".0123456789abcdef.tmp"
    link.symlink_to(tmp_path / "kept")
    assert sweep(names, datetime.now(UTC) + 2 * AGE) == (link,)
    assert (tmp_path / "kept").is_dir()


def test_there_need_be_nothing(tmp_path: Path) -> None:
    settings = Settings({}, tmp_path / "snapshots", tmp_path / "reports")
    with closing(Catalogue(settings, tmp_path / "cache")) as names:
        assert sweep(names, NOW) == ()
    assert everything(tmp_path) == set()


# Mirrors.

_FETCH = """
import sys
from pathlib import Path
from cachediff.sources import GitSource, Repository, parse_name
repository = Repository(Path(sys.argv[1]), mirror=True)
print("begun", flush=True)
repository.fetch()
source = GitSource(repository, "cache")
side = source.open(parse_name("develop"))
list(source.read([side.folder(package) for package in side.entries]))
"""
UNFINISHED = ("tmp_", ".tmp-")


def unfinished(mirrors: Path) -> list[str]:
    """What only a git that is at work has, in any mirror; `x.lock` is that of our own writers."""
    return [
        path.name
        for path in mirrors.rglob("*")
        if (path.suffix in {".lock", ".keep", ".new"} and path != mirrors / "x.lock")
        or path.name.startswith(UNFINISHED)
    ]


def test_what_a_killed_fetch_left_goes_with_the_next(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    def night(number: int) -> Commit:
        records = [record(f"{number} {each}") for each in range(3)]
        return {f"_cache/develop/p{n}/specs.md": page(records, f"p{n}") for n in range(400)}

    upstream = make_repository([night(0)], "--bare")
    git(upstream, "config", "uploadpack.allowFilter", "true")
    git(upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
    place, begun = tmp_path / "mirrors" / "x.git", tmp_path / "begun"
    clone_mirror(f"file://{upstream}", place)
    shutil.copytree(place, begun)
    add_commits(upstream, [night(1)], start=1)
    for number in range(60):
        git(upstream, "branch", f"b{number}", "main")

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", _FETCH, place],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdout
        with process.stdout:
            process.stdout.readline()
        return process

    process = start()
    since = time.monotonic()
    assert process.wait() == 0
    length = time.monotonic() - since
    moments, seen = random.Random(3), set()
    for part in range(20):
        shutil.rmtree(place)
        shutil.copytree(begun, place)
        process = start()
        time.sleep(length * (part + moments.random()) / 20)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        seen.update(unfinished(place.parent))
        (place.parent / "x.abc123.new" / "mirror").mkdir(parents=True)
        repository = Repository(place, mirror=True)
        repository.fetch()
        assert unfinished(place.parent) == []
        source = GitSource(repository, "cache")
        side = source.open(parse_name("develop"))
        assert len(list(source.read([side.folder(each) for each in side.entries]))) == 400
        repository.close()
    assert len(seen) > 1  # or it was never killed at work


@pytest.mark.parametrize(
    "left",
    [
        "packed-refs.lock", "packed-refs.new", "HEAD.lock", "config.lock", "shallow.lock",
        "refs/heads/a/b.lock", "refs/cachediff/tips/1.lock", "objects/maintenance.lock",
        "objects/info/commit-graph.lock", "objects/info/commit-graphs/commit-graph-chain.lock",
        "objects/pack/multi-pack-index.lock", "objects/pack/tmp_pack_a1b2c3",
        "objects/pack/tmp_rev_a1b2c3", "objects/pack/.tmp-7-pack-0123.pack", "objects/a1/tmp_obj_a1b2c3",
        "objects/tmp_objdir-bulk-fsync-a1b2c3/00/11", "objects/pack/pack-0123.keep",
        "../x.a1b2c3.new/mirror/HEAD",
    ],
)  # fmt: skip
def test_every_leftover_of_git_goes_with_the_next_fetch(
    tmp_path: Path, make_repository: MakeRepository, left: str
) -> None:
    upstream = make_repository([{"_cache/develop/p/specs.md": page([record("p")], "p")}], "--bare")
    place = tmp_path / "mirrors" / "x.git"
    repository = clone_mirror(f"file://{upstream}", place)
    before = {path for path in place.parent.rglob("*") if path.is_file()}
    path = place / left
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("unfinished")
    repository.fetch()
    assert not path.exists()
    assert before <= set(place.parent.rglob("*"))


def test_what_a_killed_fetch_left_is_swept_unless_one_is_at_work(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    upstream = make_repository([{"_cache/develop/p/specs.md": page([record("p")], "p")}], "--bare")
    url = f"file://{upstream}"
    settings = Settings({"up": SourceSettings(url=url)}, tmp_path / "s", tmp_path / "r")
    with closing(Catalogue(settings, tmp_path / "cache")) as names:
        assert sweep(names, NOW) == ()
        place = mirror_path(names.cache, url)
        clone_mirror(url, place)
        before = set(place.parent.rglob("*"))
        lefts = (place / "objects/pack/tmp_pack_a1b2c3", place.with_name(f"{place.stem}.a1.new"))
        for left in lefts:
            left.write_text("half")
        with sole_writer(place):
            assert sweep(names, NOW) == ()
        assert sweep(names, NOW) == lefts
        assert set(place.parent.rglob("*")) == before


# Free space.


def test_a_run_asks_for_space_first(tmp_path: Path) -> None:
    settings = Settings({}, tmp_path / "a" / "snapshots", tmp_path / "b", file=tmp_path / "c.yaml")
    check_space(replace(settings, free_space=1), tmp_path / "cache")
    there = shutil.disk_usage(tmp_path).free // 2**20
    with pytest.raises(StoreError) as caught:
        check_space(replace(settings, free_space=there * 2), tmp_path / "cache")
    assert caught.value.message.startswith(f"{settings.store}: ")
    assert f" MiB are free, and free_space in {settings.file} asks for " in caught.value.message
    assert f"{there * 2:,} MiB; nothing was begun" in caught.value.message
    check_space(replace(settings, free_space=0), tmp_path / "cache")
    assert everything(tmp_path) == set()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system")
def test_each_file_system_is_asked(tmp_path: Path) -> None:
    free = {
        folder: shutil.disk_usage(folder).free // 2**20 for folder in (tmp_path, Path("/dev/shm"))
    }
    less, more = sorted(free, key=lambda folder: free[folder])
    if free[more] < 2 * free[less]:
        pytest.skip("the two file systems have about as much free")
    settings = Settings({}, more / "s", more / "r", free_space=(free[less] + free[more]) // 2)
    check_space(settings, more / "cache")
    for wrong, cache in (
        (replace(settings, store=less / "s"), more),
        (replace(settings, reports=less / "r"), more),
        (settings, less),
    ):
        with pytest.raises(StoreError, match=f"^{less}"):
            check_space(wrong, cache / "cache")
