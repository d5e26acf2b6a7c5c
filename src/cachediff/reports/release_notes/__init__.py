"""Release notes: what whoever publishes a cache says between two dated collections, without hashes.

Packages and their versions, in the whole and in each stack. What became of single builds is left to
the other reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cachediff.model.changelog import (
    Changelog,
    PackageEntry,
    PresenceRow,
    Topic,
    UnknownRow,
)
from cachediff.model.comparison import Comparison
from cachediff.reports import details, overview
from cachediff.reports.markdown import code, compared
from cachediff.reports.phrases import counted, listed
from cachediff.reports.release_notes.stacks import stack_sections, table
from cachediff.reports.release_notes.versions import ARROW, told, versions_of
from cachediff.reports.sections import Section, fit
from cachediff.reports.templating import render

_NOT_TOLD = {
    Topic.BUILDS_REMOVED,
    Topic.BUILDS_ADDED,
    Topic.BUILDS_MERGED,
    Topic.BUILDS_SPLIT,
    Topic.CHANGED,
    Topic.REBUILT,
    Topic.RESTACKED,
}
"""Release notes tell of packages and versions, not of single builds."""


def render_release_notes(
    changelog: Changelog, *, max_size: int | None = None, templates: Path | None = None
) -> str:
    """Render a changelog as release notes in GitHub Flavored Markdown, the last line ended.

    `max_size` is the most bytes of UTF-8: rows are cut until it fits, versions within stacks first,
    and counted. `templates` is a folder of the user's own.

    Raises:
        ReportError: the template cannot be rendered, or not in so few bytes.
    """
    comparison = changelog.comparison
    sections = [section for section in _sections(changelog) if section.table or section.note]

    def lay_out(sections: Sequence[Section]) -> str:
        return render(
            "release-notes.md.j2",
            templates,
            title=_title(comparison),
            suspicions=overview.suspicions(comparison, code),
            notices=overview.notices(comparison, code),
            headline=_headline(changelog),
            selection=overview.selection(comparison, code),
            untold_stacks=overview.untold_stacks(comparison),
            totals=_totals(comparison),
            sections=sections,
        )

    return fit(lay_out, sections, max_size)


def _headline(changelog: Changelog) -> str:
    if not changelog.news:
        return overview.headline(changelog, code)
    said = overview.news(changelog, code, _NOT_TOLD)
    return ", ".join(said) or "No package came or went, and no version changed"


def _title(comparison: Comparison) -> str:
    """Name the two collections, each with its day; where those are alike, with the time of day."""
    origins = (comparison.old.origin, comparison.new.origin)
    times = [origin.committed_at or "" for origin in origins]
    alike = origins[0].collection == origins[1].collection and times[0][:10] == times[1][:10]
    dates = [overview.moment(time) if alike else time[:10] for time in times]
    if times[0] == times[1]:
        dates = ["", ""]  # which tells nothing of either
    sides = [
        f"{code(origin.collection)} ({code(date)})" if date else code(origin.collection)
        for origin, date in zip(origins, dates, strict=True)
    ]
    return f" {ARROW} ".join(sides)


def _totals(comparison: Comparison) -> list[tuple[str, str, str]]:
    """What each side comes to: a label, before, after; nothing where that is not known."""
    if comparison.untold:
        return []
    old, new = comparison.old, comparison.new
    rows = [
        ("Packages read", f"{old.packages:,}", f"{new.packages:,}"),
        ("Specs read", f"{old.specs:,}", f"{new.specs:,}"),
    ]
    if old.unreadable or new.unreadable:
        rows.append(
            ("Packages that could not be read", f"{old.unreadable:,}", f"{new.unreadable:,}")
        )
    return rows


def _sections(changelog: Changelog) -> Iterator[Section]:
    entries = changelog.packages
    withheld = {group.topic: group.packages for group in changelog.groups if group.withheld}
    yield _unknown(entries)
    for topic, title in (
        (Topic.PACKAGES_REMOVED, "Packages removed"),
        (Topic.PACKAGES_ADDED, "Packages added"),
    ):
        yield _whole_packages(entries, topic, title, withheld.get(topic, 0))
    yield _versions(entries)
    for topic in (Topic.VERSIONS_REMOVED, Topic.BUILDS_ADDED):
        if topic in withheld:
            title = f"{details.TITLES[topic]}: {counted(withheld[topic], 'package')} (suspect)"
            yield Section(title, 3, note=_suspicion(topic))
    yield from stack_sections(changelog.comparison, withheld.keys())
    yield compared(changelog.comparison)


def _unknown(entries: Iterable[PackageEntry]) -> Section:
    rows = [
        (code(row.package), "; ".join(details.details(row, code, ARROW, brief=False)))
        for entry in entries
        for _, row in entry.rows
        if isinstance(row, UnknownRow)
    ]
    title = f"Unknown: {counted(len(rows), 'package')} could not be compared"
    return Section(title, 1, table(("Package", "Why"), rows))


def _whole_packages(
    entries: Iterable[PackageEntry], topic: Topic, title: str, withheld: int
) -> Section:
    rows = [
        (
            code(row.package),
            listed([version.text for version in row.versions], code, brief=False),
            listed(row.stacks, code, brief=False),
        )
        for entry in entries
        for group, row in entry.rows
        if group is topic and isinstance(row, PresenceRow)
    ]
    if withheld:
        return Section(f"{title}: {withheld:,} (suspect)", 2, note=_suspicion(topic))
    return Section(f"{title}: {len(rows):,}", 2, table(("Package", "Versions", "Stacks"), rows))


def _versions(entries: Iterable[PackageEntry]) -> Section:
    versions = [each for entry in entries if (each := versions_of(entry))]
    rows = [
        (code(each.package), told(each), listed(each.stacks, code, brief=False))
        for each in versions
    ]
    downgraded = sum(any(new < old for old, new in each.moves) for each in versions)
    title = f"Versions changed: {counted(len(rows), 'package')}"
    if downgraded:
        title += f", {downgraded:,} downgraded"
    return Section(title, 3, table(("Package", "Versions", "Stacks"), rows))


def _suspicion(topic: Topic) -> str:
    side = "OLD" if topic in (Topic.PACKAGES_ADDED, Topic.BUILDS_ADDED) else "NEW"
    return f"Not listed, because {side} is suspect."
