"""The line of a branch: the history that it has now, and what that says of commits that it once had."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

from cachediff.model.snapshot import Origin
from cachediff.sources.git import run
from cachediff.sources.repository import Repository


class Line:
    """The commits of a branch, back from its tip; of what was merged into it, the merge alone.

    `places` has the place of each, ascending to the tip; `newest` is the time of the tip, as in `Origin`,
    or a later one that a commit before it has.
    """

    def __init__(self, repository: Repository, tip: str) -> None:
        """Ask git for the commits back from `tip` (an id).

        Raises:
            SourceError: git failed; so where a commit is missing.
        """
        self._repository = repository
        command = ["rev-list", "--first-parent", "--reverse", "--timestamp", tip]
        words = run(repository.git_dir, command).decode().split()
        self._commits = words[1::2]
        self.places = {commit: place for place, commit in enumerate(self._commits)}
        # Clocks go wrong: a commit is not older than those before it.
        self._times = list(accumulate(map(int, words[::2]), max))
        self.newest = f"{datetime.fromtimestamp(self._times[-1], UTC):%Y-%m-%dT%H:%M:%SZ}"

    def contradicted(self, origins: Sequence[Origin], path: str) -> set[str]:
        """The commits of those of `origins` that are not on the line, and of which it says otherwise.

        All are of the collection at `path`, and have a commit. One that is not on the line is left by
        it where the tree is another one than the line had at that time, unless the line has the same
        later on, and that is none of `origins`: then it stands for that. Of times before the line
        begins nothing is known, but that what it has later on, and is one of `origins`, is the same.

        Raises:
            SourceError: git failed.
        """
        on = {self.places[one.commit]: one.tree for one in origins if one.commit in self.places}
        off = [one for one in origins if one.commit not in self.places]
        if not off:
            return set()
        trees = self._trees(path)
        if any(trees[place] != tree for place, tree in on.items()):
            return set()  # this clone lacks trees
        return {str(one.commit) for one in off if self._contradicts(one, trees, on)}

    def _contradicts(self, origin: Origin, trees: Sequence[str], on: dict[int, str | None]) -> bool:
        time = datetime.fromisoformat(str(origin.committed_at)).timestamp()
        place = bisect(self._times, time) - 1
        if place >= 0 and trees[place] == origin.tree:
            return False
        if origin.tree in trees[place + 1 :]:
            return any(later > place and tree == origin.tree for later, tree in on.items())
        if place == len(trees) - 1 and self._may_be_behind(str(origin.commit)):
            return False
        return place >= 0

    def _may_be_behind(self, commit: str) -> bool:
        """Whether `commit`, later than the tip, may be on the branch by now, and this clone not know it."""
        (found,) = self._repository.objects([commit])
        if found.kind != "commit":
            return True
        return not self._repository.mirror and self._repository.follows(commit, self._commits[-1])

    def _trees(self, path: str) -> list[str]:
        """The tree at `path` in each commit; empty where there is none."""
        names = [f"{commit}:{path}" for commit in self._commits]
        told = run(self._repository.git_dir, ["cat-file", "--batch-check=%(objectname)"], names)
        lines = told.decode("utf-8", "surrogateescape").splitlines()
        return ["" if line.endswith(" missing") else line for line in lines]
