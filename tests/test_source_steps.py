"""Consecutive commits of a collection: what each changes, and what is wrong with one of them alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import cachediff
from cachediff.model.comparison import PackageStatus
from cachediff.model.snapshot import Origin, PackageFiles
from cachediff.sources import GitSource, Repository, clone_mirror, steps
from conftest import MakeRepository
from pages import page, record
from repositories import (
    Commit,
    git,
    listing,
    submodule,
)

TOP = "_cache/develop"


class Told(NamedTuple):
    """A commit: the object ids of its packages, what changed, and why nothing is known of it."""

    entries: dict[str, str]
    changed: list[PackageFiles]
    problem: str = ""


@contextlib.contextmanager
def source_at(path: Path, *, mirror: bool = False) -> Iterator[GitSource]:
    repository = Repository(path, mirror=mirror)
    with contextlib.closing(repository):
        yield GitSource(repository, "cache")


def told(
    source: GitSource, origins: Sequence[Origin], before: Mapping[str, str] | None = None
) -> list[Told]:
    return [
        Told(step.entries, list(step.changed), step.problem)
        for step in steps(source, origins, before or {})
    ]


def origins_of(source: GitSource) -> list[Origin]:
    return source.history().changes["develop"]


def test_each_has_what_changed_since_the_one_before(make_repository: MakeRepository) -> None:
    commits: list[Commit] = [
        {f"{TOP}/a/specs.md": "a", f"{TOP}/b/specs.md": "b"},
        {f"{TOP}/b/specs.md": "b2", f"{TOP}/c/specs.md": "c"},
        {f"{TOP}/a": None, f"{TOP}/b/specs.md": "b"},
    ]
    with source_at(make_repository(commits)) as source:
        origins = origins_of(source)
        whole = told(source, origins)
        assert [sorted(step.entries) for step in whole] == [
            ["a", "b"], ["a", "b", "c"], ["b", "c"],
        ]  # fmt: skip
        assert [
            {files.package: files.files["specs.md"] for files in step.changed} for step in whole
        ] == [{"a": b"a", "b": b"b"}, {"b": b"b2", "c": b"c"}, {"b": b"b"}]
        # What was there before is not told again.
        assert told(source, origins[1:], whole[0].entries) == whole[1:]


def test_what_is_not_gone_through_is_no_part_of_the_next(make_repository: MakeRepository) -> None:
    commits = [
        {f"{TOP}/{name}/specs.md": f"page {name}{n}" for name in ("a", "b", "c")} for n in range(3)
    ]
    with source_at(make_repository(commits)) as source:
        found = [
            (files.files if (files := next(step.changed, None)) else None)
            for step in steps(source, origins_of(source), {})
        ]
    assert found == [{"specs.md": f"page a{n}".encode()} for n in range(3)]


# What is missing or damaged


NIGHTS: list[Commit] = [
    {f"{TOP}/a/specs.md": f"page {number}", f"{TOP}/b/specs.md": "page b"} for number in range(5)
]


def loose(path: Path, name: str) -> Path:
    """The file of an object, in a repository without packs."""
    for pack in (path / ".git" / "objects" / "pack").glob("*.pack"):
        content = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        git(path, "unpack-objects", "-q", stdin=content)
    id_ = git(path, "rev-parse", name)
    file = path / ".git" / "objects" / id_[:2] / id_[2:]
    file.chmod(0o644)
    return file


@pytest.mark.parametrize(
    ("lost", "problems", "unreadable"),
    [
        (f"HEAD~2:{TOP}", {2: "is missing from cache"}, {}),
        (f"HEAD~4:{TOP}", {0: "is missing from cache"}, {}),
        (f"HEAD:{TOP}", {4: "is missing from cache"}, {}),
        (f"HEAD~2:{TOP}/a", {}, {2: ("", "its folder is missing from the repository")}),
        (
            f"HEAD~2:{TOP}/a/specs.md",
            {},
            {2: ("specs.md", "it is missing from the repository")},
        ),
    ],
)
def test_what_is_missing_is_told_of_its_commit_alone(
    make_repository: MakeRepository,
    lost: str,
    problems: dict[int, str],
    unreadable: dict[int, tuple[str, str]],
) -> None:
    path = make_repository(NIGHTS)
    with source_at(path) as source:
        origins = origins_of(source)
    loose(path, lost).unlink()
    with source_at(path) as source:
        found = told(source, origins)
    for number, step in enumerate(found):
        assert problems.get(number, "") in step.problem
        assert bool(step.problem) == (number in problems)
        for files in step.changed:
            if files.package == "a" and number in unreadable:
                assert (files.unreadable, files.complete) == ((unreadable[number],), False)
            else:
                assert (
                    files.files == {"specs.md": f"page {number}".encode()} or files.package == "b"
                )


def test_a_damaged_tree_is_told_of_its_commit_alone(make_repository: MakeRepository) -> None:
    path = make_repository(NIGHTS)
    with source_at(path) as source:
        origins = origins_of(source)
    file = loose(path, f"HEAD~2:{TOP}")
    file.write_bytes(file.read_bytes()[:-10])
    with source_at(path) as source:
        found = told(source, origins)
    assert [bool(step.problem) for step in found] == [False, False, True, False, False]
    assert [[files.package for files in step.changed] for step in found] == [
        ["a", "b"], ["a"], [], ["a"], ["a"],
    ]  # fmt: skip


def test_a_partial_clone_is_not_changed(make_repository: MakeRepository, tmp_path: Path) -> None:
    upstream = make_repository(NIGHTS)
    git(upstream, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    git(upstream, "clone", "-q", "--filter=blob:none", f"file://{upstream}", str(clone))
    before = listing(clone)
    with source_at(clone) as source:
        origins = origins_of(source)
        found = told(source, origins)
    lacking = "it is missing from this partial clone"
    assert found[1].changed == [PackageFiles("a", {}, (("specs.md", lacking),), complete=False)]
    assert found[4].changed == [PackageFiles("a", {"specs.md": b"page 4"})]
    assert listing(clone) == before


def test_a_mirror_fetches_once(make_repository: MakeRepository, tmp_path: Path) -> None:
    upstream = make_repository(NIGHTS)
    git(upstream, "config", "uploadpack.allowFilter", "true")
    git(upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
    mirror = tmp_path / "mirror.git"
    clone_mirror(f"file://{upstream}", mirror).close()
    packs = len(list(mirror.glob("objects/pack/*.pack")))
    with source_at(mirror, mirror=True) as source:
        found = told(source, origins_of(source))
    assert [step.changed[0].files for step in found] == [
        {"specs.md": f"page {number}".encode()} for number in range(5)
    ]
    assert len(list(mirror.glob("objects/pack/*.pack"))) == packs + 1


def test_what_git_is_told_to_ignore(make_repository: MakeRepository) -> None:
    """git takes the path of a package for that of the submodule in the repository's root."""
    modules = '[submodule "b"]\n\tpath = b\n\turl = ../b\n\tignore = all\n'
    pages: Commit = {f"{TOP}/{name}/specs.md": page([record(name)], name) for name in ("a", "b")}
    path = make_repository([pages, {".gitmodules": modules, f"{TOP}/b": submodule()}])
    (b,) = cachediff.compare("develop@HEAD~1", "develop", repo=str(path)).packages
    assert (b.package, b.status) == ("b", PackageStatus.UNKNOWN)
