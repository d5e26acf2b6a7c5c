"""The table of packages of a page: a row for each, found by its anchor and by what filters ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
from markupsafe import Markup

from cachediff.model.changelog import (
    Changelog,
    PackageEntry,
    PairRow,
    PresenceRow,
    Row,
    StackRow,
    Topic,
    UnknownRow,
    WaveRow,
)
from cachediff.model.version import Version
from cachediff.reports import details, overview
from cachediff.reports.page.rows import Line, code, html, line, version
from cachediff.reports.phrases import listed
from cachediff.reports.visible import visible

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
"""Names that are anchors as they are. An id of the page's own begins with an underscore."""

_TOPICS = tuple(Topic)

_FATES = overview.FATES | {
    Topic.LEFT_STACK: "left a stack",
    Topic.JOINED_STACK: "joined a stack",
}


class Choice(msgspec.Struct, frozen=True):
    """One that a filter offers: what it is called, and its value in the attributes of rows."""

    value: str
    text: str


class PackageLine(msgspec.Struct, frozen=True):
    """A package: its cells, the lines folded in it, and what it is filtered and sorted by.

    `kinds` and `stacks` are values of choices, between blanks. `first_topic` and `newest` are places
    in the order of telling, and in Spack's order of all versions told. `builds` is its place in the
    JSON of builds, None where it has none.
    """

    anchor: str
    name: str
    fates: str
    versions: Markup
    specs: int
    stacks: Markup
    lines: tuple[Line, ...]
    kinds: str
    stack_values: str
    first_topic: int
    newest: int
    builds: int | None


class PackageTable(msgspec.Struct, frozen=True):
    """All packages, and what they can be filtered by."""

    packages: tuple[PackageLine, ...]
    kinds: tuple[Choice, ...]
    stacks: tuple[Choice, ...]


def anchors(packages: Iterable[PackageEntry]) -> dict[str, str]:
    """Give each package an id: its name, where that is safe, else its number.

    Of the names that Spack allows all are safe. What is not begins with a tilde, and the page's own
    ids with an underscore, so that none is ever another's.
    """
    names = [entry.package.package for entry in packages]
    return {
        name: name if _PLAIN.fullmatch(name) else f"~{number}" for number, name in enumerate(names)
    }


def package_table(changelog: Changelog, ids: dict[str, str]) -> PackageTable:
    """Lay out every package that is told, under the ids of `anchors`."""
    entries = changelog.packages
    stacks = sorted({stack for entry in entries for stack in _stacks(entry)})
    numbers = {stack: str(number) for number, stack in enumerate(stacks)}
    topics = {topic for entry in entries for topic, _ in entry.rows}
    places = _places(entries)
    return PackageTable(
        packages=tuple(
            _package(entry, number, ids, numbers, places) for number, entry in enumerate(entries)
        ),
        kinds=tuple(Choice(topic, details.TITLES[topic]) for topic in Topic if topic in topics),
        stacks=tuple(Choice(numbers[stack], visible(stack)) for stack in stacks),
    )


def _package(
    entry: PackageEntry,
    number: int,
    ids: dict[str, str],
    stack_numbers: dict[str, str],
    places: dict[Version, int],
) -> PackageLine:
    name = entry.package.package
    topics = list(dict.fromkeys(topic for topic, _ in entry.rows))
    stacks = _stacks(entry)
    return PackageLine(
        anchor=ids[name],
        name=visible(name),
        fates=", ".join(_FATES[topic] for topic in topics),
        versions=html(_moves(entry)),
        specs=sum(row.count for _, row in entry.rows if isinstance(row, PairRow | PresenceRow)),
        stacks=html(listed(stacks, code, brief=True)),
        lines=tuple(line(topic, row, code) for topic, row in entry.rows),
        kinds=" ".join(topics),
        stack_values=" ".join(stack_numbers[stack] for stack in stacks),
        first_topic=_TOPICS.index(topics[0]),
        newest=max((places[each] for each in _versions(entry)), default=-1),
        builds=number if entry.package.changes else None,
    )


def _moves(entry: PackageEntry) -> str:
    """The moves from version to version where there are any, else the versions; briefly."""
    rows = [row for _, row in entry.rows]
    moves = [version(row) for row in rows if isinstance(row, PairRow) and row.old != row.new]
    if moves:
        return listed(list(dict.fromkeys(moves)), str, brief=True)
    return listed([each.text for each in sorted(set(_versions(entry)))], code, brief=True)


def _versions(entry: PackageEntry) -> list[Version]:
    return [each for _, row in entry.rows for each in _versions_of(row)]


def _versions_of(row: Row) -> tuple[Version, ...]:
    match row:
        case PairRow():
            return (row.old, row.new)
        case PresenceRow():
            return row.versions
        case _:
            return ()


def _places(entries: Sequence[PackageEntry]) -> dict[Version, int]:
    """The place of each version in Spack's order, over all packages, so that a column can be sorted."""
    versions = sorted({each for entry in entries for each in _versions(entry)})
    return {each: place for place, each in enumerate(versions)}


def _stacks(entry: PackageEntry) -> list[str]:
    """Every stack that any row names, sorted."""
    return sorted({stack for _, row in entry.rows for stack in _stacks_of(row)})


def _stacks_of(row: Row) -> tuple[str, ...]:
    match row:
        case UnknownRow():
            return ()
        case PairRow() | PresenceRow() | StackRow() | WaveRow():
            return row.stacks
