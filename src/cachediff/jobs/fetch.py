"""Fetching: bring the mirrors of upstreams up to date before anything is asked of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cachediff.config import SourceSettings
from cachediff.errors import SourceError
from cachediff.queries import Catalogue
from cachediff.sources import (
    NotReachedError,
    Repository,
    Sleep,
    clone_mirror,
    mirror_path,
    patiently,
)


def fetch_for(names: Catalogue, texts: Iterable[str], folder: Path) -> None:
    """Fetch the sources that the names `texts` are looked up in, as far as they have a URL.

    A mirror that is not there yet is made. Where an upstream is not reached but was before, a notice
    is added to `names`, and what was fetched before is what there is; so where it was rewritten, which
    loses nothing that was used before.

    Raises:
        SourceError: an upstream was not reached, and there is no mirror of it.
    """
    for source in names.sources_of(texts, folder):
        if source.url is None:
            continue
        was_there = mirror_path(names.cache, source.url).is_dir()
        try:
            _fetch(names, source.url)
        except SourceError as error:
            if not was_there:
                raise
            failed = "reached" if isinstance(error, NotReachedError) else "fetched"
            names.notices.append(
                f"upstream not {failed}, this is what was fetched before: {error.message}"
            )


def fetch_patiently(names: Catalogue, source: SourceSettings, sleep: Sleep) -> None:
    """Fetch one source, and try again for a while where its upstream is not reached.

    `sleep` waits for so many seconds. With the same patience its files are fetched as they are read.
    The repository of a source with a path only has to be there.

    Raises:
        NotReachedError: the upstream was not reached.
        SourceError: it could not be fetched for a reason of this machine's.
    """
    if source.url is None:
        if not Path(str(source.path)).exists():
            raise NotReachedError(f"there is nothing at {source.path}")
        return
    url = source.url
    names.sleep = sleep
    patiently(lambda: _fetch(names, url), sleep)


def _fetch(names: Catalogue, url: str) -> None:
    path = mirror_path(names.cache, url)
    if not path.is_dir():
        clone_mirror(url, path, names.progress)
        return
    for branch, commit in Repository(path, mirror=True).fetch(names.progress).items():
        names.notices.append(
            f"upstream rewrote its branch {branch}: {commit[:12]}, with which it ended, is not in it"
            " any more, and is kept"
        )
