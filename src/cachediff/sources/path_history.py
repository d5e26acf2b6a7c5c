"""The history of one package of a collection: the commits in which it changed, and what was there.

git tells these without reading a manifest: trees are compared by their object ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from cachediff.errors import NameNotFoundError
from cachediff.model.lives import Point
from cachediff.sources.objects import TREE, TreeEntry, committed_at, tree_entries
from cachediff.sources.package_folders import is_of_a_package
from cachediff.sources.repository import Repository


class PackageState(msgspec.Struct, frozen=True):
    """What is there of a package after a commit: its folder, what stands in its place, or nothing.

    `known` is False where the collection itself is not there: that says nothing of its packages.
    """

    point: Point
    folder: TreeEntry | None
    known: bool = True


def package_states(
    repository: Repository, collection: str, package: str, since: str | None, until: str
) -> list[PackageState]:
    """What was there of `package` where its history begins, and after each commit that changed it.

    So also after each commit with which the collection went away or came back, which is one that tells
    of its packages too. `collection` is the path of its folder; `since` and `until` are ids of commits.
    It begins at `since` or, where the collection was not there then or `since` is None, at the next
    commit at which it was. Branches that were merged are one commit each: the merge.

    Raises:
        NameNotFoundError: `since` is none of the commits before `until`, or on a branch that was merged.
        SourceError: git failed.
    """
    if since and (reason := repository.no_way(since, until)):
        raise NameNotFoundError(*reason)
    commits = [*([since] if since else []), *repository.commits_of(collection, until, since)[::-1]]
    commits = commits or [until]
    there = _there(repository, collection, commits)
    begin = there.index(True) if True in there else 0
    commits, there = commits[begin:], there[begin:]
    came_or_went = {
        commit
        for commit, (before, now) in zip(commits[1:], pairwise(there), strict=True)
        if now != before
    }
    wanted = {*commits[:1], *came_or_went}
    wanted |= set(repository.commits_of(f"{collection}/{package}", until, commits[0]))
    told = [commit for commit in commits if commit in wanted]
    return list(_states(repository, collection, package, told))


def package_counts(
    repository: Repository, collection: str, commits: Sequence[str]
) -> list[int | None]:
    """How many packages a collection has at each commit; None where it is not there.

    Raises:
        SourceError: git failed.
    """
    trees = repository.objects(f"{commit}:{collection}" for commit in commits)
    return [
        sum(map(is_of_a_package, tree_entries(tree))) if tree.kind == "tree" else None
        for tree in trees
    ]


def _there(repository: Repository, collection: str, commits: Sequence[str]) -> list[bool]:
    """Whether the collection is there at each commit; of its tree, nothing is kept."""
    trees = repository.objects((f"{commit}:{collection}" for commit in commits), max_size=0)
    return [tree.kind == "tree" for tree in trees]


def _states(
    repository: Repository, collection: str, package: str, commits: list[str]
) -> Iterator[PackageState]:
    names = [name for commit in commits for name in (commit, f"{commit}:{collection}/{package}")]
    answers = repository.objects(names)
    for commit in commits:
        found, folder = next(answers), next(answers)
        point = Point(committed_at(found), commit)
        if folder.kind == "tree":
            yield PackageState(point, TreeEntry(package, TREE, folder.id))
            continue
        # Not there, or not a folder, or missing from this clone: its parent knows which.
        (parent,) = repository.objects([f"{commit}:{collection}"])
        if parent.kind != "tree":
            yield PackageState(point, None, known=False)
            continue
        entries = (entry for entry in tree_entries(parent) if is_of_a_package(entry))
        yield PackageState(point, next((each for each in entries if each.name == package), None))
    next(answers, None)  # ends the read, so that git is kept for what is read next
