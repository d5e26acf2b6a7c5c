"""What upstream has no more: where it was there last, as far as a repository knows."""

from __future__ import annotations

from cachediff.errors import NameNotFoundError, SourceError
from cachediff.sources.objects import GitObject, committed_at
from cachediff.sources.repository import Repository
from cachediff.sources.tips import last_tip


class GoneError(NameNotFoundError, SourceError):
    """A collection, a branch or all manifests that were there and are not any more.

    `commit` is the last that had it, or that it ended with.
    """

    def __init__(self, message: str, commit: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.commit = commit


def gone_folder(repository: Repository, path: str, commit: str, what: str) -> GoneError | None:
    """That there is no folder at `path` in `commit` (an id), if there was one before; `what` says it."""
    try:
        changes = repository.commits_of(path, commit)
    except SourceError:
        return None  # a partial clone of somebody's
    for change in changes:
        tree, before, after = repository.objects(
            [f"{change}~1:{path}", f"{change}~1^{{commit}}", change]
        )
        if tree.kind == "tree":
            return GoneError(
                f"{what} any more: last there in {_seen(before)}, gone in {_seen(after)}", before.id
            )
    return None


def gone_branch(repository: Repository, branch: str, what: str) -> GoneError | None:
    """That `branch`, or HEAD, is gone, if a mirror had it before; `what` says it."""
    (last,) = repository.objects([f"{last_tip(branch)}^{{commit}}"])
    if last.kind != "commit":
        return None
    hint = "set another branch of the source"
    if branch == "HEAD":
        hint = f"its HEAD is on a branch that is gone: {hint}"
    return GoneError(f"{what} any more: it ended with {_seen(last)}", last.id, hint)


def _seen(commit: GitObject) -> str:
    return f"{commit.id[:12]} of {committed_at(commit)}"
