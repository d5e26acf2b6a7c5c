"""What a lock file pins and a cache serves, for people and for programs: what is missing first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from cachediff.model.lives import HashLife
from cachediff.model.served import CollectionNow, Served, ServedSpec, ServedState
from cachediff.reports.markdown import code
from cachediff.reports.overview import moment
from cachediff.reports.phrases import Show, counted, listed
from cachediff.reports.terminal import columns, fit
from cachediff.reports.visible import visible

SCHEMA = "cachediff/served/1"

_NOT_ASKED = "Not in what was asked for"
_TITLES = {
    ServedState.UNKNOWN: "Not known",
    ServedState.GONE: "Gone",
    ServedState.NEVER: "Never seen",
    ServedState.SERVED: "Served",
    ServedState.EXTERNAL: "External",
}
_MISSING = ("Not known", "Gone", _NOT_ASKED, "Never seen")
_ORDER = (*_MISSING, "Served", "External")
_COLUMNS = ("Spec", "", "Hash", "Where")
_COLUMNS_OF_COLLECTIONS = ("Collection", "Source", "Newest snapshot", "")
_DAY = len("2025-04-01")


class _Group(msgspec.Struct, frozen=True):
    """Rows below a title; `total` counts those left out too."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    total: int


def render_served_text(served: Served, *, width: int, limit: int | None) -> str:
    """Render it as lines of text.

    `width` is that of the terminal, in cells: what is longer continues below, indented. `limit` is the
    most specs of a group to list, None for all; what is left out is counted.
    """
    file = StringIO()
    console = Console(file=file, width=width, _environ={})
    for head, tail in _lines(served, limit):
        for line in fit(console, head, tail):
            line.rstrip()
            file.write(f"{line.plain}\n")
    return file.getvalue()


def render_served_markdown(served: Served) -> str:
    """Render it as GitHub Flavored Markdown; whatever comes from data stands in code spans."""
    parts = [f"## {_headline(served, code)}", *_notes(served)]
    for group in _groups(served, code, None):
        rows = [group.columns, tuple("---" for _ in group.columns), *group.rows]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        parts += [f"### {group.title}: {group.total:,}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def render_served_json(served: Served) -> str:
    """Render it as one JSON object, in ASCII."""
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "file": served.file,
        "lock_version": served.lock_version,
        "missing": served.missing,
        "counts": {state.value: len(served.of(state)) for state in ServedState},
        "collections": msgspec.to_builtins(served.collections),
        "specs": [
            {
                **msgspec.to_builtins(each.spec),
                "asked_as": each.asked_as,
                "state": each.state.value,
                "serving": [_life(served, life) for life in each.serving],
                "past": [_life(served, life) for life in each.past],
                "elsewhere": [
                    {"source": source, "collection": collection}
                    for source, collection in each.elsewhere
                ],
                "seen_elsewhere": each.seen_elsewhere,
            }
            for each in served.specs
        ],
    }
    return json.dumps(told, indent=1) + "\n"


def _life(served: Served, life: HashLife) -> dict[str, Any]:
    fields = ("source", "collection", "first", "last", "gone")
    told = {field: msgspec.to_builtins(getattr(life, field)) for field in fields}
    return {**told, "state": served.now(life).state(life).value}


def _lines(served: Served, limit: int | None) -> Iterator[tuple[Text, Text]]:
    """Every line as its fixed part and the part that may be continued below."""
    yield Text(), Text(_headline(served, visible))
    for note in _notes(served):
        yield Text(), Text(note)
    for group in _groups(served, visible, limit):
        yield Text(), Text()
        yield Text(f"{group.title}  {group.total:,}"), Text()
        yield from columns([[Text(cell) for cell in row] for row in group.rows])
        if left_out := group.total - len(group.rows):
            yield Text("  "), Text(f"… and {left_out:,} more (--all)")


def _headline(served: Served, show: Show) -> str:
    wanted = len(served.specs) - len(served.of(ServedState.EXTERNAL))
    here = len(served.of(ServedState.SERVED))
    said = f"{here:,} of {counted(wanted, 'spec')}" if here < wanted else f"all of {wanted:,}"
    by_title = _by_title(served)
    fates = [
        f"{len(specs):,} {title[0].lower()}{title[1:]}"
        for title in _MISSING
        if (specs := by_title.get(title))
    ]
    days = sorted({_day(each.point.committed_at) for each in served.collections})
    of = " to ".join(dict.fromkeys((days[0], days[-1])))
    newest = f"newest snapshot{'s' if len(served.collections) > 1 else ''} of {of}"
    return "; ".join([f"{show(served.file)}: {said} served", *fates, newest])


def _by_title(served: Served) -> dict[str, list[ServedSpec]]:
    """The specs below the title of each group, what is missing first."""
    found: dict[str, list[ServedSpec]] = {title: [] for title in _ORDER}
    for each in served.specs:
        elsewhere = each.state is ServedState.NEVER and each.seen_elsewhere
        found[_NOT_ASKED if elsewhere else _TITLES[each.state]].append(each)
    return {title: specs for title, specs in found.items() if specs}


def _notes(served: Served) -> Iterator[str]:
    if externals := len(served.of(ServedState.EXTERNAL)):
        yield f"{counted(externals, 'external')} left out: not built, and in no cache"


def _groups(served: Served, show: Show, limit: int | None) -> Iterator[_Group]:
    sources = {each.source for each in served.collections}
    sources |= {source for each in served.specs for source, _ in each.elsewhere}
    for title, specs in _by_title(served).items():
        rows = [_row(served, each, show, limit, several=len(sources) > 1) for each in specs[:limit]]
        yield _Group(title, _COLUMNS, rows, len(specs))
    yield _Group(
        "Newest snapshots",
        _COLUMNS_OF_COLLECTIONS,
        _newest(served, show)[:limit],
        len(served.collections),
    )


def _newest(served: Served, show: Show) -> list[tuple[str, ...]]:
    return [
        (
            show(each.collection),
            show(each.source),
            moment(each.point.committed_at),
            _doubt(each),
        )
        for each in served.collections
    ]


def _doubt(each: CollectionNow) -> str:
    """Why what was there is not served any more, or is not known to be."""
    if each.gone:
        return f"upstream removed it by {_day(each.gone)}"
    doubts = [f"suspect: {each.suspicion}"] if each.suspicion else []
    doubts += [f"a snapshot of {_day(each.unread)} cannot be read"] if each.unread else []
    return "; ".join(doubts)


def _row(
    served: Served, each: ServedSpec, show: Show, limit: int | None, *, several: bool
) -> tuple[str, ...]:
    spec = each.spec
    named = f"{spec.name}@{spec.version}" if spec.name and spec.version else spec.name
    where = _where(served, each, show, limit, several=several)
    if each.asked_as:
        where += f"{'; ' if where else ''}asked for as {show(each.asked_as)}"
    mark = "root" if spec.root else ""
    return show(named) if named else "", mark, show(spec.hash), where


def _where(
    served: Served, each: ServedSpec, show: Show, limit: int | None, *, several: bool
) -> str:
    """The collections that serve a spec, or those that did and when it went."""

    def place(source: str, collection: str) -> str:
        return show(f"{source}:{collection}" if several else collection)

    brief = limit is not None
    if each.state is ServedState.EXTERNAL:
        return ""
    if each.serving:
        return _listed([place(life.source, life.collection) for life in each.serving], brief)
    said = [
        f"{place(life.source, life.collection)}: {_went(life, served.now(life))}"
        for life in each.past
    ]
    if each.elsewhere:
        others = _listed([place(*other) for other in each.elsewhere], brief)
        said.append(f"served by {others}, not asked for")
    elif each.state is ServedState.NEVER and each.seen_elsewhere:
        said.append("not served elsewhere any more either")
    return "; ".join(said)


def _listed(values: Sequence[str], brief: bool) -> str:
    return listed(values, str, brief=brief)


def _went(life: HashLife, now: CollectionNow) -> str:
    last = f"last seen {_day(life.last.committed_at)}"
    if life.gone is not None:
        missing = f"{last}, gone {_day(life.gone.committed_at)}"
        if now.state(life) is ServedState.UNKNOWN:
            missing = f"{last}, missing from a suspect snapshot: {now.suspicion}"
        return missing
    if now.gone is not None:
        return f"{last}, gone with the collection, which upstream removed by {_day(now.gone)}"
    if life.last == now.point:
        return f"{last}, but a snapshot of {_day(str(now.unread))} cannot be read"
    return f"{last}, its manifest cannot be read since"


def _day(time: str) -> str:
    return time[:_DAY]
