"""A hash that several manifests of one snapshot list is a problem, whatever is known already."""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediff.config import find_settings
from cachediff.model.snapshot import Problem
from cachediff.queries import Catalogue, LoadedSnapshot, OpenedSnapshot, compare_opened, load
from cachediff.store import ListedHashes, beginning
from commands import compared, succeeds
from conftest import MakeRepository
from pages import dag_hash, page, record
from repositories import Content, git

PACKAGES = ("bats", "cmake", "hdf5", "zlib")
NIGHTS = 11
"""More than the trees of which all hashes are kept."""

Night = dict[str, list[str]]
"""The hashes that each package lists."""


def listing(package: str, hashes: Iterable[str]) -> str:
    records = [record(hash_) | {"hash": hash_} for hash_ in sorted(hashes)]
    return page(records, package)


def nights_of(chance: random.Random) -> list[Night]:
    """Some nights of few packages, which share hashes now and then, or only how these begin."""
    hashes = [dag_hash(str(number)) for number in range(16)]
    hashes += [beginning(hash_) + dag_hash("other")[8:] for hash_ in hashes[:4]]
    night: Night = {}
    nights = []
    for _ in range(NIGHTS):
        # Half of the hashes stay with one package each, so that many nights share nothing.
        for package in chance.sample(PACKAGES, chance.choice((1, 1, 2))):
            own = hashes[PACKAGES.index(package) :: len(PACKAGES)]
            some = chance.sample(own, 3)
            if chance.random() < 0.3:
                some = [*some, *chance.sample(hashes, 2)]
            night = night | {package: sorted(set(some))}
        nights.append(night)
    return nights


def problems_of(night: Night) -> tuple[Problem, ...]:
    """What is to be said of a night, told by looking at all of it."""
    packages = defaultdict(list)
    for package in sorted(night):
        for hash_ in night[package]:
            packages[hash_].append(package)
    return tuple(
        sorted(
            Problem(package, f"hash {hash_} is also listed by {first}")
            for hash_, (first, *others) in packages.items()
            for package in others
        )
    )


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_remembered_and_wherever_it_comes_from(
    make_repository: MakeRepository, tmp_path: Path, seed: int
) -> None:
    """Every pair of nights, in any order, with what was remembered of those before."""
    chance = random.Random(seed)
    nights = nights_of(chance)
    folder = make_repository(
        {
            f"_cache/develop/{package}/specs.md": listing(package, hashes)
            for package, hashes in night.items()
        }
        for night in nights
    )
    commits = git(folder, "rev-list", "--reverse", "HEAD").split()
    cache = tmp_path / "cache"
    from_git = Catalogue(find_settings(folder), cache)
    stored = Catalogue(find_settings(folder), cache, stored_only=True)
    for commit in commits:
        from_git.store.write(load(from_git.open(f"develop@{commit}", folder)))

    def opened(number: int) -> OpenedSnapshot:
        name = f"develop@{commits[number]}"
        kind = chance.choice(("git", "git", "git", "stored", "loaded"))
        snapshot = (stored if kind == "stored" else from_git).open(name, folder)
        return LoadedSnapshot(load(snapshot)) if kind == "loaded" else snapshot

    pairs = list(permutations(range(NIGHTS), 2))
    chance.shuffle(pairs)
    told = 0
    for old, new in pairs:
        if chance.random() < 0.03:  # nothing is remembered any more
            from_git.close()
            shutil.rmtree(cache)
            from_git = Catalogue(find_settings(folder), cache)
        sides = opened(old), opened(new)
        comparison = compare_opened(*sides)
        context = old, new, sides
        assert comparison.old.problems == problems_of(nights[old]), context
        assert comparison.new.problems == problems_of(nights[new]), context
        told += bool(comparison.old.problems) + bool(comparison.new.problems)
    from_git.close()
    assert 0 < told < 2 * len(pairs)


def test_of_two_equal_manifests(make_repository: MakeRepository, tmp_path: Path) -> None:
    """Told at first, when it is remembered, where nothing can be, and of what is stored."""
    night: dict[str, Content] = {
        f"_cache/develop/{package}/specs.md": listing(package, [dag_hash("one")])
        for package in ("hdf5", "zlib")
    }
    more: dict[str, Content] = {"_cache/develop/bats/specs.md": listing("bats", [dag_hash("two")])}
    folder = make_repository([night, more])
    names = "develop@HEAD~1", "develop"
    first = compared(*names, folder=folder)
    reason = f"hash {dag_hash('one')} is also listed by hdf5"
    for side in ("old", "new"):
        assert first[side]["problems"] == [{"manifest": "zlib", "reason": reason}]
    assert compared(*names, folder=folder) == first
    (tmp_path / "file").touch()
    nowhere = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    assert compared(*names, folder=folder, environment=nowhere) == first
    succeeds("snapshot", *names, folder=folder)
    stored = [f"develop@{git(folder, 'rev-parse', name)}" for name in ("HEAD~1", "HEAD")]
    assert compared(*stored, "--stored", folder=folder) == first


def test_equal_manifests_are_read_only_if_they_share_a_hash(
    make_repository: MakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_repository(
        [
            {
                f"_cache/develop/{package}/specs.md": listing(package, [dag_hash(package)])
                for package in PACKAGES
            },
            *(
                {"_cache/develop/bats/specs.md": listing("bats", [dag_hash(f"bats/{number}")])}
                for number in range(3)
            ),
        ]
    )
    with_cache = Catalogue(find_settings(folder), tmp_path / "cache")

    def read(old: str, new: str) -> int:
        """How many folders of packages were read out of git, on either side."""
        sides = [with_cache.open(f"develop@{when}", folder) for when in (old, new)]
        source = with_cache.source()
        reads: list[int] = []
        original = type(source).read

        def counted(self: object, folders: list[object], progress: object = None) -> object:
            reads.append(len(folders))
            return original(source, folders, progress)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(type(source), "read", counted)
            compare_opened(*sides)
        return sum(reads)

    assert read("HEAD~3", "HEAD~2") > 2
    for _ in range(2):
        assert read("HEAD~2", "HEAD~1") == 2, "of what is new, only what differs"
        assert read("HEAD~1", "HEAD") == 2
        assert read("HEAD~3", "HEAD") == 2
    with_cache.close()


HASHES = st.sampled_from([one + rest * 31 for one in "ab" for rest in "cd"]) | st.sampled_from(
    ["a" * 8 + rest * 24 for rest in "ab"]
)


@given(st.lists(HASHES), st.lists(HASHES), st.lists(HASHES))
def test_listed_hashes(kept: list[str], gone: list[str], come: list[str]) -> None:
    hashes = ListedHashes.of([*kept, *gone]).without(gone).plus(come)
    hashes = ListedHashes(hashes.encode())
    listed = [beginning(hash_) for hash_ in (*kept, *come)]
    assert hashes.encode() == ListedHashes.of([*come, *kept]).encode()
    assert hashes.repeated() == {one for one in listed if listed.count(one) > 1}
    assert hashes.alike(gone) == {beginning(hash_) for hash_ in gone} & {*listed}
