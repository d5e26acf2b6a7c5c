"""Collections out of real git repositories: found, read, and never changed."""

from __future__ import annotations

import gc
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachediff import compare
from cachediff.errors import CachediffError, NameNotFoundError, SourceError, UsageError
from cachediff.model.comparison import PackageStatus
from cachediff.model.snapshot import PackageFiles
from cachediff.sources import GitCollection, GitSource, Repository, parse_name
from cachediff.sources.objects import GitObject, read_object
from cachediff.sources.package_folders import MAX_FILE_SIZE
from conftest import MakeRepository
from pages import page, record
from repositories import Commit, add_commits, executable, git, listing, submodule, symlink

HDF5, HDF5_NEW, ZLIB = (page([record(seed)]) for seed in ("hdf5", "hdf5 rebuilt", "zlib"))

COMMITS: list[Commit] = [
    {"_cache/develop/hdf5/specs.md": HDF5},
    {"_cache/develop/zlib/specs.md": ZLIB, "_cache/v0.9/zlib/specs.md": ZLIB},
    {"_cache/develop/hdf5/specs.md": HDF5_NEW, "_cache/v0.22.1/hdf5/specs.md": HDF5},
]

OpenSource = Callable[..., GitSource]


@pytest.fixture
def open_source() -> Iterator[OpenSource]:
    opened: list[Repository] = []

    def open_source(path: Path, **options: str) -> GitSource:
        opened.append(Repository(path))
        return GitSource(opened[-1], "cache", **options)

    yield open_source
    for repository in opened:
        repository.close()


@pytest.fixture
def upstream(make_repository: MakeRepository) -> Path:
    """Three nights, and revisions of every kind that name them."""
    path = make_repository(COMMITS)
    git(path, "branch", "feature/x", "HEAD~1")
    git(path, "tag", "night-0", "HEAD~2")
    git(path, "-c", "user.name=T", "-c", "user.email=t@t", "tag", "-m", "x", "told", "HEAD~1")
    git(path, "config", "uploadpack.allowFilter", "true")
    return path


def opened(source: GitSource, text: str) -> GitCollection:
    return source.open(parse_name(text))


def read(collection: GitCollection, *packages: str) -> dict[str, PackageFiles]:
    folders = [collection.folder(package) for package in packages or sorted(collection.entries)]
    return {files.package: files for files in collection.source.read(folders)}


def no_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


# Layouts


@pytest.mark.parametrize(
    ("files", "packages"),
    [
        (["develop/hdf5/specs.md", "v1/zlib/specs.md"], {"develop": ["hdf5"], "v1": ["zlib"]}),
        (["hdf5/index.md", "hdf5/spec-0.json", "zlib/specs.md"], {"default": ["hdf5", "zlib"]}),
        (
            ["hdf5/specs.md", "develop/zlib/specs.md"],
            {"default": ["hdf5"], "develop": ["zlib"]},
        ),
        (["develop/index.md", "develop/hdf5/specs.md", "readme"], {"develop": ["hdf5"]}),
        (["develop/hdf5/notes.txt"], {"develop": ["hdf5"]}),
        (["develop/hdf5/specs.md", "develop/hdf5/old/specs.md"], {"develop": ["hdf5"]}),
    ],
    ids=["collections", "none", "both", "page beside packages", "no page", "nested"],
)
def test_every_layout_has_its_collections(
    make_repository: MakeRepository,
    open_source: OpenSource,
    files: list[str],
    packages: dict[str, list[str]],
) -> None:
    path = make_repository([{f"_cache/{file}": HDF5 for file in files}])
    source = open_source(path)
    assert source.collections() == sorted(packages)
    assert {name: list(opened(source, name).entries) for name in packages} == packages


def test_a_collection_is_as_git_has_it(upstream: Path, open_source: OpenSource) -> None:
    collection = opened(open_source(upstream), "develop")
    assert collection.origin.source == "cache"
    assert collection.origin.collection == "develop"
    assert collection.origin.commit == git(upstream, "rev-parse", "HEAD")
    assert collection.origin.committed_at == "2025-01-03T12:00:00Z"
    assert collection.origin.tree == git(upstream, "rev-parse", "HEAD:_cache/develop")
    assert collection.entries == {
        package: git(upstream, "rev-parse", f"HEAD:_cache/develop/{package}")
        for package in ("hdf5", "zlib")
    }
    assert read(collection) == {
        "hdf5": PackageFiles("hdf5", {"specs.md": HDF5_NEW.encode()}),
        "zlib": PackageFiles("zlib", {"specs.md": ZLIB.encode()}),
    }


def test_the_tree_of_the_default_collection_is_that_of_all(
    make_repository: MakeRepository, open_source: OpenSource
) -> None:
    path = make_repository([{"_cache/hdf5/specs.md": HDF5}])
    assert opened(open_source(path), "default").origin.tree == git(path, "rev-parse", "HEAD:_cache")


def test_the_folder_of_collections_can_be_another(
    make_repository: MakeRepository, open_source: OpenSource
) -> None:
    path = make_repository([{"site/pages/develop/hdf5/specs.md": HDF5}])
    assert open_source(path, root="site/pages").collections() == ["develop"]


# Names


@pytest.mark.parametrize(
    ("text", "collection", "night"),
    [
        ("develop", "develop", 2),
        ("develop@HEAD", "develop", 2),
        ("develop@main", "develop", 2),
        ("develop@refs/heads/main", "develop", 2),
        ("develop@HEAD~1", "develop", 1),
        ("develop@feature/x", "develop", 1),
        ("develop@heads/feature/x", "develop", 1),
        ("develop@told", "develop", 1),
        ("develop@main~2", "develop", 0),
        ("develop@night-0", "develop", 0),
        ("develop@refs/tags/night-0", "develop", 0),
        ("develop@HEAD^{/commit 0}", "develop", 0),
        ("v*", "v0.22.1", 2),
        ("v*~1", "v0.9", 2),
        ("v*@HEAD~1", "v0.9", 1),
        # A day is meant to its end; commits are made at noon.
        ("develop@2025-01-03", "develop", 2),
        ("develop@2025-01-02", "develop", 1),
        ("develop@2025-01-01", "develop", 0),
        ("develop@2025-01-02T12:00:00", "develop", 1),
        ("develop@2025-01-02T11:59:59", "develop", 0),
        ("develop@2025-01-02 11:59", "develop", 0),
        ("develop@2025-01-02T13:59:59+02:00", "develop", 0),
        ("develop@2025-01-02T14:00:00+02:00", "develop", 1),
        ("develop@2025-01-02T07:00:00-0500", "develop", 1),
        ("develop@2099-01-01", "develop", 2),
        ("develop@2101-01-01", "develop", 2),
        ("develop@9999-12-31", "develop", 2),
    ],
)
def test_a_name_means_a_collection_at_a_commit(
    upstream: Path, open_source: OpenSource, text: str, collection: str, night: int
) -> None:
    origin = opened(open_source(upstream), text).origin
    assert origin.collection == collection
    assert origin.commit == git(upstream, "rev-parse", f"HEAD~{2 - night}")
    assert origin.committed_at == f"2025-01-0{night + 1}T12:00:00Z"


def test_ids_of_commits_can_be_abbreviated(upstream: Path, open_source: OpenSource) -> None:
    source = open_source(upstream)
    commit = git(upstream, "rev-parse", "HEAD~1")
    for length in (7, 12, 40):
        assert opened(source, f"develop@{commit[:length]}").origin.commit == commit


def test_a_date_follows_what_the_branch_was_that_day(
    upstream: Path, open_source: OpenSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of another branch, merged later, was not to be seen on its own day."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2025-01-20T12:00:00Z")
    add_commits(upstream, [{"_cache/develop/odd/specs.md": ZLIB}], start=9, branch="feature/x")
    identity = ["-c", "user.name=T", "-c", "user.email=t@t"]
    git(upstream, *identity, "merge", "--quiet", "--no-ff", "-m", "merge", "feature/x")
    source = open_source(upstream)
    assert opened(source, "develop@2025-01-15").origin.committed_at == "2025-01-03T12:00:00Z"
    assert opened(source, "develop@2025-01-20").origin.committed_at == "2025-01-20T12:00:00Z"


def test_the_branch_of_a_source_is_meant_where_a_name_says_none(
    upstream: Path, open_source: OpenSource
) -> None:
    source = open_source(upstream, branch="feature/x")
    for text in ("develop", "develop@2025-01-09"):
        assert opened(source, text).origin.committed_at == "2025-01-02T12:00:00Z"
    assert source.collections() == ["develop", "v0.9"]
    assert source.collections("main") == ["develop", "v0.22.1", "v0.9"]


@pytest.mark.parametrize(
    ("text", "error", "message", "hint"),
    [
        ("developp", NameNotFoundError, "no collection 'developp' in cache at ", "develop?"),
        ("v0.22.1@HEAD~1", NameNotFoundError, "there is no collection 'v0.22.1'", "v0.9"),
        ("hdf5", NameNotFoundError, "there is no collection 'hdf5'", "develop"),
        ("develop/hdf5", NameNotFoundError, "no collection 'develop/hdf5'", "develop"),
        ("..", NameNotFoundError, "there is no collection '..'", "develop"),
        ("x*", NameNotFoundError, "no collection in cache at ", "v0.9"),
        ("v*~2", NameNotFoundError, "only 2 collections in cache", "the oldest is v0.9"),
        ("develop@nowhere", NameNotFoundError, "no revision 'nowhere' in cache", "git log"),
        ("develop@HEAD~3", NameNotFoundError, "no revision 'HEAD~3'", "git log"),
        ("develop@HEAD:_cache", NameNotFoundError, "no revision 'HEAD:_cache'", ""),
        ("develop@--all", NameNotFoundError, "no revision '--all'", ""),
        ("develop@;id", NameNotFoundError, "no revision ';id'", ""),
        ("develop@0000000", NameNotFoundError, "no revision '0000000'", ""),
        ("develop@2024-12-31", NameNotFoundError, "no commit at or before 2024-12-31 23:59:59", ""),
        ("develop@1969-07-20", NameNotFoundError, "no commit at or before 1969-07-20", ""),
        ("develop@0001-01-01", NameNotFoundError, "no commit at or before", ""),
        ("develop@2025-13-45", UsageError, "'2025-13-45' is not a date", ""),
    ],
)
def test_a_wrong_name_is_told_what_is_wrong(
    upstream: Path,
    open_source: OpenSource,
    text: str,
    error: type[CachediffError],
    message: str,
    hint: str,
) -> None:
    with pytest.raises(error) as caught:
        opened(open_source(upstream), text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_line_break_in_a_setting_asks_no_second_question(
    upstream: Path, open_source: OpenSource
) -> None:
    with pytest.raises(SourceError, match="line break"):
        open_source(upstream, root="_cache\nHEAD:_cache").collections()


# Places


def test_a_repository_without_manifests(
    make_repository: MakeRepository, open_source: OpenSource
) -> None:
    source = open_source(make_repository([{"readme": "x"}]))
    with pytest.raises(SourceError, match="has no manifests: there is no folder '_cache'"):
        opened(source, "develop")
    with pytest.raises(SourceError, match="has no manifests"):
        source.collections()


def test_a_repository_without_commits(
    make_repository: MakeRepository, open_source: OpenSource
) -> None:
    source = open_source(make_repository([]))
    for text in ("develop", "develop@2025-01-01", "v*"):
        with pytest.raises(NameNotFoundError) as caught:
            opened(source, text)
        assert caught.value.message == "there is no revision 'HEAD' in cache"
        assert "no commit yet" in caught.value.hint


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "file").write_text("x")
    for path, reason in {
        tmp_path: "not a git repository",
        tmp_path / "nowhere": "No such file or directory",
        tmp_path / "file": "Not a directory",
    }.items():
        with pytest.raises(SourceError) as caught:
            Repository(path)
        assert str(path) in caught.value.message
        assert reason in caught.value.message
        assert "--repo" in caught.value.hint


@pytest.fixture(
    params=["bare", "git file", "subdirectory", "worktree", "below a worktree", "alternates"]
)
def place(request: pytest.FixtureRequest, upstream: Path, tmp_path: Path) -> Path:
    """A clone of some shape, of which HEAD is the second night."""
    path = tmp_path / "clone"
    url = f"file://{upstream}"
    match request.param:
        case "bare":
            git(upstream, "clone", "--quiet", "--bare", "-b", "feature/x", url, str(path))
        case "git file":
            separate = f"--separate-git-dir={tmp_path / 'separate'}"
            git(upstream, "clone", "--quiet", separate, "-b", "feature/x", url, str(path))
        case "subdirectory":
            git(upstream, "clone", "--quiet", "-b", "feature/x", url, str(path))
            path = path / "_cache" / "develop"
        case "worktree":
            git(upstream, "worktree", "add", "--quiet", str(path), "feature/x")
        case "below a worktree":
            git(upstream, "worktree", "add", "--quiet", str(path), "feature/x")
            path = path / "_cache"
        case "alternates":
            git(upstream, "clone", "--quiet", "--shared", "-b", "feature/x", url[7:], str(path))
    return path


def test_a_clone_of_any_shape_is_read(place: Path, open_source: OpenSource) -> None:
    source = open_source(place)
    assert opened(source, "develop").origin.committed_at == "2025-01-02T12:00:00Z"
    assert list(read(opened(source, "develop@night-0"))) == ["hdf5"]
    assert not source.repository.partial
    assert not source.repository.shallow


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/spack/cache.spack.io", "cache.spack.io"),
        ("https://github.com/spack/cache.git/", "cache"),
        ("git@host:cache.git", "cache"),
        ("https://user:secret@host", "host"),
        ("", "repository0"),
    ],
)
def test_a_repository_is_called_after_its_origin(upstream: Path, url: str, name: str) -> None:
    if url:
        git(upstream, "config", "remote.origin.url", url)
    assert Repository(upstream).name() == name


def test_a_sha256_repository_is_read(
    make_repository: MakeRepository, open_source: OpenSource
) -> None:
    path = make_repository(COMMITS, "--object-format=sha256")
    collection = opened(open_source(path), "develop@HEAD~1")
    assert collection.origin.commit == git(path, "rev-parse", "HEAD~1")
    assert len(collection.entries["hdf5"]) == 64
    assert read(collection)["hdf5"].files == {"specs.md": HDF5.encode()}


def test_replacements_are_not_believed(upstream: Path, open_source: OpenSource) -> None:
    git(
        upstream,
        "replace",
        "HEAD:_cache/develop/zlib/specs.md",
        "HEAD~1:_cache/develop/hdf5/specs.md",
    )
    files = read(opened(open_source(upstream), "develop"))
    assert files["zlib"].files == {"specs.md": ZLIB.encode()}


def test_a_git_directory_in_the_environment_is_not_taken_for_a_repository_once_open(
    upstream: Path,
    make_repository: MakeRepository,
    open_source: OpenSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = open_source(upstream)
    monkeypatch.setenv("GIT_DIR", str(make_repository([{"x": "y"}])))
    assert opened(source, "develop@2025-01-02").origin.committed_at == "2025-01-02T12:00:00Z"


# Packages


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"with space", "with space"),
        ("naïve-ключ".encode(), "naïve-ключ"),
        (b"latin-\xe9", "latin-\\xe9"),
        (b"-rf", "-rf"),
        (b"a\nb", "a\nb"),
        (b"\x1b[2J", "\x1b[2J"),
        (b'"quoted"', '"quoted"'),
        (b".hidden", ".hidden"),
        (b"l" * 200, "l" * 200),
    ],
)
def test_a_package_may_have_any_name(
    make_repository: MakeRepository, open_source: OpenSource, raw: bytes, shown: str
) -> None:
    path = make_repository([{b"_cache/develop/" + raw + b"/specs.md": HDF5}])
    assert read(opened(open_source(path), "develop")) == {
        shown: PackageFiles(shown, {"specs.md": HDF5.encode()})
    }


LINK, MODULE = "it is a symbolic link", "it is a submodule"


@pytest.mark.parametrize(
    ("entries", "files", "unreadable"),
    [
        ({"hdf5": symlink("../v1/hdf5")}, [], [("", LINK)]),
        ({"hdf5": submodule()}, [], [("", MODULE)]),
        ({"hdf5/specs.md": symlink("/etc/passwd")}, [], [("specs.md", LINK)]),
        ({"hdf5/specs.md": submodule()}, [], [("specs.md", MODULE)]),
        (
            {"hdf5/spec-0.json": symlink("x"), "hdf5/specs.md": HDF5},
            ["specs.md"],
            [("spec-0.json", LINK)],
        ),
        (
            {"hdf5/spec-0.json": submodule(), "hdf5/specs.md": HDF5},
            ["specs.md"],
            [("spec-0.json", MODULE)],
        ),
        ({"hdf5/specs.md": executable(HDF5)}, ["specs.md"], []),
        ({"hdf5/specs.md": HDF5, "hdf5/sub/specs.md": ZLIB}, ["specs.md"], []),
        ({"hdf5/specs.md/specs.md": ZLIB}, [], []),
        ({"hdf5/specs.md": ""}, ["specs.md"], []),
    ],
    ids=[
        "linked package",
        "submodule package",
        "linked page",
        "submodule page",
        "linked spec",
        "submodule spec",
        "executable",
        "nested",
        "a folder for a page",
        "empty",
    ],
)
def test_what_is_no_regular_file_is_named(
    make_repository: MakeRepository,
    open_source: OpenSource,
    entries: Commit,
    files: list[str],
    unreadable: list[tuple[str, str]],
) -> None:
    others = {"_cache/develop/a/specs.md": ZLIB, "_cache/develop/z/specs.md": ZLIB}
    odd = {f"_cache/develop/{path!s}": entry for path, entry in entries.items()}
    found = read(opened(open_source(make_repository([others | odd])), "develop"))
    assert list(found) == ["a", "hdf5", "z"]
    assert found["a"].files == found["z"].files == {"specs.md": ZLIB.encode()}
    assert list(found["hdf5"].files) == files
    assert list(found["hdf5"].unreadable) == unreadable


def test_a_file_beside_the_packages_is_none(
    make_repository: MakeRepository, open_source: OpenSource
) -> None:
    files = {"_cache/develop/hdf5/specs.md": HDF5, "_cache/develop/readme.md": "x"}
    assert list(opened(open_source(make_repository([files])), "develop").entries) == ["hdf5"]


def test_a_huge_file_is_skipped_and_what_follows_it_is_read(
    make_repository: MakeRepository, open_source: OpenSource
) -> None:
    huge = b"\0" * (MAX_FILE_SIZE + 1)
    path = make_repository(
        [{"_cache/develop/a/specs.md": huge, "_cache/develop/b/specs.md": HDF5}], "--bare"
    )
    found = read(opened(open_source(path), "develop"))
    assert found["a"].unreadable == (("specs.md", "it is too large: 67,108,865 bytes"),)
    assert found["a"].files == {}
    assert found["b"].files == {"specs.md": HDF5.encode()}


def test_packages_are_read_in_the_order_asked_for_however_often(
    upstream: Path, open_source: OpenSource
) -> None:
    collection = opened(open_source(upstream), "develop")
    names = ["zlib", "hdf5", "zlib"]
    told: list[tuple[str, int, int]] = []
    found = list(
        collection.source.read(
            [collection.folder(name) for name in names], lambda *step: told.append(step)
        )
    )
    assert [files.package for files in found] == names
    assert [files.files["specs.md"].decode() for files in found] == [ZLIB, HDF5_NEW, ZLIB]
    assert told == [("Reading manifests", done, 3) for done in (1, 2, 3)]


# Clones that lack something


def test_a_shallow_clone_says_that_it_is_one(
    upstream: Path, open_source: OpenSource, tmp_path: Path
) -> None:
    git(upstream, "clone", "--quiet", "--depth=1", f"file://{upstream}", str(tmp_path / "clone"))
    before = listing(tmp_path / "clone")
    source = open_source(tmp_path / "clone")
    assert read(opened(source, "develop"))["hdf5"].files == {"specs.md": HDF5_NEW.encode()}
    for text in ("develop@HEAD~1", "develop@2025-01-02"):
        with pytest.raises(NameNotFoundError) as caught:
            opened(source, text)
        assert "shallow" in caught.value.hint
        assert "git fetch --unshallow" in caught.value.hint
    assert listing(tmp_path / "clone") == before


@pytest.mark.parametrize("bare", ["--bare", "--no-checkout"])
def test_what_a_partial_clone_lacks_is_unknown_and_not_fetched(
    upstream: Path, open_source: OpenSource, tmp_path: Path, bare: str
) -> None:
    clone = tmp_path / "clone"
    url = f"file://{upstream}"
    git(upstream, "clone", "--quiet", bare, "--filter=blob:none", url, str(clone))
    before = listing(clone)
    found = read(opened(open_source(clone), "develop"))
    assert found["hdf5"] == PackageFiles(
        "hdf5", {}, (("specs.md", "it is missing from this partial clone"),), complete=False
    )
    comparison = compare("develop@HEAD~1", "develop", repo=str(clone))
    assert {item.package: item.status for item in comparison.packages} == {
        "hdf5": PackageStatus.UNKNOWN,
        "zlib": PackageStatus.UNKNOWN,
    }
    assert listing(clone) == before


def test_a_partial_clone_gives_what_it_has(
    upstream: Path, open_source: OpenSource, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(upstream, "clone", "--quiet", "--filter=blob:none", f"file://{upstream}", str(clone))
    before = listing(clone)
    source = open_source(clone)
    assert read(opened(source, "develop"))["hdf5"].files == {"specs.md": HDF5_NEW.encode()}
    # Its page is that of v0.22.1, which is checked out.
    assert read(opened(source, "develop@HEAD~1"))["hdf5"].files == {"specs.md": HDF5.encode()}
    assert listing(clone) == before


def test_a_clone_without_trees_says_so_and_is_not_changed(
    upstream: Path, open_source: OpenSource, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    url = f"file://{upstream}"
    git(upstream, "clone", "--quiet", "--bare", "--filter=tree:0", url, str(clone))
    before = listing(clone)
    for text in ("develop", "v*", "develop@HEAD~1"):
        with pytest.raises(SourceError) as caught:
            opened(open_source(clone), text)
        assert "partial" in caught.value.hint
    assert listing(clone) == before


def test_a_missing_object_is_unknown_or_an_error_and_never_nothing(
    upstream: Path, open_source: OpenSource
) -> None:
    make_loose(upstream)
    expected = {
        "HEAD:_cache/develop/hdf5/specs.md": ("specs.md", "it is missing from the repository"),
        "HEAD:_cache/develop/hdf5": ("", "its folder is missing from the repository"),
    }
    for name, unreadable in expected.items():
        loose_object(upstream, name).unlink()
        found = read(opened(open_source(upstream), "develop"))
        assert found["hdf5"].unreadable == (unreadable,)
        assert found["zlib"].files == {"specs.md": ZLIB.encode()}
    loose_object(upstream, "HEAD:_cache/develop").unlink()
    for text in ("develop", "dev*"):
        with pytest.raises(SourceError, match=r"_cache/develop of .* is missing from cache"):
            opened(open_source(upstream), text)


def make_loose(path: Path) -> None:
    """Turn every pack into loose objects."""
    for pack in (path / ".git" / "objects" / "pack").glob("*.pack"):
        content = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        git(path, "unpack-objects", "-q", stdin=content)


def loose_object(path: Path, name: str) -> Path:
    id_ = git(path, "rev-parse", name)
    file = path / ".git" / "objects" / id_[:2] / id_[2:]
    file.chmod(0o644)
    return file


# Damage


@pytest.mark.parametrize(
    "name", ["HEAD:_cache/develop/hdf5/specs.md", "HEAD:_cache/develop/hdf5", "HEAD:_cache", "HEAD"]
)
def test_a_damaged_object_is_an_error_or_a_problem_and_never_read(
    upstream: Path, open_source: OpenSource, name: str
) -> None:
    make_loose(upstream)
    damaged = loose_object(upstream, name)
    whole = damaged.read_bytes()
    true = {"hdf5": HDF5_NEW.encode(), "zlib": ZLIB.encode()}
    errors: list[CachediffError] = []
    for at in range(0, len(whole), max(1, len(whole) // 24)):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        source = open_source(upstream)
        try:
            found = read(opened(source, "develop"))
        except CachediffError as error:
            errors.append(error)
        else:
            assert set(found) == set(true)
            for package, files in found.items():
                assert files.unreadable or files.files == {"specs.md": true[package]}
        source.repository.close()
    assert errors, "no damage was noticed"
    assert all(error.message.isprintable() for error in errors)


def test_a_damaged_page_is_told_in_words(upstream: Path, open_source: OpenSource) -> None:
    make_loose(upstream)
    damaged = loose_object(upstream, "HEAD:_cache/develop/hdf5/specs.md")
    damaged.write_bytes(damaged.read_bytes()[:-20])
    id_ = git(upstream, "rev-parse", "HEAD:_cache/develop/hdf5/specs.md")
    with pytest.raises(SourceError, match=rf"git cat-file failed: .*{id_}") as caught:
        read(opened(open_source(upstream), "develop"))
    assert "\n" not in caught.value.message


def test_a_damaged_pack_is_an_error(upstream: Path, open_source: OpenSource) -> None:
    git(upstream, "repack", "-adq")
    (pack,) = (upstream / ".git" / "objects" / "pack").glob("*.pack")
    content = bytearray(pack.read_bytes())
    for at in range(20, len(content) - 20, 7):
        content[at] ^= 0x55
    pack.chmod(0o644)
    pack.write_bytes(content)
    with pytest.raises(CachediffError):
        read(opened(open_source(upstream), "develop"))


@pytest.mark.parametrize("tree", [b"nonsense", b"100644 x", b"9 x\0" + b"1" * 20])
def test_a_malformed_tree_is_an_error(upstream: Path, open_source: OpenSource, tree: bytes) -> None:
    odd = hash_object(upstream, "tree", tree)
    inner = git(upstream, "mktree", stdin=f"040000 tree {odd}\tdevelop\n".encode())
    root = git(upstream, "mktree", stdin=f"040000 tree {inner}\t_cache\n".encode())
    commit = hash_object(upstream, "commit", commit_of(root, b"1735732800 +0000"))
    with pytest.raises(SourceError, match=f"git tree {odd} is malformed"):
        read(opened(open_source(upstream), f"develop@{commit}"))
    with pytest.raises(SourceError, match="git diff-tree failed"):
        compare(f"develop@{commit}", "develop", repo=str(upstream))


@pytest.mark.parametrize(
    "date", [b"99999999999999999 +0000", b"x y", b"", b"12"], ids=["far", "words", "none", "short"]
)
def test_a_commit_with_an_odd_date_is_an_error(
    upstream: Path, open_source: OpenSource, date: bytes
) -> None:
    tree = git(upstream, "rev-parse", "HEAD^{tree}")
    commit = hash_object(upstream, "commit", commit_of(tree, date))
    with pytest.raises(SourceError, match=f"git commit {commit} has no readable date"):
        opened(open_source(upstream), f"develop@{commit}")


def test_the_date_of_a_commit_is_that_of_its_committer(
    upstream: Path, open_source: OpenSource
) -> None:
    tree = git(upstream, "rev-parse", "HEAD^{tree}")
    commit = hash_object(upstream, "commit", commit_of(tree, b"1735732800 +0200"))
    origin = opened(open_source(upstream), f"develop@{commit}").origin
    assert origin.committed_at == "2025-01-01T12:00:00Z"


def commit_of(tree: str, date: bytes) -> bytes:
    # An author may well look like a committer, up to the line break.
    author = b"T\rcommitter x <t@t> 5 +0000"
    return b"tree %b\nauthor %b\ncommitter T <t@t> %b\n\nx\n" % (tree.encode(), author, date)


def hash_object(path: Path, kind: str, content: bytes) -> str:
    return git(path, "hash-object", "-t", kind, "--literally", "-w", "--stdin", stdin=content)


# git itself


@pytest.mark.parametrize("argument", ["develop@HEAD~1", "v0.9"])
def test_without_git_the_command_says_so(upstream: Path, tmp_path: Path, argument: str) -> None:
    command = [sys.executable, "-m", "cachediff", "compare", argument, "develop"]
    done = subprocess.run(
        [*command, "--repo", str(upstream)],
        env=os.environ | {"PATH": str(tmp_path / "nothing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "git cannot be run" in done.stderr
    assert "install git" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_git_that_goes_away_is_told(
    upstream: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository = Repository(upstream)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SourceError, match="git cannot be run"):
        list(repository.objects(["HEAD"]))


# Never changed


@pytest.mark.parametrize("bare", [(), ("--bare",)], ids=["clone", "bare"])
def test_a_clone_of_the_user_is_never_changed(
    make_repository: MakeRepository, bare: tuple[str, ...], tmp_path: Path
) -> None:
    path = make_repository(COMMITS, *bare)
    before = listing(path)
    repository = Repository(path)
    source = GitSource(repository, repository.name())
    for text in ("develop", "develop@HEAD~1", "v*", "develop@2025-01-02"):
        read(opened(source, text))
    source.collections()
    repository.close()
    compare("develop@HEAD~2", "develop", repo=str(path))
    with pytest.raises(NameNotFoundError):
        compare("develop@nowhere", "develop", repo=str(path))
    assert listing(path) == before


# Processes


def test_one_git_answers_a_whole_comparison(
    upstream: Path, open_source: OpenSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_TRACE2", str(tmp_path / "trace"))
    source = open_source(upstream)
    old, new = opened(source, "develop@HEAD~1"), opened(source, "develop")
    read(old)
    read(new)
    starts = [line for line in (tmp_path / "trace").read_text().splitlines() if " start " in line]
    assert len([line for line in starts if "cat-file" in line]) == 1
    assert len(starts) == 2  # the other one opened the repository


def test_reads_at_the_same_time_do_not_mix(upstream: Path) -> None:
    repository = Repository(upstream)
    source = GitSource(repository, "cache")
    sides = [opened(source, text) for text in ("develop@HEAD~1", "develop")]
    reads = [source.read([side.folder(name) for name in side.entries]) for side in sides]
    pairs = list(zip(*reads, strict=True))
    assert [[files.files["specs.md"].decode() for files in pair] for pair in pairs] == [
        [HDF5, HDF5_NEW],
        [ZLIB, ZLIB],
    ]
    ids = ["HEAD", "HEAD~1", "HEAD~2"]
    one, other = repository.objects(ids), repository.objects(reversed(ids))
    first = [
        next(one).id,
        next(other).id,
        next(one).id,
        next(other).id,
        next(one).id,
        next(other).id,
    ]
    expected = git(upstream, "rev-parse", *ids).splitlines()
    assert first[::2] == expected
    assert first[1::2] == expected[::-1]
    one.close()
    other.close()
    repository.close()
    assert no_children()


def test_many_objects_are_asked_for_and_answered(upstream: Path) -> None:
    """Many more than fit into a pipe, of which git and whoever asks could wait for each other."""
    repository = Repository(upstream)
    page_id = git(upstream, "rev-parse", "HEAD:_cache/develop/zlib/specs.md")
    names = [page_id, "0" * 40, "HEAD:_cache"] * 2000
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("git and we wait for each other"))
    signal.alarm(60)
    kinds = [found.kind for found in repository.objects(names)]
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert kinds == ["blob", "missing", "tree"] * 2000
    repository.close()


def test_a_read_that_is_abandoned_leaves_no_process(upstream: Path) -> None:
    repository = Repository(upstream)
    answers = repository.objects(["HEAD"] * 2000)
    next(answers)
    assert not no_children()
    answers.close()
    assert no_children()
    answers = repository.objects(["HEAD"] * 2000)
    next(answers)
    del answers
    gc.collect()
    assert no_children()


def test_an_error_of_whoever_asks_leaves_no_process(
    upstream: Path, open_source: OpenSource
) -> None:
    def names() -> Iterator[str]:
        yield from ["HEAD"] * 1000
        raise ValueError("of the caller")

    repository = open_source(upstream).repository
    with pytest.raises(ValueError, match="of the caller") as caught:
        list(repository.objects(names()))
    assert no_children()
    assert caught.tb is not None  # which would keep alive what it went through


def test_closing_ends_every_process_and_the_repository_can_be_used_again(upstream: Path) -> None:
    repository = Repository(upstream)
    one, other = repository.objects(["HEAD"]), repository.objects(["HEAD"])
    assert [found.kind for found in (next(one), next(other))] == ["commit", "commit"]
    assert [*one, *other] == []
    assert not no_children()
    repository.close()
    assert no_children()
    repository.close()
    assert [found.kind for found in repository.objects(["HEAD"])] == ["commit"]
    repository.close()


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_a_repository_that_is_forgotten_leaves_nothing(upstream: Path) -> None:
    repository = Repository(upstream)
    assert [found.kind for found in repository.objects(["HEAD"])] == ["commit"]
    del repository
    gc.collect()
    assert no_children()


@pytest.mark.parametrize("max_size", [None, 3])
def test_an_answer_that_is_cut_short_is_not_believed(max_size: int | None) -> None:
    answer = b"%b blob 5\nhello\n" % (b"1" * 40)
    for length in range(len(answer)):
        with pytest.raises(EOFError):
            read_object(io.BytesIO(answer[:length]), max_size)
    whole = GitObject("1" * 40, "blob", 5, b"" if max_size else b"hello")
    assert read_object(io.BytesIO(answer), max_size) == whole
    assert read_object(io.BytesIO(b"some name missing\n"), max_size).kind == "missing"


def test_git_that_is_killed_is_an_error(upstream: Path) -> None:
    repository = Repository(upstream)
    answers = repository.objects(["HEAD"] * 2000)
    next(answers)
    (pid,) = git_processes()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(SourceError, match="git cat-file failed"):
        list(answers)
    assert no_children()


def git_processes() -> list[int]:
    listed = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "git"], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]
