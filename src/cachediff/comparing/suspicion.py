"""A snapshot that is not to be believed as a whole is announced as that, not as a thousand removals."""

from __future__ import annotations

import msgspec

from cachediff.model.snapshot import Origin

SHRINKAGE = 0.25
"""Share of its manifests, or of its specs, that a collection can lose before it is suspect."""


class Weight(msgspec.Struct, frozen=True):
    """How much there is of one side.

    `comparable` counts its specs but those of packages that could not be read on the other side:
    these are not lost there.
    """

    origin: Origin
    manifests: int
    unreadable: int
    specs: int
    comparable: int


def suspicions(old: Weight, new: Weight) -> tuple[str | None, str | None]:
    """Why the old side is suspect, and why the new one is; None where there is no reason.

    Of one collection at two commits, the later one is suspect where it has lost too large a share of
    the manifests or specs of the earlier one; growing is nothing to suspect. Which one is later their
    commits say, or else the order in which they are compared. Other collections are not held against
    each other so: a dated one is far smaller than `develop`, and that says nothing. Whatever the
    collections, a side of which no manifest could be read is suspect beside one of which some could.
    """
    doubts = [_nothing(old, new), _nothing(new, old)]
    if _collection(old) == _collection(new):
        if _backwards(old, new):
            doubts[0] = _lost(new, old) or doubts[0]
        else:
            doubts[1] = _lost(old, new) or doubts[1]
    return doubts[0], doubts[1]


def _backwards(old: Weight, new: Weight) -> bool:
    """Whether the old side is of a later commit than the new one."""
    moments = old.origin.committed_at, new.origin.committed_at
    return moments[0] is not None and moments[1] is not None and moments[0] > moments[1]


def _lost(earlier: Weight, later: Weight) -> str | None:
    """Say what was lost, if that is too much."""
    for noun, whole, lost in (
        ("manifests", earlier.manifests, earlier.manifests - later.manifests),
        ("specs", earlier.specs, earlier.comparable - later.comparable),
    ):
        if lost > whole * SHRINKAGE:
            return f"{later.origin.collection} lost {lost:,} of its {whole:,} {noun}"
    return None


def _nothing(side: Weight, other: Weight) -> str | None:
    """Say that nothing could be read of `side`, if something could of `other`."""
    if side.manifests > side.unreadable or other.manifests == other.unreadable:
        return None
    if not side.manifests:
        return f"{side.origin.collection} has no manifest"
    return f"none of the {side.manifests:,} manifests of {side.origin.collection} could be read"


def _collection(side: Weight) -> tuple[str, str]:
    return side.origin.source, side.origin.collection
