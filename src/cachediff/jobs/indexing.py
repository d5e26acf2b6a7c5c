"""The index of lives, kept: anew, or with what was stored since."""

from __future__ import annotations

from cachediff.queries import Catalogue
from cachediff.queries.indexing import Indexed, bring_up_to_date


def reindex(names: Catalogue) -> Indexed:
    """Make the index of all stored snapshots anew.

    Until it is done, what is read is what there is of it. It can be killed at any time: what reads the
    index next goes on with it.

    Raises:
        StoreError: the store cannot be read, or the index not written.
    """
    return bring_up_to_date(names, anew=True)


def update_index(names: Catalogue) -> Indexed:
    """Take what was stored since into the index, and what is not stored any more out of it.

    Raises:
        StoreError: the store cannot be read, or the index not written.
    """
    return bring_up_to_date(names)
