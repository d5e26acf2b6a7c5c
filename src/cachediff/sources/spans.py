"""Spans of a collection's history: the commits between two of them in which it changed."""

from __future__ import annotations

from typing import NamedTuple

from cachediff.model.lives import Point
from cachediff.model.snapshot import Origin
from cachediff.sources.collections import GitSource
from cachediff.sources.git import run
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
    repository, path = source.repository, source._path(new.collection)
    options = ["--first-parent", "--reverse", str(new.commit), f"^{old.commit}"]
    command = ["--literal-pathspecs", "rev-list", *options, "--", path]
    commits = run(repository.git_dir, command).decode().split()
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
