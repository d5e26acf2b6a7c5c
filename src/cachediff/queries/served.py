"""Served: what the index knows of the specs that a file pins."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from cachediff.errors import NameNotFoundError, UsageError
from cachediff.index import Index, Reason
from cachediff.model.lives import Collection, HashLife
from cachediff.model.served import (
    CollectionNow,
    PinnedSpec,
    Pins,
    Served,
    ServedSpec,
    ServedState,
)
from cachediff.queries.catalogue import Catalogue
from cachediff.queries.homes import collections_of
from cachediff.queries.lives import open_index
from cachediff.queries.passed_over import passed_over
from cachediff.sources import close_names, newest_first, parse_name


def served(names: Catalogue, pins: Pins, collections: Sequence[str] = ()) -> Served:
    """What became of every spec of `pins`, as far as the stored snapshots know.

    `collections` are [SOURCE:]COLLECTION, which may be globs and then mean all that match; none are all.
    The now of each is its newest stored snapshot. One that upstream removed serves nothing.

    Raises:
        NameNotFoundError: no snapshot is stored, or none of a collection or source that is asked for.
        SourceError: what `--repo` names is no repository.
        StoreError: the store cannot be read.
    """
    with open_index(names) as index:
        chosen = _chosen(names, index, collections)
        now = _now(names, index)
        return Served(
            pins.file,
            pins.lock_version,
            tuple(now[each] for each in chosen),
            tuple(_specs(index, pins, set(chosen), now)),
        )


def _now(names: Catalogue, index: Index) -> dict[Collection, CollectionNow]:
    """Every collection that is known, with what keeps its newest point from being its now."""
    gone = index.gone()
    not_read = passed_over(names.store.list(), index)
    now = {}
    for each in index.collections():
        point = index.points(*each)[-1]
        unread = max(
            (one.committed_at for one in not_read.get(each, ()) if one.reason is Reason.DAMAGED),
            default="",
        )
        now[each] = CollectionNow(
            *each,
            point,
            gone.get(each),
            # Of the same second it may be the later one.
            unread if unread >= point.committed_at else None,
            index.suspicions(*each).get(point),
        )
    return now


def _chosen(names: Catalogue, index: Index, wanted: Sequence[str]) -> list[Collection]:
    """The collections asked for, each once, of each source the newest first."""
    chosen = set() if wanted else set(collections_of(names, index))
    for text in wanted:
        name = parse_name(text)
        if name.when or name.back:
            raise UsageError(
                f"{text!r} is one snapshot", "name a collection: what is served is now"
            )
        known = collections_of(names, index, text)
        matching = [each for each in known if fnmatchcase(each[1], name.collection)]
        if not matching:
            raise NameNotFoundError(
                f"no snapshot of a collection {text!r} is stored that can be read",
                close_names(name.collection, {collection for _, collection in known}),
            )
        chosen.update(matching)
    order = {name: place for place, name in enumerate(newest_first({each[1] for each in chosen}))}
    return sorted(chosen, key=lambda each: (each[0], order[each[1]]))


def _specs(
    index: Index, pins: Pins, chosen: set[Collection], now: dict[Collection, CollectionNow]
) -> list[ServedSpec]:
    lives = index.lives_of([spec.hash for spec in pins.specs])
    return [_spec(spec, lives.get(spec.hash, []), chosen, now) for spec in pins.specs]


def _spec(
    spec: PinnedSpec,
    lives: Sequence[HashLife],
    chosen: set[Collection],
    now: dict[Collection, CollectionNow],
) -> ServedSpec:
    asked_as = None
    if lives:
        name, version = lives[0].package, lives[0].version
        asked_as = spec.name if spec.name not in (None, name) else None
        if asked_as or not spec.version:
            spec = msgspec.structs.replace(spec, name=name, version=version)
    serving: list[HashLife] = []
    past: list[HashLife] = []
    elsewhere: list[Collection] = []
    states: set[ServedState] = set()
    for life in lives:
        place = life.source, life.collection
        state = now[place].state(life)
        if place in chosen:
            (serving if state is ServedState.SERVED else past).append(life)
            states.add(state)
        elif state is ServedState.SERVED:
            elsewhere.append(place)
    return ServedSpec(
        spec,
        ServedState.EXTERNAL if spec.external else _best(states),
        tuple(serving),
        tuple(past),
        tuple(elsewhere),
        len(lives) > len(serving) + len(past),
        asked_as,
    )


def _best(states: set[ServedState]) -> ServedState:
    """Where one collection serves a spec, it is served; where one may, that is not known."""
    best = (ServedState.SERVED, ServedState.UNKNOWN, ServedState.GONE)
    return next((state for state in best if state in states), ServedState.NEVER)
