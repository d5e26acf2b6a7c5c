"""Manifests out of plain folders and files: the same as out of git, and nothing guessed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cachediff import compare
from cachediff.errors import SourceError
from cachediff.model.snapshot import PackageFiles
from cachediff.sources import FolderCollection, GitSource, Repository, parse_name
from cachediff.sources.package_folders import MAX_FILE_SIZE
from conftest import MakeRepository
from pages import page, record
from repositories import symlink

HDF5, ZLIB = page([record("hdf5")], "hdf5"), page([record("zlib")], "zlib")


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def read(collection: FolderCollection) -> dict[str, PackageFiles]:
    return {files.package: files for files in collection.read(list(collection.entries))}


def test_a_folder_of_packages(tmp_path: Path) -> None:
    folder = write(tmp_path / "develop", {"zlib/specs.md": ZLIB, "hdf5/specs.md": HDF5})
    collection = FolderCollection(folder)
    assert collection.entries == {"hdf5": None, "zlib": None}
    assert list(collection.entries) == ["hdf5", "zlib"]
    assert list(collection.read(["zlib", "hdf5"])) == [
        PackageFiles("zlib", {"specs.md": ZLIB.encode()}),
        PackageFiles("hdf5", {"specs.md": HDF5.encode()}),
    ]
    origin = collection.origin
    assert (origin.source, origin.collection) == ("folder", "develop")
    assert (origin.commit, origin.committed_at, origin.tree) == (None, None, None)


@pytest.mark.parametrize("name", ["hdf5", "hdf5/specs.md", "hdf5/index.md", "other.md"])
def test_one_package_by_its_folder_or_its_page(tmp_path: Path, name: str) -> None:
    """A page that is called as in a cache comes with the files beside it."""
    files = {"specs.md": HDF5, "index.md": HDF5, "spec-0.json": "{}"}
    write(tmp_path / "hdf5", files)
    write(tmp_path, {"other.md": HDF5})
    collection = FolderCollection(tmp_path / name)
    assert collection.origin.collection == Path(name).name
    expected = {"specs.md": HDF5} if name == "other.md" else files
    assert read(collection) == {
        "hdf5": PackageFiles("hdf5", {file: text.encode() for file, text in expected.items()})
    }


@pytest.mark.parametrize(
    ("title", "package"),
    [
        ('title: "py-numpy"\n', "py-numpy"),
        ("title: py-numpy  \r\n", "py-numpy"),
        ("subtitle: x\n", "page"),
        ("", "page"),
    ],
)
def test_the_package_of_a_page_of_another_name_is_its_title(
    tmp_path: Path, title: str, package: str
) -> None:
    (tmp_path / "page.txt").write_bytes(f"---\n{title}layout: cache\n---".encode())
    assert list(FolderCollection(tmp_path / "page.txt").entries) == [package]


def test_a_path_can_be_relative_or_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "develop", {"hdf5/specs.md": HDF5})
    (tmp_path / "link").symlink_to("develop")
    (tmp_path / "page").symlink_to("develop/hdf5/specs.md")
    monkeypatch.chdir(tmp_path / "develop")
    for path in (".", "../develop", "hdf5/..", "../link", "../page"):
        collection = FolderCollection(Path(path))
        assert read(collection)["hdf5"].files == {"specs.md": HDF5.encode()}
        assert collection.origin.collection == ("specs.md" if path == "../page" else "develop")


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"readme.md": "x"},
        {"hdf5/readme.md": "x"},
        {"develop/hdf5/specs.md": HDF5, "v1/hdf5/specs.md": HDF5},
        {".git/specs.md": HDF5},
    ],
    ids=["empty", "a file", "no page", "collections", "hidden"],
)
def test_a_folder_without_manifests_is_an_error(tmp_path: Path, files: dict[str, str]) -> None:
    folder = write(tmp_path / "folder", files)
    folder.mkdir(exist_ok=True)
    with pytest.raises(SourceError, match="there are no manifests in") as caught:
        FolderCollection(folder)
    assert str(folder) in caught.value.message
    assert "<package>/specs.md" in caught.value.hint


@pytest.mark.parametrize("name", ["nowhere", "nowhere/specs.md", "hdf5/specs.md/x"])
def test_a_path_to_nothing_is_an_error(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"hdf5/specs.md": HDF5})
    with pytest.raises(SourceError, match=r"cannot be read: (No such file|Not a directory)"):
        FolderCollection(tmp_path / name)


def test_a_package_without_a_page_is_there_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "x", {"hdf5/specs.md": HDF5, "zlib/notes.txt": "x"})
    (tmp_path / "x" / "empty").mkdir()
    found = read(FolderCollection(tmp_path / "x"))
    assert list(found) == ["empty", "hdf5", "zlib"]
    assert found["empty"] == PackageFiles("empty", {})
    assert found["zlib"] == PackageFiles("zlib", {"notes.txt": b"x"})


def test_what_is_no_regular_file_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {"a/specs.md": HDF5, "a/sub/specs.md": ZLIB, "b/specs.md": ZLIB})
    (folder / "linked").symlink_to("a")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "page").mkdir()
    (folder / "page" / "specs.md").symlink_to("/etc/passwd")
    (folder / "b" / "spec-0.json").symlink_to("/etc/passwd")
    os.mkfifo(folder / "b" / "fifo")
    found = read(FolderCollection(folder))
    link = "it is a symbolic link"
    assert {name: files.unreadable for name, files in found.items()} == {
        "a": (),
        "b": (("spec-0.json", link),),
        "dangling": (("", link),),
        "linked": (("", link),),
        "page": (("specs.md", link),),
    }
    assert {name: list(files.files) for name, files in found.items()} == {
        "a": ["specs.md"],
        "b": ["specs.md"],
        "dangling": [],
        "linked": [],
        "page": [],
    }


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "x", {"a/specs.md": "", "b/specs.md": HDF5})
    os.truncate(tmp_path / "x" / "a" / "specs.md", MAX_FILE_SIZE + 1)
    found = read(FolderCollection(tmp_path / "x"))
    assert found["a"].unreadable == (("specs.md", "it is too large: 67,108,865 bytes"),)
    assert found["b"].files == {"specs.md": HDF5.encode()}
    os.truncate(tmp_path / "x" / "a" / "specs.md", MAX_FILE_SIZE)
    assert read(FolderCollection(tmp_path / "x"))["a"].unreadable == ()


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    write(tmp_path / "x", {"a/specs.md": HDF5, "b/specs.md": HDF5})
    collection = FolderCollection(tmp_path / "x")
    (tmp_path / "x" / "a" / "specs.md").unlink()
    found = read(collection)
    assert found["a"].unreadable == (("specs.md", "No such file or directory"),)
    assert found["b"].unreadable == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {"a/specs.md": HDF5, "b/specs.md": HDF5, "c/specs.md": HDF5})
    (folder / "a" / "specs.md").chmod(0)
    (folder / "b").chmod(0)
    found = read(FolderCollection(folder))
    assert found["a"].unreadable == (("specs.md", "Permission denied"),)
    assert found["b"].unreadable == (("", "Permission denied"),)
    assert found["c"].unreadable == ()
    folder.chmod(0)
    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        FolderCollection(folder)
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"with space", "with space"),
        ("naïve-ключ".encode(), "naïve-ключ"),
        (b"latin-\xe9", "latin-\\xe9"),
        (b"-rf", "-rf"),
        (b"a\nb", "a\nb"),
    ],
)
def test_names_are_those_that_git_gives(
    tmp_path: Path, make_repository: MakeRepository, raw: bytes, shown: str
) -> None:
    files = {b"_cache/develop/" + raw + b"/specs.md": HDF5}
    checkout = make_repository([files])
    repository = Repository(checkout)
    in_git = GitSource(repository, "cache").open(parse_name("develop"))
    folder = FolderCollection(checkout / "_cache" / "develop")
    assert list(folder.entries) == list(in_git.entries) == [shown]
    assert list(folder.read([shown])) == list(in_git.source.read([in_git.folder(shown)]))
    repository.close()


def test_a_checkout_is_the_same_as_its_commit(make_repository: MakeRepository) -> None:
    checkout = make_repository(
        [
            {
                "_cache/develop/hdf5/specs.md": HDF5,
                "_cache/develop/zlib/specs.md": ZLIB,
                "_cache/develop/odd/specs.md": symlink("../zlib/specs.md"),
                "_cache/develop/linked": symlink("zlib"),
                "_cache/develop/bare/spec-0.json": "{}",
            }
        ]
    )
    path = checkout / "_cache" / "develop"
    comparison = compare("develop", str(path), repo=str(checkout))
    assert {item.package: item.status.value for item in comparison.packages} == {
        "bare": "unknown",
        "linked": "unknown",
        "odd": "unknown",
    }
    assert comparison.old.problems == comparison.new.problems
    assert comparison.spec_counts.unchanged == 2


def test_one_page_is_compared_with_another(tmp_path: Path) -> None:
    write(tmp_path, {"old.md": HDF5, "new.md": page([record("hdf5 2", "2.0")], "hdf5")})
    comparison = compare(str(tmp_path / "old.md"), str(tmp_path / "new.md"))
    assert comparison.spec_counts.upgraded == 1
    assert [item.package for item in comparison.packages] == ["hdf5"]
