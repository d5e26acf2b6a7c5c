"""`cachediff served`: what a lock file pins, against what stored snapshots say is served."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cachediff.errors import UsageError
from cachediff.model.served import PinnedSpec
from cachediff.sources import lock_files
from cachediff.sources.lock_files import read_pins
from commands import COMMAND, Done, cachediff, refuses, succeeds
from conftest import MakeRepository
from pages import dag_hash, page, record
from repositories import add_commits, write_repository

REAL = Path(__file__).parents[2] / "shared" / "real" / "spack-lock"

ROOT, DEP, CMAKE = dag_hash("root"), dag_hash("dependency"), dag_hash("cmake")
ROOT_KEY, DEP_KEY, CMAKE_KEY = (dag_hash(f"build hash {name}") for name in "abc")
EXTERNAL: dict[str, Any] = {"external": {"path": "/usr", "module": None, "extra_attributes": {}}}

HDF5 = {"version": "1.14.5", "namespace": "builtin"}
ZLIB = {"version": "2.2.4", "namespace": "builtin"}
TOOL = {"version": "3.31.6", "namespace": "builtin", **EXTERNAL}


def lock(version: int, roots: list[str], specs: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "_meta": {"file-type": "spack-lockfile", "lockfile-version": version},
        "roots": [{"hash": key, "spec": "hdf5"} for key in roots],
        "concrete_specs": dict(specs),
        **more,
    }


# One environment (hdf5, which needs zlib-ng and an external cmake) in the shape of each version.
LOCKS = {
    1: lock(1, [ROOT], {DEP: {"zlib-ng": ZLIB}, ROOT: {"hdf5": HDF5}, CMAKE: {"cmake": TOOL}}),
    2: lock(
        2,
        [ROOT_KEY],
        {
            DEP_KEY: {"zlib-ng": {**ZLIB, "hash": DEP}},
            ROOT_KEY: {"hdf5": {**HDF5, "hash": ROOT}},
            CMAKE_KEY: {"cmake": {**TOOL, "hash": CMAKE}},
        },
    ),
    3: lock(
        3,
        [ROOT_KEY],
        {
            DEP_KEY: {"name": "zlib-ng", **ZLIB, "hash": DEP, "build_hash": DEP_KEY},
            ROOT_KEY: {"name": "hdf5", **HDF5, "hash": ROOT, "full_hash": dag_hash("full")},
            CMAKE_KEY: {"name": "cmake", **TOOL, "hash": CMAKE},
        },
    ),
}
_NEW = {
    DEP: {"name": "zlib-ng", **ZLIB, "hash": DEP},
    ROOT: {"name": "hdf5", **HDF5, "hash": ROOT},
    CMAKE: {"name": "cmake", **TOOL, "hash": CMAKE},
}
LOCKS |= {version: lock(version, [ROOT], _NEW) for version in (4, 5, 6, 7)}

PINNED = [
    PinnedSpec(ROOT, "hdf5", "1.14.5", root=True),
    PinnedSpec(DEP, "zlib-ng", "2.2.4"),
    PinnedSpec(CMAKE, "cmake", "3.31.6", external=True),
]


def pins(content: Any) -> list[PinnedSpec]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(read_pins("spack.lock", raw).specs)


# Reading


@pytest.mark.parametrize("version", LOCKS)
def test_every_version_of_the_format_pins_the_dag_hash(version: int) -> None:
    assert pins(LOCKS[version]) == PINNED
    assert read_pins("x", json.dumps(LOCKS[version]).encode()).lock_version == version


def test_one_dag_hash_of_several_build_hashes_is_one_spec() -> None:
    twice = {DEP_KEY: {"hdf5": {**HDF5, "hash": ROOT}}, ROOT_KEY: {"hdf5": {**HDF5, "hash": ROOT}}}
    assert pins(lock(2, [ROOT_KEY], twice)) == PINNED[:1]


def test_included_environments_are_read_too() -> None:
    included = {"/env": {"roots": [{"hash": DEP}], "concrete_specs": {DEP: _NEW[DEP]}}}
    found = pins(lock(5, [ROOT], {ROOT: _NEW[ROOT]}, include_concrete=included))
    assert found == [PINNED[0], msgspec.structs.replace(PINNED[1], root=True)]


def test_a_list_of_hashes() -> None:
    text = f"""
    # what we pin
    {ROOT}
    /{DEP}   # with a slash
    cmake/{CMAKE}
    hdf5@=1.14.5/{ROOT}
    xz@5.6.3/{dag_hash("xz")}
    """
    assert pins(text.encode()) == [
        PinnedSpec(ROOT),
        PinnedSpec(DEP),
        PinnedSpec(CMAKE, "cmake"),
        PinnedSpec(dag_hash("xz"), "xz", "5.6.3"),
    ]


BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "only comments": (b"# nothing\n", "there is no spec"),
    "a sentence": (b"not a lock file", "line 1: 'not a lock file' is no hash"),
    "a short hash": (b"/2xgit5k\n", "is no hash of 32 characters"),
    "the second line": (f"{ROOT}\nnope\n".encode(), "line 2"),
    "binary": (b"\x7fELF\x02\x01\x01\x00\xff\xfe", "is not text"),
    "nul": (b"\x00" * 100, "is no hash"),
    "not json": (b'{"roots": [', "is no spack.lock"),
    "an array": (b"[1, 2]", "is no hash"),
    "other json": (b'{"database": {"version": "7"}}', "is no spack.lock"),
    "no version": (b'{"_meta": {"file-type": "spack-lockfile"}}', "is no spack.lock"),
    "version 8": (json.dumps(lock(8, [ROOT], _NEW)).encode(), "version 8 .* not known"),
    "version 0": (json.dumps(lock(0, [ROOT], _NEW)).encode(), "version 0 .* not known"),
    "version 4.5": (b'{"_meta": {"lockfile-version": 4.5}}', "is no spack.lock"),
    "no specs": (json.dumps(lock(6, [], {})).encode(), "there is no spec"),
    "specs in a list": (json.dumps(lock(6, [], {}) | {"concrete_specs": []}).encode(), "no spack"),
    "no name": (json.dumps(lock(6, [], {ROOT: {"version": "1"}})).encode(), "has no name"),
    "an empty spec": (json.dumps(lock(2, [], {ROOT: {}})).encode(), "has no name"),
    "a number for a spec": (json.dumps(lock(2, [], {ROOT: {"hdf5": 3}})).encode(), "has no name"),
    "no hash": (json.dumps(lock(4, [], {"x": {"name": "hdf5"}})).encode(), "has no DAG hash"),
    "deep": (b'{"_meta": ' + b"[" * 100_000, "nested too deeply|is no spack.lock"),
    "not utf-8": (b'{"_meta": {"lockfile-version": 6}, "x": "\xff"}', "is no spack.lock"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_lock_file_is_refused(name: str) -> None:
    content, said = BAD[name]
    with pytest.raises(UsageError, match=said) as refused:
        read_pins("spack.lock", content)
    assert refused.value.message.startswith(("spack.lock", "there is no spec in spack.lock"))
    assert len(refused.value.message) < 400
    assert refused.value.hint


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_files, "MAX_SIZE", 1000)
    with pytest.raises(UsageError, match="too large: more than 1,000 bytes"):
        read_pins("x", b"a" * 1001)


def test_no_more_is_read_than_shows_that_it_is_too_large(tmp_path: Path) -> None:
    """A file of 1 GB, which takes no room on disk."""
    path = tmp_path / "spack.lock"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    assert "is too large: more than 67,108,864 bytes" in refuses("served", path, folder=tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real lock files are not here")
def test_real_lock_files() -> None:
    """Every one there is, against what their own dictionaries say."""
    versions = set()
    for path in sorted(REAL.glob("*/*spack.lock")):
        document = json.loads(path.read_bytes())
        found = read_pins(path.name, path.read_bytes())
        version = document["_meta"]["lockfile-version"]
        versions.add(version)
        specs = {
            key: next(iter(spec.values())) if version <= 2 else spec
            for key, spec in document["concrete_specs"].items()
        }
        assert found.lock_version == version
        assert {spec.hash for spec in found.specs} == {spec["hash"] for spec in specs.values()}
        roots = {specs[root["hash"]]["hash"] for root in document["roots"]}
        assert {spec.hash for spec in found.specs if spec.root} == roots
        externals = {spec["hash"] for spec in specs.values() if "external" in spec}
        assert {spec.hash for spec in found.specs if spec.external} == externals
        assert all(spec.name and spec.version for spec in found.specs)
    assert versions >= {2, 4, 5, 6}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real lock files are not here")
def test_a_database_is_no_lock_file() -> None:
    path = next(REAL.glob("*/*index.json"))
    with pytest.raises(UsageError, match=r"is no spack\.lock"):
        read_pins(path.name, path.read_bytes())


# What is served


def manifests(collection: str, **specs: list[str] | str) -> dict[str, str]:
    """Manifests of a collection; a package has the names its specs' hashes are made of."""
    return {
        f"_cache/{collection}/{package}/specs.md": names
        if isinstance(names, str)
        else page([record(name, "1.2") for name in names], package, collection)
        for package, names in specs.items()
    }


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights: `went` goes on the second, `xz` cannot be read on the third, `dated` stays.

    `dated` serves what went.
    """

    folder = tmp_path_factory.mktemp("served")
    nights = [
        manifests("develop", hdf5=["root", "went"], xz=["xz"])
        | manifests("dated", hdf5=["root", "went"]),
        manifests("develop", hdf5=["root", "new"], xz=["xz"]),
        manifests("develop", hdf5=["root", "new", "newer"], xz="---\nspec_details: [{"),
    ]
    repository = write_repository(folder / "cache", nights)
    for name in ("develop@HEAD~2", "dated", "develop@HEAD~1", "develop"):
        succeeds("snapshot", name, folder=repository)
    cachediff("served", os.devnull, folder=repository)
    return repository


def asked(cache: Path, *names: str, options: tuple[str, ...] = (), code: int = 0) -> Any:
    """The JSON of what is served of the hashes made of `names`, by name."""
    hashes = "".join(f"{dag_hash(name)}\n" for name in names).encode()
    done = subprocess.run(
        [*COMMAND, "served", "-", "--format", "json", *options],
        cwd=cache,
        input=hashes,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done
    document = json.loads(done.stdout)
    assert document["schema"] == "cachediff/served/1"
    assert document["missing"] == bool(code)
    assert done.stdout.isascii()
    states = [spec["state"] for spec in document["specs"]]
    assert document["counts"] == {state: states.count(state) for state in document["counts"]}
    return document


def test_each_state(cache: Path) -> None:
    served, went, unknown, never = asked(
        cache, "root", "went", "xz", "never", options=("--collection", "develop"), code=1
    )["specs"]
    assert served["state"] == "served"
    assert [life["collection"] for life in served["serving"]] == ["develop"]
    assert (served["name"], served["version"]) == ("hdf5", "1.2")
    assert served["elsewhere"] == [{"source": "cache", "collection": "dated"}]
    assert went["state"] == "gone"
    (life,) = went["past"]
    assert life["last"]["committed_at"].startswith("2025-01-01")
    assert life["gone"]["committed_at"].startswith("2025-01-02")
    assert unknown["state"] == "unknown"
    (life,) = unknown["past"]
    assert (life["last"]["committed_at"][:10], life["gone"]) == ("2025-01-02", None)
    assert (never["state"], never["name"], never["past"]) == ("never", None, [])


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("root", (), 0),
        ("went", (), 0),
        ("went", ("--collection", "develop"), 1),
        ("went", ("--collection", "dated"), 0),
        ("went", ("--collection", "d*"), 0),
        ("went", ("--collection", "cache:develop", "--collection", "dated"), 0),
        ("new", ("--collection", "dated"), 1),
        ("xz", (), 1),
        ("never", (), 1),
    ],
)
def test_the_exit_code(cache: Path, name: str, options: tuple[str, ...], code: int) -> None:
    asked(cache, name, options=options, code=code)


def test_one_that_is_missing_decides(cache: Path) -> None:
    asked(cache, "root", "new", "newer")
    asked(cache, "root", "new", "newer", "never", code=1)


def test_now_is_the_newest_snapshot_of_each_collection(cache: Path) -> None:
    collections = asked(cache, "root")["collections"]
    dates = {each["collection"]: each["point"]["committed_at"] for each in collections}
    assert {name: date[:10] for name, date in dates.items()} == {
        "dated": "2025-01-03",
        "develop": "2025-01-03",
    }


def test_a_lock_file_has_roots_first_and_externals_apart(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "spack.lock"
    path.write_text(json.dumps(LOCKS[6]))
    done = cachediff("served", path, folder=cache)
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        f"{path}: 1 of 2 specs served; 1 never seen; newest snapshots of 2025-01-03",
        "1 external left out: not built, and in no cache",
        "",
        "Never seen  1",
        f"  zlib-ng@2.2.4  {DEP}",
        "",
        "Served  1",
        f"  hdf5@1.14.5  root  {ROOT}  develop, dated",
        "",
        "External  1",
        f"  cmake@3.31.6  {CMAKE}",
        "",
        "Newest snapshots  2",
        "  develop  cache  2025-01-03 12:00:00 UTC",
        "  dated    cache  2025-01-03 12:00:00 UTC",
    ]
    only = lock(6, [ROOT], {ROOT: _NEW[ROOT], CMAKE: _NEW[CMAKE]})
    path.write_text(json.dumps(only))
    text = succeeds("served", path, folder=cache)
    assert text.startswith(f"{path}: all of 1 served; newest snapshots of 2025-01-03\n")


def test_formats_say_the_same(cache: Path, tmp_path: Path) -> None:
    path, output = tmp_path / "spack.lock", tmp_path / "new" / "served.md"
    names = ("root", "went", "xz", "never")
    path.write_text("".join(f"{dag_hash(name)}\n" for name in names))
    options = ("served", path, "--collection", "develop")
    text = cachediff(*options, folder=cache).out
    done = cachediff(*options, "-o", output, folder=cache)
    assert (done.code, done.out) == (1, "")
    plain = output.read_text().replace("`", "")
    for said in (
        "1 of 4 specs served; 1 not known; 1 gone; 1 never seen; newest snapshot of 2025-01-03",
        "develop: last seen 2025-01-01, gone 2025-01-02; served by dated, not asked for",
        "develop: last seen 2025-01-02, its manifest cannot be read since",
    ):
        assert said in text
        assert said in plain


def test_long_groups_are_cut_in_a_terminal_unless_all_are_asked_for(
    cache: Path, tmp_path: Path
) -> None:
    path = tmp_path / "hashes"
    path.write_text("".join(f"{dag_hash(f'no {number}')}\n" for number in range(30)))
    assert "… and 10 more (--all)" in cachediff("served", path, folder=cache).out
    whole = cachediff("served", path, "--all", folder=cache).out
    assert whole.count("\n") == 30 + 7


def test_names_of_a_file_cannot_act(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "spack.lock"
    hostile = {"name": "\x1b[31mhdf5`|\u202e\n", "version": "1", "hash": dag_hash("hostile")}
    path.write_text(json.dumps(lock(6, [], {dag_hash("hostile"): hostile})))
    for format_ in ("text", "markdown", "json"):
        out = cachediff("served", path, "--format", format_, folder=cache).out
        assert "\x1b" not in out
        assert "\u202e" not in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--collection", "develp"), "did you mean develop"),
        (("--collection", "other:develop"), "nothing is stored of the source 'other'"),
        (("--collection", "develop@HEAD"), "is one snapshot"),
        (("--collection", "v*"), "no snapshot of a collection 'v*'"),
    ],
)
def test_collections_that_there_are_not(
    cache: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "hashes"
    path.write_text(ROOT)
    assert said in refuses("served", path, *options, folder=cache)


def test_without_a_snapshot_it_says_how_to_take_one(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    repository = make_repository([manifests("develop", hdf5=["root"])])
    path = tmp_path / "hashes"
    path.write_text(ROOT)
    assert "cachediff snapshot" in refuses("served", path, folder=repository)


def test_a_file_that_is_not_there(cache: Path) -> None:
    assert "nope cannot be read: No such file" in refuses("served", "nope", folder=cache)
    assert "cannot be read: Is a directory" in refuses("served", ".", folder=cache)


def test_the_index_is_built_if_it_is_not_there(cache: Path) -> None:
    """Built on the fly, and said so once."""
    (cache / "snapshots" / "index.sqlite").unlink(missing_ok=True)
    path = cache.parent / "hashes"
    path.write_text(ROOT)
    first, second = (cachediff("served", path, folder=cache) for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert "the index was built" in first.err
    assert second.err == ""
    assert first.out == second.out


# What cannot be believed, or is upstream's no more


def told(folder: Path, *names: str, options: tuple[str, ...] = (), code: int) -> Done:
    """What is told of the hashes made of `names`."""
    path = folder / "hashes.txt"
    path.write_text("".join(f"{dag_hash(name)}\n" for name in names))
    done = cachediff("served", path, *options, folder=folder)
    assert done.code == code, done
    return done


def in_store(repository: Path, collection: str = "develop", suffix: str = ".parquet") -> list[Path]:
    return sorted((repository / "snapshots").glob(f"*/{collection}/*{suffix}"))


@pytest.fixture
def nights(make_repository: MakeRepository) -> Path:
    """Two nights of `develop`, of which the second has not `went`, stored, and no index yet."""
    others = {f"p{number}": [f"p{number}"] for number in range(8)}
    repository = make_repository(
        [
            manifests("develop", hdf5=["root", "went"], **others),
            manifests("develop", hdf5=["root"], **others),
        ]
    )
    succeeds("snapshot", "develop@HEAD~1", "develop", folder=repository)
    (repository / "snapshots" / "index.sqlite").unlink(missing_ok=True)
    return repository


@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_what_a_damaged_newest_snapshot_says_is_not_known(nights: Path, suffix: str) -> None:
    newest = in_store(nights, suffix=suffix)[-1]
    content = newest.read_bytes()
    newest.write_bytes(b"{}")
    for index_is_there in (False, True, True):
        done = told(nights, "root", "went", "never", code=1)
        assert "0 of 3 specs served; 2 not known; 1 never seen; newest snapshot of" in done.out
        assert "last seen 2025-01-01, but a snapshot of 2025-01-02 cannot be read" in done.out
        assert "1 snapshot of repository0:develop cannot be read (newest 2025-01-02)" in done.err
        assert ("the index was built" in done.err) is not index_is_there
    for arguments in (["log", "hdf5"], ["trend"], ["reindex"]):
        assert "cannot be read (newest 2025-01-02)" in cachediff(*arguments, folder=nights).err
    newest.write_bytes(content)
    assert (
        "1 of 3 specs served; 1 gone; 1 never" in told(nights, "root", "went", "never", code=1).out
    )


def test_an_older_snapshot_that_is_damaged_is_told_and_changes_no_answer(nights: Path) -> None:
    in_store(nights)[0].write_bytes(b"")
    done = told(nights, "root", code=0)
    assert "all of 1 served" in done.out
    assert "cannot be read (newest 2025-01-01)" in done.err


def test_what_only_a_suspect_snapshot_lacks_is_not_known(nights: Path) -> None:
    gone = {f"_cache/develop/p{number}": None for number in range(4)}
    add_commits(nights, [gone | manifests("develop", hdf5=["new"])], start=2)
    succeeds("snapshot", "develop", folder=nights)
    done = told(nights, "new", "root", "went", "p1", "p7", code=1)
    assert "2 of 5 specs served; 2 not known; 1 gone" in done.out
    said = (
        "last seen 2025-01-02, missing from a suspect snapshot: develop lost 4 of its 9 manifests"
    )
    assert done.out.count(said) == 2
    assert "suspect: develop lost" in done.out.splitlines()[-1]
    add_commits(
        nights, [manifests("develop", hdf5=["newest"])], start=3
    )  # the next one has it so, too
    succeeds("snapshot", "develop", folder=nights)
    done = told(nights, "root", "went", "p1", "p7", code=1)
    assert "1 of 4 specs served; 3 gone" in done.out


def test_a_collection_that_upstream_removed_serves_nothing(nights: Path) -> None:
    add_commits(nights, [manifests("v1", hdf5=["root", "old"])], start=2)
    succeeds("snapshot", "v1", folder=nights)
    assert "all of 1 served" in told(nights, "old", code=0).out
    add_commits(nights, [{"_cache/v1": None} | manifests("develop", hdf5=["newer"])], start=3)
    succeeds("snapshot", "develop", folder=nights)
    done = told(nights, "old", code=1)
    assert (
        "v1: last seen 2025-01-03, gone with the collection, which upstream removed by 2025-01-04"
        in done.out
    )
    assert "upstream removed it by 2025-01-04" in done.out.splitlines()[-1]
    done = told(nights, "old", options=("--collection", "develop"), code=1)
    assert "Not in what was asked for  1" in done.out
    assert "not served elsewhere any more either" in done.out
    assert "Served by" not in succeeds("log", dag_hash("old"), folder=nights)


# Which source, which package


@pytest.fixture
def two(make_repository: MakeRepository, tmp_path: Path) -> Path:
    """A folder with snapshots of two sources: `went` is in `two` alone by now."""
    for name, specs in (("one", [["went"], ["only"]]), ("two", [["went"], ["went", "new"]])):
        repository = make_repository([manifests("develop", hdf5=each) for each in specs])
        repository.rename(tmp_path / name)
    sources = {name: {"path": name} for name in ("one", "two")}
    (tmp_path / "config.yaml").write_text(json.dumps({"sources": sources}))
    for name in ("one", "two"):
        succeeds("snapshot", f"{name}:develop@HEAD~1", f"{name}:develop", folder=tmp_path)
    cachediff("served", os.devnull, folder=tmp_path)
    return tmp_path


def test_sources_are_named_where_they_differ(two: Path) -> None:
    succeeds("reindex", folder=two)
    done = told(two, "went", options=("--collection", "one:*"), code=1)
    assert (
        "one:develop: last seen 2025-01-01, gone 2025-01-02; served by two:develop, not asked"
        in (done.out)
    )
    done = told(two, "new", options=("--collection", "one:develop"), code=1)
    assert "0 of 1 spec served; 1 not in what was asked for; newest snapshot of" in done.out
    assert (
        f"Not in what was asked for  1\n  hdf5@1.2  {dag_hash('new')}  served by two:" in done.out
    )


def test_answers_are_of_the_source_that_is_asked_for(two: Path, tmp_path: Path) -> None:
    succeeds("reindex", folder=two)
    (two / "config.yaml").unlink()
    path = two / "hashes.txt"
    path.write_text(dag_hash("went"))
    for arguments in (["served", path], ["log", "hdf5"], ["log", dag_hash("went")], ["trend"]):
        assert "there is no git repository" in refuses(*arguments, "--repo", "nowhere", folder=two)
        (two / "snapshots" / "two").rename(two / "kept")
        said = refuses(*arguments, "--repo", "two", folder=two)
        assert "nothing is stored of the source 'two'" in said
        assert "stored are: one; more is taken by: cachediff snapshot --repo two" in said
        (two / "kept").rename(two / "snapshots" / "two")
        succeeds("reindex", folder=two)
    assert cachediff("served", path, "--repo", "one", folder=two).code == 1
    assert cachediff("served", path, "--repo", "two", folder=two).code == 0
    assert "Not served any more" in succeeds("log", dag_hash("went"), "--repo", "one", folder=two)
    assert "in two:develop" in succeeds("log", "hdf5", "--repo", "two", folder=two)
    assert "two develop:" in succeeds("trend", "--repo", "two", folder=two)
    said = refuses("log", "hdf5", "--repo", "two", "--collection", "one:develop", folder=two)
    assert "is not of --repo, whose source is two" in said


def test_a_list_is_told_with_what_its_hashes_are(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text(f"hdf5/{ROOT}\nwrong/{dag_hash('new')}\nxz/{dag_hash('never')}\n")
    text = cachediff("served", path, folder=cache).out
    assert f"  hdf5@1.2  {ROOT}  develop, dated\n" in text
    assert f"  hdf5@1.2  {dag_hash('new')}  develop; asked for as wrong\n" in text
    assert f"  xz  {dag_hash('never')}\n" in text


def test_a_file_of_another_ending_is_refused(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "hashes").write_text(ROOT)
    said = refuses("served", tmp_path / "hashes", "-o", tmp_path / "s.html", folder=cache)
    assert "is not made as html" in said
    assert not (tmp_path / "s.html").exists()
