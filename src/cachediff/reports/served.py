"""What a lock file pins and a cache serves, for people and for programs: what is missing first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from cachediff.model.lives import HashLife, Point
from cachediff.model.served import Served, ServedSpec, ServedState
from cachediff.reports.markdown import code
from cachediff.reports.overview import moment
from cachediff.reports.phrases import Show, counted, listed
from cachediff.reports.terminal import columns, fit
from cachediff.reports.visible import visible

SCHEMA = "cachediff/served/1"

_TITLES = {
    ServedState.UNKNOWN: "Not known",
    ServedState.GONE: "Gone",
    ServedState.NEVER: "Never seen",
    ServedState.SERVED: "Served",
    ServedState.EXTERNAL: "External",
}
"""What is missing first."""
_FATES = {
    ServedState.UNKNOWN: "not known",
    ServedState.GONE: "gone",
    ServedState.NEVER: "never seen",
}
_COLUMNS = ("Spec", "", "Hash", "Where")
_COLUMNS_OF_COLLECTIONS = ("Collection", "Source", "Newest snapshot")
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
                "state": each.state.value,
                "serving": [_life(life) for life in each.serving],
                "past": [_life(life) for life in each.past],
                "elsewhere": [
                    {"source": source, "collection": collection}
                    for source, collection in each.elsewhere
                ],
            }
            for each in served.specs
        ],
    }
    return json.dumps(told, indent=1) + "\n"


def _life(life: HashLife) -> dict[str, Any]:
    fields = ("source", "collection", "first", "last", "gone")
    return {field: msgspec.to_builtins(getattr(life, field)) for field in fields}


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
    fates = [
        f"{len(specs):,} {fate}" for state, fate in _FATES.items() if (specs := served.of(state))
    ]
    days = sorted({_day(each.point) for each in served.collections})
    as_of = " to ".join(dict.fromkeys((days[0], days[-1])))
    return "; ".join([f"{show(served.file)}: {said} served", *fates, f"as of {as_of}"])


def _notes(served: Served) -> Iterator[str]:
    if externals := len(served.of(ServedState.EXTERNAL)):
        yield f"{counted(externals, 'external')} left out: not built, and in no cache"


def _groups(served: Served, show: Show, limit: int | None) -> Iterator[_Group]:
    several = len({each.source for each in served.collections}) > 1
    for state, title in _TITLES.items():
        if specs := served.of(state):
            rows = [_row(each, show, limit, several=several) for each in specs[:limit]]
            yield _Group(title, _COLUMNS, rows, len(specs))
    yield _Group(
        "As of", _COLUMNS_OF_COLLECTIONS, _newest(served, show)[:limit], len(served.collections)
    )


def _newest(served: Served, show: Show) -> list[tuple[str, ...]]:
    return [
        (show(each.collection), show(each.source), moment(each.point.committed_at))
        for each in served.collections
    ]


def _row(each: ServedSpec, show: Show, limit: int | None, *, several: bool) -> tuple[str, ...]:
    spec = each.spec
    named = f"{spec.name}@{spec.version}" if spec.name and spec.version else spec.name
    where = _where(each, show, limit, several=several)
    mark = "root" if spec.root else ""
    return show(named) if named else "", mark, show(spec.hash), where


def _where(each: ServedSpec, show: Show, limit: int | None, *, several: bool) -> str:
    """The collections that serve a spec, or those that did and when it went."""

    def place(source: str, collection: str) -> str:
        return show(f"{source}:{collection}" if several else collection)

    brief = limit is not None
    if each.state is ServedState.EXTERNAL:
        return ""
    if each.serving:
        return _listed([place(life.source, life.collection) for life in each.serving], brief)
    said = [f"{place(life.source, life.collection)}: {_went(life)}" for life in each.past]
    if each.elsewhere:
        others = _listed([place(*other) for other in each.elsewhere], brief)
        said.append(f"served by {others}, not asked for")
    return "; ".join(said)


def _listed(values: Sequence[str], brief: bool) -> str:
    return listed(values, str, brief=brief)


def _went(life: HashLife) -> str:
    last = f"last seen {_day(life.last)}"
    if life.gone is None:
        return f"{last}, its manifest cannot be read since"
    return f"{last}, gone {_day(life.gone)}"


def _day(point: Point) -> str:
    return point.committed_at[:_DAY]
