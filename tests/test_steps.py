"""Steps: a snapshot stored as what it changes of another is read back as if it were stored whole."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cachediff.errors import DamagedSnapshotError, StoreError
from cachediff.model.snapshot import Manifest, Origin, Problem, Snapshot
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version
from cachediff.store import Carried, SnapshotStore, StepLimits, StoredSnapshot
from cachediff.store.receipts import encode_receipt, receipt_path
from cachediff.store.rows import pack_bits, unpack_bits
from commands import refuses, succeeds
from conftest import MakeRepository
from pages import page as page_of
from pages import record
from repositories import git
from test_store import contents, flipped, origin, spec

ANY = StepLimits(depth=32, share=1e9, total=1e9)
"""However small the snapshots of a test are."""


def snapshot_of(day: int, *manifests: Manifest) -> Snapshot:
    """With object ids that follow from the manifests, as those of git do."""
    ids = {page.package: f"{zlib_of(page):040x}" for page in manifests}
    tree = f"{zlib_of(*manifests):040x}"
    return Snapshot(replace(origin(day, "0"), tree=tree), manifests, ids)


def zlib_of(*pages: Manifest) -> int:
    return int.from_bytes(random.Random(contents(pages)).randbytes(8), "big")


def changed(before: Snapshot, after: Snapshot) -> list[Manifest]:
    then = before.object_ids
    pages = after.manifests
    return [page for page in pages if then.get(page.package) != after.object_ids[page.package]]


def stored_in_steps(store: SnapshotStore, nights: list[Snapshot]) -> list[Carried]:
    taken = [store.begin(nights[0])]
    for before, after in pairwise(nights):
        taken.append(
            store.write_step(after.origin, after.object_ids, changed(before, after), taken[-1])
        )
    return taken


def page(package: str, *specs: Spec) -> Manifest:
    return Manifest(package, specs)


HDF5 = page("hdf5", spec("hdf5", "a" * 32), spec("hdf5", "b" * 32), spec("hdf5", "d" * 32))
NIGHTS = [
    snapshot_of(1, HDF5, page("m4", spec("m4", "e" * 32)), page("zlib", spec("zlib", "f" * 32))),
    snapshot_of(
        2,
        page("hdf5", HDF5.specs[0], spec("hdf5", "c" * 32, "1_0", None, (), None), HDF5.specs[2]),
        Manifest("m4", (), (Problem("m4/specs.md", "not UTF-8"),), readable=False),
        page("zlib", spec("zlib", "f" * 32)),
    ),
    snapshot_of(3, HDF5, page("libnew", spec("libnew", "g" * 32))),
    snapshot_of(4, HDF5, page("libnew", spec("libnew", "g" * 32, stacks=("root",)))),
]


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path, 1, ANY)


builds = st.builds(
    Build,
    package=st.just(""),
    version=st.sampled_from(["1.0", "1_0", "2.0"]).map(Version),
    compiler=st.sampled_from([None, "gcc@11.4.0"]),
    platform=st.just("linux"),
    os=st.sampled_from(["rhel8", "日本"]),
    target=st.sampled_from(["x86_64", "aarch64"]),
    variants=st.sampled_from([(), ("+mpi",), ("+mpi", "x=1,2")]),
)
stacks = st.sampled_from([None, (), ("e4s",), ("e4s", "root")])


@st.composite
def manifests(draw: st.DrawFn, package: str) -> Manifest:
    found = tuple(
        Problem(package, text) for text in draw(st.lists(st.text(max_size=3), max_size=1))
    )
    if draw(st.integers(0, 9)) == 0:
        return Manifest(package, (), found, readable=False)
    hashes = sorted(draw(st.sets(st.sampled_from("abcdefgh"), max_size=6)))
    specs = tuple(Spec(h, replace(draw(builds), package=package), draw(stacks)) for h in hashes)
    return Manifest(package, specs, found)


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Nights of which each leaves some packages as they were, and does anything to the others."""
    names = ["", "bats", "hdf5", "hdf5x", "é"]
    now = {name: draw(manifests(name)) for name in draw(st.sets(st.sampled_from(names)))}
    nights = []
    for day in range(1, draw(st.integers(2, 6)) + 1):
        nights.append(snapshot_of(day, *(now[name] for name in sorted(now))))
        for name in draw(st.sets(st.sampled_from(names), max_size=3)):
            now.pop(name, None)
            if draw(st.booleans()):
                now[name] = draw(manifests(name))
    return nights


@settings(deadline=None, max_examples=40)
@given(histories(), st.data())
def test_what_is_stored_as_steps_is_read_as_if_it_were_whole(
    nights: list[Snapshot], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, whole = (SnapshotStore(Path(folder, name), 1, ANY) for name in ("steps", "whole"))
        taken = stored_in_steps(store, nights)
        assert [each.stored.depth for each in taken] == list(range(len(nights)))
        assert store.list().snapshots == tuple(each.stored for each in taken)
        opened = None
        for night, carried in zip(nights, taken, strict=True):
            # With those of the one before at hand, or all of its files read.
            opened = store.open(carried.stored, data.draw(st.sampled_from([opened, None])))
            expected = whole.open(whole.write(night))
            assert contents(opened.read()) == contents(night.manifests)
            assert opened.origin == night.origin
            assert opened.entries == expected.entries == night.object_ids
            assert list(opened.entries) == sorted(opened.entries)
            assert opened.summaries == expected.summaries
            assert opened.listed() == expected.listed()
            assert opened.disagreements() == []
            for field in ("manifests", "unreadable", "packages", "specs"):
                told = getattr(expected.stored, field)
                assert getattr(carried.stored, field) == told
            wanted = data.draw(st.sets(st.sampled_from(["not there", *night.object_ids])))
            some = tuple(page for page in night.manifests if page.package in wanted)
            assert contents(opened.read(wanted)) == contents(some)
            # What is in memory is what is on the disk.
            again = store.carry(carried.stored)
            assert again == replace(carried, listing=dict(sorted(carried.listing.items())))
            assert contents(tuple(again.manifests.values())) == contents(night.manifests)


@settings(deadline=None, max_examples=15)
@given(histories())
def test_the_bytes_do_not_depend_on_what_was_in_memory(nights: list[Snapshot]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, other = (SnapshotStore(Path(folder, name), 1, ANY) for name in ("one", "other"))
        stored_in_steps(one, nights)
        other.write(nights[0])
        for before, after in pairwise(nights):
            base = other.find_base(after.origin)
            assert base is not None
            differing = changed(before, after)
            some = [page.package for page in differing]
            other.write_step(after.origin, after.object_ids, differing[::-1], base.carry(some))
        assert files(Path(folder, "one")) == files(Path(folder, "other"))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@given(st.lists(st.booleans()))
def test_bits(bits: list[bool]) -> None:
    packed = pack_bits(bits)
    assert list(unpack_bits(packed, len(bits)) or ()) == bits
    assert unpack_bits(packed, len(bits) + 1) is None


def test_plain_pyarrow_reads_the_rows_of_a_step(store: SnapshotStore) -> None:
    taken = stored_in_steps(store, NIGHTS)[1].stored
    table = pq.read_table(taken.path)
    assert table.to_pylist() == [
        {
            "package": "hdf5",
            "hash": "c" * 32,
            "version": "1_0",
            "compiler": None,
            "platform": "linux",
            "os": "rhel8",
            "target": "x86_64_v3",
            "variants": [],
            "stacks": None,
        }
    ]
    said = pq.read_metadata(taken.path).metadata
    assert said[b"cachediff.schema"] == b"cachediff/step/1"
    assert said[b"cachediff.base"].decode() == taken.bases[0]
    assert said[b"cachediff.base_sha256"].decode() == taken.base_sha256


def test_a_version_that_is_spelled_otherwise_is_another_row(store: SnapshotStore) -> None:
    spelled = ("1.0", "1_0", "1_0")
    nights = [
        snapshot_of(day, page("m4", spec("m4", "a" * 32, text), spec("m4", "b" * 32)))
        for day, text in enumerate(spelled, 1)
    ]
    for night, taken in zip(nights, stored_in_steps(store, nights), strict=True):
        assert contents(store.open(taken.stored).read()) == contents(night.manifests)


# When a step is written


def test_after_so_many_steps_a_whole_one_follows(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, 1, StepLimits(depth=3, share=1e9, total=1e9))
    nights = [snapshot_of(day, page("m4", spec("m4", f"{day:032}"))) for day in range(1, 12)]
    taken = stored_in_steps(store, nights)
    assert [each.stored.depth for each in taken] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2]
    assert all(store.verify(each.stored) == () for each in taken)
    # A whole one is what it would be on its own.
    alone = SnapshotStore(tmp_path / "alone", 1).write(nights[4])
    assert Path(alone.path).read_bytes() == Path(taken[4].stored.path).read_bytes()


def test_a_step_that_is_not_much_smaller_is_not_taken(tmp_path: Path) -> None:
    noise = random.Random(1)
    specs = [
        spec("m4", hash_) for hash_ in sorted(f"{noise.getrandbits(128):032x}" for _ in range(2000))
    ]
    few, many = specs[:1900], specs[:1000]
    nights = [
        snapshot_of(1, page("m4", *few)),
        snapshot_of(2, page("m4", *few, *specs[1999:])),
        snapshot_of(3, page("m4", *many)),
        snapshot_of(4, page("m4", *specs)),
    ]
    taken = stored_in_steps(SnapshotStore(tmp_path, 1), nights)
    assert [each.stored.depth for each in taken] == [0, 1, 2, 0]
    assert taken[1].stored.bytes < taken[0].stored.bytes / 5


def test_all_steps_together_are_limited(tmp_path: Path) -> None:
    first, *rest = [snapshot_of(day, page("m4", spec("m4", f"{day:032}"))) for day in (1, 2, 3, 4)]
    whole = SnapshotStore(tmp_path / "one", 1, ANY).begin(first)
    step = stored_in_steps(SnapshotStore(tmp_path / "two", 1, ANY), [first, rest[0]])[1]
    total = 2.5 * step.stored.bytes / whole.whole
    store = SnapshotStore(tmp_path / "three", 1, StepLimits(32, 1e9, total))
    assert [each.stored.depth for each in stored_in_steps(store, [first, *rest])] == [0, 1, 2, 0]


def test_other_parsers_begin_anew(tmp_path: Path) -> None:
    base = SnapshotStore(tmp_path, 1, ANY).begin(NIGHTS[0])
    store = SnapshotStore(tmp_path, 2, ANY)
    after = NIGHTS[1]
    taken = store.write_step(after.origin, after.object_ids, changed(NIGHTS[0], after), base)
    assert taken.stored.depth == 0
    assert taken.parser == store.carry(taken.stored).parser == 2


@pytest.mark.parametrize("wrong", ["too few", "too many", "other collection", "itself"])
def test_what_is_no_step_is_refused(store: SnapshotStore, wrong: str) -> None:
    base = store.begin(NIGHTS[0])
    after, pages = NIGHTS[1], changed(NIGHTS[0], NIGHTS[1])
    of = after.origin
    match wrong:
        case "too few":
            pages = pages[1:]
        case "too many":
            pages = list(after.manifests)
        case "other collection":
            of = replace(of, collection="v1")
        case "itself":
            of = NIGHTS[0].origin
    with pytest.raises(ValueError, match=r"changed|cannot be a step"):
        store.write_step(of, after.object_ids, pages, base)
    assert store.list().snapshots == (base.stored,)


def test_text_that_is_not_unicode_is_refused(store: SnapshotStore) -> None:
    base = store.begin(NIGHTS[0])
    bad = snapshot_of(2, page("hdf5", spec("hdf5", "\udcff")))
    with pytest.raises(StoreError, match="surrogates"):
        store.write_step(bad.origin, bad.object_ids, bad.manifests, base)


# Damage


def test_a_flipped_bit_or_a_cut_anywhere_in_the_chain_is_noticed(store: SnapshotStore) -> None:
    stored = [each.stored for each in stored_in_steps(store, NIGHTS)]
    chances = random.Random(4)
    for number, broken in enumerate(stored):
        path = Path(broken.path)
        data = path.read_bytes()
        bits = chances.sample(range(8 * len(data)), 60)
        for damaged in [*(flipped(data, bit) for bit in bits), data[:-1], data[:100], b""]:
            path.write_bytes(damaged)
            for dependent in stored[number:]:
                with pytest.raises(DamagedSnapshotError) as caught:
                    store.open(dependent)
                assert path.name in caught.value.message
                assert dependent.path.name in caught.value.message
            for before in stored[:number]:
                store.open(before)
        path.unlink()
        for dependent in stored[number:]:
            (reason,) = store.verify(dependent)
            step = "" if dependent is broken else f"; {dependent.path.name} is a step on it"
            assert reason == f"{path} is damaged: it is missing{step}"
        path.write_bytes(data)
    assert all(store.verify(each) == () for each in stored)


def store_root(store: SnapshotStore) -> Path:
    return Path(store.location)


def test_a_flipped_bit_in_any_byte_of_the_receipt_of_a_step_is_noticed(
    store: SnapshotStore,
) -> None:
    stored = stored_in_steps(store, NIGHTS)[2].stored
    path = receipt_path(Path(stored.path))
    data = path.read_bytes()
    for byte in range(len(data)):
        path.write_bytes(flipped(data, 8 * byte + byte % 8))
        listing = store.list()
        if not listing.damaged:
            with pytest.raises(DamagedSnapshotError):
                store.open(listing.snapshots[2])


def test_after_the_one_before_only_its_own_file_is_read(store: SnapshotStore) -> None:
    first, second, third, _ = (each.stored for each in stored_in_steps(store, NIGHTS))
    before = store.open(second)
    Path(first.path).unlink()
    assert contents(store.open(third, before).read()) == contents(NIGHTS[2].manifests)
    own = Path(third.path).read_bytes()
    Path(third.path).write_bytes(flipped(own, 8 * 100))
    with pytest.raises(DamagedSnapshotError, match=r"SHA-256"):
        store.open(third, before)
    Path(third.path).write_bytes(own)
    store.write(NIGHTS[0])
    store.write(NIGHTS[1])  # whole, where it was a step
    with pytest.raises(DamagedSnapshotError, match=r"is a step on it"):
        store.open(third, store.open(store.list().snapshots[1]))


def test_a_base_that_was_written_again_otherwise_is_told(store: SnapshotStore) -> None:
    first, second, third, _ = (each.stored for each in stored_in_steps(store, NIGHTS))
    store.write(NIGHTS[1])  # whole, where it was a step
    assert store.verify(first) == ()
    (reason,) = store.verify(third)
    assert reason.startswith(f"{second.path} is damaged: its SHA-256 is not the one that it had")


def test_a_damaged_one_taken_again_is_what_it_was(store: SnapshotStore) -> None:
    stored = [each.stored for each in stored_in_steps(store, NIGHTS)]
    store.remove(stored[0])  # its file stays
    before = files(store_root(store))
    Path(stored[1].path).write_bytes(b"")
    assert len([each for each in stored[1:] if store.verify(each)]) == 3

    base = store.find_base(NIGHTS[1].origin)
    assert base is not None
    assert base.stored == stored[0]
    pages = changed(NIGHTS[0], NIGHTS[1])
    store.write_step(NIGHTS[1].origin, NIGHTS[1].object_ids, pages, base.carry())

    assert files(store_root(store)) == before
    assert all(store.verify(each) == () for each in stored[1:])


def test_nothing_is_based_on_what_is_damaged(store: SnapshotStore) -> None:
    stored = [each.stored for each in stored_in_steps(store, NIGHTS[:2])]

    def base() -> StoredSnapshot | None:
        found = store.find_base(NIGHTS[2].origin)
        return None if found is None else found.stored

    assert base() == stored[1]
    assert store.find_base(NIGHTS[0].origin) is None
    path = Path(stored[1].path)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert base() is None
    path.write_bytes(data)
    receipt_path(path).write_text("{")
    assert base() is None
    receipt_path(path).unlink()
    assert base() == stored[0]


@pytest.mark.parametrize("field", ["bases", "base_sha256"])
def test_a_receipt_that_names_other_bases_is_told(store: SnapshotStore, field: str) -> None:
    _, _, third, fourth = (each.stored for each in stored_in_steps(store, NIGHTS))
    one, two = third.bases
    others = {"bases": [(), (one,), (two, one), (one, two, two), fourth.bases]}
    for value in others.get(field, ["", "0" * 64]):
        assert store.verify(replace(third, **{field: value}))


def test_bases_outside_the_folder_are_told(store: SnapshotStore) -> None:
    stored = stored_in_steps(store, NIGHTS)[1].stored
    bad = replace(stored, bases=(f"../../{stored.bases[0]}",))
    receipt_path(Path(stored.path)).write_bytes(encode_receipt(bad))
    (damaged,) = store.list().damaged
    assert "bases" in damaged.reason


# Removal


def there(store: SnapshotStore) -> set[str]:
    return {Path(name).name for name in files(store_root(store))}


def test_a_removed_base_goes_with_the_last_that_needs_it(store: SnapshotStore) -> None:
    stored = [each.stored for each in stored_in_steps(store, NIGHTS)]
    names = [each.path.name for each in stored]
    receipts = [receipt_path(each.path).name for each in stored]

    store.remove(stored[0])
    store.remove(stored[1])
    assert store.list().snapshots == (stored[2], stored[3])
    assert there(store) == {*names, *receipts[2:]}
    assert store.leftovers() == ()
    assert store.verify(stored[3]) == store.verify(stored[2]) == ()

    store.remove(stored[3])
    assert there(store) == {*names[:3], receipts[2]}
    store.remove(stored[2])
    assert there(store) == set()
    store.remove(stored[2])


def test_beside_a_damaged_receipt_files_stay(store: SnapshotStore) -> None:
    stored = [each.stored for each in stored_in_steps(store, NIGHTS)]
    receipt = receipt_path(Path(stored[3].path))
    content = receipt.read_bytes()
    receipt.write_text("{")
    for each in stored[:3]:
        store.remove(each)
    # Nobody knows who needs them: they are told, and `verify` says to leave them there.
    assert store.leftovers() == tuple(each.path for each in stored[:3])
    receipt.write_bytes(content)
    assert store.leftovers() == ()
    assert store.verify(stored[3]) == ()


_REMOVE = """
import os, signal, sys
from pathlib import Path
from cachediff.store import SnapshotStore

left = int(sys.argv[2])

def count(event, arguments):
    global left
    if event == "os.remove":
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

store = SnapshotStore(Path(sys.argv[1]), 1)
snapshots = store.list().snapshots
sys.addaudithook(count)
for number in map(int, sys.argv[3]):
    store.remove(snapshots[number])
"""


@pytest.mark.parametrize("order", ["0123", "3210", "1302"])
def test_a_removal_that_is_killed_leaves_whole_ones_and_leftovers(
    store: SnapshotStore, tmp_path: Path, order: str
) -> None:
    stored_in_steps(store, NIGHTS)
    shutil.copytree(tmp_path / "cache-site", tmp_path / "kept")
    for moment in range(8):
        command: list[str | Path] = [sys.executable, "-c", _REMOVE, tmp_path, str(moment), order]
        done = subprocess.run(command, check=False)
        assert done.returncode == -signal.SIGKILL
        assert all(store.verify(each) == () for each in store.list("cache-site").snapshots)
        for path in store.leftovers():
            assert path.suffix == ".parquet"
            Path(path).unlink()
        assert store.leftovers() == ()
        assert all(store.verify(each) == () for each in store.list("cache-site").snapshots)
        if not store.list("cache-site").snapshots:
            assert list((tmp_path / "cache-site" / "develop").iterdir()) == []
        shutil.rmtree(tmp_path / "cache-site")
        shutil.copytree(tmp_path / "kept", tmp_path / "cache-site")


def test_origin_of_a_step_is_its_own(store: SnapshotStore) -> None:
    taken = stored_in_steps(store, NIGHTS)[3]
    assert isinstance(taken.stored.origin, Origin)
    assert taken.stored.origin == NIGHTS[3].origin == store.open(taken.stored).origin


# Taken from git


def test_a_night_reads_only_what_changed(make_repository: MakeRepository) -> None:
    many = [record(f"hdf5/{number}") for number in range(900)]
    repository = make_repository(
        [
            {
                "_cache/develop/hdf5/specs.md": page_of(many),
                "_cache/develop/zlib/specs.md": page_of([record("zlib/1")], "zlib"),
            },
            {"_cache/develop/hdf5/specs.md": page_of(many[1:])},
            {"_cache/develop/m4/specs.md": page_of([record("m4/1")], "m4")},
        ]
    )
    succeeds("snapshot", "develop@HEAD~2", folder=repository)
    blob = git(repository, "rev-parse", "HEAD:_cache/develop/zlib/specs.md")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    succeeds("snapshot", "develop@HEAD~1", folder=repository)
    succeeds("snapshot", "develop", folder=repository)

    store = SnapshotStore(repository / "snapshots")
    stored = store.list().snapshots
    assert [each.depth for each in stored] == [0, 1, 2]
    assert [each.specs for each in stored] == [901, 900, 901]
    assert all(store.verify(each) == () for each in stored)
    # A damaged one goes on what it went on before; a whole one would take what is gone from git.
    path = Path(stored[1].path)
    data = path.read_bytes()
    path.write_bytes(data[1:])
    assert store.verify(stored[2]) != ()
    succeeds("snapshot", "develop@HEAD~1", folder=repository)
    assert path.read_bytes() == data
    Path(stored[0].path).write_bytes(b"")
    assert "lacks some of its manifests" in refuses("snapshot", "develop@HEAD~2", folder=repository)
