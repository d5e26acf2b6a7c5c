"""Verification: is what was stored still what was stored, and does it add up."""

from __future__ import annotations

from pathlib import PurePath

import msgspec

from cachediff.queries.catalogue import Catalogue
from cachediff.queries.stored_names import command_for


class Finding(msgspec.Struct, frozen=True):
    """Something wrong with one file of the store, and what to do about it."""

    path: PurePath
    reasons: tuple[str, ...]
    remedy: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """How many snapshots are whole, and what was found of the others."""

    whole: int
    findings: tuple[Finding, ...]


def verify(names: Catalogue) -> Verdict:
    """Read every stored snapshot from end to end.

    Raises:
        StoreError: the store cannot be read at all.
    """
    listing = names.store.list()
    findings = []
    for done, stored in enumerate(listing.snapshots, 1):
        if reasons := names.store.verify(stored):
            findings.append(Finding(stored.path, reasons, _remedy(stored.path)))
        if names.progress:
            names.progress("Verifying snapshots", done, len(listing.snapshots))
    whole = len(listing.snapshots) - len(findings)
    findings += [
        Finding(receipt.path, (receipt.reason,), _remedy(receipt.path))
        for receipt in listing.damaged
    ]
    findings += [
        Finding(path, ("left by an interrupted write",), _of_leftover(path))
        for path in names.store.leftovers()
    ]
    return Verdict(whole, tuple(findings))


def _of_leftover(path: PurePath) -> str:
    if path.suffix == ".parquet":  # the same as one whose receipt was lost
        return (
            f"put its receipt back from a copy; or {_remedy(path)}; or delete it: it is never read"
        )
    return "it is never read, and can be deleted"


def _remedy(path: PurePath) -> str:
    return f"take it anew, where git still has it: {command_for(path)}"
