"""Taking a step: from a snapshot that is in memory to the next, of which only the changes are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cachediff.model.snapshot import Manifest
from cachediff.model.spec import Spec
from cachediff.store.listing import ListedManifest, Step
from cachediff.store.receipts import StoredSnapshot
from cachediff.store.rows import pack_bits


class Carried(msgspec.Struct, frozen=True):
    """A stored snapshot in memory, for the next to be a step on it.

    `listing` and `manifests` are by package, in any order; of `manifests` some may be left out, and are
    read from the store if they are needed. `parser` is the version of the parsers that read them.
    `whole` and `steps` are bytes: of the whole file that it goes back to, and of all steps since.
    """

    stored: StoredSnapshot
    listing: Mapping[str, ListedManifest]
    manifests: Mapping[str, Manifest]
    parser: int | None
    whole: int
    steps: int

    @property
    def object_ids(self) -> dict[str, str]:
        """The object id of each package's manifest."""
        return {package: listed.object_id for package, listed in self.listing.items()}


class StepLimits(msgspec.Struct, frozen=True):
    """When a step is written rather than a whole snapshot: all of this must hold.

    At most `depth` steps lead to a whole one, so that reading stays quick. A step has at most `share`
    of the bytes of the whole one, and all steps since have at most `total` of them.
    """

    depth: int = 50
    share: float = 0.25
    total: float = 4.0

    def allow(self, base: Carried, size: int) -> bool:
        """Whether a step of this size may follow `base`."""
        return (
            base.stored.depth < self.depth
            and size <= self.share * base.whole
            and base.steps + size <= self.total * base.whole
        )


def step_from(
    base: Carried,
    changed: Mapping[str, Manifest],
    listing: Iterable[ListedManifest],
    removed: Iterable[str],
) -> tuple[Step, list[Spec]]:
    """What makes a step of `base`, and the specs that it adds.

    `changed` are the manifests that are new or another, `listing` the same by package; `base` has what
    they were before.
    """
    kept: list[bool] = []
    added: list[Spec] = []
    for package in sorted(changed):
        before = base.manifests[package].specs if package in base.listing else ()
        after = {spec.hash: spec for spec in changed[package].specs}
        for spec in before:
            now = after.get(spec.hash)
            # Whoever reads one night after the other mostly has the same object in both.
            stays = now is spec or _is_same(spec, now)
            kept.append(stays)
            if stays:
                del after[spec.hash]
        added += after.values()
    return Step(tuple(listing), tuple(sorted(removed)), pack_bits(kept)), added


def _is_same(one: Spec, other: Spec | None) -> bool:
    """Whether both, of one package, give the same row: versions may be equal and spelled differently."""
    if other is None or one.stacks != other.stacks:
        return False
    old, new = one.build, other.build
    return old is new or (
        old.version.text == new.version.text
        and old.compiler == new.compiler
        and old.platform == new.platform
        and old.os == new.os
        and old.target == new.target
        and old.variants == new.variants
    )
