"""The index of lives, opened: brought up to date first where it is behind the stored snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cachediff.errors import NameNotFoundError, StoreError
from cachediff.index import DamagedIndexError, Index
from cachediff.queries.indexing import Indexed, bring_up_to_date, index_path, is_current
from cachediff.queries.passed_over import passed_over, told_of

if TYPE_CHECKING:
    from cachediff.queries.catalogue import Catalogue
    from cachediff.store import StoreListing


def open_index(names: Catalogue) -> Index:
    """The index of all stored snapshots, for a `with` statement that closes it.

    Where it is missing, damaged or behind the store it is brought up to date first, and `names.notices`
    says so; and also where that cannot be, and it is opened as it is. What is stored and the index does
    not tell of is said in `names.notices` each time. Nobody can write the index while it is open.

    Raises:
        NameNotFoundError: nothing is stored.
        StoreError: the store cannot be read, or there is no index and it cannot be written.
    """
    path = index_path(names.settings)
    listing = names.store.list()
    if not path.exists() and not (listing.snapshots or listing.damaged):
        raise nothing_stored(names)
    index = _brought_up_to_date(names, path, listing)
    try:
        names.notices += told_of(passed_over(listing, index))
    except BaseException:
        index.close()
        raise
    return index


def nothing_stored(names: Catalogue) -> NameNotFoundError:
    """What to say where nothing is known of the past."""
    return NameNotFoundError(
        f"no snapshot is stored in {names.store.location}, and nothing is known of the past",
        "take some: cachediff snapshot develop --since DATE",
    )


def _brought_up_to_date(names: Catalogue, path: Path, listing: StoreListing) -> Index:
    index, current = _as_it_is(names, listing)
    if index is not None and current:
        return index
    was_there = index is not None
    if index is not None:
        index.close()  # or it could not be written
    try:
        done = bring_up_to_date(names)
    except StoreError as error:
        if not was_there:
            raise
        names.notices.append(f"the index is behind the store: {error.message}")
    else:
        names.notices += [notice] if (notice := _told(done, was_there=was_there)) else []
    return Index(path)


def _as_it_is(names: Catalogue, listing: StoreListing) -> tuple[Index | None, bool]:
    """The index, and whether it is up to date; None where there is none that can be read."""
    try:
        index = Index(index_path(names.settings))
    except StoreError:
        return None, False
    try:
        return index, is_current(names, index, listing)
    except DamagedIndexError:
        index.close()
        return None, False
    except BaseException:
        index.close()
        raise


def _told(done: Indexed, *, was_there: bool) -> str:
    """What was done, for the reader; nothing where there was nothing to do."""
    snapshots = "1 snapshot" if done.snapshots == 1 else f"{done.snapshots:,} snapshots"
    if done.began_again:
        return f"the index was damaged, and was built again of {snapshots}"
    if not was_there and done.snapshots:
        return f"the index was built of {snapshots}"
    if done.snapshots or done.dropped:
        return f"the index was behind the store, and was brought up to date with {snapshots}"
    return ""
