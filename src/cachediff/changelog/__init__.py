"""Decides what is said of a comparison: grouped, folded, counted, ordered. Knows no format."""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase

from cachediff.changelog.coverage import coverages
from cachediff.changelog.news import news
from cachediff.changelog.rows import changed_rows, row_order, unknown_row
from cachediff.changelog.waves import fold_waves
from cachediff.model.change import ChangeKind
from cachediff.model.changelog import (
    Changelog,
    Group,
    PackageEntry,
    PairRow,
    PresenceRow,
    Row,
    Topic,
    WaveRow,
)
from cachediff.model.comparison import Comparison, PackageComparison, PackageStatus

__all__ = ["arrange"]

_MISSING_IN_NEW = frozenset(
    {Topic.PACKAGES_REMOVED, Topic.VERSIONS_REMOVED, Topic.BUILDS_REMOVED, Topic.LEFT_STACK}
)
_MISSING_IN_OLD = frozenset({Topic.PACKAGES_ADDED, Topic.BUILDS_ADDED, Topic.JOINED_STACK})
_TOPICS = tuple(Topic)


def arrange(comparison: Comparison) -> Changelog:
    """Arrange a comparison for people. Pure: equal comparisons give equal changelogs.

    The changelog tells every change once in its groups, folded with those of which the same is to be
    said, and once more package by package:

    - Packages that could not be compared come first, each with the reason.
    - What is gone and what is new has a row for each whole package, for each version of which the
      last specs went or the first came, and for the builds of a version that stays. Builds that went
      because several became one, and those that came because one became several, have rows of their
      own.
    - `upgraded` and `downgraded` have a row for each old and new version, `changed` for each set of
      differences, `rebuilt` for each version or, of many packages, for each wave, `restacked` for each
      version and move.
    - `left-stack` and `joined-stack` name packages on both sides; what came or went as a whole says
      its stacks itself.

    Where the new side is suspect, what is missing from it (removed, `left-stack`) is counted but has
    no rows, unless the selection asks for the kind `removed`; likewise what is missing from a suspect
    old side (added, `joined-stack`).
    """
    withheld = _withheld(comparison)
    rows: dict[Topic, list[Row]] = defaultdict(list)
    entries = []
    for package in comparison.packages:
        of_package = _rows(package, comparison)
        for topic, row in of_package:
            rows[topic].append(row)
        if told := [each for each in of_package if each[0] not in withheld]:
            entries.append(PackageEntry(package, tuple(told)))
    headlines = tuple(news(rows))
    if rows[Topic.REBUILT]:
        rows[Topic.REBUILT] = fold_waves(rows[Topic.REBUILT])
    return Changelog(
        comparison=comparison,
        news=headlines,
        coverage=tuple(coverages(comparison)),
        groups=tuple(
            _group(topic, rows[topic], topic in withheld) for topic in Topic if rows[topic]
        ),
        packages=tuple(entries),
    )


def _rows(package: PackageComparison, comparison: Comparison) -> list[tuple[Topic, Row]]:
    if package.status is PackageStatus.UNKNOWN:
        return [(Topic.UNKNOWN, unknown_row(package.package, comparison.old, comparison.new))]
    return sorted(
        changed_rows(package), key=lambda told: (_TOPICS.index(told[0]), row_order(told[1]))
    )


def _withheld(comparison: Comparison) -> frozenset[Topic]:
    """Topics that a suspect side makes unbelievable."""
    missing_in_old = comparison.old.suspect and not _asked_for(comparison, ChangeKind.ADDED)
    missing_in_new = comparison.new.suspect and not _asked_for(comparison, ChangeKind.REMOVED)
    return (_MISSING_IN_OLD if missing_in_old else frozenset()) | (
        _MISSING_IN_NEW if missing_in_new else frozenset()
    )


def _asked_for(comparison: Comparison, kind: ChangeKind) -> bool:
    return any(fnmatchcase(kind, pattern) for pattern in comparison.selection.kinds)


def _group(topic: Topic, rows: list[Row], withheld: bool) -> Group:
    return Group(
        topic=topic,
        packages=len({name for row in rows for name in _packages(row)}),
        specs=sum(row.count for row in rows if isinstance(row, PresenceRow | PairRow | WaveRow)),
        rows=() if withheld else tuple(sorted(rows, key=row_order)),
        withheld=withheld,
    )


def _packages(row: Row) -> tuple[str, ...]:
    return row.packages if isinstance(row, WaveRow) else (row.package,)
