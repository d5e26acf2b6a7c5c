"""Decides what is said of a comparison: grouped, folded, counted, ordered. Knows no format."""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase

from cachediff.changelog.rows import changed_rows, row_order, unknown_row
from cachediff.changelog.tallies import package_tally, stack_tallies
from cachediff.model.change import ChangeKind
from cachediff.model.changelog import Changelog, Group, PairRow, PresenceRow, Row, Topic
from cachediff.model.comparison import Comparison, PackageStatus

__all__ = ["arrange"]

_MISSING_IN_NEW = frozenset({Topic.REMOVED, Topic.LEFT_STACK})
_MISSING_IN_OLD = frozenset({Topic.ADDED, Topic.JOINED_STACK})


def arrange(comparison: Comparison) -> Changelog:
    """Arrange a comparison for people. Pure: equal comparisons give equal changelogs.

    The changelog tells every change once, folded with those of which the same is to be said:

    - Packages that could not be compared come first, each with the reason.
    - `removed` and `added` have a row for each whole package, then one for each version of which
      the last specs went or the first came, then one for some builds of a version that stays. Builds
      that went because several became one, and those that came because one became several, have rows
      of their own.
    - `upgraded` and `downgraded` have a row for each old and new version, `changed` for each set of
      differences, `rebuilt` for each version, `restacked` for each version and move.
    - `left-stack` and `joined-stack` name packages on both sides; what came or went as a whole says
      its stacks itself.

    Where the new side is suspect, what is missing from it (`removed`, `left-stack`) is counted but
    has no rows, unless the selection asks for the kind `removed`; likewise what is missing from a
    suspect old side (`added`, `joined-stack`).
    """
    rows: dict[Topic, list[Row]] = defaultdict(list)
    for package in comparison.packages:
        if package.status is PackageStatus.UNKNOWN:
            rows[Topic.UNKNOWN].append(unknown_row(package.package, comparison.old, comparison.new))
        else:
            for topic, row in changed_rows(package):
                rows[topic].append(row)
    withheld = _withheld(comparison)
    return Changelog(
        comparison=comparison,
        tally=package_tally(comparison.packages),
        stacks=stack_tallies(comparison.stacks),
        groups=tuple(
            _group(topic, rows[topic], topic in withheld) for topic in Topic if rows[topic]
        ),
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
        packages=len({row.package for row in rows}),
        specs=sum(row.count for row in rows if isinstance(row, PresenceRow | PairRow)),
        rows=() if withheld else tuple(sorted(rows, key=row_order)),
        withheld=withheld,
    )
