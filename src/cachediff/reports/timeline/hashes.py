"""The timeline of a hash in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cachediff.model.lives import HashLife
from cachediff.model.timeline import HashTimeline, Stay
from cachediff.reports.phrases import Show, joined
from cachediff.reports.timeline.events import CAME, UNKNOWN, WENT, moment, stack_changes
from cachediff.reports.timeline.tables import Document, Row, Table, fate


def of_hash(timeline: HashTimeline, show: Show) -> Document:
    """Put the timeline of a hash into words."""
    newest = timeline.stays[0].life
    stays = tuple(
        Row(
            (
                _collection(stay.life, show),
                moment(stay.life.first),
                _stay(stay, show),
            ),
            CAME if stay.is_served else UNKNOWN if stay.is_unknown or stay.doubt else WENT,
        )
        for stay in timeline.stays
    )
    changes = tuple(
        Row((moment(point), _collection(life, show), said), kind)
        for point, life, said, kind in stack_changes(timeline, show)
    )
    tables = [Table("Where", ("Collection", "First seen (UTC)", "Now"), stays)]
    if changes:
        tables.append(Table("Stacks", ("When (UTC)", "Collection", "What"), changes))
    return Document(
        title=f"{show(newest.package)}@{show(newest.version)} /{show(timeline.hash)}",
        headline=_served(timeline.stays, show),
        notes=tuple(_builds(timeline.stays, show)),
        tables=tuple(tables),
    )


def _stay(stay: Stay, show: Show) -> str:
    """What became of one stay, and what is to be known of its beginning."""
    life = stay.life
    now = fate(life.last, life.gone, there=stay.is_served)
    if stay.is_served:
        now = f"served, as of {moment(life.last)}"
    elif stay.removed and not life.gone:
        now = f"last seen {moment(life.last)}, gone with the collection, which upstream removed by"
        now += f" {stay.removed[:10]}"
    elif life.gone and not stay.doubt:
        now = f"pruned{now.removeprefix('gone')}"
    said = [
        now,
        "in the first snapshot already" * (life.first == stay.oldest),
        "back after a suspect snapshot" * stay.is_back,
        f"suspect: {show(stay.doubt)}" if stay.doubt else "",
    ]
    return " · ".join(filter(None, said))


def _served(stays: Sequence[Stay], show: Show) -> str:
    serving = sorted({(s.life.source, s.life.collection) for s in stays if s.is_served})
    names = {f"{source}:{collection}": None for source, collection in serving}
    if names:
        newest = "its newest snapshot" if len(names) == 1 else "their newest snapshots"
        return f"Served by {joined(list(names), show)}, as of {newest}."
    seen = max(stays, key=lambda stay: stay.life.last)
    last = seen.life.last
    if any(stay.is_unknown for stay in stays):
        return f"Not known to be served: last seen {moment(last)} UTC."
    if seen.doubt:
        return (
            f"Not listed since a suspect snapshot: last seen {moment(last)} UTC, then"
            f" {show(seen.doubt)}."
        )
    return f"Not served any more: last seen {moment(last)} UTC."


def _builds(stays: Sequence[Stay], show: Show) -> Iterator[str]:
    """What was built, once for all collections that tell the same."""
    told: dict[str, list[str]] = {}
    for stay in stays:
        life = stay.life
        names = told.setdefault(_build(life, show), [])
        if (name := f"{life.source}:{life.collection}") not in names:
            names.append(name)
    for build, names in told.items():
        where = f", as {joined(names, show)} {'tells' if len(names) == 1 else 'tell'}"
        yield f"{build}{where * (len(told) > 1)}."


def _build(life: HashLife, show: Show) -> str:
    system = " ".join(map(show, (life.platform, life.os, life.target)))
    compiler = (
        f"with {show(life.compiler)}" if life.compiler else "with a compiler that is not known"
    )
    variants = ", ".join(map(show, life.variants))
    package = f"{show(life.package)}@{show(life.version)}"
    return f"{package} built for {system} {compiler}" + (f"; {variants}" if variants else "")


def _collection(life: HashLife, show: Show) -> str:
    return show(f"{life.source}:{life.collection}")
