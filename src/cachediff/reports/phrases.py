"""Numbers and lists in words. Data enters a sentence through a `Show` only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

Show: TypeAlias = Callable[[str], str]
"""Turns one value from data into what is safe in a format: a plain word for a terminal, a code span
in Markdown. The words around it hold nothing that a format takes for markup."""

MOST_LISTED = 4


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 package`, `1,290 packages`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def bounded(number: int, *, at_least: bool) -> str:
    """Return a number: `60,264`, or `≥60,264` where there are at least so many."""
    return f"{'≥' * at_least}{number:,}"


def listed(values: Sequence[str], show: Show, *, brief: bool, separator: str = ", ") -> str:
    """Join values; a brief list of many says how many more there are."""
    shown = values
    if brief and len(values) > MOST_LISTED:
        shown = values[: MOST_LISTED - 1]
    more = f" and {len(values) - len(shown):,} more" if len(shown) < len(values) else ""
    return separator.join(map(show, shown)) + more


def joined(values: Sequence[str], show: Show) -> str:
    """Join values as in speech, the first few of many: `e4s, hep and radiuss`, `a, b, c and 9 more`."""
    if len(values) > MOST_LISTED:
        return listed(values, show, brief=True)
    *first, last = map(show, values)
    return f"{', '.join(first)} and {last}" if first else last
