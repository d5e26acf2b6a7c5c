"""The index of lives: what it tells, held against a plain walk over all snapshots."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from cachediff.comparing import compare
from cachediff.comparing.stacks import stacks_of
from cachediff.config import Settings, SourceSettings
from cachediff.demo import demo_history
from cachediff.errors import NameNotFoundError, StoreError, UsageError
from cachediff.index import DamagedIndexError, Index, IndexWriter
from cachediff.index.hashes import between, packed, unpacked
from cachediff.jobs.indexing import reindex, update_index
from cachediff.jobs.snapshot import take_snapshots
from cachediff.model.comparison import PackageStatus
from cachediff.model.coverage import COVERED
from cachediff.model.lives import HashLife, PackageStep, Point, PointTotals, StepCounts
from cachediff.model.snapshot import Manifest, Origin, Snapshot, Totals
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version
from cachediff.queries import Catalogue
from cachediff.queries.indexing import index_path
from cachediff.queries.lives import open_index
from conftest import MakeRepository
from pages import page, record
from repositories import add_commits, git
from strategies import KNOWN_STACKS, builds, manifest, spec, unreadable

PACKAGES = ["adios2", "bats", "cmake"]
COLLECTIONS = ["develop", "develop-2025-01-05"]
ODD = "0189" * 8
"""A hash that is not base32."""

Night = dict[str, Manifest]
"""The manifests of one collection at one commit, by package."""
History = dict[str, list[Night]]
"""The nights of each collection."""
Everything = dict[str, Any]


# -- histories ---------------------------------------------------------------------------------------


@st.composite
def manifests(draw: DrawFn, package: str) -> Manifest:
    """One of few manifests of a package, which come back, with hashes that other manifests have too."""
    if draw(st.integers(0, 2)) == 0:
        return unreadable(package)
    # A hash that two packages list is a mistake of upstream, which does happen.
    # A hash may be told in more detail than before, but its version stays.
    versions = {package[0] * 32: "1.0", package[0] * 31 + "q": "1_00", "z" * 32: "2.0", ODD: "1.1"}
    specs = [
        Spec(
            hash_,
            msgspec.structs.replace(draw(builds(package)), version=Version(versions[hash_])),
            draw(st.sampled_from([None, *KNOWN_STACKS])),
        )
        for hash_ in sorted(draw(st.sets(st.sampled_from(sorted(versions)), max_size=3)))
    ]
    return manifest(*specs, package=package)


@st.composite
def nights(draw: DrawFn, most: int = 6) -> list[Night]:
    """The nights of one collection: most manifests stay as they were."""
    told: list[Night] = []
    night: Night = {}
    for _ in range(draw(st.integers(1, most))):
        for package in draw(st.sets(st.sampled_from(PACKAGES), max_size=3)):
            if draw(st.integers(0, 4)) == 0:
                night.pop(package, None)
            else:
                night[package] = draw(manifests(package))
        told.append(dict(night))
    return told


def histories() -> st.SearchStrategy[History]:
    return st.fixed_dictionaries(
        {"develop": nights()}, optional={"develop-2025-01-05": nights(most=2)}
    )


def snapshot_of(collection: str, number: int, night: Night) -> Snapshot:
    """The snapshot of a night; two nights share a time of commit."""
    ids = {package: sha1(repr(night[package]).encode()).hexdigest() for package in sorted(night)}
    origin = Origin(
        "cache",
        collection,
        f"{number:040x}",
        f"2025-01-{1 + number // 2:02}T12:00:00Z",
        sha1(repr(ids).encode()).hexdigest(),
    )
    return Snapshot(origin, tuple(night[package] for package in sorted(night)), ids)


def point_of(number: int) -> Point:
    origin = snapshot_of("develop", number, {}).origin
    return Point(str(origin.committed_at), str(origin.commit))


@contextlib.contextmanager
def catalogue(folder: Path) -> Iterator[Catalogue]:
    """Nothing but a store, in `folder`."""
    of: dict[str | None, SourceSettings] = {"cache": SourceSettings(path=str(folder / "none"))}
    names = Catalogue(Settings(of, folder / "store", folder / "reports"), folder / "cache")
    try:
        yield names
    finally:
        names.close()


@contextlib.contextmanager
def stored(history: History) -> Iterator[Catalogue]:
    """A store of all nights of a history, without an index."""
    with tempfile.TemporaryDirectory() as folder, catalogue(Path(folder)) as names:
        for collection, told in history.items():
            for number, night in enumerate(told):
                names.store.write(snapshot_of(collection, number, night))
        yield names


def everything(names: Catalogue) -> Everything:
    """All that the index tells."""
    with Index(index_path(names.settings)) as index:
        told: Everything = {"collections": index.collections(), "snapshots": index.snapshots()}
        for source, collection in index.collections():
            told[collection] = {
                "points": index.points(source, collection),
                "totals": index.totals(source, collection),
                "packages": index.packages(source, collection),
                "steps": {
                    package: index.package_steps(source, collection, package)
                    for package in index.packages(source, collection)
                },
                "stacks": {
                    stack: index.stack_steps(source, collection, stack)
                    for stack in ("e4s", "ml", "root", "hep")
                },
                "package stacks": {
                    package: index.package_stacks(source, collection, package)
                    for package in index.packages(source, collection)
                },
                "versions": {
                    package: index.versions(source, collection, package)
                    for package in index.packages(source, collection)
                },
            }
        told["lives"] = [
            life
            for letter in "abcdefghijklmnopqrstuvwxyz0123456789"
            for life in index.lives(letter)
        ]
    return told


# -- a plain walk ------------------------------------------------------------------------------------


def known(told: Sequence[Night], package: str) -> list[tuple[int, tuple[Spec, ...]]]:
    """The nights at which a package was known, and what it had; nothing where it was not there."""
    return [
        (number, night[package].specs if package in night else ())
        for number, night in enumerate(told)
        if package not in night or night[package].readable
    ]


def walked_steps(told: Sequence[Night], package: str) -> list[PackageStep]:
    """The steps of a package, out of comparisons of whole snapshots."""
    steps = []
    last: Manifest | None = None
    was_known = False
    for number, night in enumerate(told):
        page = night.get(package)
        point = point_of(number)
        if page is not None and not page.readable:
            status = PackageStatus.UNKNOWN
            steps.append(PackageStep(point=point, package=package, status=status, specs=0))
            continue
        pages = [(last, page)] if last or page else []
        origin = Origin("cache", "develop")
        found = compare(origin, origin, pages, Totals())
        for each in found.packages:
            counts = found.spec_counts
            steps.append(
                PackageStep(
                    point=point,
                    package=package,
                    status=each.status if was_known else None,
                    specs=found.new.specs,
                    counts=StepCounts(
                        *(getattr(counts, field) for field in StepCounts.__struct_fields__)
                    )
                    if was_known
                    else StepCounts(),
                    versions_added=tuple(map(str, each.versions_added)),
                    versions_removed=tuple(map(str, each.versions_removed)),
                    stacks_joined=each.stacks_joined,
                    stacks_left=each.stacks_left,
                )
            )
        # Of what was unreadable from the beginning on, nothing is known of before.
        last, was_known = page, True
    if told and package in told[0] and not told[0][package].readable:
        first = next((number for number, _ in known(told, package)), None)
        steps = [
            PackageStep(
                point=step.point,
                package=package,
                status=None,
                specs=step.specs,
                versions_added=step.versions_added,
                stacks_joined=step.stacks_joined,
            )
            if first is not None and step.point == point_of(first)
            else step
            for step in steps
        ]
    return steps


def stays(seen: Sequence[tuple[int, bool]]) -> list[tuple[int, int, int | None]]:
    """First, last and gone of each stay, out of the nights at which it is known whether it was there."""
    found: list[tuple[int, int, int | None]] = []
    first: int | None = None
    last = 0
    for number, there in seen:
        if there:
            first, last = number if first is None else first, number
        elif first is not None:
            found.append((first, last, number))
            first = None
    if first is not None:
        found.append((first, last, None))
    return found


def walked_lives(history: History) -> list[tuple[object, ...]]:
    """The stays of all hashes, each with its stacks, as tuples."""
    lives: list[tuple[object, ...]] = []
    for collection, told in history.items():
        for package in PACKAGES:
            nights_known = known(told, package)
            for hash_ in {one.hash for _, specs in nights_known for one in specs}:
                at = {
                    number: one
                    for number, specs in nights_known
                    for one in specs
                    if one.hash == hash_
                }
                seen = [(number, number in at) for number, _ in nights_known]
                for first, last, gone in stays(seen):
                    here = [at[number] for number in range(first, last + 1) if number in at]
                    numbers = [number for number in range(first, last + 1) if number in at]
                    stacks = [
                        (point_of(number), one.stacks)
                        for place, (number, one) in enumerate(zip(numbers, here, strict=True))
                        if place == 0 or one.stacks != here[place - 1].stacks
                    ]
                    lives.append(
                        (
                            hash_,
                            point_of(first),
                            collection,
                            package,
                            here[0].build.version.text,
                            here[0].compiler,
                            here[0].variants,
                            point_of(last),
                            None if gone is None else point_of(gone),
                            tuple(stacks),
                        )
                    )
    return sorted(lives, key=repr)


def told_life(life: HashLife) -> tuple[object, ...]:
    return (
        life.hash,
        life.first,
        life.collection,
        life.package,
        life.version,
        life.compiler,
        life.variants,
        life.last,
        life.gone,
        tuple((change.point, change.stacks) for change in life.stacks),
    )


# -- properties --------------------------------------------------------------------------------------

property_of = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@property_of
@given(histories())
def test_what_is_told_is_what_a_plain_walk_over_all_snapshots_finds(history: History) -> None:
    with stored(history) as names:
        update_index(names)
        told = everything(names)
        hashes = {life.hash for life in told["lives"]}
        with Index(index_path(names.settings)) as index:
            of = index.lives_of({*hashes, "y" * 32})
    check_steps(history, told)
    check_lives(history, told["lives"], of)
    check_versions_and_totals(history, told)


def check_steps(history: History, told: Everything) -> None:
    """Steps are what comparisons tell."""
    for collection, night in history.items():
        seen = {package for each in night for package in each}
        for package in seen:
            steps = told[collection]["steps"].get(package, [])
            assert steps == walked_steps(night, package)
        # What never had a spec, and could always be read, is nothing that was ever seen.
        assert set(told[collection]["packages"]) <= seen
        for stack in ("e4s", "ml"):
            assert told[collection]["stacks"][stack] == sorted(
                (
                    step
                    for package in seen
                    for step in walked_steps(night, package)
                    if step.status and stack in {*step.stacks_joined, *step.stacks_left}
                ),
                key=lambda step: (step.point, step.package),
            )


def check_lives(history: History, lives: list[HashLife], of: dict[str, list[HashLife]]) -> None:
    hashes = {life.hash for life in lives}
    assert sorted(map(told_life, lives), key=repr) == walked_lives(history)
    assert [(life.hash, life.first) for life in lives] == sorted(
        ((life.hash, life.first) for life in lives),
        key=lambda pair: ("abcdefghijklmnopqrstuvwxyz0123456789".index(pair[0][0]), pair),
    )
    assert of == {
        **{hash_: [life for life in lives if life.hash == hash_] for hash_ in hashes},
        "y" * 32: [],
    }


def check_versions_and_totals(history: History, told: Everything) -> None:
    for collection, night in history.items():
        for package in told[collection]["packages"]:
            found: defaultdict[Version, list[tuple[Point, Point, Point | None]]] = defaultdict(list)
            for life in told[collection]["versions"][package]:
                found[Version(life.version)].append((life.first, life.last, life.gone))
            versions = [
                (number, {one.version for one in specs}) for number, specs in known(night, package)
            ]
            assert found == {
                version: [
                    (point_of(first), point_of(last), None if gone is None else point_of(gone))
                    for first, last, gone in stays([(n, version in there) for n, there in versions])
                ]
                for version in {version for _, there in versions for version in there}
            }
        check_suspicions(collection, night, told[collection]["totals"])
        for totals, manifests_ in zip(told[collection]["totals"], night, strict=True):
            whole = Totals.of({name: page.summary() for name, page in manifests_.items()})
            assert totals.coverage == {
                field: {
                    "none" if value is None else value: numbers
                    for value, numbers in whole.coverage[field].items()
                }
                for field in COVERED
            }
            assert (totals.manifests, totals.unreadable, totals.packages, totals.specs) == (
                whole.manifests,
                len(whole.unreadable),
                whole.packages,
                whole.specs,
            )


def check_suspicions(collection: str, told: Sequence[Night], totals: Sequence[PointTotals]) -> None:
    """A point is suspect where a comparison with the one before it says so, in its words."""
    origin = Origin("cache", collection)
    assert totals[0].suspicion is None
    for old, new, each in zip(told, told[1:], totals[1:], strict=False):
        pages = [(old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]
        assert each.suspicion == compare(origin, origin, pages, Totals()).new.suspect
        assert each.suspect == (each.suspicion is not None)


def test_what_can_be_read_again_does_not_make_up_for_what_is_lost() -> None:
    """Specs of a package that could not be read before are none that came."""

    def some(package: str, *letters: str) -> Manifest:
        build = Build(
            package, Version("1.0"), "gcc@12.1.0", "linux", "ubuntu22.04", "x86_64_v3", ()
        )
        return manifest(*(Spec(each * 32, build, ()) for each in letters), package=package)

    before = {"adios2": unreadable("adios2"), "bats": some("bats", *"abcd")}
    after = {"adios2": some("adios2", *"efgh"), "bats": some("bats", "a")}
    with stored({"develop": [before, after]}) as names:
        update_index(names)
        totals = everything(names)["develop"]["totals"]
    check_suspicions("develop", [before, after], totals)
    assert [each.suspicion for each in totals] == [None, "develop lost 3 of its 4 specs"]


@property_of
@given(histories())
def test_the_stacks_of_a_package_are_those_that_its_specs_tell(history: History) -> None:
    with stored(history) as names:
        update_index(names)
        with Index(index_path(names.settings)) as index:
            for collection, told in history.items():
                assert index.suspicions("cache", collection) == {
                    each.point: each.suspicion
                    for each in index.totals("cache", collection)
                    if each.suspect
                }
                for package in index.packages("cache", collection):
                    stacks = [
                        each for _, each in index.package_stacks("cache", collection, package)
                    ]
                    for number, specs in known(told, package):
                        assert stacks[number] == stacks_of(specs)


@property_of
@given(histories(), st.data())
def test_whatever_was_indexed_before_the_index_is_that_of_what_is_stored(
    history: History, data: st.DataObject
) -> None:
    """Snapshots come in any order, are removed and replaced, between updates."""
    with stored(history) as names:
        all_of_it = list(names.store.list().snapshots)
        snapshots = {
            (collection, f"{number:040x}"): snapshot_of(collection, number, night)
            for collection, told in history.items()
            for number, night in enumerate(told)
        }
        for _ in range(data.draw(st.integers(1, 4))):
            for one in all_of_it:
                fate = data.draw(
                    st.sampled_from(["kept", "kept", "kept", "kept", "removed", "replaced"])
                )
                key = one.collection, one.commit
                if fate == "removed":
                    names.store.remove(one)
                elif fate == "kept" and one not in names.store.list().snapshots:
                    names.store.write(snapshots[key])
                elif fate == "replaced":
                    other = data.draw(st.sampled_from(history[one.collection]))
                    names.store.write(snapshot_of(one.collection, int(one.commit, 16), other))
            update_index(names)
        updated = everything(names)
        index_path(names.settings).unlink()
        reindex(names)
        assert everything(names) == updated
        reindex(names)
        assert everything(names) == updated


@given(
    st.sets(st.text("ab27", min_size=32, max_size=32) | st.text("aAé019_ +", max_size=33)),
    st.text("ab27", max_size=33),
)
def test_a_prefix_is_a_range_of_what_is_kept(hashes: set[str], beginning: str) -> None:
    for hash_ in hashes:
        assert unpacked(packed(hash_)) == hash_
        for prefix in {hash_[:length] for length in range(1, 34)} | {beginning}:
            kept = packed(hash_)
            found = any(
                isinstance(kept, type(first)) and first <= kept <= last  # type: ignore[operator]
                for first, last in between(prefix)
            )
            assert found == hash_.startswith(prefix), (hash_, prefix)


def test_a_hash_of_spack_takes_twenty_bytes() -> None:
    assert packed("a" * 32) == bytes(20)
    assert packed("7" * 32) == b"\xff" * 20
    assert packed("o2fxcqo6" * 4) != packed("o2fxcqo7" * 4)
    for text in ("A" * 32, "1" * 32, "a" * 31, "a" * 33, " " + "a" * 31, "_" + "a" * 31, ""):
        assert packed(text) == text


# -- what is stored, damaged -------------------------------------------------------------------------


def small(*told: Night) -> History:
    return {"develop": list(told)}


def night(*letters: str, version: str = "1.0") -> Night:
    return {"hdf5": manifest(*(spec(letter, version) for letter in letters))}


def lives(names: Catalogue, prefix: str) -> list[tuple[Point, Point | None]]:
    with open_index(names) as index:
        return [(life.first, life.gone) for life in index.lives(prefix)]


def test_a_damaged_snapshot_is_passed_over_until_it_is_whole() -> None:
    with stored(small(night("a"), night("a", "b"), night("b"))) as names:
        middle = names.store.list().snapshots[1]
        data = Path(middle.path).read_bytes()
        Path(middle.path).write_bytes(data[:-1] + b"?")
        assert lives(names, "b") == [(point_of(2), None)]
        said = (
            f"1 snapshot of cache:develop cannot be read (newest {middle.committed_at[:10]}): no"
            " history is told of it; what to do is told by: cachediff verify"
        )
        assert names.notices == ["the index was built of 2 snapshots", said]
        for _ in range(2):  # each time
            names.notices.clear()
            assert lives(names, "b") == [(point_of(2), None)]
            assert names.notices == [said]
        names.notices.clear()
        Path(middle.path).write_bytes(data)
        assert lives(names, "b") == [(point_of(1), None)]
        assert lives(names, "a") == [(point_of(0), point_of(2))]
        assert len(names.notices) == 1


def test_a_snapshot_that_was_indexed_and_is_damaged_when_the_next_one_comes() -> None:
    with stored(small(night("a"), night("a", "b"))) as names:
        update_index(names)
        newest = Path(names.store.list().snapshots[1].path)
        newest.write_bytes(newest.read_bytes()[:-1] + b"?")
        names.store.write(snapshot_of("develop", 2, night("b")))
        assert lives(names, "a") == [(point_of(0), point_of(2))]
        assert lives(names, "b") == [(point_of(2), None)]
        assert any("1 snapshot of cache:develop" in notice for notice in names.notices)


def test_all_snapshots_damaged_is_no_collection() -> None:
    with stored(small(night("a"))) as names:
        only = Path(names.store.list().snapshots[0].path)
        only.write_bytes(b"")
        with open_index(names) as index:
            assert index.collections() == []
            assert index.points("cache", "develop") == []
        names.notices.clear()
        with open_index(names):
            assert ["cannot be read" in notice for notice in names.notices] == [True]


def test_many_that_are_damaged_are_one_notice_until_they_are_removed() -> None:
    with stored(small(night("a"), night("a", "b"), night("b"))) as names:
        taken = names.store.list().snapshots
        for each in taken[1:]:
            Path(each.path).write_bytes(b"")
        receipt = Path(taken[0].path).with_suffix(".json")
        receipt.write_text("{}")
        reindex(names)
        (said,) = names.notices
        assert said == (
            f"3 snapshots of cache:develop cannot be read (newest {taken[2].committed_at[:10]}): no"
            " history is told of them; what to do is told by: cachediff verify"
        )
        for each in taken:
            names.store.remove(each)
        names.notices.clear()
        with open_index(names):
            assert not names.notices


@pytest.mark.parametrize("at_once", [True, False])
def test_what_could_not_be_read_is_told_once_it_can(at_once: bool) -> None:
    told = [
        night("a"),
        {"hdf5": unreadable()},
        {"hdf5": Manifest("hdf5", (), (), readable=False)},
        night("b", version="2.0"),
    ]
    with stored({}) as names:
        for number, each in enumerate(told):
            names.store.write(snapshot_of("develop", number, each))
            if not at_once:
                update_index(names)
        with open_index(names) as index:
            steps = index.package_steps("cache", "develop", "hdf5")
            first, second = index.versions("cache", "develop", "hdf5")
            (gone,) = index.lives("a")
            totals = index.totals("cache", "develop")
    unknown = PackageStatus.UNKNOWN
    assert [step.status for step in steps] == [None, unknown, unknown, PackageStatus.CHANGED]
    assert steps[-1].counts == StepCounts(upgraded=1)
    assert (first.last, first.gone) == (point_of(0), point_of(3))
    assert (gone.last, gone.gone) == (point_of(0), point_of(3))
    assert second.gone is None
    assert [each.coverage["stack"] for each in totals] == [{"e4s": (1, 1)}, {}, {}, {"e4s": (1, 1)}]


# -- the file ----------------------------------------------------------------------------------------


def test_it_is_built_and_brought_up_to_date_when_it_is_asked_for() -> None:
    with stored(small(night("a"))) as names:
        assert lives(names, "a") == [(point_of(0), None)]
        assert names.notices == ["the index was built of 1 snapshot"]
        names.notices.clear()
        assert lives(names, "a") == [(point_of(0), None)]
        assert names.notices == []
        names.store.write(snapshot_of("develop", 1, night("b")))
        assert lives(names, "a") == [(point_of(0), point_of(1))]
        assert names.notices == [
            "the index was behind the store, and was brought up to date with 1 snapshot"
        ]


def test_nothing_is_made_where_nothing_is_stored(tmp_path: Path) -> None:
    with (
        catalogue(tmp_path) as names,
        pytest.raises(NameNotFoundError, match="no snapshot is stored"),
    ):
        open_index(names)
    assert list(tmp_path.glob("store*")) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"not an index",
        lambda data: data[:5000],
        lambda data: b"\0" * 100 + data[100:],
        lambda data: data[:4096] + b"\xff" * 4096 * 3 + data[4096 * 4 :],
        lambda data: data[:4096] + random.Random(1).randbytes(len(data) - 4096),
    ],
)
def test_a_damaged_index_is_built_again(damage: Any) -> None:
    with stored(small(night("a"), night("b"))) as names:
        update_index(names)
        told = everything(names)
        path = index_path(names.settings)
        path.write_bytes(damage(path.read_bytes()))
        with open_index(names):
            pass
        update_index(names)
        assert everything(names) == told
        assert len(names.notices) == 1


def test_damage_that_is_met_while_reading_is_told(tmp_path: Path) -> None:
    with stored(small(night("a"), night("b"))) as names:
        update_index(names)
        path = index_path(names.settings)
        with contextlib.closing(sqlite3.connect(path)) as file, file:
            file.execute("UPDATE life SET history = 99")
        with Index(path) as index, pytest.raises(DamagedIndexError, match="is damaged"):
            index.lives("a")
        reindex(names)
        assert lives(names, "a") == [(point_of(0), point_of(1))]


def test_an_index_of_another_release_is_built_again() -> None:
    with stored(small(night("a"))) as names:
        update_index(names)
        with contextlib.closing(sqlite3.connect(index_path(names.settings))) as file:
            file.execute("PRAGMA user_version=999")
        with pytest.raises(StoreError, match="no index that this release reads"):
            Index(index_path(names.settings))
        assert lives(names, "a") == [(point_of(0), None)]
        assert names.notices == ["the index was damaged, and was built again of 1 snapshot"]


def test_an_index_that_cannot_be_written_is_read_as_it_is() -> None:
    with stored(small(night("a"))) as names:
        update_index(names)
        names.store.write(snapshot_of("develop", 1, night("b")))
        lock = index_path(names.settings).with_name("index.sqlite.lock")
        lock.unlink()
        lock.mkdir()
        assert lives(names, "a") == [(point_of(0), None)]
        (notice,) = names.notices
        assert notice.startswith("the index is behind the store:")
        index_path(names.settings).unlink()
        with pytest.raises(StoreError, match="cannot be written"):
            open_index(names)


def test_a_reader_sees_one_moment_and_a_writer_waits_for_it() -> None:
    with stored(small(night("a"))) as names:
        update_index(names)
        names.store.write(snapshot_of("develop", 1, night("b")))
        command = [sys.executable, "-c", UPDATE, str(index_path(names.settings).parents[1])]
        with (
            Index(index_path(names.settings)) as index,
            subprocess.Popen(command, cwd=Path(__file__).parent) as writer,
        ):
            with contextlib.suppress(subprocess.TimeoutExpired):
                writer.wait(timeout=2)
            assert writer.poll() is None
            assert len(index.points("cache", "develop")) == 1
            (life,) = index.lives("a")
            assert life.gone is None
            index.close()
        assert writer.returncode == 0
        assert lives(names, "a") == [(point_of(0), point_of(1))]
        assert not names.notices  # the writer did it


def test_who_updates_the_index_does_not_wait_for_itself() -> None:
    """The index that is behind is closed before it is written; so it is where it cannot be."""
    with stored(small(night("a"))) as names:
        for number in range(1, 4):
            begun = time.monotonic()
            with open_index(names):
                pass
            names.store.write(snapshot_of("develop", number, night("b")))
            assert time.monotonic() - begun < 10


def test_several_processes_bring_it_up_to_date_at_once(demo: Path) -> None:
    with catalogue_of(demo) as names:
        update_index(names)
        told = everything(names)
        index_path(names.settings).unlink()
        command = [sys.executable, "-c", UPDATE, str(demo)]
        here = Path(__file__).parent
        processes = [subprocess.Popen(command, cwd=here) for _ in range(3)]
        assert [process.wait() for process in processes] == [0, 0, 0]
        assert everything(names) == told


def test_killed_at_any_time_it_goes_on_from_where_it_was(demo: Path) -> None:
    with catalogue_of(demo) as names:
        update_index(names)
        told = everything(names)
        path = index_path(names.settings)
        path.unlink()
        rng = random.Random(5)
        kills = 0
        for _ in range(8):
            command = [sys.executable, "-c", UPDATE, str(demo)]
            with subprocess.Popen(command, cwd=Path(__file__).parent) as process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=rng.uniform(0.3, 1.2))
                process.kill()
            kills += process.returncode == -signal.SIGKILL
            if path.exists():
                with IndexWriter(path) as writer:  # rolls back what was not committed
                    points = writer.snapshots()
                with Index(path) as index:
                    assert index.snapshots() == points
        assert kills
        update_index(names)
        assert everything(names) == told


def test_it_needs_nothing_heavy_to_be_read() -> None:
    code = "import sys; from cachediff.index.reading import Index; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {"pyarrow", "git", "rich", "jinja2"} & set(out.stdout.split())


# -- demo, git, real manifests -----------------------------------------------------------------------

UPDATE = """
import sys
from pathlib import Path
import test_index
from cachediff.jobs.indexing import update_index
with test_index.catalogue_of(Path(sys.argv[1])) as names:
    update_index(names)
"""


@contextlib.contextmanager
def catalogue_of(folder: Path) -> Iterator[Catalogue]:
    """The repository `cache` in a folder, and a store beside it."""
    of: dict[str | None, SourceSettings] = {"cache": SourceSettings(path=str(folder / "cache"))}
    names = Catalogue(Settings(of, folder / "store", folder / "reports"), folder / "totals")
    try:
        yield names
    finally:
        names.close()


def take_all(folder: Path, collection: str) -> None:
    """Store a collection at every commit of the repository."""
    commits = git(folder / "cache", "log", "--format=%H", "--reverse", "main").split()
    with catalogue_of(folder) as names:
        for _ in take_snapshots(names, [f"{collection}@{each}" for each in commits], folder):
            pass


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's five weeks, stored."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "cache").mkdir()
    git(folder / "cache", "init", "--quiet", "--bare", "--initial-branch=main")
    git(folder / "cache", "fast-import", "--quiet", stdin=b"".join(demo_history()))
    take_all(folder, "develop")
    with catalogue_of(folder) as names:
        list(take_snapshots(names, [], folder))
    return folder


@pytest.fixture
def demo(taken: Path, tmp_path: Path) -> Path:
    """The same, for one test to change."""
    shutil.copytree(taken / "store", tmp_path / "store", ignore=shutil.ignore_patterns("index*"))
    (tmp_path / "cache").symlink_to(taken / "cache")
    return tmp_path


@pytest.fixture(scope="module")
def demo_index(taken: Path) -> Iterator[Index]:
    with catalogue_of(taken) as names, open_index(names) as index:
        yield index


def days(steps: Sequence[PackageStep]) -> list[tuple[str, str | None]]:
    return [(step.point.committed_at[:10], step.status) for step in steps]


def test_the_events_of_the_demo(demo_index: Index) -> None:
    def steps(package: str) -> list[PackageStep]:
        return demo_index.package_steps("cache", "develop", package)

    assert days(steps("py-nose")) == [("2025-02-24", None), ("2025-03-19", "removed")]
    assert days(steps("likwid")) == [("2025-03-04", "added")]
    assert steps("trilinos")[-1].stacks_left == ("e4s",)
    assert days(steps("trilinos"))[-1] == ("2025-04-01", "changed")
    assert days(steps("paraview"))[-1] == ("2025-04-02", "unknown")
    (boost,) = (step for step in steps("boost") if step.point.committed_at[:10] == "2025-03-21")
    assert boost.counts == StepCounts(restacked=boost.counts.restacked)
    assert boost.counts.restacked > 0
    (zlib,) = (step for step in steps("zlib-ng") if "2.2.4" in step.versions_added)
    assert days([zlib]) == [("2025-03-13", "changed")]
    left = demo_index.stack_steps("cache", "develop", "e4s")
    assert [(step.package, step.stacks_left) for step in left][-1] == ("trilinos", ("e4s",))
    lives = {life.version: life for life in demo_index.versions("cache", "develop", "zlib-ng")}
    assert lives["2.2.4"].first.committed_at[:10] == "2025-03-13"
    assert (gone := lives["2.2.3"].gone) is not None
    assert gone == lives["2.2.4"].first
    assert demo_index.packages("cache", "develop-2025-03-23").count("py-nose") == 0
    assert "py-nose" in demo_index.packages("cache")
    (totals,) = demo_index.totals("cache", "develop", since="2025-04-02")
    assert (totals.specs, totals.unreadable) == (3_004, 1)
    assert totals.coverage["stack"]["e4s"] == (679, 75)


def test_what_is_asked_for_was_never_seen(demo_index: Index) -> None:
    assert demo_index.points("cache", "nope") == []
    assert demo_index.totals("nope", "develop") == []
    assert demo_index.package_steps("cache", "develop", "nope") == []
    assert demo_index.stack_steps("cache", "develop", "nope") == []
    assert demo_index.versions("cache", "develop", "nope") == []
    assert demo_index.packages("nope") == []
    assert demo_index.lives("no pe") == demo_index.lives("1") == demo_index.lives("a" * 40) == []
    with pytest.raises(UsageError, match="no text"):
        demo_index.lives("\udcff")


def test_a_hash_is_found_in_all_collections(demo_index: Index) -> None:
    lives = demo_index.lives("a")
    several = [life for life in lives if life.collection != "develop"]
    assert several
    for life in several:
        assert life.hash.startswith("a")
        assert life.collection in {collection for _, collection in demo_index.collections()}
    assert demo_index.has_hash("a")
    assert not any(map(demo_index.has_hash, ("1", "a" * 40)))


def test_a_snapshot_of_a_rewritten_history_stays_in_the_store(
    make_repository: MakeRepository,
) -> None:
    pages = [
        {"_cache/develop/hdf5/specs.md": page([record(letter * 32, "1.0")])} for letter in "ab"
    ]
    repository = make_repository(pages[:1])
    folder = repository.parent
    repository.rename(folder / "cache")
    take_all(folder, "develop")
    git(folder / "cache", "update-ref", "-d", "refs/heads/main")
    add_commits(folder / "cache", pages[1:])
    take_all(folder, "develop")
    with catalogue_of(folder) as names, open_index(names) as index:
        # Of the same time, there can be only one; what is stored stays.
        assert len(index.points("cache", "develop")) == 1
        assert len(names.store.list().snapshots) == 2


REAL = Path(__file__).parents[2] / "shared" / "real" / "cache-site"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real manifests are not there: ../shared/real")
def test_a_real_hash_is_in_two_collections(make_repository: MakeRepository) -> None:
    files = {
        f"_cache/{collection}/astyle/specs.md": (REAL / folder / "astyle" / "specs.md").read_bytes()
        for collection, folder in [
            ("develop", "develop@0082aed8e8"),
            ("develop-2024-06-09", "develop-2024-06-09"),
        ]
    }
    repository = make_repository([files])
    folder = repository.parent
    repository.rename(folder / "cache")
    with catalogue_of(folder) as names:
        list(take_snapshots(names, [], folder))
        with open_index(names) as index:
            found = index.lives("o2fxcqo6")
            assert {life.collection for life in found} == {"develop", "develop-2024-06-09"}
            assert {(life.package, life.gone) for life in found} == {("astyle", None)}


def test_reindex_says_how_much_there_was(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cachediff.cli.reindex import reindex as command

    (demo / "config.yaml").write_text(
        f"sources:\n  cache:\n    path: {demo / 'cache'}\nstore: store\n"
    )
    command(config=demo / "config.yaml")
    out = capsys.readouterr().out
    assert out.startswith("43 snapshots indexed, ")
    with catalogue_of(demo) as names, open_index(names):
        assert names.notices == []
