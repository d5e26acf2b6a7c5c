"""Served: what the index knows of the specs that a file pins."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from cachediff.errors import NameNotFoundError, UsageError
from cachediff.index.reading import Index
from cachediff.model.lives import Collection, HashLife, Point
from cachediff.model.served import (
    CollectionNow,
    PinnedSpec,
    Pins,
    Served,
    ServedSpec,
    ServedState,
)
from cachediff.queries.catalogue import Catalogue
from cachediff.queries.lives import open_index
from cachediff.sources import close_names, newest_first, parse_name


def served(names: Catalogue, pins: Pins, collections: Sequence[str] = ()) -> Served:
    """What became of every spec of `pins`, as far as the stored snapshots know.

    `collections` are [SOURCE:]COLLECTION, which may be globs and then mean all that match; none are all.
    The now of each is its newest stored snapshot.

    Raises:
        NameNotFoundError: no snapshot is stored, or none of a collection that is asked for.
        StoreError: the store cannot be read.
    """
    with open_index(names) as index:
        known = index.collections()
        if not known:
            raise NameNotFoundError(
                f"no snapshot is stored in {names.store.location}",
                "what is served is known of stored snapshots: cachediff snapshot takes them",
            )
        chosen = _chosen(known, collections)
        now = {each: index.points(*each)[-1] for each in known}
        return Served(
            pins.file,
            pins.lock_version,
            tuple(CollectionNow(*each, now[each]) for each in chosen),
            tuple(_specs(index, pins, set(chosen), now)),
        )


def _chosen(known: Sequence[Collection], wanted: Sequence[str]) -> list[Collection]:
    """The collections asked for, each once, of each source the newest first."""
    chosen = set() if wanted else set(known)
    for text in wanted:
        name = parse_name(text)
        if name.when or name.back:
            raise UsageError(
                f"{text!r} is one snapshot", "name a collection: what is served is now"
            )
        matching = [
            (source, collection)
            for source, collection in known
            if fnmatchcase(collection, name.collection) and name.source in (None, source)
        ]
        if not matching:
            raise NameNotFoundError(
                f"no snapshot of a collection {text!r} is stored",
                close_names(name.collection, {collection for _, collection in known}),
            )
        chosen.update(matching)
    order = {name: place for place, name in enumerate(newest_first({each[1] for each in chosen}))}
    return sorted(chosen, key=lambda each: (each[0], order[each[1]]))


def _specs(
    index: Index, pins: Pins, chosen: set[Collection], now: dict[Collection, Point]
) -> list[ServedSpec]:
    lives = index.lives_of([spec.hash for spec in pins.specs])
    return [_spec(spec, lives.get(spec.hash, []), chosen, now) for spec in pins.specs]


def _spec(
    spec: PinnedSpec,
    lives: Sequence[HashLife],
    chosen: set[Collection],
    now: dict[Collection, Point],
) -> ServedSpec:
    if spec.name is None and lives:
        known = lives[0]
        spec = msgspec.structs.replace(spec, name=known.package, version=known.version)
    serving: list[HashLife] = []
    past: list[HashLife] = []
    elsewhere: list[Collection] = []
    for life in lives:
        place = life.source, life.collection
        # What is not gone and was not seen either is in a manifest that cannot be read.
        lasts = life.gone is None and life.last == now[place]
        if place in chosen:
            (serving if lasts else past).append(life)
        elif lasts:
            elsewhere.append(place)
    if spec.external:
        state = ServedState.EXTERNAL
    elif serving:
        state = ServedState.SERVED
    elif any(life.gone is None for life in past):
        state = ServedState.UNKNOWN
    else:
        state = ServedState.GONE if past else ServedState.NEVER
    return ServedSpec(spec, state, tuple(serving), tuple(past), tuple(elsewhere))
