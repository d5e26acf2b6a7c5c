"""The history of one package of a collection: the commits in which it changed, and what was there.

git tells these without reading a manifest: trees are compared by their object ids.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cachediff.errors import NameNotFoundError
from cachediff.model.lives import Point
from cachediff.sources.git import GitFailedError
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

    `collection` is the path of its folder; `since` and `until` are ids of commits. It begins at
    `since` or, where the collection was not there yet or `since` is None, at its first commit.
    Branches that were merged are one commit each: the merge.

    Raises:
        NameNotFoundError: `since` is none of the commits before `until`.
        SourceError: git failed.
    """
    if since and not repository.follows(until, since):
        raise NameNotFoundError(
            f"{since[:12]} is not among the commits before {until[:12]}",
            "it is later, or on another branch, or upstream rewrote its history",
        )
    (there,) = repository.objects([f"{since or until}:{collection}"])
    if since is None or there.kind != "tree":
        (since, *_) = [*_commits(repository, collection, since, until), until]
    commits = [since, *_commits(repository, f"{collection}/{package}", since, until)]
    return list(_states(repository, collection, package, commits))


def _commits(repository: Repository, path: str, since: str | None, until: str) -> list[str]:
    """The commits after `since`, up to `until`, in which `path` changed, oldest first."""
    try:
        return repository.commits_of(path, until, since)[::-1]
    except GitFailedError as error:
        error.hint = (
            "a commit or tree is missing here: git fsck tells which; search what is after it"
        )
        raise


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
