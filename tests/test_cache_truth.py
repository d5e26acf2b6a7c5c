"""What is remembered of manifests never changes what is said of others: a warm cache is a cold one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from cachediff import compare
from cachediff.reports.json import render_json
from commands import cachediff
from conftest import MakeRepository
from pages import dag_hash, page, record
from repositories import Content, add_commits, git, symlink

Files = dict[str, Content]


def told(repository: Path, old: str = "develop@HEAD~1", new: str = "develop") -> str:
    return render_json(compare(old, new, repo=str(repository)))


def forget() -> None:

    shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)


def statuses(repository: Path, old: str, new: str) -> dict[str, str]:
    comparison = compare(old, new, repo=str(repository))
    return {package.package: package.status.value for package in comparison.packages}


def pages_of(names: Sequence[str], root: str, night: int) -> Files:
    return {
        f"{root}/{name}/specs.md": page([record(f"{name}{night * (name == 'y')}")], name)
        for name in names
    }


def test_what_a_partial_clone_lacks_says_nothing_of_a_whole_one(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    whole = make_repository([pages_of("xyz", "_cache/develop", night) for night in range(3)])
    expected = told(whole)
    forget()
    git(whole, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", f"file://{whole}", str(partial))

    for old, new in (("develop@HEAD~2", "develop@HEAD~1"), ("develop@HEAD~1", "develop")):
        assert compare(old, new, repo=str(partial)).new.unreadable == 3
    assert told(whole) == expected
    assert told(whole) == expected

    done = cachediff("snapshot", "develop", "--repo", partial, folder=tmp_path)
    assert done.code == 2
    assert "lacks some of its manifests" in done.err


def test_a_package_that_changed_its_name_is_read_anew(make_repository: MakeRepository) -> None:
    def files(name: str) -> Files:
        listed = b"spec_files:\n - spec-0.json\nspec_names:\n - 'a@1.0%gcc@9.1.0'\n"
        compiler = {"name": "gcc", "version": "9.1.0"}
        arch = {"platform": "linux", "platform_os": "rhel8", "target": "x86_64"}
        node: dict[str, object] = {"name": "a", "version": "1.0", "hash": dag_hash("a")}
        node |= {"arch": arch, "compiler": compiler}
        meta = b'meta: {"versions": ["1.0"], "compilers": ["gcc@9.1.0"]}\n'
        return {
            f"_cache/develop/{name}/specs.md": b"---\n" + meta + listed + b"---\n",
            f"_cache/develop/{name}/spec-0.json": json.dumps({"spec": {"nodes": [node]}}).encode(),
        }

    others = [pages_of("y", "_cache/develop", night) for night in range(3)]
    path = make_repository([files("a") | others[0], files("a") | others[1]])
    assert compare("develop@HEAD~1", "develop", repo=str(path)).new.unreadable == 0
    add_commits(path, [{"_cache/develop/a": None} | files("c"), others[2]])
    warm = told(path)
    forget()
    assert told(path) == warm
    assert compare("develop@HEAD~1", "develop", repo=str(path)).new.unreadable == 1


@pytest.mark.parametrize("root", ["_cache", "_cache/develop"], ids=["default", "develop"])
@pytest.mark.parametrize("place", ["symlink", "file", "lost page"])
def test_what_stands_in_the_place_of_a_package_does_not_remove_it(
    make_repository: MakeRepository, root: str, place: str
) -> None:
    name = "default" if root == "_cache" else "develop"
    before = pages_of("xyz", root, 0)
    after: dict[str, Files] = {
        "symlink": {f"{root}/y": symlink("x")},
        "file": {f"{root}/y": b"x"},
        "lost page": {f"{root}/y/specs.md": None, f"{root}/y/specs.md.bak": b"x"},
    }
    path = make_repository([before, after[place]])
    expected = {"y": "unknown"}
    assert statuses(path, f"{name}@HEAD~1", name) == expected
    assert statuses(path, name, f"{name}@HEAD~1") == expected
    assert statuses(path, name, name) == expected


def test_a_manifest_that_is_no_folder_is_told_alike_from_git_and_store(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    files = pages_of("xz", "_cache/develop", 0) | {"_cache/develop/y": symlink("x")}
    path = make_repository([files])
    cachediff("snapshot", "develop", "--repo", path, folder=tmp_path)
    arguments = ("compare", "develop", "develop", "--format", "json", "--repo", path)
    from_git = cachediff(*arguments, folder=tmp_path)
    from_store = cachediff(*arguments, "--stored", folder=tmp_path)
    assert '"manifest":"y"' in from_git.out
    assert from_store.out == from_git.out


def test_one_collection_that_cannot_be_stored_does_not_keep_the_others_from_it(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    path = make_repository([pages_of("x", "_cache/a b", 0) | pages_of("x", "_cache/develop", 0)])
    done = cachediff("snapshot", "--repo", path, folder=tmp_path)
    assert done.code == 2
    assert "'a b' cannot be" in done.err
    assert done.out.startswith("develop ")


def test_packages_beside_collections_are_compared_with_neither_of_them(
    make_repository: MakeRepository,
) -> None:
    def mixed(night: int) -> Files:
        return pages_of("xy", "_cache", night) | pages_of("yz", "_cache/develop", night)

    path = make_repository([mixed(0), mixed(1)])
    assert statuses(path, "default@HEAD~1", "default") == {"y": "changed"}
    assert statuses(path, "develop@HEAD~1", "develop") == {"y": "changed"}
    assert statuses(path, "default", "develop") == {"x": "removed", "z": "added"}
