"""Taking snapshots: collections out of git into the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from cachediff.jobs.fetch import fetch_for
from cachediff.model.snapshot import Origin
from cachediff.queries import Catalogue, load
from cachediff.store import StoredSnapshot


class Taken(msgspec.Struct, frozen=True):
    """What became of one snapshot: `stored` holds its specs; `is_new` if it was written just now."""

    origin: Origin
    stored: StoredSnapshot
    is_new: bool


def take_snapshots(names: Catalogue, texts: Sequence[str], folder: Path) -> Iterator[Taken]:
    """Store the snapshots that `texts` name, or every collection of the first source if there is none.

    What is stored already, with the same tree, is not stored twice, unless it is damaged.

    Raises:
        CachediffError: one cannot be read or stored; those before it are.
    """
    fetch_for(names, texts or ["*"], folder)
    for text in texts or names.source().collections():
        opened = names.open(text, folder)
        known = names.store.find_unchanged(opened.origin)
        if known and not names.store.verify(known):
            yield Taken(opened.origin, known, is_new=False)
        else:
            yield Taken(opened.origin, names.store.write(load(opened)), is_new=True)
