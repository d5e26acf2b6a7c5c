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

    `unknown`: it was, and the manifest of its package cannot be read since. `gone`: it was served once.
    `external` specs are not expected in a cache.
    """

    SERVED = "served"
    UNKNOWN = "unknown"
    GONE = "gone"
    NEVER = "never"
    EXTERNAL = "external"


class ServedSpec(msgspec.Struct, frozen=True):
    """One spec, and its stays in collections.

    `serving` are those that last until now, `past` all others, each in the collections asked for.
    `elsewhere` names collections that were not asked for and serve it now.
    """

    spec: PinnedSpec
    state: ServedState
    serving: tuple[HashLife, ...] = ()
    past: tuple[HashLife, ...] = ()
    elsewhere: tuple[Collection, ...] = ()


class CollectionNow(msgspec.Struct, frozen=True):
    """A collection that was asked for, and the newest point at which it is known, which is its now."""

    source: str
    collection: str
    point: Point


class Served(msgspec.Struct, frozen=True):
    """What became of every spec of a file, in its order."""

    file: str
    lock_version: int | None
    collections: tuple[CollectionNow, ...]
    specs: tuple[ServedSpec, ...]

    def of(self, state: ServedState) -> list[ServedSpec]:
        """The specs in one state."""
        return [spec for spec in self.specs if spec.state is state]

    @property
    def missing(self) -> bool:
        """Whether any spec is not known to be served, of those that a cache can have."""
        return any(
            spec.state not in (ServedState.SERVED, ServedState.EXTERNAL) for spec in self.specs
        )
