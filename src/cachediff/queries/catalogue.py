"""The catalogue: everything that the name of a snapshot can mean, in sources, folders and the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cachediff.errors import (
    DamagedSnapshotError,
    NameNotFoundError,
    SourceError,
)
from cachediff.manifests import PARSER_VERSION, Interner
from cachediff.queries.in_git import GitSnapshot
from cachediff.queries.opened import FolderSnapshot, StoredSnapshot
from cachediff.store import DamagedReceipt, SnapshotStore, SummaryCache

# What asks only what is stored begins without git: `cachediff.sources` is imported where it is used.
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cachediff.config import Settings, SourceSettings
    from cachediff.model.snapshot import Origin
    from cachediff.queries.opened import OpenedSnapshot
    from cachediff.sources import GitSource, Progress, Repository, Sleep, SnapshotName
    from cachediff.store import StoredSnapshot as Stored

_NO_REPOSITORY = "run inside a clone of a cache's repository, or name one: --repo, config.yaml"


class Catalogue:
    """Sources and stored snapshots, and the opening of either by name.

    `cache` is the user's folder for what can be made again: mirrors, and the totals of manifests that
    were read before. With `stored_only`, names mean stored snapshots, and no source is looked at.
    `notices` collects what the user should be told of how a name was understood, `checked` the names of
    sources of which it is known that what is stored is of their repository. `sleep` waits for so many
    seconds before an upstream that was not reached is tried again; without it none is.
    """

    def __init__(
        self,
        settings: Settings,
        cache: Path,
        *,
        stored_only: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.settings = settings
        self.store = SnapshotStore(settings.store, PARSER_VERSION)
        self.notices: list[str] = []
        self.checked: set[str] = set()
        if settings.ignored:
            self.notices.append(f"{settings.ignored} has no sources, and was not read as settings")
        self.cache = cache
        self.progress = progress
        self.sleep: Sleep | None = None
        self._stored_only = stored_only
        self._interner = Interner()
        self._summaries = SummaryCache(cache / "manifests.sqlite", PARSER_VERSION)
        self._opened_sources: dict[str | None, GitSource] = {}

    def open(self, text: str, folder: Path) -> OpenedSnapshot:
        """The snapshot that `text` names; a path in it is relative to `folder`.

        Raises:
            NameNotFoundError: no such source, collection, revision or stored snapshot; where there was
                one, it says where that was last, and the hint what is stored.
            SourceError, StoreError: it is there and cannot be read.
            UsageError: `text` is not a name.
        """
        from cachediff.sources import parse_name

        if (path := _path(text, folder)) is not None:
            return self._open_path(path)
        return self.open_name(parse_name(text))

    def open_name(self, name: SnapshotName) -> OpenedSnapshot:
        """The snapshot of a name that is taken apart; errors as for `open`."""
        from cachediff.queries.vanished import (
            names_a_commit,
            stored_like,
            vanished,
            with_what_is_stored,
        )
        from cachediff.sources import PREVIOUS

        if self._stored_only or name.when == PREVIOUS:
            return self.open_stored(name)
        source = self.source(name.source)
        try:
            collection = source.open(name)
        except NameNotFoundError as error:
            kept = stored_like(self.store, source.name, name)
            if not names_a_commit(name, kept):
                raise with_what_is_stored(error, name, kept) from None
            self.notices.append(f"{error.message}; {name.text} was read from the store instead")
            return self.open_stored(name)
        if name.is_glob:
            self.notices += vanished(self.store, source, name, collection.origin)
        return GitSnapshot(collection, self._interner, self._summaries, self.progress)

    def sources_of(self, texts: Iterable[str], folder: Path) -> list[SourceSettings]:
        """The sources that the names `texts` are looked up in, each once.

        Raises:
            NameNotFoundError, UsageError: as for `open`.
        """
        from cachediff.sources import PREVIOUS, parse_name

        wanted = dict.fromkeys(
            self._source_name(name.source)
            for name in (parse_name(text) for text in texts if _path(text, folder) is None)
            if not self._stored_only and name.when != PREVIOUS
        )
        return [self.settings.sources[name] for name in wanted]

    def source(self, name: str | None = None) -> GitSource:
        """A source of the settings, the first one where `name` is None.

        Raises:
            NameNotFoundError: there is no such source.
            SourceError: it is no repository, or no mirror of it was made yet.
        """
        found = self._source_name(name)
        if found not in self._opened_sources:
            from cachediff.sources import GitSource

            settings = self.settings.sources[found]
            repository = self._repository(settings)
            self._opened_sources[found] = GitSource(
                repository,
                found or repository.name(),
                root=settings.manifests,
                branch=settings.branch or "HEAD",
            )
        return self._opened_sources[found]

    def stored(self, name: SnapshotName) -> Stored | DamagedReceipt:
        """The stored snapshot that `name` means; its receipt, where that is damaged.

        Raises:
            NameNotFoundError: there is none; the hint says what there is.
        """
        from cachediff.queries.stored_names import find_stored

        source = self._stored_source(name.source)
        return find_stored(self.store, source, name, self.notices)

    def open_stored(self, name: SnapshotName) -> OpenedSnapshot:
        """The stored snapshot that `name` means or, if it is damaged, the same out of git.

        Raises:
            NameNotFoundError: there is none; the hint says what there is.
            StoreError: it is damaged, and git does not have it either.
        """
        from cachediff.queries.stored_names import command_for

        stored = self.stored(name)
        try:
            if isinstance(stored, DamagedReceipt):
                raise DamagedSnapshotError(
                    f"{stored.path} is damaged: {stored.reason}",
                    f"take it anew, where git still has it: {command_for(stored.path)}; what else is"
                    " damaged is told by: cachediff verify",
                )
            return StoredSnapshot(self.store.open(stored))
        except DamagedSnapshotError as damage:
            again = self._from_git(stored.origin)
            if again is None:
                raise
            self.notices.append(
                f"{damage.message}; it was read from git instead. "
                f"Take it anew: {command_for(stored.path)}"
            )
            return again

    def close(self) -> None:
        """Give back what is held open."""
        self._summaries.close()
        for source in self._opened_sources.values():
            source.repository.close()

    def _from_git(self, origin: Origin) -> OpenedSnapshot | None:
        """The snapshot of the same origin out of git, None where git does not have it.

        Where the origin lacks its tree, that of its commit is meant.
        """
        from cachediff.sources import SnapshotName

        known = {name: name for name in self.settings.sources if name is not None}
        try:
            source = self.source(known.get(origin.source))
            collection = source.open(SnapshotName("", None, origin.collection, when=origin.commit))
        except (NameNotFoundError, SourceError):
            return None
        found = collection.origin
        if msgspec.structs.replace(found, tree=origin.tree and found.tree) != origin:
            return None
        return GitSnapshot(collection, self._interner, self._summaries, self.progress)

    def _open_path(self, path: Path) -> OpenedSnapshot:
        from cachediff.queries.stored_names import stored_at
        from cachediff.sources import FolderCollection

        if path.suffix == ".parquet":
            return StoredSnapshot(self.store.open(stored_at(path.resolve())))
        return FolderSnapshot(FolderCollection(path), self._interner)

    def _source_name(self, name: str | None) -> str | None:
        sources = self.settings.sources
        if name is None:
            return next(iter(sources))
        if name in sources:
            return name
        (first,) = list(sources)[:1]
        if first is None and self.source(None).name == name:
            return None
        from cachediff.sources import close_names

        names = [known for known in sources if known is not None]
        raise NameNotFoundError(f"there is no source {name!r}", close_names(name, names))

    def _stored_source(self, name: str | None) -> str | None:
        """The source whose snapshots are meant; None, any source's, where there is only the store."""
        first = name or next(iter(self.settings.sources))
        if first is None:
            try:
                return self.source().name
            except SourceError:
                return None
        return first

    def _repository(self, settings: SourceSettings) -> Repository:
        from cachediff.sources import Repository, mirror_path

        if settings.path is not None:
            try:
                return Repository(Path(settings.path))
            except SourceError as error:
                raise SourceError(error.message, error.hint or _NO_REPOSITORY) from error
        url = str(settings.url)
        path = mirror_path(self.cache, url)
        if not path.is_dir():
            raise SourceError("there is no mirror of the upstream", "it was not reached yet")
        return Repository(path, mirror=True, sleep=self.sleep)


def _path(text: str, folder: Path) -> Path | None:
    """`text` as a path, where it has the form of one; a revision may hold slashes too."""
    name = text.partition("@")[0]
    if os.sep not in name and name not in (os.curdir, os.pardir) and not text.endswith(".parquet"):
        return None
    path = folder / text
    if not path.exists():
        raise NameNotFoundError(f"there is no {text!r}", "the name of a collection has no slash")
    return path
