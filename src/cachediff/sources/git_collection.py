"""One collection at one commit of a git repository: its packages, by the object ids of their folders."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from cachediff.model.snapshot import Origin
from cachediff.sources.objects import GitObject, TreeEntry, tree_entries
from cachediff.sources.package_folders import is_of_a_package

if TYPE_CHECKING:
    from cachediff.sources.collections import GitSource


class GitCollection:
    """One collection at one commit: which packages it has, and their files when they are asked for.

    Its tree is taken apart when that is needed. Two collections of one repository are told apart by
    git (`differing`), so that comparing them costs what differs, not what there is.
    """

    def __init__(
        self, source: GitSource, origin: Origin, folders: Iterable[TreeEntry] | GitObject
    ) -> None:
        """`folders` are those of the packages, or the tree of which all are that."""
        self.source = source
        self.origin = origin
        self._all = folders
        self._found: dict[str, TreeEntry | None] = {}

    @cached_property
    def entries(self) -> dict[str, str]:
        """Every package, with the object id of its folder."""
        return {package: folder.id for package, folder in self._folders.items()}

    def find(self, package: str) -> TreeEntry | None:
        """What is there of `package`: its folder, what stands in its place, or nothing."""
        if package in self._found:
            return self._found[package]
        return self._folders.get(package)

    def folder(self, package: str) -> TreeEntry:
        """The same of a package of which there is something."""
        return self._found.get(package) or self._folders[package]

    def differing(self, other: GitCollection) -> set[str]:
        """Names of the packages that differ from those of `other`, of the same repository.

        Raises:
            SourceError: git failed.
        """
        if not isinstance(self._all, GitObject) or not isinstance(other._all, GitObject):
            return {package for package, _ in self.entries.items() ^ other.entries.items()}
        differing = set()
        differences = self.source.repository.tree_differences(self._all.id, other._all.id)
        for entries in differences:
            for side, entry in zip((self, other), entries, strict=True):
                # What became another kind of entry is told twice: as gone, and as new.
                if entry.id and is_of_a_package(entry):
                    side._found[entry.name] = entry
                    differing.add(entry.name)
                else:
                    side._found.setdefault(entry.name, None)
        return differing

    @cached_property
    def _folders(self) -> dict[str, TreeEntry]:
        entries = tree_entries(self._all) if isinstance(self._all, GitObject) else self._all
        return {entry.name: entry for entry in entries if is_of_a_package(entry)}
