"""Stored snapshots: what is written is read back, or it is said that it cannot be."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cachediff.errors import DamagedSnapshotError, StoreError
from cachediff.files import write_atomically
from cachediff.model.snapshot import Manifest, ManifestSummary, Origin, Problem, Snapshot
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version
from cachediff.store.listing import ListedManifest, listing_of
from cachediff.store.parquet import encode
from cachediff.store.receipts import encode_receipt, receipt_path, stored_as
from cachediff.store.snapshots import SnapshotStore

ORIGIN = Origin("cache-site", "develop", "c" * 40, "2025-04-20T03:12:09Z", "e" * 40)


def spec(
    package: str,
    hash_: str,
    version: str = "1.0",
    compiler: str | None = "gcc@11.4.0",
    variants: tuple[str, ...] = ("+mpi", "~ipo"),
    stacks: tuple[str, ...] | None = ("e4s", "root"),
) -> Spec:
    build = Build(package, Version(version), compiler, "linux", "rhel8", "x86_64_v3", variants)
    return Spec(hash_, build, stacks)


def snapshot(*manifests: Manifest, origin: Origin = ORIGIN) -> Snapshot:
    return Snapshot(origin, manifests, {m.package: f"{i:040x}" for i, m in enumerate(manifests)})


def origin(day: int, tree: str, collection: str = "develop", source: str = "cache-site") -> Origin:
    return Origin(source, collection, f"{day:040x}", f"2025-04-{day:02}T03:12:09Z", tree * 40)


SMALL = snapshot(
    Manifest(
        "hdf5",
        (
            spec("hdf5", "a" * 32, "1.14.3"),
            spec("hdf5", "b" * 32, "1.14.5", None, ("+mpi", "cxxflags=-O2, -g"), None),
            spec("hdf5", "c" * 32, "1.14.3", stacks=("e4s", "ml", "root")),
        ),
        (Problem("hdf5/specs.md", "meta says 4 specs, there are 3"),),
    ),
    Manifest("libempty", ()),
    Manifest("zlib", (), (Problem("zlib/specs.md", "not UTF-8"),), readable=False),
)


def contents(manifests: Iterator[Manifest] | tuple[Manifest, ...]) -> str:
    """With the text of versions, which `==` does not look at."""
    return repr(tuple(manifests))


def listing_in(text: str) -> list[dict[str, Any]]:
    packed = pa.BufferReader(base64.b64decode(text))
    listing: list[dict[str, Any]] = json.loads(pa.CompressedInputStream(packed, "zstd").read())
    return listing


def flipped(data: bytes, bit: int) -> bytes:
    """`data` with one bit flipped."""
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    names = st.lists(
        st.sampled_from(["", "a", "b", "+mpi", "x=1,2", "é", "\0", "root"]), max_size=3
    )
    lists = names.map(lambda found: tuple(sorted(set(found))))
    manifests = []
    for package in sorted(draw(st.sets(st.text(max_size=4) | st.just("hdf5"), max_size=4))):
        problems = draw(st.lists(st.text(max_size=9), max_size=2))
        readable = draw(st.booleans())
        hashes = draw(st.sets(st.text(min_size=1, max_size=3), max_size=6)) if readable else ()
        specs = tuple(
            Spec(
                hash_,
                Build(
                    package,
                    Version(draw(st.sampled_from(["1.0", "1_0", "01.0", "develop", ""]))),
                    draw(st.sampled_from([None, "gcc@11.4.0", "llvm@18"])),
                    draw(st.sampled_from(["linux", "darwin"])),
                    draw(st.sampled_from(["rhel8", "日本"])),
                    draw(st.sampled_from(["x86_64", "aarch64"])),
                    draw(lists),
                ),
                draw(st.none() | lists),
            )
            for hash_ in sorted(hashes)
        )
        found = tuple(Problem(f"{package}/specs.md", reason) for reason in problems)
        manifests.append(Manifest(package, specs, found, readable))
    return snapshot(*manifests)


def summary(manifest: Manifest) -> ManifestSummary:
    """A summary, counted the slow way."""
    stacks = [(None,) if spec.stacks is None else spec.stacks for spec in manifest.specs]
    values: dict[str, list[str | None]] = {
        "stack": [stack for names in stacks for stack in names if stack != "root"]
    }
    for field in ("platform", "os", "target", "compiler"):
        values[field] = [getattr(spec, field) for spec in manifest.specs]
    return ManifestSummary(
        len(manifest.specs),
        {field: {v: found.count(v) for v in found} for field, found in values.items()},
        tuple(("specs.md", problem.reason) for problem in manifest.problems),
        manifest.readable,
    )


@settings(deadline=None)
@given(snapshots(), st.data())
def test_what_is_written_is_read(written: Snapshot, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SnapshotStore(Path(folder))
        stored = store.write(written)
        opened = store.open(stored)

        assert contents(opened.read()) == contents(written.manifests)
        assert opened.origin == stored.origin == written.origin
        assert list(opened.entries.items()) == sorted(written.object_ids.items())
        assert opened.summaries == {m.package: summary(m) for m in written.manifests}
        assert store.list().snapshots == (stored,)
        assert store.verify(stored) == ()
        assert (stored.manifests, stored.specs) == (
            len(written.manifests),
            sum(len(m.specs) for m in written.manifests),
        )
        assert stored.packages == sum(bool(m.specs) for m in written.manifests)
        assert stored.unreadable == sum(not m.readable for m in written.manifests)

        wanted = data.draw(st.sets(st.sampled_from(["not there", *written.object_ids])))
        some = tuple(m for m in written.manifests if m.package in wanted)
        assert contents(opened.read(wanted)) == contents(some)


def test_alike_builds_are_one_object_and_keep_the_spelling_of_their_version(tmp_path: Path) -> None:
    spelled = ("1.0", "1_0", "1.0", "1_0")
    specs = tuple(spec("m4", letter * 32, v) for letter, v in zip("abcd", spelled, strict=True))
    store = SnapshotStore(tmp_path)

    opened = store.open(store.write(snapshot(Manifest("m4", specs))))

    (manifest,) = opened.read()
    assert tuple(s.version.text for s in manifest.specs) == spelled
    a, b, c, d = (s.build for s in manifest.specs)
    assert a is c
    assert b is d
    assert a is not b
    assert a.variants is b.variants


def test_strings_too_many_for_a_dictionary_page(tmp_path: Path) -> None:
    long = [f"{i}".rjust(1000, "x") for i in range(3000)]
    specs = tuple(spec("m4", f"{i:032}", v, v, (v, "+a"), (v,)) for i, v in enumerate(long))
    store = SnapshotStore(tmp_path)

    opened = store.open(store.write(snapshot(Manifest("m4", specs))))

    assert contents(opened.read()) == contents((Manifest("m4", specs),))


def test_plain_pyarrow_reads_the_file(tmp_path: Path) -> None:
    path = Path(SnapshotStore(tmp_path).write(SMALL).path)

    assert path == tmp_path / "cache-site" / "develop" / f"20250420T031209Z-{'c' * 40}.parquet"
    assert pq.read_table(path).to_pylist()[1] == {
        "package": "hdf5",
        "hash": "b" * 32,
        "version": "1.14.5",
        "compiler": None,
        "platform": "linux",
        "os": "rhel8",
        "target": "x86_64_v3",
        "variants": ["+mpi", "cxxflags=-O2, -g"],
        "stacks": None,
    }
    metadata = pq.read_metadata(path)
    assert {metadata.row_group(0).column(i).compression for i in range(9)} == {"ZSTD"}
    said = {key.decode(): value.decode() for key, value in metadata.metadata.items()}
    assert listing_in(said.pop("cachediff.manifests"))[0] == {
        "package": "hdf5",
        "object_id": "0" * 40,
        "readable": True,
        "specs": 3,
        "stacks": {"e4s": 2, "ml": 1},
        "problems": [{"manifest": "hdf5/specs.md", "reason": "meta says 4 specs, there are 3"}],
    }
    assert said == {
        "cachediff.schema": "cachediff/snapshot/1",
        "cachediff.source": "cache-site",
        "cachediff.collection": "develop",
        "cachediff.commit": "c" * 40,
        "cachediff.committed_at": "2025-04-20T03:12:09Z",
        "cachediff.tree": "e" * 40,
    }


def test_the_same_snapshot_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (Path(SnapshotStore(tmp_path / name).write(SMALL).path) for name in ("one", "two"))

    assert one.read_bytes() == two.read_bytes()
    assert receipt_path(one).read_bytes() == receipt_path(two).read_bytes()


def test_listing_does_not_import_pyarrow(tmp_path: Path) -> None:
    SnapshotStore(tmp_path).write(SMALL)
    code = (
        "import sys; from pathlib import Path; from cachediff.store.snapshots import SnapshotStore;"
        "assert len(SnapshotStore(Path(sys.argv[1])).list().snapshots) == 1;"
        "assert 'pyarrow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)


# Damage


def test_a_flipped_bit_in_any_byte_of_the_file_is_noticed(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write(SMALL)
    data = Path(stored.path).read_bytes()
    for byte in range(len(data)):
        Path(stored.path).write_bytes(flipped(data, 8 * byte + byte % 8))
        with pytest.raises(DamagedSnapshotError):
            store.open(stored)
    Path(stored.path).write_bytes(data)
    assert store.verify(stored) == ()


def test_every_flipped_bit_of_the_receipt_is_noticed(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    path = receipt_path(Path(store.write(SMALL).path))
    data = path.read_bytes()
    for bit in range(8 * len(data)):
        path.write_bytes(flipped(data, bit))
        listing = store.list()
        if listing.damaged:
            assert (listing.snapshots, listing.damaged[0].path) == ((), path)
            assert listing.damaged[0].reason
        else:
            with pytest.raises(DamagedSnapshotError):
                store.open(listing.snapshots[0])


@pytest.mark.parametrize("size", [0, 1, 4, 100, -8, -1])
def test_a_truncated_file_is_noticed(tmp_path: Path, size: int) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write(SMALL)
    Path(stored.path).write_bytes(Path(stored.path).read_bytes()[:size])

    with pytest.raises(DamagedSnapshotError, match="bytes, not") as caught:
        store.open(stored)
    assert str(stored.path) in caught.value.message
    assert stored.commit in caught.value.hint
    assert store.verify(stored) == (caught.value.message,)


def test_a_missing_file_is_noticed_and_can_be_stored_again(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write(SMALL)
    Path(stored.path).unlink()

    with pytest.raises(DamagedSnapshotError, match="missing"):
        store.open(stored)
    assert store.open(store.write(SMALL)).origin == ORIGIN


def test_a_file_without_a_receipt_is_not_stored(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write(SMALL)
    receipt_path(Path(stored.path)).unlink()
    temporary = Path(stored.path).with_name(".0123.tmp")
    temporary.touch()

    assert store.list().snapshots == ()
    assert store.find_unchanged(ORIGIN) is None
    assert set(store.leftovers()) == {stored.path, temporary}
    assert store.write(SMALL) == stored
    assert store.leftovers() == (temporary,)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\xff",
        b"[1, 2]",
        b'{"schema": "cachediff/receipt/1", "bytes": 1}',
    ],
)
def test_a_broken_receipt_is_told(tmp_path: Path, content: bytes) -> None:
    store = SnapshotStore(tmp_path)
    whole = store.write(snapshot(origin=origin(1, "a")))
    broken = receipt_path(Path(store.write(snapshot(origin=origin(2, "b"))).path))
    broken.write_bytes(content)

    listing = store.list()

    assert listing.snapshots == (whole,)
    assert [(damaged.path, bool(damaged.reason)) for damaged in listing.damaged] == [(broken, True)]
    assert store.find_unchanged(origin(3, "a")) is None


@pytest.mark.parametrize("field", ["source", "collection", "commit", "committed_at"])
def test_a_receipt_of_another_snapshot_is_told(tmp_path: Path, field: str) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write(SMALL)
    other = {"commit": "d" * 40, "committed_at": "2025-04-21T03:12:09Z"}.get(field, "other")
    changed = replace(stored, **{field: other})
    receipt_path(Path(stored.path)).write_bytes(encode_receipt(changed))

    assert store.list().snapshots == ()
    assert "another snapshot" in store.list().damaged[0].reason


HDF5, EMPTY, _ = listing_of(SMALL)
A, B, C = SMALL.manifests[0].specs


@pytest.mark.parametrize(
    ("specs", "listing", "reason"),
    [
        ((A, C, B), (HDF5, EMPTY), "hashes of hdf5 are not in order"),
        ((A, A, B), (HDF5, EMPTY), "hashes of hdf5 are not in order"),
        ((A, B), (HDF5,), "not as many rows"),
        ((A, B, C), (EMPTY, HDF5), "listing are not in order"),
        ((A, B, C), (HDF5, EMPTY, EMPTY), "listing are not in order"),
        ((A, B, C), (replace(HDF5, package="hdf4"),), "packages of the rows"),
        ((A, B, C), (replace(HDF5, stacks={"e4s": 3}),), "stacks of hdf5"),
        ((A, B, C), (replace(HDF5, readable=False),), "listed as unreadable"),
    ],
)
def test_rows_that_are_not_those_of_the_listing_are_told(
    tmp_path: Path, specs: tuple[Spec, ...], listing: tuple[ListedManifest, ...], reason: str
) -> None:
    store = SnapshotStore(tmp_path)
    path = Path(store.write(SMALL).path)
    data = encode(Snapshot(ORIGIN, (Manifest("hdf5", specs),), {}), listing)
    path.write_bytes(data)

    reasons = store.verify(stored_as(path, ORIGIN, listing, data))

    assert reasons
    assert any(reason in told for told in reasons)


def test_another_file_with_the_right_receipt_is_told(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    path = Path(store.write(SMALL).path)
    table = pq.read_table(path)
    for column, reason in ((None, "magic bytes"), ("stacks", "not of the schema")):
        if column is None:
            path.write_bytes(b"not Parquet at all")
        else:
            pq.write_table(table.drop_columns([column]), path)
        stored = stored_as(path, ORIGIN, listing_of(SMALL), path.read_bytes())
        assert [reason in told for told in store.verify(stored)] == [True]


def test_rows_that_pyarrow_cannot_read_are_told(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    path = Path(store.write(SMALL).path)
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(1)
    end = column.data_page_offset + column.total_compressed_size
    data[end - 20 : end] = bytes(20)
    path.write_bytes(data)

    reasons = store.verify(stored_as(path, ORIGIN, listing_of(SMALL), bytes(data)))

    assert ["cannot be read" in told for told in reasons] == [True]


def test_a_receipt_that_disagrees_with_the_metadata_is_told(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write(SMALL)
    for field in ("manifests", "unreadable", "packages", "specs"):
        changed = replace(stored, **{field: getattr(stored, field) + 1})
        assert "receipt says something else" in "".join(store.verify(changed))
    changed = replace(stored, tree="d" * 40)
    assert "receipt says something else" in "".join(store.verify(changed))


# What is there


def test_snapshots_are_listed_by_source_collection_and_time(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    (tmp_path / "README.md").touch()
    origins = [
        origin(9, "a", "v0.22.1", "a"),
        origin(2, "b", "develop", "b"),
        origin(10, "c", "develop", "b"),
        origin(1, "d", "v0.22.1", "b"),
    ]
    for each in reversed(origins):
        store.write(snapshot(origin=each))

    def found(source: str | None = None, collection: str | None = None) -> list[Origin]:
        return [stored.origin for stored in store.list(source, collection).snapshots]

    assert found() == origins
    assert found("b") == origins[1:]
    assert found("b", "develop") == origins[1:3]
    assert found(None, "v0.22.1") == [origins[0], origins[3]]
    assert found("c") == found("b", "e4s") == []
    assert SnapshotStore(tmp_path / "nothing").list().snapshots == ()


def test_the_same_tree_is_found(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    days = {
        day: store.write(snapshot(origin=origin(day, tree))) for day, tree in ((2, "a"), (4, "b"))
    }

    for day, tree, unchanged in (
        (1, "a", None),
        (2, "a", days[2]),
        (3, "a", days[2]),
        (3, "b", None),
        (5, "b", days[4]),
        (5, "a", None),
    ):
        assert store.find_unchanged(origin(day, tree)) == unchanged
    assert store.find_unchanged(Origin("cache-site", "develop")) is None


# What cannot be stored


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".git", "a/b", "a\\b", "a b", "é", "a\n", "a\0", "x" * 201]
)
def test_names_that_cannot_be_folders_are_refused(tmp_path: Path, name: str) -> None:
    store = SnapshotStore(tmp_path)
    for bad in (origin(1, "a", collection=name), origin(1, "a", source=name)):
        with pytest.raises(StoreError, match="folder in the store"):
            store.write(snapshot(origin=bad))
    for filters in ((name, None), (name, "develop")):
        with pytest.raises(StoreError, match="folder in the store"):
            store.list(*filters)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["develop-2025-04-20", "v0.22.1", "a+b@c_d", "-", "x" * 200])
def test_names_that_can_be_folders(tmp_path: Path, name: str) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write(snapshot(origin=origin(1, "a", name, name)))
    assert store.list(name, name).snapshots == (stored,)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Origin("site", "manifests"), "not from a git history"),
        (Origin("site", "develop", "c" * 40, "2025-04-20T03:12:09Z", None), "not from a git"),
        (Origin("site", "develop", "c" * 7, "2025-04-20T03:12:09Z", "e" * 40), "full object id"),
        (Origin("site", "develop", "c" * 40, "2025-04-20T03:12:09Z", "../e"), "full object id"),
        (Origin("site", "develop", "c" * 40, "2025-04-20 03:12:09", "e" * 40), "commit time"),
    ],
)
def test_origins_that_no_name_can_be_made_of(tmp_path: Path, bad: Origin, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        SnapshotStore(tmp_path).write(snapshot(origin=bad))


def test_text_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    problem = Problem("m4/specs.md", "not UTF-8: \udcff")
    for manifest in (Manifest("m4", (spec("m4", "\udcff"),)), Manifest("m4", (), (problem,))):
        with pytest.raises(StoreError, match="surrogates"):
            SnapshotStore(tmp_path).write(snapshot(manifest))


@pytest.mark.parametrize(
    "malformed",
    [
        snapshot(Manifest("b", ()), Manifest("a", ())),
        Snapshot(ORIGIN, (Manifest("a", ()),), {}),
        Snapshot(ORIGIN, (), {"a": "0" * 40}),
        snapshot(Manifest("hdf5", (B, A))),
        snapshot(Manifest("hdf5", (A, A))),
        snapshot(Manifest("m4", (A,))),
        snapshot(Manifest("hdf5", (A,), readable=False)),
    ],
)
def test_a_snapshot_that_could_not_be_told_back_is_refused(
    tmp_path: Path, malformed: Snapshot
) -> None:
    with pytest.raises(ValueError, match=r"manifest|hash order"):
        SnapshotStore(tmp_path).write(malformed)


def test_a_store_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SnapshotStore(tmp_path / "file" / "store")

    with pytest.raises(StoreError, match="cannot be written") as caught:
        store.write(SMALL)
    assert str(tmp_path / "file" / "store") in caught.value.message
    assert "writable" in caught.value.hint
    with pytest.raises(StoreError, match="cannot be read"):
        store.list()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount: list[str | Path] = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_leaves_what_was_there(tiny_disk: Path) -> None:
    store = SnapshotStore(tiny_disk)
    stored = store.write(SMALL)
    noise = random.Random(1)  # does not compress
    many = tuple(sorted(f"{noise.getrandbits(128):032x}" for _ in range(5000)))

    with pytest.raises(StoreError, match="No space left") as caught:
        store.write(snapshot(Manifest("m4", tuple(spec("m4", hash_) for hash_ in many))))

    assert "space" in caught.value.hint
    assert store.leftovers() == ()
    assert store.list().snapshots == (stored,)
    assert contents(store.open(stored).read()) == contents(SMALL.manifests)


KILLED = """
import itertools, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store import SMALL, snapshot
from cachediff.store.snapshots import SnapshotStore
store = SnapshotStore(Path(sys.argv[1]))
for round in itertools.count():
    store.write(SMALL)
    store.write(snapshot(*SMALL.manifests[:1]))  # of the same commit, with other bytes
    if round == 1:
        print("writing", flush=True)
"""


def test_a_kill_at_any_moment_leaves_whole_snapshots_or_none(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    moments = random.Random(2)
    seen = set()
    for _ in range(12):
        command: list[str | Path] = [sys.executable, "-c", KILLED, tmp_path, Path(__file__).parent]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"writing\n"
            time.sleep(moments.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
        listing = store.list()
        assert listing.damaged == ()
        for stored in listing.snapshots:
            assert store.verify(stored) == ()
        seen.add(tuple(stored.manifests for stored in listing.snapshots))
    assert len(seen) > 1  # or the moments tell nothing
    assert store.open(store.write(SMALL)).origin == ORIGIN


# Atomic writes


def test_an_atomic_write_replaces_and_creates_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, b"old")
    write_atomically(path, lambda file: file.write(b"new"))

    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_an_atomic_write_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
