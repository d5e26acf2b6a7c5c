"""The index of lives, kept: anew, or with what was stored since."""

from __future__ import annotations

from cachediff.index import Index
from cachediff.queries import Catalogue
from cachediff.queries.indexing import Indexed, bring_up_to_date, index_path
from cachediff.queries.passed_over import passed_over, told_of


def reindex(names: Catalogue) -> Indexed:
    """Make the index of all stored snapshots anew.

    Until it is done, what is read is what there is of it. It can be killed at any time: what reads the
    index next goes on with it.

    Raises:
        StoreError: the store cannot be read, or the index not written.
    """
    return _told(names, bring_up_to_date(names, anew=True))


def update_index(names: Catalogue) -> Indexed:
    """Take what was stored since into the index, and what is not stored any more out of it.

    Raises:
        StoreError: the store cannot be read, or the index not written.
    """
    return _told(names, bring_up_to_date(names))


def _told(names: Catalogue, done: Indexed) -> Indexed:
    """What was done, once `names.notices` says what is stored and not in the index."""
    with Index(index_path(names.settings)) as index:
        names.notices += told_of(passed_over(names.store.list(), index))
    return done
