"""The words about groups and their rows, the same in every report for people.

`arrow` stands between the old and the new value. What is `brief` shortens long lists, and says so.
"""

from __future__ import annotations

from collections import Counter

from cachediff.model.changelog import (
    Difference,
    Extent,
    Group,
    PairRow,
    PresenceRow,
    Row,
    Step,
    Topic,
    Traits,
    UnknownRow,
    WaveRow,
)
from cachediff.model.comparison import Comparison, CoverageTotals
from cachediff.reports.phrases import Show, counted, joined, listed

TITLES = {
    Topic.UNKNOWN: "Unknown",
    Topic.LEFT_STACK: "Left a stack",
    Topic.PACKAGES_REMOVED: "Packages removed",
    Topic.VERSIONS_REMOVED: "Versions removed",
    Topic.DOWNGRADED: "Downgraded",
    Topic.BUILDS_REMOVED: "Builds removed",
    Topic.UPGRADED: "Upgraded",
    Topic.PACKAGES_ADDED: "Packages added",
    Topic.BUILDS_ADDED: "Builds added",
    Topic.BUILDS_MERGED: "Builds merged",
    Topic.BUILDS_SPLIT: "Builds split",
    Topic.CHANGED: "Changed",
    Topic.REBUILT: "Rebuilt",
    Topic.RESTACKED: "Restacked",
    Topic.JOINED_STACK: "Joined a stack",
}

FIELDS = {
    "stack": "Stacks",
    "platform": "Platforms",
    "os": "Operating systems",
    "target": "Targets",
    "compiler": "Compilers",
}
"""What the values of a field of coverage are called."""

_EXTENTS = {
    (Topic.BUILDS_ADDED, Extent.VERSION): "new version",
    (Topic.BUILDS_ADDED, Extent.BUILDS): "more builds",
}


def size(group: Group) -> str:
    """Say how much a group stands for."""
    packages, specs = counted(group.packages, "package"), counted(group.specs, "spec")
    match group.topic:
        case Topic.UNKNOWN:
            return packages
        case Topic.LEFT_STACK | Topic.JOINED_STACK:
            place = "still" if group.topic is Topic.LEFT_STACK else "already"
            return f"{packages}, {place} in the collection"
        case Topic.UPGRADED | Topic.DOWNGRADED:
            return f"{packages}, {specs}{_steps(group)}"
        case _:
            return f"{packages}, {specs}"


def withheld(group: Group) -> str:
    """Say why a group has no rows, and what lists them."""
    match group.topic:
        case Topic.PACKAGES_ADDED | Topic.BUILDS_ADDED:
            return "Not listed, because OLD is suspect (--kind added lists them)."
        case Topic.JOINED_STACK:
            return "Not listed, because OLD is suspect (the JSON lists them)."
        case Topic.LEFT_STACK:
            return "Not listed, because NEW is suspect (the JSON lists them)."
        case _:
            return "Not listed, because NEW is suspect (--kind removed lists them)."


def label(row: Row, topic: Topic) -> str:
    """Say what sort of row it is among those of its group; '' where that goes without saying."""
    match row:
        case PresenceRow():
            return _EXTENTS.get((topic, row.extent), "")
        case PairRow():
            return row.step or ""
        case _:
            return ""


def packages(row: Row, show: Show) -> str:
    """Name what a row is about: a package, or `zlib-ng and 412 others`."""
    others = counted(len(row.packages) - 1, "other") if isinstance(row, WaveRow) else ""
    return f"{show(row.package)} and {others}" if others else show(row.package)


def wave(row: WaveRow, show: Show) -> str:
    """`zlib-ng and 412 others rebuilt (2,310 specs), all in e4s and radiuss`."""
    told = f"{packages(row, show)} rebuilt ({counted(row.count, 'spec')})"
    return f"{told}, all in {joined(row.stacks, show)}" if row.stacks else told


def details(row: Row, show: Show, arrow: str, *, brief: bool) -> list[str]:
    """Say what there is to say of a row beside package, version, number and stacks."""
    match row:
        case UnknownRow():
            return _failures(row, show, brief=brief)
        case PresenceRow():
            return _presence(row, show, brief=brief)
        case PairRow():
            return _pair(row, show, arrow)
        case WaveRow():
            others = [package for package in row.packages if package != row.package]
            return [] if brief else [f"with {listed(others, show, brief=False)}"]
        case _:
            return []


def lost_and_gained(
    totals: CoverageTotals, comparison: Comparison, show: Show, *, brief: bool
) -> tuple[str, str]:
    """Name the packages that a stack, or whatever it is, lost and gained; '' where there is none.

    What a suspect side lacks is counted, and not named.
    """
    lost, gained = totals.packages_lost, totals.packages_gained
    return (
        f"{len(lost):,} (suspect)"
        if comparison.new.suspect and lost
        else listed(lost, show, brief=brief),
        f"{len(gained):,} (suspect)"
        if comparison.old.suspect and gained
        else listed(gained, show, brief=brief),
    )


def _steps(group: Group) -> str:
    """` (2 major, 5 minor, 5 patch)`, counting each package where its greatest step is."""
    greatest: dict[str, Step] = {}
    for row in group.rows:  # great steps come first
        if isinstance(row, PairRow) and row.step:
            greatest.setdefault(row.package, row.step)
    counts = Counter(greatest.values())
    told = ", ".join(f"{counts[step]:,} {step}" for step in Step if counts[step])
    return f" (greatest steps: {told})" if told else ""


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
