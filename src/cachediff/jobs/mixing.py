"""One name, one repository: what is stored of a source must not be mixed with what another one has."""

from __future__ import annotations

from cachediff.errors import SourceError
from cachediff.queries import Catalogue
from cachediff.sources import GitSource


def check_not_mixed(names: Catalogue, source: GitSource, collection: str) -> None:
    """Refuse a source of which snapshots are stored, but none of a commit of its repository.

    Those of `collection`, of which one is to be stored now, are looked at first. A source is checked
    once; where its history is cut off, nothing is known.

    Raises:
        SourceError: it is another repository.
        StoreError: the store cannot be read.
    """
    if source.name in names.checked or source.repository.shallow:
        return
    commits: set[str] = set()
    for some in (collection, None):
        listing = names.store.list(source.name, some)
        commits = {one.commit for one in listing.snapshots}
        commits |= {one.commit for one in listing.damaged if one.commit}
        if "commit" in {found.kind for found in source.repository.objects(commits)}:
            break
    else:
        if commits:
            raise SourceError(
                f"what is stored as {source.name} is of another repository: none of its"
                f" {len(commits):,} commits is in {source.repository.git_dir}",
                "give this one a name of its own, under sources: in config.yaml, or another store",
            )
    names.checked.add(source.name)
