"""The history of a branch: at which commits each of its collections became another.

Nothing of a package is read: a collection is known by the object id of its tree, and all trees are
asked for at once, each once, however many commits have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cachediff.model.snapshot import Origin
from cachediff.sources.objects import TREE, GitObject, TreeEntry, committed_at, tree_entries
from cachediff.sources.package_folders import MAY_BE_A_PACKAGE, is_package
from cachediff.sources.repository import Repository

_PARENT = re.compile(rb"^parent ([0-9a-f]+)$", re.MULTILINE)


class History(msgspec.Struct, frozen=True):
    """The collections that a branch ever had, as far back as this repository knows.

    `changes` has the commits at which a collection began, came back or had another tree, oldest
    first, by collection. A merge is one commit: what came with it is not told apart. `tip` is the
    newest commit, `begins` the time of the oldest one that is here; `cut` says why there are none
    before it, where there should be. `gaps` are the times of commits whose collections are not known,
    and why.
    """

    changes: dict[str, list[Origin]]
    tip: str
    begins: str
    cut: str = ""
    gaps: tuple[tuple[str, str], ...] = ()


def history_of(
    repository: Repository, source: str, root: str, tip: GitObject, whole: str
) -> History:
    """The history that ends with the commit `tip`.

    `source` is what the repository is called, `root` the folder of its collections. `whole` is the
    collection's name where that is the folder of packages itself.

    Raises:
        SourceError: git failed, or a commit has no readable date.
    """
    commits, missing = _first_parents(repository, tip)
    times = [committed_at(commit) for commit in commits]
    roots = list(repository.objects(f"{commit.id}:{root}" for commit in commits))
    known = _Trees(repository, roots)
    changes: dict[str, list[Origin]] = {}
    gaps = []
    now: dict[str, str] = {}
    for commit, time, tree in zip(commits, times, roots, strict=True):
        if tree.kind != "tree" and _lost(repository, commit, root):
            gaps.append((time, f"the folder {root} of {commit.id[:12]} is missing from {source}"))
            continue
        before, now = now, known.collections(tree, whole) if tree.kind == "tree" else {}
        for collection, id_ in now.items():
            if before.get(collection) != id_:
                origin = Origin(source, collection, commit.id, time, id_)
                changes.setdefault(collection, []).append(origin)
    cut = ""
    if missing:
        cut = f"the commit {missing[:12]} is missing from {source}"
        if repository.shallow:
            cut = f"the clone of {source} is shallow: git fetch --unshallow"
    return History(changes, tip.id, times[0], cut, tuple(gaps))


def _first_parents(repository: Repository, tip: GitObject) -> tuple[list[GitObject], str]:
    """The commits back from `tip`, oldest first, and the id of the one before that is missing, if any.

    One by one: `git rev-list` says nothing at all where one is missing.
    """
    commits = [tip]
    while parent := _PARENT.search(commits[-1].content.partition(b"\n\n")[0]):
        (commit,) = repository.objects([parent[1].decode()])
        if commit.kind != "commit":
            return commits[::-1], parent[1].decode()
        commits.append(commit)
    return commits[::-1], ""


def _lost(repository: Repository, commit: GitObject, root: str) -> bool:
    """Whether `commit` has the folder `root`, or may have it, and this repository has not."""
    (tree,) = repository.objects([f"{commit.id}^{{tree}}"])
    for part in root.split("/"):
        if tree.kind != "tree":
            return True
        child = next((entry for entry in tree_entries(tree) if entry.name == part), None)
        if child is None or child.mode != TREE:
            return False
        (tree,) = repository.objects([child.id])
    return tree.kind != "tree"


class _Trees:
    """What the folders below `roots` are: collections or packages. Each is looked at once."""

    def __init__(self, repository: Repository, roots: Iterable[GitObject]) -> None:
        self._entries: Mapping[str, Sequence[TreeEntry]] = {
            root.id: tree_entries(root) for root in roots if root.kind == "tree"
        }
        self._found: dict[str, dict[str, str]] = {}
        below = dict.fromkeys(
            entry.id
            for entries in self._entries.values()
            for entry in entries
            if entry.mode == TREE
        )
        self._packages: set[str] = set()
        self._without_folders: set[str] = set()
        for tree in repository.objects(below):
            self._look_at(tree)

    def collections(self, root: GitObject, whole: str) -> dict[str, str]:
        """The tree of each collection below `root`; see `GitSource.open` for what is one."""
        if root.id not in self._found:
            folders = {each.name: each.id for each in self._entries[root.id] if each.mode == TREE}
            packages = self._packages.intersection(folders.values())
            # Beside packages, what has no packages either is one that lost its page.
            packages |= self._without_folders if packages else set()
            found = {name: id_ for name, id_ in folders.items() if id_ not in packages}
            self._found[root.id] = found | ({whole: root.id} if packages else {})
        return self._found[root.id]

    def _look_at(self, tree: GitObject) -> None:
        """One that is missing is taken for a collection: whoever reads it is told."""
        if tree.kind != "tree":
            return
        if MAY_BE_A_PACKAGE.search(tree.content) and is_package(tree_entries(tree)):
            self._packages.add(tree.id)
        elif b"40000 " not in tree.content:
            self._without_folders.add(tree.id)
