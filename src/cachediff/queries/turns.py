"""Turns: where what was not true became true, among places of which some say nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Truth = Callable[[int], bool | None]
"""Whether a statement is true at the commit of this number; None where that is unknown."""
Places = tuple[int, int]
"""The last place at which a statement is known not to be true, and the first at which it then is."""


def all_turns(truths: Iterable[bool | None]) -> list[Places]:
    """Every time that something became true, in order."""
    turns: list[Places] = []
    last: tuple[int, bool] | None = None
    for place, truth in enumerate(truths):
        if truth is not None:
            if truth and last and not last[1]:
                turns.append((last[0], place))
            last = place, truth
    return turns


def one_turn(low: int, high: int, truth: Truth) -> Places:
    """One time that something became true which is not at `low` and is at `high`.

    Where it is unknown the nearest place at which it is not is asked; what is left between the two places
    that come back is unknown.
    """
    while True:
        middle = (low + high) // 2
        inside = sorted(range(low + 1, high), key=lambda place: abs(place - middle))
        known = next((place for place in inside if truth(place) is not None), None)
        if known is None:
            return low, high
        low, high = (low, known) if truth(known) else (known, high)
