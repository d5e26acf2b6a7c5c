"""An upstream that moves, or dies, over file:// and HTTPS: what is gone is named, what was used stays."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cachediff.errors import NameNotFoundError
from cachediff.jobs.nights import Told
from cachediff.jobs.run import NotDone, NothingDue
from cachediff.sources import parse_name
from commands import cachediff, refuses, succeeds
from git_server import Fault, GitServer, git_server
from pages import page, record
from repositories import Commit, add_commits, committed_at, git, write_repository
from test_run import DATED, NIGHTLY, World, build, evening, not_done, told

OTHER: Commit = {"_cache/other/zlib/specs.md": page([record("z")], "zlib", "other")}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    (tmp_path / "served").mkdir()
    with git_server(tmp_path / "served") as running:
        yield running


MakeWorld = Callable[..., World]


@pytest.fixture(params=["file", "https"])
def make_world(request: pytest.FixtureRequest, tmp_path: Path, server: GitServer) -> MakeWorld:
    """`make_world(commits, jobs)`: an upstream, and a world whose one source it is, by URL."""

    def make(commits: list[Commit], jobs: str = NIGHTLY) -> World:
        url = server.url if request.param == "https" else f"file://{server.folder}"
        return world_of(tmp_path / "world", server.folder, url, commits, jobs)

    return make


def world_of(folder: Path, served: Path, url: str, commits: list[Commit], jobs: str) -> World:
    upstream = served / "upstream.git"
    if not upstream.exists():
        write_repository(upstream, commits, init=("--bare",))
        git(upstream, "config", "uploadpack.allowFilter", "true")
        git(upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
    world = World(folder, upstream, jobs, url=True)
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace(f"file://{served}", url))
    return world


def dated(number: int) -> Commit:
    return {
        f"_cache/develop-{committed_at(number).date()}/hdf5/specs.md": page(
            [record(f"hdf5/{number}")]
        )
    }


def without(*collections: str) -> Commit:
    return {f"_cache/{collection}": None for collection in collections}


def tip(world: World, branch: str = "main") -> str:
    return git(world.upstream, "rev-parse", branch)


def at(number: int) -> str:
    return f"{committed_at(number):%Y-%m-%dT%H:%M:%SZ}"


def mirror(world: World) -> Path:
    (path,) = (world.folder / "cache" / "mirrors").glob("*.git")
    return path


def throw_away(world: World) -> None:
    """Let upstream forget what is in no branch of it."""
    git(world.upstream, "reflog", "expire", "--expire=now", "--all")
    git(world.upstream, "gc", "--quiet", "--prune=now")


# Upstream moves


def test_new_commits_are_told(make_world: MakeWorld) -> None:
    world = make_world([build(0)])
    told(world.run(evening(0)))
    add_commits(world.upstream, [build(1)], start=1)
    (night,) = told(world.run(evening(1)))
    assert night.new.commit == tip(world)
    ((_, comparison),) = world.delivered
    assert (comparison.spec_counts.rebuilt, comparison.notices) == (1, ())


def test_a_force_push_is_named_and_what_was_used_before_stays(make_world: MakeWorld) -> None:
    world = make_world([build(0), build(1)])
    (first,) = told(world.run(evening(1)))
    git(world.upstream, "update-ref", "-d", "refs/heads/main")
    add_commits(world.upstream, [build(7), OTHER, build(2)])
    throw_away(world)
    (night,) = told(world.run(evening(2)))
    ((_, comparison),) = world.delivered
    (notice,) = (notice for notice in comparison.notices if "history" in notice)
    assert notice.startswith(
        f"{str(first.new.commit)[:12]} of {at(1)}, which was compared last, is not"
    )
    assert comparison.spec_counts.rebuilt == 1
    assert night.old == first.new
    with world.catalogue() as names:
        there = names.open(f"develop@{first.new.commit}", world.folder)
        assert there.origin == first.new
        assert len(next(iter(there.read(["hdf5"]))).specs) == 1
        assert names.notices == []


def test_what_is_stored_of_a_commit_outlives_upstream_and_mirror(make_world: MakeWorld) -> None:
    world = make_world([build(0), build(1)])
    (first,) = told(world.run(evening(1)))
    git(world.upstream, "update-ref", "-d", "refs/heads/main")
    add_commits(world.upstream, [build(7)])
    throw_away(world)
    shutil.rmtree(world.folder / "cache")
    before = f"develop@{str(first.new.commit)[:12]}"
    done = cachediff("compare", before, "develop", folder=world.folder)
    assert done.code == 0
    assert "1 rebuilt" in done.out
    assert f"; {before} was read from the store instead" in done.out


@pytest.mark.parametrize("branch", ["x", None], ids=["a branch", "HEAD"])
def test_a_deleted_branch_is_named_and_caught_up_when_it_is_back(
    make_world: MakeWorld, branch: str | None
) -> None:
    world = make_world([build(0)])
    git(world.upstream, "branch", "x")
    if branch:
        config = world.folder / "config.yaml"
        config.write_text(config.read_text().replace("\njobs", f"\n    branch: {branch}\njobs", 1))
    else:
        git(world.upstream, "symbolic-ref", "HEAD", "refs/heads/x")
    (first,) = told(world.run(evening(0)))
    last = tip(world)
    git(world.upstream, "update-ref", "-d", "refs/heads/x")
    add_commits(world.upstream, [build(1)], start=1)
    for number in (1, 2):
        (event,) = world.run(evening(number))
        assert isinstance(event, NotDone)
        revision = branch or "HEAD"
        assert event.message == (
            f"there is no revision '{revision}' in cache any more: it ended with {last[:12]} of {at(0)}"
        )
        assert f"stored is develop@{last[:12]} of {at(0)}" in event.hint
        assert f"compare with what was there: develop@{last[:12]}" in event.hint
        assert world.done() == (first,)
    reports = world.reports().values()
    assert [report["gone"][:10] for report in reports] == ["2025-01-03", "2025-01-02"]
    with world.catalogue() as names:
        assert names.open(f"develop@{last[:12]}", world.folder).origin == first.new
    git(world.upstream, "branch", "x", "main")
    assert len(told(world.run(evening(2)))) == 2


def test_a_branch_gives_way_to_one_below_it(make_world: MakeWorld) -> None:
    world = make_world([build(0)])
    git(world.upstream, "branch", "x")
    told(world.run(evening(0)))
    git(world.upstream, "branch", "-D", "x")
    git(world.upstream, "branch", "x/y")
    told(world.run(evening(1)))
    with world.catalogue() as names:
        assert names.open("develop@x/y", world.folder).origin.commit == tip(world)


def test_a_removed_collection_is_named_not_told_as_removals(make_world: MakeWorld) -> None:
    world = make_world([{**build(0), **OTHER}, build(1)])
    (first,) = told(world.run(evening(1)))
    last = tip(world)
    add_commits(world.upstream, [without("develop"), OTHER], start=2)
    for number in (2, 3):
        (event,) = world.run(evening(number))
        assert isinstance(event, NotDone)
        gone = tip(world, "main~1")
        assert event.message == (
            "there is no collection 'develop' in cache any more: "
            f"last there in {last[:12]} of {at(1)}, gone in {gone[:12]} of {at(2)}"
        )
        stays = f"stored is develop@{last[:12]} of {at(1)}"
        assert event.hint == f"{stays}; compare with what was there: develop@{last[:12]}"
    assert world.done() == (first,)
    for report in world.reports().values():
        assert report["gone"]
        assert report["packages"] == []
    assert isinstance(event, NotDone)
    for command in (["compare", "develop@previous", "develop"], ["compare", "other", "develop"]):
        said = refuses(*command, folder=world.folder)
        assert ("no collection 'develop'" in said) or "before the newest" in said
    said = refuses("snapshot", "develop", folder=world.folder)
    assert event.message in said
    assert event.hint in said
    out = succeeds("compare", f"develop@{last[:12]}", "other", folder=world.folder)
    assert last[:12] in out
    add_commits(world.upstream, [build(4)], start=4)
    (night,) = told(world.run(evening(4)))
    *_, (_, comparison) = world.delivered
    assert night.old == first.new
    assert comparison.spec_counts.rebuilt == 1
    assert any(notice.startswith("no report of 2025-01-03: ") for notice in comparison.notices)


def test_manifests_that_are_all_gone_are_named(make_world: MakeWorld) -> None:
    world = make_world([build(0)])
    told(world.run(evening(0)))
    last = tip(world)
    add_commits(world.upstream, [{"_cache": None, "README.md": "moved"}], start=1)
    message = not_done(world.run(evening(1)))
    assert f"last there in {last[:12]} of {at(0)}, gone in {tip(world)[:12]} of {at(1)}" in message
    said = refuses("compare", "develop-*~1", "develop-*", folder=world.folder)
    assert f"any more: last there in {last[:12]}" in said
    done = cachediff("list", folder=world.folder)
    assert done.code == 2
    assert "1 stored" in done.out
    assert f"last there in {last[:12]}" in done.err


def test_a_removed_dated_collection_is_named_wherever_it_would_have_been_meant(
    make_world: MakeWorld,
) -> None:
    world = make_world([dated(0), dated(1), dated(2)], DATED)
    told(world.run(evening(2)))
    newest, last = "develop-2025-01-03", tip(world)
    add_commits(world.upstream, [without(newest)], start=3)
    assert world.run(evening(3)) == [NothingDue("dated")]
    gone = (
        f"there is no collection '{newest}' in cache any more: last there in {last[:12]} of {at(2)}"
    )
    done = cachediff("compare", "develop-*~1", "develop-*", folder=world.folder)
    assert done.code == 0
    assert gone in done.out
    assert f"develop-* would mean it; stored is {newest}@{last[:12]} of {at(2)}" in done.out
    assert gone in refuses("compare", newest, "develop-2025-01-01", folder=world.folder)
    add_commits(world.upstream, [dated(4)], start=4)
    (night,) = told(world.run(evening(4)))
    pair = night.old.collection, night.new.collection
    assert pair == ("develop-2025-01-02", "develop-2025-01-05")
    (notice,) = world.delivered[-1][1].notices
    assert notice.startswith(gone)
    add_commits(world.upstream, [dated(5)], start=5)
    told(world.run(evening(5)))
    assert world.delivered[-1][1].notices == ()


def test_what_never_was_a_collection_is_not_said_to_be_gone(make_world: MakeWorld) -> None:
    world = make_world([{"_cache/hdf5/specs.md": "x"}, {"_cache/hdf5": None, **build(0)}, build(1)])
    told(world.run(evening(1)))
    with world.catalogue() as names:
        for name in ("never", "develop/hdf5", "..", "hdf5", "default", "x*"):
            with pytest.raises(NameNotFoundError) as caught:
                names.open_name(parse_name(name))
            assert "any more" not in caught.value.message


# Upstream dies

_KINDS = [Fault.CUT, Fault.CUT, Fault.CUT, Fault.KILLED, Fault.GONE, Fault.ERROR, Fault.BUSY]


def large_build(number: int, packages: int = 12) -> Commit:
    """Every package rebuilt, in pages that hold what no git makes smaller."""
    random = Random(number)
    return {
        f"_cache/develop/p{package}/specs.md": page(
            [record(f"{package} {number}")],
            f"p{package}",
            noise=base64.b85encode(random.randbytes(24_000)).decode(),
        )
        for package in range(packages)
    }


def test_an_upstream_that_dies_a_hundred_times_leaves_no_wrong_report_no_lock_and_no_waste(
    tmp_path: Path, server: GitServer
) -> None:
    die_often(tmp_path, server, deaths=100, seed=2)


def die_often(folder: Path, server: GitServer, *, deaths: int, seed: int) -> None:
    """Let the upstream die so often while its nights are told, and see that nothing came of it.

    It dies at any byte: of the first clone, of the lists of branches, of commits, and of the files
    that are fetched as they are read.
    """
    world, calm = (
        world_of(folder / name, server.folder, server.url, [large_build(0)], NIGHTLY)
        for name in ("world", "calm")
    )
    random = Random(seed)

    def fault(_path: str) -> tuple[Fault, int] | None:
        if len(server.faults) >= deaths or random.random() < 0.3:
            return None
        return random.choice(_KINDS), int(10 ** random.uniform(0, 5.6))

    number = 0
    unreached = 0
    while len(server.faults) < deaths:
        server.fault = fault
        events = world.run(evening(number))
        server.fault = lambda _: None
        for event in events:
            assert isinstance(event, Told | NothingDue) or (
                isinstance(event, NotDone) and event.message.startswith("upstream not reached, ")
            ), event
        assert left_over(world) == []
        unreached += isinstance(events[-1], NotDone)
        if isinstance(events[-1], Told) or random.random() < 0.2:
            calm.run(evening(number))
            number += 1
            add_commits(world.upstream, [large_build(number)], start=number)
    world.run(evening(number))
    calm.run(evening(number))
    assert unreached > 0
    # Only where the very first nights were not told, fewer are: no night before the first is due.
    told_of, all_told = nights_of(world), nights_of(calm)
    assert told_of == all_told[-len(told_of) :]
    assert tales(world) == tales(calm)[-len(told_of) + 1 :]
    assert left_over(world) == []
    assert damage(world) == 0
    assert size(mirror(world)) <= 1.05 * size(mirror(calm)) + (64 << 10)


def left_over(world: World) -> list[Path]:
    """Locks and halves of packs, and mirrors that were not finished."""
    folder = world.folder / "cache" / "mirrors"
    patterns = ("*.new", "*.git/**/*.lock", "*.git/**/tmp_*", "*.git/**/.tmp-*", "*.git/**/*.keep")
    return [path for pattern in patterns for path in folder.glob(pattern)]


def nights_of(world: World) -> list[tuple[Any, ...]]:
    return [(night.date, night.new, night.red) for night in world.done()]


def tales(world: World) -> list[dict[str, Any]]:
    """What the reports say of nights that could be told, oldest first, apart from their notices."""
    reports = [report for report in world.reports().values() if not report.get("unreached")]
    for report in reports:
        assert not any(notice.startswith("no report of") for notice in report["notices"])
        assert report["summary"]["packages"]["unknown"] == 0
    keys = ("old", "new", "summary", "packages")
    told_apart = [{key: report[key] for key in keys} for report in reports]
    return sorted(told_apart, key=lambda report: str(report["new"]["committed_at"]))


def damage(world: World) -> int:
    """What git finds of objects, links between them and packs; that our HEAD is no branch is not it."""
    command = ["git", "-C", str(mirror(world)), "fsck", "--connectivity-only"]
    return subprocess.run(command, capture_output=True, check=False).returncode & 7


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.KILLED])
def test_half_of_a_pack_is_not_kept_until_the_next_try(
    tmp_path: Path, server: GitServer, fault: Fault
) -> None:
    world = world_of(tmp_path / "world", server.folder, server.url, [large_build(0)], NIGHTLY)
    server.fault = lambda _: (fault, 150_000)  # of the files; all else is shorter
    world.run(evening(0))
    assert {*server.faults} == {fault}
    assert max(server.answers) < 150_000
    assert left_over(world) == []


@pytest.mark.parametrize("fault", [*dict.fromkeys(_KINDS), "refuses"], ids=str)
def test_an_upstream_that_is_down_is_told_as_that(
    tmp_path: Path, server: GitServer, fault: Fault | str
) -> None:
    world = world_of(tmp_path / "world", server.folder, server.url, [build(0)], NIGHTLY)
    if isinstance(fault, Fault):
        server.fault = lambda _: (fault, 10)
    else:
        server.refuses = True
    assert not_done(world.run(evening(0))).startswith("upstream not reached, never seen yet: git")
    said = refuses("compare", "develop@HEAD~1", "develop", folder=world.folder)
    assert said.startswith("cachediff: git clone failed: ")
    server.fault, server.refuses = lambda _: None, False
    told(world.run(evening(0)))
    assert world.slept == [5, 30, 120]


def test_files_that_are_fetched_as_they_are_read_are_fetched_with_patience(
    tmp_path: Path, server: GitServer
) -> None:
    world = world_of(tmp_path / "world", server.folder, server.url, [build(0)], NIGHTLY)
    asked = []

    def fault(path: str) -> tuple[Fault, int] | None:
        asked.append(path)
        # The clone, and the first asking for what is in its files, are 3 and 2 questions.
        return (Fault.GONE, 0) if 3 <= len(asked) - 1 <= 5 else None

    server.fault = fault
    told(world.run(evening(0)))
    assert world.slept == [5, 30, 120]


def test_an_upstream_that_never_answers_is_given_up(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of(tmp_path / "world", server.folder, server.url, [build(0)], NIGHTLY)
    monkeypatch.setenv("GIT_HTTP_LOW_SPEED_TIME", "1")
    server.fault = lambda _: (Fault.HANGS, 0)
    said = refuses("compare", "develop@HEAD~1", "develop", folder=world.folder)
    assert "Operation too slow" in said
    assert server.faults == [Fault.HANGS]


def test_the_command_over_https(tmp_path: Path, server: GitServer) -> None:
    world = world_of(tmp_path / "world", server.folder, server.url, [build(0)], NIGHTLY)
    out = succeeds("run", folder=world.folder)
    assert f"nightly {datetime.now(UTC).date()}".rsplit("-", 1)[0] in out
    server.refuses = True
    add_commits(world.upstream, [build(1)], start=1)
    done = cachediff("snapshot", "develop", folder=world.folder)
    assert done.code == 0
    assert (
        "note: upstream not reached, this is what was fetched before: git fetch failed" in done.err
    )
    server.refuses = False
    out = succeeds("compare", "develop@HEAD~1", "develop", folder=world.folder)
    assert "1 rebuilt" in out
