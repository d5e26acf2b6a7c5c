"""Served: which of the specs that a lock file pins are in a binary cache, were once, or never."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cachediff.model.lives import Collection, HashLife, Point


class PinnedSpec(msgspec.Struct, frozen=True):
    """One spec that is asked for, by its DAG hash.

    `name` and `version` are None where only the hash is known. `root` is whether a lock file has it for
    itself, not as a dependency. One that is `external` was not built, and is in no cache.
    """

    hash: str
    name: str | None = None
    version: str | None = None
    root: bool = False
    external: bool = False


class Pins(msgspec.Struct, frozen=True):
    """What a file asks for: each hash once, roots first, then in the order of the file.

    `lock_version` is the version of the format of a `spack.lock`, None for a list of hashes.
    """

    file: str
    lock_version: int | None
    specs: tuple[PinnedSpec, ...]


class ServedState(StrEnum):
    """Whether a spec is served now by any of the collections asked for.

    `unknown`: it was, and nothing that can be believed says whether it still is. `gone`: it was served
    once. `never`: by none of these. `external` specs are not expected in a cache.
    """

    SERVED = "served"
    UNKNOWN = "unknown"
    GONE = "gone"
    NEVER = "never"
    EXTERNAL = "external"


class ServedSpec(msgspec.Struct, frozen=True):
    """One spec, and its stays in collections.

    `serving` are those that last until now, `past` all others, each in the collections asked for.
    `elsewhere` names collections that were not asked for and serve it now; `seen_elsewhere` is whether
    any such ever did. `asked_as` is the name that the file gives, where that is not the one of the spec.
    """

    spec: PinnedSpec
    state: ServedState
    serving: tuple[HashLife, ...] = ()
    past: tuple[HashLife, ...] = ()
    elsewhere: tuple[Collection, ...] = ()
    seen_elsewhere: bool = False
    asked_as: str | None = None


class CollectionNow(msgspec.Struct, frozen=True):
    """A collection, and the newest point at which it is known, which is its now.

    `gone` is the time of the commit at which upstream was seen not to have it any more, `unread` that of
    a later stored snapshot, the newest, where that cannot be read. `suspicion` says why what is missing
    at `point` is not believed to be gone. All three are None where nothing is wrong.
    """

    source: str
    collection: str
    point: Point
    gone: str | None = None
    unread: str | None = None
    suspicion: str | None = None

    def state(self, life: HashLife) -> ServedState:
        """What became of a stay in this collection: served, gone or unknown."""
        if self.gone is not None:
            return ServedState.GONE
        if life.gone is not None:
            doubtful = life.gone == self.point and self.suspicion is not None
            return ServedState.UNKNOWN if doubtful else ServedState.GONE
        # What is not gone and was not seen either is in a manifest that cannot be read.
        known = life.last == self.point and self.unread is None
        return ServedState.SERVED if known else ServedState.UNKNOWN


class Served(msgspec.Struct, frozen=True):
    """What became of every spec of a file, in its order."""

    file: str
    lock_version: int | None
    collections: tuple[CollectionNow, ...]
    specs: tuple[ServedSpec, ...]

    def now(self, life: HashLife) -> CollectionNow:
        """The collection, which was asked for, of a stay."""
        place = life.source, life.collection
        return next(each for each in self.collections if (each.source, each.collection) == place)

    def of(self, state: ServedState) -> list[ServedSpec]:
        """The specs in one state."""
        return [spec for spec in self.specs if spec.state is state]

    @property
    def missing(self) -> bool:
        """Whether any spec is not known to be served, of those that a cache can have."""
        return any(
            spec.state not in (ServedState.SERVED, ServedState.EXTERNAL) for spec in self.specs
        )
