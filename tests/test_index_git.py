"""What git says of what is stored: its order, what was rewritten, what is gone, and whose it is."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cachediff.config import Settings, SourceSettings
from cachediff.errors import SourceError
from cachediff.index import Index, Reason
from cachediff.jobs.backfill import backfill
from cachediff.jobs.indexing import reindex, update_index
from cachediff.jobs.snapshot import take_snapshots
from cachediff.model.span import Span
from cachediff.queries import Catalogue
from cachediff.queries.indexing import index_path, is_current
from cachediff.queries.lives import open_index
from commands import cachediff
from pages import page, record
from repositories import git

NOON = int(datetime(2025, 1, 1, 12, tzinfo=UTC).timestamp())
DAY = 86_400
DEVELOP = ("cache", "develop")

Night = Mapping[str, Mapping[str, str]]
"""Collections, with the packages of each, with the version of each."""


class World:
    """A repository `cache`, a configuration, and the store, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "cache"
        self.repository.mkdir(parents=True)
        git(self.repository, "init", "--quiet", "--bare", "--initial-branch=main")
        (folder / "config.yaml").write_text(f"sources: {{cache: {{path: {self.repository}}}}}\n")

    def commit(
        self, night: Night, at: float, parent: str | None = "main", readme: str = "x"
    ) -> str:
        """A new end of `main`, `at` days after the first; its parent None for a new beginning."""
        stamp = f"Test <test@cache.example> {int(NOON + at * DAY)} +0000"
        lines = [f"commit refs/heads/new\nauthor {stamp}\ncommitter {stamp}\ndata 1\nx\n"]
        if parent and git(self.repository, "for-each-ref", "refs/heads/main"):
            lines.append(f"from {git(self.repository, 'rev-parse', parent)}\n")
        lines.append("deleteall\nM 100644 inline README\ndata 1\n" + f"{readme}\n")
        for collection, packages in night.items():
            for package, version in packages.items():
                text = page([record(f"{package}{version}", version)], package, collection)
                path = f"_cache/{collection}/{package}/specs.md"
                lines.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
        git(self.repository, "fast-import", "--quiet", "--force", stdin="".join(lines).encode())
        commit = git(self.repository, "rev-parse", "refs/heads/new")
        self.rewind(commit)
        git(self.repository, "update-ref", "-d", "refs/heads/new")
        return commit

    def rewind(self, commit: str) -> None:
        """Have `main` end with `commit`."""
        git(self.repository, "update-ref", "refs/heads/main", commit)

    @contextlib.contextmanager
    def catalogue(self, repository: Path | None = None) -> Iterator[Catalogue]:
        path = str(repository or self.repository)
        sources: dict[str | None, SourceSettings] = {"cache": SourceSettings(path=path)}
        settings = Settings(sources, self.folder / "snapshots", self.folder / "reports")
        names = Catalogue(settings, self.folder / "totals")
        try:
            yield names
        finally:
            names.close()

    def take(self, name: str = "develop", repository: Path | None = None) -> list[str]:
        """What a night does; the notices of it come back."""
        with self.catalogue(repository) as names:
            list(take_snapshots(names, [name], self.folder))
            update_index(names)
            return names.notices

    def take_in(self) -> list[str]:
        """Take in the whole past; the notices of it come back."""
        with self.catalogue() as names:
            backfill(names, ["*"], self.folder, Span("2024-01-01T00:00:00Z"), datetime.now(UTC))
            update_index(names)
            return names.notices

    def points(self, *, anew: bool = True) -> list[str]:
        """The commits of the index of develop, in order: the same ones, if it is made anew."""
        with self.catalogue() as names, Index(index_path(names.settings)) as index:
            assert is_current(names, index, names.store.list())
            points = [point.commit for point in index.points(*DEVELOP)]
            passed_over = index.passed_over()
        if anew:
            with self.catalogue() as names:
                reindex(names)
                with Index(index_path(names.settings)) as index:
                    assert [point.commit for point in index.points(*DEVELOP)] == points
                    assert index.passed_over() == passed_over
        return points

    def left_out(self) -> set[str]:
        """The commits of develop that are left out for being rewritten."""
        with self.catalogue() as names, Index(index_path(names.settings)) as index:
            return {
                one.point.commit
                for one, reason in index.passed_over().get(DEVELOP, {}).items()
                if reason is Reason.REWRITTEN
            }

    def gone(self) -> dict[tuple[str, str], str]:
        with self.catalogue() as names, Index(index_path(names.settings)) as index:
            return index.gone()

    def versions(self) -> list[tuple[str, str | None]]:
        """The versions that aa ever had, in order, and whether they are gone."""
        with self.catalogue() as names, open_index(names) as index:
            return [
                (life.version, life.gone.commit if life.gone else None)
                for life in index.versions(*DEVELOP, "aa")
            ]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def night(version: object, **others: str) -> Night:
    return {"develop": {"aa": str(version), **others}}


# -- the order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("times", [(0, 1, 1, 1, 1), (0, 1, 0.999, 0.5, 0.75)])
def test_the_order_is_that_of_the_history(
    world: World, times: tuple[float, ...], at_once: bool
) -> None:
    """Several commits of one second, and clocks that were put back."""
    commits = []
    for version, at in enumerate(times):
        commits.append(world.commit(night(version), at))
        if not at_once:
            world.take(f"develop@{commits[-1]}")
    world.take_in()
    assert world.points() == commits
    assert world.versions() == [
        ("0", commits[1]),
        ("1", commits[2]),
        ("2", commits[3]),
        ("3", commits[4]),
        ("4", None),
    ]
    with world.catalogue() as names, open_index(names) as index:
        steps = index.package_steps(*DEVELOP, "aa")
        assert [step.point.commit for step in steps] == commits
        later = [each.point.commit for each in index.totals(*DEVELOP, "2025-01-02T12:00:00Z")]
        assert later == [c for c, at in zip(commits, times, strict=True) if at >= 1]


def test_without_git_what_is_known_of_the_order_stays(world: World) -> None:
    commits = [world.commit(night(version), at) for version, at in enumerate((0, 1, 1, 1, 0.5))]
    world.take_in()
    last = world.commit(night(9), 2)
    away = world.repository.rename(world.folder / "away")
    assert world.points(anew=False) == commits
    with world.catalogue(away) as names:
        list(take_snapshots(names, [f"develop@{last}"], world.folder))
    with world.catalogue() as names, open_index(names):
        assert names.notices == [
            "the index was behind the store, and was brought up to date with 1 snapshot"
        ]
    assert world.points(anew=False) == [*commits, last]
    away.rename(world.repository)
    assert world.points() == [*commits, last]


def test_of_a_shallow_clone_the_order_is_that_of_time(world: World) -> None:
    commits = [world.commit(night(version), at) for version, at in ((7, 0), (1, 1), (2, 1), (7, 1))]
    world.take_in()
    shallow = world.folder / "shallow"
    git(
        world.folder,
        "clone",
        "--quiet",
        "--bare",
        "--depth=1",
        world.repository.as_uri(),
        "shallow",
    )
    with world.catalogue(shallow) as names:
        reindex(names)
    assert world.points(anew=False) == [commits[0], *sorted(commits[1:])]


# -- a history that was rewritten --------------------------------------------------------------------


def test_nights_that_were_rewritten_are_left_out(world: World) -> None:
    """Dates are kept, and a package is dropped from all of the past but the first two nights."""
    old = [world.commit(night(version, zz="1"), version) for version in range(6)]
    world.take_in()
    new = [world.commit(night(2), 2, parent=old[1])]
    new += [world.commit(night(version), version) for version in range(3, 6)]
    notices = world.take_in()
    told = [notice for notice in notices if "rewritten" in notice]
    assert len(told) == 1
    assert told[0].startswith("4 snapshots of cache:develop")
    assert world.points() == [*old[:2], *new]
    assert world.left_out() == {*old[2:]}
    with world.catalogue() as names, open_index(names) as index:
        (zz,) = index.lives_of([record("zz1")["hash"]]).values()
        assert [life.gone and life.gone.commit for life in zz] == [new[0]]
    # What was there before comes back, and is the history again.
    world.rewind(old[-1])
    with world.catalogue() as names:
        done = update_index(names)
    assert (done.snapshots, done.dropped) == (4, 4)
    assert world.points() == old
    assert world.left_out() == {*new}


def test_a_history_that_was_rewritten_in_one_second(world: World) -> None:
    old = [world.commit(night(version), version) for version in range(6)]
    world.take_in()
    new = [world.commit(night(0), 9, parent=None)]
    new += [world.commit(night(version), 9) for version in range(1, 6)]
    world.take_in()
    assert world.points() == new
    assert world.left_out() == {*old}


def test_nights_that_nothing_stands_for_stay_when_the_past_was_thrown_away(world: World) -> None:
    old = [world.commit(night(version), version) for version in range(4)]
    for commit in old:
        world.take(f"develop@{commit}")
    new = world.commit(night(9), 5, parent=None)
    assert not any("rewritten" in notice for notice in world.take())
    assert world.points() == [*old, new]


def test_a_night_stands_for_what_was_rewritten_and_is_the_same(world: World) -> None:
    """It is not stored twice, and the newest point must be what upstream has."""
    first = world.commit(night(0), 0)
    world.take()
    second = world.commit(night(1), 1)
    world.take()
    world.commit(night(1), 1.5, parent=first)
    world.take()
    assert world.points() == [first, second]
    last = world.commit(night(2), 3)
    world.take()
    assert world.points() == [first, second, last]


def test_so_it_does_for_what_came_back(world: World) -> None:
    commits = [world.commit(night(version), at) for at, version in enumerate((1, 2, 1))]
    world.take_in()
    world.commit(night(1), 2.5, parent=commits[1])
    world.take()
    assert world.points() == commits


def test_a_history_that_says_the_same_contradicts_nothing(world: World) -> None:
    """Dates are kept, and nothing of a collection was changed but the last night."""
    old = [world.commit(night(version), version) for version in range(4)]
    world.take_in()
    world.commit(night(0), 0, parent=None, readme="y")
    for version in (1, 2):
        world.commit(night(version), version)
    new = world.commit(night(9), 3)
    world.take()
    assert world.points() == [*old[:3], new]
    assert world.left_out() == {old[3]}


def test_upstream_goes_back(world: World) -> None:
    """What was taken back is not what is served; a clone that is behind says nothing of that."""
    commits = [world.commit(night(version), version) for version in range(3)]
    behind = world.folder / "behind"
    world.rewind(commits[1])
    git(world.folder, "clone", "--quiet", "--bare", world.repository.as_uri(), "behind")
    world.rewind(commits[2])
    for commit in commits:
        world.take(f"develop@{commit}")
    with world.catalogue(behind) as names:
        reindex(names)
    assert world.points(anew=False) == commits
    world.rewind(commits[1])  # a clone in which an older commit is looked at
    assert world.points() == commits
    world.rewind(commits[2])
    other = world.commit(night(7), 1.5, parent=commits[0])
    world.take()
    assert world.points() == [commits[0], other]
    assert world.left_out() == {*commits[1:]}


def test_a_mirror_knows_that_upstream_goes_back(world: World) -> None:
    """It has what was fetched before, and its branch ends where upstream's does."""
    url = world.repository.as_uri()
    (world.folder / "config.yaml").write_text(f"sources: {{cache: {{url: {url}}}}}\n")
    commits = []
    for version in range(3):
        commits.append(world.commit(night(version), version))
        assert cachediff("snapshot", "develop", folder=world.folder).code == 0
    world.rewind(commits[0])
    done = cachediff("snapshot", "develop", folder=world.folder)
    assert "2 snapshots of cache:develop taken of a history that upstream" in done.err
    assert world.points(anew=False) == commits[:1]
    world.rewind(commits[2])
    cachediff("snapshot", "develop", folder=world.folder)
    assert world.points(anew=False) == commits


def test_what_is_left_out_and_removed_from_the_store_is_forgotten(world: World) -> None:
    old = [world.commit(night(version), version) for version in range(3)]
    world.take_in()
    new = world.commit(night(7), 1, parent=old[0])
    world.take()
    assert world.left_out() == {*old[1:]}
    with world.catalogue() as names:
        for stored in names.store.list().snapshots:
            if stored.commit in old[1:]:
                names.store.remove(stored)
        done = update_index(names)
    assert (done.snapshots, done.dropped) == (0, 0)
    assert world.left_out() == set()
    assert world.points() == [old[0], new]


def test_another_branch_is_no_rewritten_history(world: World) -> None:
    commits = [world.commit(night(version), version) for version in range(3)]
    world.take_in()
    world.commit(night(8), 0, parent=None)
    with world.catalogue() as names:
        reindex(names)
    assert world.points() == commits


def test_what_is_not_stored_any_more_is_counted(world: World) -> None:
    for version in range(5):
        world.commit(night(version), version)
    world.take_in()
    with world.catalogue() as names:
        names.store.remove(names.store.list().snapshots[1])
        done = update_index(names)
        assert (done.snapshots, done.dropped) == (3, 1)  # what follows is taken in again
        names.store.remove(names.store.list().snapshots[-1])
        done = update_index(names)
        assert (done.snapshots, done.dropped) == (0, 1)


# -- what is gone ------------------------------------------------------------------------------------


def test_collections_that_upstream_removed(world: World) -> None:
    both = {**night(1), "rel": {"aa": "1"}}
    world.commit(both, 0)
    world.take("*")
    for name in ("rel", "develop"):
        world.take(name)
    assert world.gone() == {}
    world.commit(night(1), 1)
    world.commit(night(1, bb="2"), 2)
    world.commit(night(1, bb="2"), 3)
    world.take()
    assert world.gone() == {("cache", "rel"): "2025-01-02T12:00:00Z"}
    with world.catalogue() as names:
        reindex(names)
    assert world.gone() == {("cache", "rel"): "2025-01-02T12:00:00Z"}
    world.commit({**night(1, bb="2"), "rel": {"aa": "1"}}, 4)
    world.take()
    assert world.gone() == {}


def test_a_night_without_news_finds_what_is_gone(world: World) -> None:
    world.commit({**night(1), "rel": {"aa": "1"}}, 0)
    cachediff("snapshot", folder=world.folder)
    assert world.gone() == {}
    world.commit(night(1), 1)
    done = cachediff("snapshot", folder=world.folder)
    assert (done.code, "not stored again" in done.out) == (0, True)
    assert world.gone() == {("cache", "rel"): "2025-01-02T12:00:00Z"}
    with world.catalogue() as names, Index(index_path(names.settings)) as index:
        assert is_current(names, index, names.store.list())


def test_a_clone_that_is_behind_says_nothing_of_what_is_gone(world: World) -> None:
    world.commit(night(1), 0)
    git(world.folder, "clone", "--quiet", "--bare", world.repository.as_uri(), "behind")
    world.commit({**night(1), "rel": {"aa": "1"}}, 1)
    world.take_in()
    with world.catalogue(world.folder / "behind") as names:
        update_index(names)
    assert world.gone() == {}
    git(world.folder, "clone", "--quiet", "--bare", world.repository.as_uri(), "with")
    world.commit(night(2), 2)
    world.take()
    assert [*world.gone()] == [("cache", "rel")]
    with world.catalogue(world.folder / "with") as names:
        update_index(names)
    assert [*world.gone()] == [("cache", "rel")]


def test_nothing_is_left_of_all_manifests(world: World) -> None:
    world.commit({**night(1), "rel": {"aa": "1"}}, 0)
    world.take_in()
    world.commit({}, 1)
    with world.catalogue() as names:
        update_index(names)
    when = "2025-01-02T12:00:00Z"
    assert world.gone() == {DEVELOP: when, ("cache", "rel"): when}


# -- whose it is -------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", ["develop", "rel"])
@pytest.mark.parametrize("past", [True, False])
def test_two_repositories_are_not_mixed(world: World, past: bool, collection: str) -> None:
    world.commit(night(1), 0)
    world.take()
    other = World(world.folder / "other")
    other.commit({collection: {"aa": "2"}}, 1)
    shutil.rmtree(world.repository)
    other.repository.rename(world.repository)
    with pytest.raises(SourceError, match="none of its 1 commits is in") as raised:
        world.take_in() if past else world.take(collection)
    assert "name of its own" in raised.value.hint
    assert len(world.points(anew=False)) == 1


def test_a_collection_that_is_new_is_of_the_same_repository(world: World) -> None:
    world.commit(night(1), 0)
    world.take()
    world.commit({**night(1), "rel": {"aa": "1"}}, 1)
    world.take("rel")
    with world.catalogue() as names:
        assert names.store.collections("cache") == ("develop", "rel")


def test_of_a_shallow_clone_it_is_not_known(world: World) -> None:
    world.commit(night(1), 0)
    world.take()
    world.commit(night(2), 1)
    git(
        world.folder,
        "clone",
        "--quiet",
        "--bare",
        "--depth=1",
        world.repository.as_uri(),
        "shallow",
    )
    world.take(repository=world.folder / "shallow")
    assert len(world.points(anew=False)) == 2
