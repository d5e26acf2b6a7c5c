"""The public functions: what the command line does, as typed Python."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from cachediff.config import find_settings
from cachediff.jobs.compare import compare as compare_by_name
from cachediff.jobs.fetch import fetch_for
from cachediff.model.comparison import Comparison
from cachediff.model.selection import Selection
from cachediff.model.snapshot import Snapshot
from cachediff.queries import Catalogue, load

_EVERYTHING = Selection()


def compare(
    old: str | Snapshot,
    new: str | Snapshot,
    *,
    repo: str | None = None,
    config: Path | None = None,
    selection: Selection = _EVERYTHING,
) -> Comparison:
    """All changes from `old` to `new`, each the name of a snapshot or a snapshot itself.

    Names are understood as on the command line: `develop`, `develop-*~1`, `cache:develop@2025-04-20`,
    or the path of a folder of manifests. `repo` is the path or URL of a repository of manifests,
    `config` a `config.yaml`; with neither, that of the working folder, or the clone that it is in.

    What the command line would say in a note, such as an upstream that was not reached, is a
    `UserWarning`.

    Raises:
        CachediffError: a side cannot be had, or the selection is not one; see the subclasses.
    """
    with _catalogue(config, repo) as names:
        return compare_by_name(names, old, new, selection, Path.cwd())


def open_snapshot(name: str, *, repo: str | None = None, config: Path | None = None) -> Snapshot:
    """The whole of the snapshot called `name`, in memory.

    Arguments, warnings and errors are those of `compare`.
    """
    with _catalogue(config, repo) as names:
        fetch_for(names, [name], Path.cwd())
        return load(names.open(name, Path.cwd()))


@contextmanager
def _catalogue(config: Path | None, repo: str | None) -> Iterator[Catalogue]:
    names = Catalogue(find_settings(Path.cwd(), config, repo), user_cache_path("cachediff"))
    try:
        yield names
    finally:
        names.close()
        for notice in names.notices:
            warnings.warn(notice, stacklevel=4)  # that of who called the public function
