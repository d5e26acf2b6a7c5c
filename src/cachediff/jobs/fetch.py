"""Fetching: bring the mirrors of upstreams up to date before anything is asked of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cachediff.errors import SourceError
from cachediff.queries import Catalogue
from cachediff.sources import Repository, clone_mirror, mirror_path


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
        path = mirror_path(names.cache, source.url)
        if not path.is_dir():
            clone_mirror(source.url, path, names.progress)
            continue
        try:
            rewritten = Repository(path, mirror=True).fetch(names.progress)
        except SourceError as error:
            names.notices.append(
                f"upstream not reached, this is what was fetched before: {error.message}"
            )
        else:
            names.notices += [f"upstream rewrote its branch {branch}" for branch in rewritten]
