"""Stored snapshots, end to end: taken, listed, compared, verified, damaged, and taken anew."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cachediff.config import find_settings
from cachediff.manifests import PARSER_VERSION
from cachediff.queries import Catalogue, load
from cachediff.store import SnapshotStore
from commands import cachediff, compared, refuses, succeeds
from conftest import MakeRepository
from contract import check_document
from pages import page, record
from repositories import Content, add_commits, git, write_repository

BROKEN = page([record("broken/1")], "broken")[:100]
NIGHTS: list[dict[str, Content]] = [
    {
        "_cache/develop/hdf5/specs.md": page(
            [record("hdf5/1", "1.14.3"), record("hdf5/2", "1.14.3", compiler="none")]
        ),
        "_cache/develop/zlib/specs.md": page([record("zlib/1", "1.3")], "zlib"),
        "_cache/develop/broken/specs.md": BROKEN,
        "_cache/v1/zlib/specs.md": page([record("zlib/1", "1.3")], "zlib", "v1"),
    },
    {"_cache/develop/hdf5/specs.md": page([record("hdf5/3", "1.14.5", stacks=["root"])])},
    {"_cache/develop/zlib": None, "README.md": "the last night of three"},
]
NIGHT = [f"2025-01-0{day}T12:00:00Z" for day in (1, 2, 3)]
EVERY_NIGHT = ("develop@HEAD~2", "develop@HEAD~1", "develop")


@pytest.fixture
def repository(make_repository: MakeRepository) -> Path:
    return make_repository(NIGHTS)


@pytest.fixture(scope="module")
def stored_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_repository(tmp_path_factory.mktemp("stored") / "cache", NIGHTS)
    environment = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("home"))}
    succeeds("snapshot", *EVERY_NIGHT, "v1", folder=folder, environment=environment)
    return folder


@pytest.fixture
def stored(stored_once: Path, tmp_path: Path) -> Path:
    """A repository of which every night is stored, to do with as one likes."""
    return shutil.copytree(stored_once, tmp_path / "cache", symlinks=True)


def files(folder: Path, collection: str = "develop", suffix: str = ".parquet") -> list[Path]:
    """What is stored of a collection, oldest first."""
    return sorted((folder / "snapshots" / folder.name / collection).glob(f"*{suffix}"))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def without_notices(document: dict[str, Any]) -> dict[str, Any]:
    """What a comparison says of the snapshots, and not of how they came to be read."""
    return {key: value for key, value in document.items() if key != "notices"}


def listed(folder: Path, *arguments: str) -> dict[str, str]:
    """What `list` says of each collection."""
    out = succeeds("list", *arguments, folder=folder)
    return {name: rest.strip() for name, rest in re.findall(r"(?m)^  (\S+)(.*)$", out)}


class TestSnapshot:
    def test_every_collection_by_default(self, repository: Path) -> None:
        out = succeeds("snapshot", folder=repository)
        assert out.splitlines() == [
            f"develop  {NIGHT[2]}  1 spec, 1 of 2 manifests unreadable",
            f"v1  {NIGHT[2]}  1 spec",
        ]
        commit = git(repository, "rev-parse", "HEAD")
        (path,) = files(repository)
        assert path.name == f"20250103T120000Z-{commit}.parquet"
        assert path.with_suffix(".json").exists()

    def test_what_is_stored_says_which_parsers_read_it(self, stored: Path) -> None:
        """One without, of an older release, is read as well."""
        path = files(stored)[2]
        metadata = pq.read_metadata(path).metadata
        assert metadata[b"cachediff.parser"] == str(PARSER_VERSION).encode()
        expected = compared("develop@previous", "develop", "--stored", folder=stored)
        names = Catalogue(find_settings(stored), stored / "cache", stored_only=True)
        SnapshotStore(names.settings.store).write(load(names.open("develop", stored)))
        names.close()
        assert b"cachediff.parser" not in pq.read_metadata(path).metadata
        assert compared("develop@previous", "develop", "--stored", folder=stored) == expected
        assert "4 whole, 0 with" in succeeds("verify", folder=stored)

    def test_the_same_tree_is_not_stored_twice(self, stored: Path) -> None:
        before = {path: path.stat().st_mtime_ns for path in files(stored)}
        out = succeeds("snapshot", *EVERY_NIGHT, folder=stored)
        assert out.count("not stored again") == 3
        add_commits(stored, [{"README.md": "nothing new"}], start=3)
        assert "not stored again" in succeeds("snapshot", "develop", folder=stored)
        assert {path: path.stat().st_mtime_ns for path in files(stored)} == before

    def test_names_as_for_compare(self, repository: Path) -> None:
        succeeds("snapshot", f"{repository.name}:dev*@2025-01-02", folder=repository)
        (path,) = files(repository)
        assert path.name.startswith("20250102T120000Z-")

    def test_what_cannot_be_stored(self, repository: Path) -> None:
        message = refuses("snapshot", "./_cache/develop", folder=repository)
        assert "not from a git history" in message
        assert "no collection 'devlop'" in refuses("snapshot", "devlop", folder=repository)

    def test_a_store_that_cannot_be_written(self, repository: Path) -> None:
        store = repository / "snapshots"
        store.write_text("a file in its place")
        message = refuses("snapshot", folder=repository)
        assert f"{store}/" in message
        assert "Not a directory" in message
        assert store.read_text() == "a file in its place"
        succeeds("compare", "develop@HEAD~1", "develop", folder=repository)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_read_only_store(self, stored: Path) -> None:
        for folder in (files(stored)[0].parent, stored / "snapshots" / stored.name):
            folder.chmod(0o555)
        try:
            out = succeeds("compare", "--stored", "develop@previous", "develop", folder=stored)
            assert out
            add_commits(stored, [{"_cache/develop/hdf5": None}], start=3)
            assert "cannot be written" in refuses("snapshot", "develop", folder=stored)
        finally:
            for folder in (stored / "snapshots" / stored.name, files(stored)[0].parent):
                folder.chmod(0o755)


class TestList:
    def test_collections_and_what_is_stored(self, stored: Path) -> None:
        commit = git(stored, "rev-parse", "--short=12", "HEAD")
        assert listed(stored) == {
            "develop": f"3 stored, newest {NIGHT[2]} {commit}, 1 spec",
            "v1": "1 stored, newest "
            f"{NIGHT[2]} {commit}, 1 spec",
        }  # fmt: skip
        assert listed(stored, stored.name) == listed(stored)

    def test_what_upstream_dropped(self, stored: Path) -> None:
        add_commits(stored, [{"_cache/v1": None}], start=3)
        assert listed(stored)["v1"].endswith("(no longer in the source)")
        assert "no longer" not in listed(stored)["develop"]

    def test_a_source_that_cannot_be_read_lost_nothing(self, stored: Path) -> None:
        (stored / ".git").rename(stored / "gone")
        done = cachediff("list", folder=stored)
        assert done.code == 2
        assert "not a git repository" in done.err
        assert "3 stored" in done.out
        assert "no longer" not in done.out

    def test_an_unknown_source(self, stored: Path) -> None:
        assert "no source 'nope'" in refuses("list", "nope", folder=stored)


PAIRS = [
    ("develop@2025-01-01", "develop@2025-01-02"),
    ("develop@2025-01-02", "develop@2025-01-03"),
    ("develop@2025-01-03", "develop@2025-01-01"),
    ("develop", "v1"),
]


class TestCompareStored:
    @pytest.mark.parametrize("pair", PAIRS, ids="..".join)
    def test_says_the_same_as_git(self, stored: Path, pair: tuple[str, str]) -> None:
        arguments = ("compare", *pair, "--format", "json")
        from_git = succeeds(*arguments, folder=stored)
        assert succeeds(*arguments, "--stored", folder=stored) == from_git
        check_document(json.loads(from_git))

    @pytest.mark.parametrize("format_", ["text", "markdown"])
    def test_says_the_same_in_every_format(self, stored: Path, format_: str) -> None:
        arguments = ("compare", *PAIRS[0], "--format", format_)
        from_git = succeeds(*arguments, folder=stored)
        assert succeeds(*arguments, "--stored", folder=stored) == from_git

    def test_says_the_same_where_git_is_gone(self, stored: Path, tmp_path: Path) -> None:
        pair = PAIRS[0]
        from_git = compared(*pair, folder=stored)
        (tmp_path / "apart").mkdir()
        (stored / "snapshots").rename(tmp_path / "apart" / "snapshots")
        assert compared(*pair, "--stored", folder=tmp_path / "apart") == from_git
        paths = sorted((tmp_path / "apart/snapshots" / stored.name / "develop").glob("*.parquet"))
        relative = [path.relative_to(tmp_path) for path in paths]
        assert compared(*relative[:2], folder=tmp_path) == from_git

    def test_one_side_stored_and_one_from_git(self, stored: Path) -> None:
        document = compared("develop@previous", "develop", folder=stored)
        assert document["old"]["committed_at"] == NIGHT[1]
        assert document == compared("develop@HEAD~1", "develop", folder=stored)

    def test_what_a_stored_name_means(self, stored: Path) -> None:
        commit = git(stored, "rev-parse", "HEAD~2")
        names = Catalogue(find_settings(stored), stored / "cache", stored_only=True)
        for name, night in (
            ("develop", 2),
            ("dev*", 2),
            ("develop@previous", 1),
            (f"develop@{commit}", 0),
            (f"develop@{commit[:8]}", 0),
            ("develop@2025-01-02T11:59:59", 0),
            ("develop@2025-01-02T13:00:00+01:00", 1),
            ("develop@2030-01-01", 2),
            (f"{stored.name}:develop@2025-01-01", 0),
        ):
            assert names.open(name, stored).origin.committed_at == NIGHT[night], name
        names.close()

    def test_what_is_not_stored(self, stored: Path, tmp_path: Path) -> None:
        for name, reason in (
            ("develop@2024-12-31", f"develop is stored of {', '.join(NIGHT)}"),
            ("develop@HEAD", "no stored snapshot 'develop@HEAD'"),
            ("v1@previous", "no stored snapshot of v1 before the newest: it takes two"),
            ("devlop", "did you mean develop"),
            ("other:develop", "no snapshot of other is stored"),
        ):
            assert reason in refuses("compare", "--stored", name, "develop", folder=stored)
        message = refuses("compare", "--stored", "a", "b", folder=tmp_path)
        assert "no snapshot is stored" in message
        assert "cachediff snapshot" in message

    def test_a_collection_of_several_sources(self, stored: Path, tmp_path: Path) -> None:
        """Where nothing says which source is meant, a name that is stored of two is refused."""
        (stored / "snapshots").rename(tmp_path / "snapshots")
        other = tmp_path / "snapshots" / "other" / "v1"
        name = stored.name
        for path in sorted((tmp_path / "snapshots" / name / "v1").iterdir()):
            other.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            if path.suffix == ".json":
                content = content.replace(f'"{name}"'.encode(), b'"other"')
            (other / path.name).write_bytes(content)
        message = refuses("compare", "--stored", "v1", "develop", folder=tmp_path)
        assert "several sources" in message
        assert "cache, other" in message
        succeeds("compare", "--stored", f"{name}:v1", "develop", folder=tmp_path)


class TestDamage:
    def test_a_flipped_bit_is_found_named_and_repaired(self, stored: Path) -> None:
        path = files(stored)[1]
        expected = compared("develop@HEAD~1", "develop", folder=stored)
        flip_a_bit(path)

        done = cachediff("verify", folder=stored)
        assert done.code == 1
        assert str(path) in done.out
        assert "SHA-256" in done.out
        assert "Stored snapshots: 3 whole, 1 with problems" in done.out
        (command,) = re.findall(r"cachediff (snapshot .*)", done.out)

        for arguments in (
            ("--stored", "develop@previous", "develop"),
            ("develop@previous", "develop"),
        ):
            done = cachediff("compare", *arguments, "-f", "json", folder=stored)
            assert done.code == 0
            assert without_notices(json.loads(done.out)) == without_notices(expected)
            assert str(path) in done.err
            assert "read from git instead" in done.err
            assert f"cachediff {command}" in done.err

        assert str(path) in refuses("compare", path, "develop", folder=stored)

        out = succeeds(*command.split(), folder=stored)
        assert "not stored again" not in out
        assert "4 whole, 0 with" in succeeds("verify", folder=stored)
        assert compared("develop@previous", "develop", folder=stored) == expected

    def test_where_git_is_gone_it_is_an_error(self, stored: Path) -> None:
        path = files(stored)[1]
        flip_a_bit(path)
        (stored / ".git").rename(stored / "gone")
        message = refuses("compare", "--stored", "develop@previous", "develop", folder=stored)
        assert f"{path} is damaged" in message

    def test_where_git_has_another_history_it_is_an_error(self, stored: Path) -> None:
        path = files(stored)[1]
        flip_a_bit(path)
        git(stored, "checkout", "--quiet", "--orphan", "rewritten")
        git(stored, "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "x")
        git(stored, "branch", "-D", "main")
        git(stored, "reflog", "expire", "--expire=now", "--all")
        git(stored, "gc", "--quiet", "--prune=now")
        message = refuses("compare", "--stored", "develop@previous", "develop", folder=stored)
        assert f"{path} is damaged" in message
        out = succeeds("compare", "--stored", "develop@2025-01-01", "develop", folder=stored)
        assert out

    def test_snapshot_replaces_what_is_damaged(self, stored: Path) -> None:
        """A plain `snapshot` is enough for the newest, whatever is wrong with it."""
        newest = files(stored)[2]
        content = newest.read_bytes()
        for spoil in (flip_a_bit, Path.unlink, lambda path: path.write_bytes(content[:-1])):
            spoil(newest)
            assert "not stored again" not in succeeds("snapshot", "develop", folder=stored)
            assert newest.read_bytes() == content
        assert "4 whole, 0 with" in succeeds("verify", folder=stored)

    @pytest.mark.parametrize("content", ["{", "[]", '{"schema": "cachediff/receipt/2"}'])
    def test_no_broken_receipt_is_believed(self, stored: Path, content: str) -> None:
        receipt = files(stored, suffix=".json")[1]
        receipt.write_text(content)
        done = cachediff("compare", "--stored", "develop", "develop", folder=stored)
        assert done.code == 0
        assert f"{receipt} was passed over" in done.out + done.err

    @pytest.mark.parametrize(
        ("number", "pair"),
        [
            (1, ("develop@previous", "develop")),
            (2, ("develop@2025-01-02", "develop")),
            (1, ("develop@2025-01-02T18:00", "develop")),
            (0, ("develop@{commit}", "develop")),
        ],
    )
    @pytest.mark.parametrize("git_is_there", [True, False])
    def test_a_name_never_means_another_night_for_a_broken_receipt(
        self, stored: Path, number: int, pair: tuple[str, str], git_is_there: bool
    ) -> None:
        receipt = files(stored, suffix=".json")[number]
        commit = git(stored, "rev-parse", f"HEAD~{2 - number}")
        names = [name.format(commit=commit[:10]) for name in pair]
        expected = compared(*names, "--stored", folder=stored)
        receipt.write_text("")
        command = f"cachediff snapshot {stored.name}:develop@{commit[:12]}"
        if git_is_there:
            done = cachediff("compare", *names, "--stored", "-f", "json", folder=stored)
            assert done.code == 0
            assert without_notices(json.loads(done.out)) == without_notices(expected)
            assert f"{receipt} is damaged" in done.err
            assert "read from git instead" in done.err
            assert command in done.err
        else:
            (stored / ".git").rename(stored / "gone")
            message = refuses("compare", "--stored", *names, folder=stored)
            assert f"{receipt} is damaged" in message
            assert command in message
            assert "cachediff verify" in message

    def test_a_broken_receipt_is_told_and_repaired(self, stored: Path) -> None:
        receipt = files(stored, suffix=".json")[1]
        receipt.write_text("")
        done = cachediff("compare", "develop@previous", "develop", "-f", "json", folder=stored)
        assert json.loads(done.out)["old"]["committed_at"] == NIGHT[1]
        (command,) = re.findall(r"cachediff (snapshot \S+)", done.err)

        done = cachediff("list", folder=stored)
        assert str(receipt) in done.err
        done = cachediff("verify", folder=stored)
        assert done.code == 1
        assert str(receipt) in done.out
        assert f"cachediff {command}\n" in done.out
        # Of another collection, there is nothing to say.
        succeeds("compare", "--stored", "v1", "v1", folder=stored)

        succeeds(*command.split(), folder=stored)
        assert "4 whole, 0 with" in succeeds("verify", folder=stored)
        document = compared("develop@previous", "develop", folder=stored)
        assert document["old"]["committed_at"] == NIGHT[1]

    def test_nothing_but_broken_receipts(self, stored: Path) -> None:
        (receipt,) = files(stored, "v1", ".json")
        receipt.write_text("")
        (stored / ".git").rename(stored / "gone")
        message = refuses("compare", "--stored", "v1", "develop", folder=stored)
        assert f"{receipt} is damaged" in message
        path = receipt.with_suffix(".parquet")
        assert f"{receipt} is damaged" in refuses("compare", path, "develop", folder=stored)
        receipt.rename(receipt.with_name("v1.json"))
        message = refuses("compare", "--stored", "v1", "develop", folder=stored)
        assert "no stored snapshot 'v1'" in message
        assert f"{receipt.with_name('v1.json')} was passed over" in message
        assert "no receipt beside it" in refuses("compare", path, "develop", folder=stored)

    def test_what_an_interrupted_write_left(self, stored: Path) -> None:
        folder = files(stored)[0].parent
        (folder / ".0123456789abcdef.tmp").write_bytes(b"half")
        done = cachediff("verify", folder=stored)
        assert done.code == 1
        assert "interrupted write" in done.out
        assert "4 whole, 1 with" in done.out
        succeeds("compare", "--stored", "develop@previous", "develop", folder=stored)

    def test_every_file_that_no_receipt_needs_is_told(self, stored: Path) -> None:
        folder = files(stored)[0].parent
        (folder / "notes.txt").write_text("of somebody")
        shutil.copy(files(stored)[0], folder / "copy.parquet")
        done = cachediff("verify", folder=stored)
        assert done.code == 1
        assert f"{folder / 'notes.txt'}\n  it is no file of a snapshot\n" in done.out
        assert f"{folder / 'copy.parquet'}\n  left by an interrupted write\n" in done.out
        files(stored, suffix=".json")[2].write_text("{}")
        out = cachediff("verify", folder=stored).out
        said = "no receipt that can be read needs it\n  leave it there until the damaged receipt"
        assert f"{folder / 'copy.parquet'}\n  {said}" in out
        assert "3 whole, 3 with problems" in out

    def test_an_empty_store_is_whole(self, repository: Path, tmp_path: Path) -> None:
        for folder in (repository, tmp_path):
            out = succeeds("verify", folder=folder)
            assert out == f"Stored snapshots: nothing is stored in {folder / 'snapshots'}\n"
            out = succeeds("reindex", folder=folder)
            assert out == f"nothing is stored in {folder / 'snapshots'}\n"
            assert "no snapshot is stored" in refuses("trend", folder=folder)


class TestSuspicion:
    def test_a_collection_that_shrank(self, make_repository: MakeRepository) -> None:
        names = [f"p{number}" for number in range(8)]
        commits: list[dict[str, Content]] = [
            {f"_cache/develop/{name}/specs.md": page([record(name)], name) for name in names},
            {f"_cache/develop/{name}": None for name in names[2:]},
        ]
        repository = make_repository(commits)
        succeeds("snapshot", "develop@HEAD~1", "develop", folder=repository)
        for options in ((), ("--stored",)):
            done = succeeds("compare", "develop@2025-01-01", "develop", *options, folder=repository)
            assert done.startswith("NEW is suspect: develop lost 6 of its 8 manifests")
            document: dict[str, Any] = compared(
                "develop@2025-01-01", "develop", *options, folder=repository
            )
            assert document["new"]["suspect"]
            check_document(document)
