"""The words about groups and their rows, the same in every report for people.

`arrow` stands between the old and the new value. What is `brief` shortens long lists, and says so.
"""

from __future__ import annotations

from cachediff.model.changelog import (
    Difference,
    Extent,
    Group,
    PackageTally,
    PairRow,
    PresenceRow,
    Row,
    Topic,
    Traits,
    UnknownRow,
)
from cachediff.model.comparison import StackTotals
from cachediff.reports.phrases import Show, counted, listed

TITLES = {
    Topic.UNKNOWN: "Unknown",
    Topic.REMOVED: "Removed",
    Topic.LEFT_STACK: "Left a stack",
    Topic.DOWNGRADED: "Downgraded",
    Topic.UPGRADED: "Upgraded",
    Topic.ADDED: "Added",
    Topic.CHANGED: "Changed",
    Topic.REBUILT: "Rebuilt",
    Topic.RESTACKED: "Restacked",
    Topic.JOINED_STACK: "Joined a stack",
}

_EXTENTS = {
    (Topic.REMOVED, Extent.PACKAGE): "package gone",
    (Topic.REMOVED, Extent.VERSION): "version gone",
    (Topic.REMOVED, Extent.BUILDS): "some builds gone",
    (Topic.REMOVED, Extent.MERGED): "builds merged",
    (Topic.ADDED, Extent.PACKAGE): "new package",
    (Topic.ADDED, Extent.VERSION): "new version",
    (Topic.ADDED, Extent.BUILDS): "more builds",
    (Topic.ADDED, Extent.SPLIT): "builds split",
}


def size(group: Group, tally: PackageTally) -> str:
    """Say how much a group stands for."""
    packages, specs = counted(group.packages, "package"), counted(group.specs, "spec")
    match group.topic:
        case Topic.UNKNOWN:
            return packages
        case Topic.LEFT_STACK | Topic.JOINED_STACK:
            place = "still" if group.topic is Topic.LEFT_STACK else "already"
            return f"{packages}, {place} in the collection"
        case Topic.REMOVED:
            return f"{_whole_and_part(tally.removed, tally.lost_builds)}, {specs}"
        case Topic.ADDED:
            return f"{_whole_and_part(tally.added, tally.gained_builds)}, {specs}"
        case _:
            return f"{packages}, {specs}"


def withheld(group: Group) -> tuple[str, str]:
    """Say why a group has no rows, and the option that lists them."""
    if group.topic in (Topic.REMOVED, Topic.LEFT_STACK):
        return "not listed, because NEW is suspect", "--kind removed"
    return "not listed, because OLD is suspect", "--kind added"


def label(row: Row, topic: Topic) -> str:
    """Say to what extent specs went or came; '' for other rows."""
    return _EXTENTS[topic, row.extent] if isinstance(row, PresenceRow) else ""


def details(row: Row, show: Show, arrow: str, *, brief: bool) -> list[str]:
    """Say what there is to say of a row beside package, version, number and stacks."""
    match row:
        case UnknownRow():
            return _failures(row, show, brief=brief)
        case PresenceRow():
            return _presence(row, show, brief=brief)
        case PairRow():
            return _pair(row, show, arrow)
        case _:
            return []


def stack_packages(totals: StackTotals, show: Show, *, brief: bool) -> list[str]:
    """Name the packages that a stack lost and gained."""
    return [
        f"{verb} {listed(packages, show, brief=brief)}"
        for verb, packages in (("lost", totals.packages_lost), ("gained", totals.packages_gained))
        if packages
    ]


def _whole_and_part(whole: int, part: int) -> str:
    """`3 packages and builds of 2 others`."""
    if not whole:
        return f"builds of {counted(part, 'package')}"
    return counted(whole, "package") + (f" and builds of {counted(part, 'other')}" if part else "")


def _failures(row: UnknownRow, show: Show, *, brief: bool) -> list[str]:
    told = [
        (side, listed(reasons, show, brief=brief, separator="; "))
        for side, reasons in (("OLD", row.old), ("NEW", row.new))
        if reasons
    ]
    if len(told) == 1:
        return [f"could not be read in {side}: {reasons}" for side, reasons in told]
    # With problems on both sides, those of one may be harmless; which is not known.
    return ["could not be compared", *(f"{side}: {reasons}" for side, reasons in told)]


def _presence(row: PresenceRow, show: Show, *, brief: bool) -> list[str]:
    notes = {
        Extent.MERGED: ["became one with another build"],
        Extent.SPLIT: ["out of a build that became several"],
    }
    return notes.get(row.extent, []) + _traits(row.traits, show, brief=brief)


def _traits(traits: Traits, show: Show, *, brief: bool) -> list[str]:
    values = (traits.compilers, traits.oss, traits.targets)
    told = " / ".join(listed(each, show, brief=brief) for each in values if each)
    return [told] if told else []


def _pair(row: PairRow, show: Show, arrow: str) -> list[str]:
    said = [_difference(each, row.count, show, arrow) for each in row.differences]
    if row.merged[0]:
        said.append(f"{counted(row.merged[0], 'build')} became {row.merged[1]:,}")
    if row.split[0]:
        said.append(f"{counted(row.split[0], 'build')} became {row.split[1]:,}")
    if row.old_stays:
        said.append(f"{show(row.old.text)} stays in other builds")
    return said


def _difference(difference: Difference, pairs: int, show: Show, arrow: str) -> str:
    """`compiler gcc@11.4.0 -> gcc@12.3.0 (3 of 12)`."""
    old = " ".join(map(show, difference.old))
    new = " ".join(map(show, difference.new))
    if difference.field == "stacks":
        old, new = (", ".join(map(show, each)) for each in (difference.old, difference.new))
        phrases = [f"now in {new}"] * bool(new) + [f"no longer in {old}"] * bool(old)
        said = ", ".join(phrases) or "stacks differ"
    elif old and new:
        said = f"{difference.field} {old} {arrow} {new}"
    elif old or new:
        said = f"{'loses' if old else 'gains'} {difference.field} {old or new}"
    else:
        said = f"{difference.field} differ{'' if difference.field == 'variants' else 's'}"
    return said if difference.count == pairs else f"{said} ({difference.count:,} of {pairs:,})"
