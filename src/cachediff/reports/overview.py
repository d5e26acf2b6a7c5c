"""The sentences about a comparison as a whole, the same in every report for people."""

from __future__ import annotations

from collections import Counter

from cachediff.model.changelog import Changelog, News, Topic
from cachediff.model.comparison import Comparison, Side
from cachediff.reports.phrases import Show, counted

_MOST_STACKS = 3
_MOST_NAMED = 2

FATES = {
    Topic.UNKNOWN: "could not be compared",
    Topic.LEFT_STACK: "left",
    Topic.PACKAGES_REMOVED: "removed",
    Topic.VERSIONS_REMOVED: "lost versions",
    Topic.DOWNGRADED: "downgraded",
    Topic.BUILDS_REMOVED: "lost builds",
    Topic.UPGRADED: "upgraded",
    Topic.PACKAGES_ADDED: "added",
    Topic.BUILDS_ADDED: "gained builds",
    Topic.CHANGED: "changed",
    Topic.REBUILT: "rebuilt",
    Topic.RESTACKED: "restacked",
    Topic.JOINED_STACK: "joined",
}
"""What is said of the packages of a topic; of stacks, their name follows."""

_FIGURES = (
    Topic.UNKNOWN,
    Topic.PACKAGES_REMOVED,
    Topic.DOWNGRADED,
    Topic.UPGRADED,
    Topic.PACKAGES_ADDED,
    Topic.CHANGED,
    Topic.REBUILT,
)
_LOSSES = {Topic.LEFT_STACK, Topic.PACKAGES_REMOVED, Topic.VERSIONS_REMOVED, Topic.BUILDS_REMOVED}
_MOVES = {Topic.LEFT_STACK, Topic.JOINED_STACK}
_GAINS = {Topic.JOINED_STACK, Topic.PACKAGES_ADDED, Topic.BUILDS_ADDED}


def title(comparison: Comparison, show: Show, arrow: str) -> str:
    """Name what tells the two sides apart: collections, else sources, else days, else commits."""
    old, new = comparison.old.origin, comparison.new.origin
    if old.collection != new.collection:
        return f"{show(old.collection)} {arrow} {show(new.collection)}"
    if old.source != new.source:
        return f"{show(old.source)} {arrow} {show(new.source)}: {show(new.collection)}"
    days = (old.committed_at or "")[:10], (new.committed_at or "")[:10]
    commits = (old.commit or "")[:12], (new.commit or "")[:12]
    for before, after in (days, commits):
        if before and after and before != after:
            return f"{show(new.collection)}: {show(before)} {arrow} {show(after)}"
    return show(new.collection)


def suspicions(comparison: Comparison, show: Show) -> list[str]:
    """Say which side is not to be believed, and why."""
    return [
        f"{name} is suspect: {show(side.suspect)}"
        for name, side in (("OLD", comparison.old), ("NEW", comparison.new))
        if side.suspect
    ]


def notices(comparison: Comparison, show: Show) -> list[str]:
    """Say how the sides came to be read, where there is something to know of it."""
    return [f"Note: {show(notice)}" for notice in comparison.notices]


def headline(changelog: Changelog, show: Show) -> str:
    """Say in one sentence what happened, most important first."""
    said = news(changelog, show)
    selected = "selected " * bool(changelog.comparison.selection)
    if not said:
        return f"No {selected}changes"
    if all(item.topic is Topic.UNKNOWN for item in changelog.news):
        said.append(f"no other {selected}changes")
    return ", ".join(said)


def news(changelog: Changelog, show: Show) -> list[str]:
    """The clauses of the headline: `2 packages left e4s`, `adios2 removed`, `41 upgraded`.

    One package, or two, are named. The noun stands with the first number only.
    """
    said: list[str] = []
    noun = True
    moves: Counter[Topic] = Counter()
    for item in changelog.news:
        moves[item.topic] += item.stack is not None
        if moves[item.topic] > _MOST_STACKS:
            continue
        if len(item.packages) <= _MOST_NAMED:
            packages = " and ".join(map(show, item.packages))
        else:
            packages = f"{len(item.packages):,}{' packages' * noun}"
            noun = False
        said.append(f"{packages} {_fate(item, changelog.comparison, show)}")
    more = sum(max(0, number - _MOST_STACKS) for number in moves.values())
    return said + [f"{counted(more, 'more stack')} lost or gained packages"] * bool(more)


def figures(changelog: Changelog) -> list[tuple[Topic, int, str]]:
    """The key figures: a topic, how many packages it has, and what became of these."""
    packages = {group.topic: group.packages for group in changelog.groups}
    suspect = {
        Topic.PACKAGES_REMOVED: "missing (suspect)" * bool(changelog.comparison.new.suspect),
        Topic.PACKAGES_ADDED: "added (suspect)" * bool(changelog.comparison.old.suspect),
    }
    return [
        (topic, packages.get(topic, 0), suspect.get(topic) or FATES[topic]) for topic in _FIGURES
    ]


def spec_counts(comparison: Comparison) -> str:
    """Say how many specs met each fate, and how many did not change; '' where none were selected."""
    counts = comparison.spec_counts
    removed = "missing (suspect)" if comparison.new.suspect else "removed"
    added = "added (suspect)" if comparison.old.suspect else "added"
    fates = [
        (counts.added, added),
        (counts.removed, removed),
        (counts.upgraded, "upgraded"),
        (counts.downgraded, "downgraded"),
        (counts.changed, "changed"),
        (counts.rebuilt, "rebuilt"),
        (counts.restacked, "restacked"),
        (counts.unknown[0], "unknown in OLD"),
        (counts.unknown[1], "unknown in NEW"),
    ]
    if comparison.selection:
        # What is unchanged or unknown was not selected from, and would stand here for the whole.
        told = [f"{number:,} {fate}" for number, fate in fates[:-2] if number]
        return f"Specs selected: {', '.join(told)}" if told else ""
    told = [f"{number:,} {fate}" for number, fate in fates if number]
    return f"Specs: {', '.join([*told, f'{counts.unchanged:,} unchanged'])}"


def counting_rule(changelog: Changelog) -> str:
    """Say how packages are counted where the counts add up to more than the packages; else ''."""
    told = sum(group.packages for group in changelog.groups if group.topic not in _MOVES)
    differing = len(changelog.comparison.packages)
    if told == differing:
        return ""
    return (
        f"{counted(differing, 'package')} in all; "
        "one with several kinds of change counts under each"
    )


def selection(comparison: Comparison, show: Show) -> str:
    """Say what was selected and how much that leaves out; '' where nothing was."""
    chosen = comparison.selection
    if not chosen:
        return ""
    globs = [
        f"{name} {', '.join(map(show, patterns))}"
        for name, patterns in (
            ("spec", chosen.specs),
            ("stack", chosen.stacks),
            ("os", chosen.oss),
            ("target", chosen.targets),
            ("compiler", chosen.compilers),
            ("kind", chosen.kinds),
        )
        if patterns
    ]
    left_out = counted(comparison.left_out, "other change")
    return f"Selected: {'; '.join(globs)} ({left_out} left out)"


def untold_stacks(comparison: Comparison) -> str:
    """Say that stacks have no totals, where that is so; '' elsewhere."""
    sides = zip(("OLD", "NEW"), comparison.stacks_untold, strict=True)
    untold = [f"{counted(number, 'spec')} of {name}" for name, number in sides if number]
    return f"No totals of stacks: {' and '.join(untold)} do not tell theirs" if untold else ""


def coverage(side: Side) -> str:
    """Say how much of a side was read: `1,299 of 1,300 manifests read, 60,200 specs`."""
    read = f"{side.manifests - side.unreadable:,} of {counted(side.manifests, 'manifest')} read"
    return f"{read}, {counted(side.specs, 'spec')}"


def moment(committed_at: str) -> str:
    """Write a time as people read it: `2025-04-20 03:12:09 UTC` from `2025-04-20T03:12:09Z`."""
    return committed_at.replace("T", " ").replace("Z", " UTC")


def _fate(item: News, comparison: Comparison, show: Show) -> str:
    """What became of the packages of some news: `removed`, `left e4s`."""
    missing = comparison.new.suspect and item.topic in _LOSSES
    doubted = comparison.old.suspect and item.topic in _GAINS
    fate = FATES[item.topic]
    if missing:
        fate = f"missing from {show(item.stack)}" if item.stack is not None else "missing"
    elif item.stack is not None:
        fate = f"{fate} {show(item.stack)}"
    return f"{fate} (suspect)" if missing or doubted else fate
