"""A change: one fact about a spec between two snapshots."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cachediff.model.spec import Spec


class ChangeKind(StrEnum):
    """What became of a spec. The order is that of the JSON summary."""

    ADDED = "added"
    REMOVED = "removed"
    REBUILT = "rebuilt"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    CHANGED = "changed"
    RESTACKED = "restacked"


class Change(msgspec.Struct, frozen=True, gc=False):
    """One fact about a spec: a kind, an old side, a new side.

    `old` is None for what was added, `new` for what was removed; both stand for a pair. `fields`
    names what differs between them, sorted: `compiler`, `os`, `platform`, `stacks`, `target`,
    `variants`, `version`. A field that is unknown on either side does not differ.
    """

    kind: ChangeKind
    fields: tuple[str, ...]
    old: Spec | None
    new: Spec | None
