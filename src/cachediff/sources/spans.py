"""Spans of a collection's history: the commits between two of them in which it changed."""

from __future__ import annotations

from typing import NamedTuple

from cachediff.model.lives import Point
from cachediff.model.snapshot import Origin
from cachediff.sources.collections import GitSource
from cachediff.sources.objects import committed_at


class ChangedAt(NamedTuple):
    """A commit in which a collection changed, and its tree then; None where it is not there any more."""

    point: Point
    tree: str | None


def commits_between(source: GitSource, old: Origin, new: Origin) -> list[ChangedAt]:
    """The commits after that of `old`, up to that of `new`, in which their collection changed.

    Oldest first. Branches that were merged are one commit each: the merge. Both are snapshots of one
    collection in `source`, with a commit.

    Raises:
        SourceError: git failed, which it does where this clone lacks trees of these commits.
    """
    repository, path = source.repository, source.path_of(new.collection)
    commits = repository.commits_of(path, str(new.commit), str(old.commit))[::-1]
    # git has just looked at these trees: what is not there now is not lacking, but gone.
    answers = repository.objects(
        name for commit in commits for name in (commit, f"{commit}:{path}")
    )
    found = []
    for commit in commits:
        told, tree = next(answers), next(answers)
        point = Point(committed_at(told), commit)
        found.append(ChangedAt(point, tree.id if tree.kind == "tree" else None))
    next(answers, None)  # ends the read, so that git is kept for what is read next
    return found
