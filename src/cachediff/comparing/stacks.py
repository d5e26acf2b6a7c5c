"""Stacks, compared: `root` is the union of all and never news, and unknown stacks do not differ."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cachediff.model.spec import ROOT_STACK, Spec


@lru_cache(maxsize=4096)
def told(stacks: tuple[str, ...]) -> frozenset[str]:
    """The stacks that are worth telling: all but `root`."""
    return frozenset(stacks) - {ROOT_STACK}


def stacks_differ(old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> bool:
    """Whether two specs are known to be in different stacks."""
    return old != new and old is not None and new is not None and told(old) != told(new)


def stacks_of(specs: Iterable[Spec]) -> frozenset[str] | None:
    """The stacks that any of `specs` is in; None where those of one of them are unknown."""
    distinct = {spec.stacks for spec in specs}
    if None in distinct:
        return None
    return frozenset().union(*(told(stacks) for stacks in distinct if stacks is not None))
