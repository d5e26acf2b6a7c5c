"""Comparing by name: fetch what has to be fetched, open both sides, compare, select."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from cachediff.comparing import check_selection, select, unmatched
from cachediff.jobs.fetch import fetch_for
from cachediff.model.comparison import Comparison
from cachediff.model.selection import Selection
from cachediff.model.snapshot import Snapshot
from cachediff.queries import Catalogue, LoadedSnapshot, OpenedSnapshot, compare_opened
from cachediff.sources import close_names


def compare(
    names: Catalogue, old: str | Snapshot, new: str | Snapshot, selection: Selection, folder: Path
) -> Comparison:
    """All changes from `old` to `new`, each a name in the catalogue or a snapshot itself.

    Paths in names are relative to `folder`. What the user should be told is in `names.notices`, and in
    the comparison as well.

    Raises:
        CachediffError: a side cannot be had, or the selection is not one.
    """
    check_selection(selection)
    fetch_for(names, [side for side in (old, new) if isinstance(side, str)], folder)
    sides = [
        LoadedSnapshot(side) if isinstance(side, Snapshot) else names.open(side, folder)
        for side in (old, new)
    ]
    whole = compare_opened(sides[0], sides[1])
    if selection:
        names.notices += selecting_nothing(selection, sides, whole)
    return msgspec.structs.replace(select(whole, selection), notices=tuple(names.notices))


def selecting_nothing(
    selection: Selection, sides: Sequence[OpenedSnapshot], whole: Comparison
) -> Iterator[str]:
    """Say what is asked for and cannot be there: a misspelt package or stack, stacks that are untold."""
    packages = sides[0].entries.keys() | sides[1].entries.keys()
    untold = sum(whole.stacks_untold)
    if selection.stacks and untold:
        yield f"specs that do not tell their stacks, and match none: {untold:,}"
    for noun, pattern in unmatched(selection, packages, whole.stacks):
        if noun == "stack" and untold:
            continue
        close = close_names(pattern, packages if noun == "package" else whole.stacks)
        yield f"no {noun} on either side matches {pattern!r}; {close}"
