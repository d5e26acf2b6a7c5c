"""A snapshot that is not to be believed as a whole is announced as that, not as a thousand removals."""

from __future__ import annotations

from cachediff.model.snapshot import Origin

SHRINKAGE = 0.25
"""Share of its manifests, or of its specs, that a collection can lose before it is suspect."""


def suspicion(
    old: Origin,
    new: Origin,
    manifests: tuple[int, int],
    specs: tuple[int, int],
    unknown: tuple[int, int],
) -> str | None:
    """Why the new side is suspect, or None. `manifests` and `specs` are (before, after).

    Only the same collection at two commits is judged: a dated collection is far smaller than
    `develop`, and that says nothing. Nor is a spec lost that is `unknown`, because its package could
    not be read on the other side.
    """
    if (old.source, old.collection) != (new.source, new.collection):
        return None
    for noun, before, lost in (
        ("manifests", manifests[0], manifests[0] - manifests[1]),
        ("specs", specs[0], specs[0] - unknown[0] - (specs[1] - unknown[1])),
    ):
        if lost > before * SHRINKAGE:
            return f"{new.collection} lost {lost:,} of its {before:,} {noun}"
    return None
