"""The folder of a package in git: what tells one, and the files in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from cachediff.model.snapshot import PackageFiles
from cachediff.sources.objects import SUBMODULE, SYMLINK, TREE, GitObject, TreeEntry

PAGES = ("specs.md", "index.md")
"""Names of a manifest's main file; what tells the folder of a package."""

MAY_BE_A_PACKAGE = re.compile(rb" (specs\.md|index\.md|spec-\d+\.json)\0")
"""In the tree of a package's folder, and rarely in another."""

MAX_FILE_SIZE = 64 << 20
"""Bytes of the largest file that is read; the largest page upstream is below 2 MB."""

_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_OF_A_PACKAGE = re.compile(r"specs\.md|index\.md|spec-\d+\.json")
_ODD = {SYMLINK: "it is a symbolic link", SUBMODULE: "it is a submodule"}


def package_files(
    folder: TreeEntry,
    contents: Mapping[str, Sequence[TreeEntry]],
    absent: set[str],
    answers: Iterator[GitObject],
) -> PackageFiles:
    """The files of `folder`, and what keeps any of them from being read.

    `contents` are the entries of folders by object id, `absent` ids that this clone lacks. The blobs
    are taken from `answers`, which come in the order of the folder's contents.
    """
    if folder.mode != TREE:
        reason = _ODD.get(folder.mode, "it is a file, not a folder")
        return PackageFiles(folder.name, {}, (("", reason),))
    if folder.id not in contents:
        reason = "its folder is missing from the repository"
        return PackageFiles(folder.name, {}, (("", reason),), complete=False)
    files: dict[str, bytes] = {}
    unreadable = []
    complete = True
    for file in contents[folder.id]:
        if file.mode in _ODD:
            unreadable.append((file.name, _ODD[file.mode]))
        elif file.id in absent:
            unreadable.append((file.name, "it is missing from this partial clone"))
            complete = False
        elif is_file(file):
            blob = next(answers)
            if blob.kind != "blob":
                unreadable.append((file.name, "it is missing from the repository"))
                complete = False
            elif blob.size > MAX_FILE_SIZE:
                unreadable.append((file.name, f"it is too large: {blob.size:,} bytes"))
            else:
                files[file.name] = blob.content
    return PackageFiles(folder.name, files, tuple(unreadable), complete)


def is_file(entry: TreeEntry) -> bool:
    """Whether this is a regular file."""
    return entry.mode != TREE and entry.mode not in _ODD


def is_package(entries: Sequence[TreeEntry]) -> bool:
    """Whether this is the folder of a package: it has a page or specs.

    A package that lost its page is still one, and one that gained a folder; but a collection may have
    an `index.md` of its own beside its packages.
    """
    files = {entry.name for entry in entries if entry.mode != TREE}
    names = {name for name in files if _OF_A_PACKAGE.fullmatch(name)}
    has_folders = any(entry.mode == TREE for entry in entries)
    return bool(names - {"index.md"} if has_folders else names)


def is_of_a_package(entry: TreeEntry) -> bool:
    """Whether this is a package's folder, or stands where one should be.

    A file does if it is named as packages are (Spack's package names: lower case, no dots).
    """
    return entry.mode == TREE or entry.mode in _ODD or bool(_PACKAGE_NAME.fullmatch(entry.name))
