"""Verification: is what was stored still what was stored, and does it add up."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from cachediff.errors import DamagedSnapshotError
from cachediff.files import TEMPORARY
from cachediff.queries.catalogue import Catalogue
from cachediff.queries.stored_names import command_for

if TYPE_CHECKING:
    from cachediff.store import OpenedSnapshot, StoredSnapshot


_LEFT = "left by an interrupted write"


class Finding(msgspec.Struct, frozen=True):
    """Something wrong with one file of the store, and what to do about it.

    `dependent` counts the other snapshots that cannot be read because of it.
    """

    path: PurePath
    reasons: tuple[str, ...]
    remedy: str = ""
    dependent: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """How many snapshots are whole, and what was found of the others."""

    whole: int
    findings: tuple[Finding, ...]

    @property
    def dependent(self) -> int:
        """How many snapshots cannot be read because of files of others."""
        return sum(finding.dependent for finding in self.findings)


def verify(names: Catalogue) -> Verdict:
    """Read every stored snapshot from end to end.

    Raises:
        StoreError: the store cannot be read at all.
    """
    listing = names.store.list()
    wrong: dict[PurePath, tuple[str, ...]] = {}
    dependent: dict[PurePath, list[StoredSnapshot]] = {}
    before: OpenedSnapshot | None = None
    for done, stored in enumerate(listing.snapshots, 1):
        try:
            # A step on the one before it: of its files, only its own was not read yet.
            opened = names.store.open(stored, before)
            reasons = opened.disagreements(before)
            if reasons:
                wrong[stored.path] = tuple(reasons)
            before = None if reasons else opened
        except DamagedSnapshotError as error:
            before = None
            path = error.path or stored.path
            wrong.setdefault(path, (error.reason or error.message,))  # its own says most
            if path != stored.path:
                dependent.setdefault(path, []).append(stored)
        if names.progress:
            names.progress("Verifying snapshots", done, len(listing.snapshots))
    own = {stored.path for stored in listing.snapshots}
    findings = [
        Finding(path, reasons, _remedy(path, own, others), len(others))
        for path, reasons in wrong.items()
        for others in [dependent.get(path, [])]
    ]
    not_whole = {each.path for some in dependent.values() for each in some} | (wrong.keys() & own)
    findings += [
        Finding(receipt.path, (receipt.reason,), _take_anew(receipt.path))
        for receipt in listing.damaged
    ]
    beside = {receipt.path.parent for receipt in listing.damaged}
    findings += [_unneeded(path, beside) for path in names.store.leftovers()]
    return Verdict(len(own) - len(not_whole), tuple(findings))


def _unneeded(path: PurePath, beside_damaged: Collection[PurePath]) -> Finding:
    """A file that no receipt needs; in a folder with a damaged one that may do so."""
    if path.match(TEMPORARY):
        return Finding(path, (_LEFT,), "it is never read, and can be deleted")
    if path.suffix != ".parquet":
        return Finding(path, ("it is no file of a snapshot",), "it is never read; look whose it is")
    if path.parent in beside_damaged:
        return Finding(
            path,
            ("no receipt that can be read needs it",),
            "leave it there until the damaged receipt beside it is taken anew",
        )
    return Finding(  # the same as one whose receipt was lost
        path,
        (_LEFT,),
        f"put its receipt back from a copy; or {_take_anew(path)}; or delete it: it is never read",
    )


def _remedy(
    path: PurePath, own: Collection[PurePath], dependent: Collection[StoredSnapshot]
) -> str:
    if path in own or not dependent:
        return _take_anew(path)
    # It is no snapshot any more: what is a step on it is taken whole.
    first = next(iter(dependent))
    return f"put it back from a copy; or {_take_anew(first.path)}; then verify again"


def _take_anew(path: PurePath) -> str:
    return f"take it anew, where git still has it: {command_for(path)}"
