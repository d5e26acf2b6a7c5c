"""Probing: whether a statement is true at a commit, reading each manifest once, when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from cachediff.manifests import Interner, parse
from cachediff.model.bisection import Statement, Unknown
from cachediff.model.snapshot import Manifest
from cachediff.model.spec import Spec
from cachediff.queries.statements import is_true
from cachediff.sources import GitSource, Progress
from cachediff.sources.path_history import PackageState


class Probes:
    """A statement about one package at each of its `states`, by their number.

    What stands in the place of several commits is read once. `read` counts the manifests that were.
    """

    def __init__(
        self,
        source: GitSource,
        states: Sequence[PackageState],
        statement: Statement,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._states = states
        self._statement = statement
        self._progress = progress
        self._interner = Interner()
        self._manifests: dict[str, Manifest | None] = {}
        """By object id; None where this clone lacks it."""

    @property
    def read(self) -> int:
        """How many manifests were read."""
        return len(self._manifests)

    @property
    def whole(self) -> bool:
        """Whether all were."""
        folders = (state.folder for state in self._states if state.folder)
        return all(folder.id in self._manifests for folder in folders)

    def unknown(self, places: Sequence[int]) -> dict[Unknown, int]:
        """At how many of these places it is not known, and why, as far as they were looked at."""
        reasons = Counter(self._unknown(self._states[place]) for place in places)
        return {reason: reasons[reason] for reason in Unknown if reasons[reason]}

    def read_all(self) -> None:
        """Read every manifest, in one go."""
        self._read(self._states)

    def truth(self, place: int) -> bool | None:
        """Whether the statement is true there; None where that is unknown."""
        state = self._states[place]
        if not state.known:
            return None
        if state.folder is None:
            return is_true(self._statement, None)
        manifest = self.manifest(place)
        return None if manifest is None else is_true(self._statement, manifest)

    def manifest(self, place: int) -> Manifest | None:
        """The manifest there; None where there is none, or this clone lacks it."""
        state = self._states[place]
        self._read([state])
        return self._manifests[state.folder.id] if state.folder else None

    def specs(self) -> list[Spec]:
        """Every spec of the manifests that were read, as often as it stands in one."""
        return [
            spec for manifest in self._manifests.values() if manifest for spec in manifest.specs
        ]

    def _unknown(self, state: PackageState) -> Unknown | None:
        if not state.known:
            return Unknown.AWAY
        if state.folder is None or state.folder.id not in self._manifests:
            return None
        manifest = self._manifests[state.folder.id]
        if manifest is None or not manifest.readable:
            return Unknown.UNREADABLE
        return Unknown.UNTOLD if is_true(self._statement, manifest) is None else None

    def _read(self, states: Iterable[PackageState]) -> None:
        folders = {state.folder.id: state.folder for state in states if state.folder}
        wanted = [folder for id_, folder in folders.items() if id_ not in self._manifests]
        if wanted:
            read = self._source.read(wanted, self._progress)
            for folder, files in zip(wanted, read, strict=True):
                manifest = parse(files, self._interner)
                self._manifests[folder.id] = manifest if files.complete else None
