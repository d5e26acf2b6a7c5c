"""Where each branch of a mirror ended when it was last fetched, though upstream has it no more.

git forgets the end of a branch that upstream deleted or rewrote. It is kept under refs of our own, by a
digest of the branch's name: `x` and `x/y` may not both be refs.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cachediff.sources.git import GitFailedError, run

PINS = "refs/cachediff/"
"""Where a mirror keeps commits that were used: refs named by the commit."""
UPSTREAM_HEAD = "refs/upstream/HEAD"
"""Where a mirror keeps its upstream's HEAD. Its own points there, and so follows it by every fetch."""

_TIPS = f"{PINS}tips/"
_HEADS = "refs/heads/"


def last_tip(branch: str) -> str:
    """The ref of the commit that `branch`, or HEAD, ended with when it was last there."""
    return _TIPS + hashlib.sha256(branch.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def keep_tips(mirror: Path) -> dict[str, str]:
    """Keep the ends of all branches, by the writer of `mirror`.

    Returns the branches that upstream rewrote since this was last called, each with the commit that it
    ended with before, which is pinned: it is not in the branch any more.

    Raises:
        SourceError: git failed.
    """
    patterns = [_HEADS, UPSTREAM_HEAD, _TIPS]
    listed = run(mirror, ["for-each-ref", "--format=%(objectname) %(refname)", *patterns])
    lines = listed.decode("utf-8", "surrogateescape").splitlines()
    tips = {ref: commit for commit, _, ref in (line.partition(" ") for line in lines)}
    rewritten: dict[str, str] = {}
    updates: dict[str, None] = {}  # git wants each once
    for ref, commit in tips.items():
        if ref.startswith(_TIPS):
            continue
        branch = "HEAD" if ref == UPSTREAM_HEAD else ref.removeprefix(_HEADS)
        before = tips.get(last_tip(branch))
        if before == commit:
            continue
        if before and not follows(mirror, commit, before):
            rewritten[branch] = before
            updates[f"update {PINS}{before} {before}"] = None
        updates[f"update {last_tip(branch)} {commit}"] = None
    if updates:
        run(mirror, ["update-ref", "--stdin"], updates)
    if len(rewritten) > 1:
        rewritten.pop("HEAD", None)  # it is one of them
    return rewritten


def follows(repository: Path, commit: str, earlier: str) -> bool:
    """Whether `earlier` is `commit` (both ids) or one of those before it."""
    try:
        return not run(repository, ["rev-list", "--max-count=1", earlier, f"^{commit}"])
    except GitFailedError:
        return False  # it is gone altogether
