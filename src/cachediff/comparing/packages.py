"""One package: its manifest on either side to what changed in it. Pure, and apart from all others."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cachediff.comparing.merging import find_merges
from cachediff.comparing.pairing import pair
from cachediff.comparing.stacks import stacks_differ, stacks_of
from cachediff.model.change import Change, ChangeKind
from cachediff.model.comparison import PackageComparison, PackageStatus
from cachediff.model.snapshot import Manifest
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version

_RESTACKED = ("stacks",)


class Compared(msgspec.Struct, frozen=True):
    """What was found of one package (None: no change), and how many of its specs did not change."""

    package: PackageComparison | None
    unchanged: int


def compare_package(package: str, old: Manifest | None, new: Manifest | None) -> Compared:
    """Compare the two manifests of a package; None on a side stands for no manifest there."""
    if not all(manifest.readable for manifest in (old, new) if manifest):
        return Compared(PackageComparison(package, PackageStatus.UNKNOWN), 0)
    old_specs, new_specs = old.specs if old else (), new.specs if new else ()
    old_by_hash = {spec.hash: spec for spec in old_specs}
    new_by_hash = {spec.hash: spec for spec in new_specs}
    kept = old_by_hash.keys() & new_by_hash.keys()
    changes = [
        Change(ChangeKind.RESTACKED, _RESTACKED, old_by_hash[hash_], new_by_hash[hash_])
        for hash_ in kept
        if stacks_differ(old_by_hash[hash_].stacks, new_by_hash[hash_].stacks)
    ]
    unchanged = len(kept) - len(changes)
    pairs, gone, come = pair(
        (spec for spec in old_specs if spec.hash not in kept),
        (spec for spec in new_specs if spec.hash not in kept),
    )
    changes += [_pair_change(*specs) for specs in pairs]
    merged = find_merges(gone, [(c.old, c.new) for c in changes if c.old and c.new])
    split = find_merges(come, [(c.new, c.old) for c in changes if c.old and c.new])
    changes += [Change(ChangeKind.REMOVED, (), spec, None) for spec in gone]
    changes += [Change(ChangeKind.ADDED, (), None, spec) for spec in come]
    if not changes:
        return Compared(None, unchanged)
    old_versions, new_versions = _versions(old_specs), _versions(new_specs)
    old_stacks, new_stacks = stacks_of(old_specs), stacks_of(new_specs)
    return Compared(
        PackageComparison(
            package,
            _status(old_specs, new_specs),
            versions_added=_in_order(new_versions.keys() - old_versions.keys(), new_versions),
            versions_removed=_in_order(old_versions.keys() - new_versions.keys(), old_versions),
            versions_kept=_in_order(old_versions.keys() & new_versions.keys(), new_versions),
            stacks_joined=_beyond(new_stacks, old_stacks),
            stacks_left=_beyond(old_stacks, new_stacks),
            changes=tuple(sorted(changes, key=_order)),
            merged=merged,
            split=split,
        ),
        unchanged,
    )


def differing_fields(old: Build, new: Build) -> list[str]:
    """Names of the fields in which two builds are known to differ, sorted."""
    if old is new:
        return []
    fields = [
        name
        for name in ("os", "platform", "target", "variants", "version")
        if getattr(old, name) != getattr(new, name)
    ]
    if old.compiler and new.compiler and old.compiler != new.compiler:
        fields.append("compiler")
    return sorted(fields)


def _pair_change(old: Spec, new: Spec) -> Change:
    """What it is that a paired spec went through."""
    fields = differing_fields(old.build, new.build)
    if not fields:
        kind = ChangeKind.REBUILT
    elif "version" in fields:
        upgraded = old.build.version < new.build.version
        kind = ChangeKind.UPGRADED if upgraded else ChangeKind.DOWNGRADED
    else:
        kind = ChangeKind.CHANGED
    if stacks_differ(old.stacks, new.stacks):
        fields = sorted([*fields, "stacks"])
    return Change(kind, tuple(fields), old, new)


def _beyond(stacks: frozenset[str] | None, others: frozenset[str] | None) -> tuple[str, ...]:
    """The stacks that are not among `others`; none where either is unknown."""
    return () if stacks is None or others is None else tuple(sorted(stacks - others))


def _status(old: Sequence[Spec], new: Sequence[Spec]) -> PackageStatus:
    if not old:
        return PackageStatus.ADDED
    return PackageStatus.CHANGED if new else PackageStatus.REMOVED


def _versions(specs: Sequence[Spec]) -> dict[Version, str]:
    """The versions of `specs`, each with the first of its spellings: `2_0` is `2.0`."""
    by_text = {spec.build.version.text: spec.build.version for spec in specs}
    return {by_text[text]: text for text in sorted(by_text, reverse=True)}


def _in_order(versions: set[Version], spelt: dict[Version, str]) -> tuple[Version, ...]:
    return tuple(Version(spelt[version]) for version in sorted(versions))


def _order(change: Change) -> tuple[str, str, str]:
    return (
        change.kind,
        change.old.hash if change.old else "",
        change.new.hash if change.new else "",
    )
