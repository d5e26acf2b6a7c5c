"""A store that is no folder: snapshots in an object store, over HTTP, through the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pa_fs
import pytest
from moto.server import ThreadedMotoServer

from cachediff.config import load_settings
from cachediff.errors import ConfigError, StoreError
from cachediff.model.snapshot import Manifest
from cachediff.store import SnapshotStore, shelf_at
from commands import cachediff, compared, refuses, succeeds
from conftest import MakeRepository
from pages import page, record
from test_steps import ANY, NIGHTS, snapshot_of, stored_in_steps
from test_store import SMALL, contents

BUCKET = "caches"
MANY = [record(f"hdf5/{number}") for number in range(900)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An object store on this machine: its address."""
    running = ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"{host}:{port}"
    running.stop()


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a store that is empty."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    options = f"endpoint_override={server}&scheme=http&region=us-east-1"
    filesystem, _ = pa_fs.FileSystem.from_uri(f"s3://{BUCKET}?{options}&allow_bucket_creation=true")
    filesystem.create_dir(BUCKET)
    filesystem.delete_dir_contents(BUCKET)
    return f"s3://{BUCKET}/spack/kept?{options}"


def objects(url: str) -> dict[str, bytes]:
    """All objects below the URL, and nothing beside it."""
    filesystem, prefix = pa_fs.FileSystem.from_uri(url)
    found = filesystem.get_file_info(pa_fs.FileSelector(BUCKET, recursive=True))
    files = [info.path for info in found if info.is_file]
    assert all(path.startswith(prefix) for path in files)
    return {
        path.removeprefix(f"{prefix}/"): filesystem.open_input_file(path).read() for path in files
    }


def put(url: str, name: str, content: bytes) -> None:
    filesystem, prefix = pa_fs.FileSystem.from_uri(url)
    with filesystem.open_output_stream(f"{prefix}/{name}") as stream:
        stream.write(content)


@pytest.fixture
def folder(url: str, tmp_path: Path, make_repository: MakeRepository) -> Path:
    """A `config.yaml` with a store in the object store, and three nights, of which none is stored."""
    repository = make_repository(
        [
            {
                "_cache/develop/hdf5/specs.md": page(MANY),
                "_cache/v1/m4/specs.md": page([record("m4/1")], "m4"),
            },
            {"_cache/develop/zlib/specs.md": page([record("zlib/1")], "zlib")},
            {"_cache/develop/hdf5/specs.md": page(MANY[:-1])},
        ]
    )
    (tmp_path / "config.yaml").write_text(
        f"sources: {{cache: {{path: {repository}}}}}\nstore: {url}\n"
        "retention: {daily: 1}\nfree_space: 0\n"
        "jobs: {nightly: {compare: [develop@previous, develop]}}\n"
    )
    return tmp_path


def test_the_command_keeps_its_snapshots_there(folder: Path, url: str) -> None:
    err = refuses("compare", "develop@previous", "develop", "--stored", folder=folder)
    assert f"no snapshot of cache is stored in s3://{BUCKET}/spack/kept" in err

    names = ["develop@HEAD~2", "develop@HEAD~1", "develop"]
    for name in (*names, "v1"):
        succeeds("snapshot", name, folder=folder)
    assert "not stored again" in succeeds("snapshot", "develop", folder=folder)
    there = objects(url)
    receipts = [
        json.loads(content)
        for name, content in sorted(there.items())
        if name.startswith("cache/develop/") and name.endswith(".json")
    ]
    assert [len(each.get("bases", ())) for each in receipts] == [0, 1, 2]
    assert len(there) == 8
    assert not (folder / "snapshots").exists()

    assert "3 stored" in succeeds("list", folder=folder)
    expected = compared("develop@HEAD~2", "develop", folder=folder)
    kept = compared(f"develop@{receipts[0]['commit']}", "develop", "--stored", folder=folder)
    assert expected == kept
    assert "4 whole, 0 with problems" in succeeds("verify", folder=folder)


def test_damage_is_told_and_taken_again(folder: Path, url: str) -> None:
    for name in ("develop@HEAD~2", "develop@HEAD~1", "develop"):
        succeeds("snapshot", name, folder=folder)
    there = objects(url)
    name = sorted(name for name in there if name.endswith(".parquet"))[1]
    put(url, name, there[name][:-1])

    done = cachediff("verify", folder=folder)
    assert (done.code, done.err) == (1, "")
    assert "1 whole, 1 with problems, 1 that depend on those" in done.out
    size = len(there[name])
    told = f"s3://{BUCKET}/spack/kept/{name}\n  it has {size - 1:,} bytes, not {size:,}\n"
    assert told in done.out
    assert "  1 other snapshot cannot be read without it\n" in done.out

    commit = Path(name).stem.partition("-")[2]
    succeeds("snapshot", f"develop@{commit}", folder=folder)
    assert objects(url) == there
    assert "3 whole, 0 with problems" in succeeds("verify", folder=folder)


def test_retention_removes_what_it_may(folder: Path, url: str) -> None:
    for name in ("develop@HEAD~2", "develop@HEAD~1", "develop"):
        succeeds("snapshot", name, folder=folder)
    before = set(objects(url))
    cachediff("run", "nightly", folder=folder)
    left = set(objects(url))
    first = min(before)
    # The oldest is not stored any more, but the others go on it.
    assert before - left == {first}
    assert first.endswith(".json")
    assert "2 whole, 0 with problems" in succeeds("verify", folder=folder)
    state = folder / ".cachediff"
    assert {path.name for path in state.iterdir()} >= {"ledger.sqlite", "run.lock"}
    succeeds("status", folder=folder)


def test_a_shelf_of_objects_is_like_a_folder(url: str, tmp_path: Path) -> None:
    there, here = SnapshotStore(url, 1, ANY), SnapshotStore(tmp_path, 1, ANY)
    taken = [stored_in_steps(store, NIGHTS) for store in (there, here)]
    written = {
        str(path.relative_to(tmp_path)): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert objects(url) == written
    last = taken[0][-1].stored
    assert contents(there.open(last).read()) == contents(NIGHTS[-1].manifests)
    assert str(last.path).startswith(f"s3://{BUCKET}/spack/kept/cache-site/develop/2025")
    assert [str(there.location), there.collections("cache-site")] == [
        f"s3://{BUCKET}/spack/kept",
        ("develop",),
    ]
    for store, each in zip((there, here), taken, strict=True):
        for one in (0, 3, 1):
            store.remove(each[one].stored)
    assert {Path(name).name for name in objects(url)} == {p.name for p in tmp_path.rglob("2025*")}
    there.remove(taken[0][2].stored)
    assert objects(url) == {}


def test_what_an_interrupted_write_left_is_named(url: str) -> None:
    store = SnapshotStore(url)
    stored = store.write(SMALL)
    name = str(stored.path.relative_to(store.location).with_suffix(".json"))
    filesystem, prefix = pa_fs.FileSystem.from_uri(url)
    filesystem.delete_file(f"{prefix}/{name}")
    assert store.leftovers() == (stored.path,)
    assert store.list().snapshots == ()
    assert store.write(SMALL) == stored
    assert store.leftovers() == ()


def test_what_cannot_be_reached_is_told(url: str) -> None:
    store = SnapshotStore(url.replace(f"{BUCKET}/", "no-such-bucket/"))
    with pytest.raises(StoreError, match=r"no-such-bucket.* cannot be written"):
        store.write(snapshot_of(1, Manifest("m4", ())))
    assert store.list().snapshots == ()


@pytest.mark.parametrize(
    ("store", "message"),
    [
        ("ftp://x/y", "not the URL of an object store: s3://"),
        ("s3:///prefix", "not the URL of an object store"),
        ("s3://key:secret@bucket/x", "no keys belong here"),
        ("s3://bucket/x?secret_key=abc", "no keys belong here"),
    ],
)
def test_urls_that_are_refused(tmp_path: Path, store: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"sources: {{a: {{path: a}}}}\nstore: '{store}'\n")
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(path)
    assert "secret" not in caught.value.message
    if "?" not in store and "ftp" not in store:
        with pytest.raises(StoreError):
            shelf_at(store)


def test_where_the_state_is(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"

    def state(text: str) -> Path:
        path.write_text(f"sources: {{a: {{path: a}}}}\n{text}\n")
        return load_settings(path).state

    assert state("") == tmp_path / "snapshots"
    assert state("store: kept") == tmp_path / "kept"
    assert state("store: s3://bucket") == tmp_path / ".cachediff"
    assert state("state: here") == tmp_path / "here"
    assert state("store: gs://bucket\nstate: here") == tmp_path / "here"
