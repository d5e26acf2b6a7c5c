"""The sentences about a comparison as a whole, the same in every report for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container

from cachediff.model.changelog import Changelog, News, Topic
from cachediff.model.comparison import Comparison, Side
from cachediff.reports.findings import sentence
from cachediff.reports.phrases import Show, counted, joined

_MOST_MOVES = 3
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
    Topic.BUILDS_MERGED: "with builds merged",
    Topic.BUILDS_SPLIT: "with builds split",
    Topic.CHANGED: "changed",
    Topic.REBUILT: "rebuilt",
    Topic.RESTACKED: "restacked",
    Topic.JOINED_STACK: "joined",
}
"""What is said of the packages of a topic; of stacks, their name follows."""

_SUSPECT_LOSSES = {
    Topic.LEFT_STACK: "missing from",
    Topic.PACKAGES_REMOVED: "missing",
    Topic.VERSIONS_REMOVED: "lack versions",
    Topic.BUILDS_REMOVED: "lack builds",
}
_GAINS = {Topic.JOINED_STACK, Topic.PACKAGES_ADDED, Topic.BUILDS_ADDED}
_MOVES = {Topic.LEFT_STACK, Topic.JOINED_STACK}


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


def red(comparison: Comparison, show: Show) -> list[str]:
    """Say what makes the night red."""
    return [sentence(each, show) for each in comparison.findings if each.accepted is None]


def accepted(comparison: Comparison, show: Show) -> list[str]:
    """Say what the gates found that was accepted, until when and why."""
    return [sentence(each, show) for each in comparison.findings if each.accepted is not None]


def red_lines(comparison: Comparison, show: Show) -> list[str]:
    """What makes the night red, for a reader who looks for the word: `RED: gate left-e4s: ...`."""
    return [f"RED: {each}" for each in red(comparison, show)]


def notices(comparison: Comparison, show: Show) -> list[str]:
    """Say how the sides came to be read, where there is something to know of it."""
    return [f"Note: {show(notice)}" for notice in comparison.notices]


def warnings(comparison: Comparison, show: Show) -> list[str]:
    """What makes the rest less than certain: how the sides came to be read, what could not be."""
    said = suspicions(comparison, show) + notices(comparison, show)
    for name, side in (("OLD", comparison.old), ("NEW", comparison.new)):
        if side.unreadable:
            unreadable = f"{side.unreadable:,} of {counted(side.manifests, 'manifest')} of {name}"
            said.append(f"{unreadable} could not be read: what became of those packages is unknown")
        elif side.problems:
            said.append(f"{counted(len(side.problems), 'problem')} in {name}")
    return said


def headline(changelog: Changelog, show: Show) -> str:
    """Say in one sentence what happened, most important first."""
    if changelog.comparison.untold:
        return _untold(changelog.comparison, show)
    said = news(changelog, show)
    selected = "selected " * bool(changelog.comparison.selection)
    old, new = changelog.comparison.old.origin, changelog.comparison.new.origin
    if not said:
        same = old.commit is not None and old == new
        return f"No {selected}changes" + ": both sides are the same commit" * same
    if all(item.topic is Topic.UNKNOWN for item in changelog.news):
        said.append(f"no other {selected}changes")
    return ", ".join(said) + " (of what was selected)" * bool(selected)


def news(
    changelog: Changelog, show: Show, leaving_out: Container[Topic] = frozenset()
) -> list[str]:
    """The clauses of the headline: `2 packages left e4s`, `adios2 removed`, `41 upgraded`.

    One package, or two, are named. The noun stands with the first number only.
    """
    said: list[str] = []
    noun = True
    moves: Counter[Topic] = Counter()
    named: set[str] = set()
    for item in changelog.news:
        moves[item.topic] += bool(item.stacks)
        if item.topic in leaving_out or moves[item.topic] > _MOST_MOVES:
            continue
        named.update(item.stacks)
        if len(item.packages) <= _MOST_NAMED:
            packages = " and ".join(map(show, item.packages))
        else:
            packages = f"{len(item.packages):,}{' packages' * noun}"
            noun = False
        said.append(f"{packages} {_fate(item, changelog.comparison, show)}")
    if more := {stack for item in changelog.news for stack in item.stacks} - named:
        said.append(f"{counted(len(more), 'more stack')} lost or gained packages")
    return said


def figures(changelog: Changelog) -> list[tuple[Topic, int, str]]:
    """The key figures: a topic, how many packages it has, and what became of these."""
    told = []
    for group in changelog.groups:
        fate, doubt = _doubted(group.topic, changelog.comparison)
        stack = " a stack" * (group.topic in _MOVES)
        told.append((group.topic, group.packages, f"{fate}{stack}{doubt}"))
    return told


def spec_counts(comparison: Comparison) -> str:
    """Say how many specs met each fate, and how many did not change; '' where there is nothing to count."""
    if comparison.untold:
        return ""
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
        (counts.unknown[0], "of OLD not compared"),
        (counts.unknown[1], "of NEW not compared"),
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
    return f"Selected: {'; '.join(globs)} ({left_out} left out; totals are those of the whole)"


def untold_stacks(comparison: Comparison) -> str:
    """Say that stacks have no totals, where that is so; '' elsewhere."""
    sides = zip(("OLD", "NEW"), comparison.stacks_untold, strict=True)
    untold = [f"{counted(number, 'spec')} of {name}" for name, number in sides if number]
    return f"No totals of stacks: not told of {' and '.join(untold)}" if untold else ""


def coverage(side: Side) -> str:
    """Say how much of a side was read: `1,299 of 1,300 manifests read, 60,200 specs`."""
    read = f"{side.manifests - side.unreadable:,} of {counted(side.manifests, 'manifest')} read"
    return f"{read}, {counted(side.specs, 'spec')}"


def moment(committed_at: str) -> str:
    """Write a time as people read it: `2025-04-20 03:12:09 UTC` from `2025-04-20T03:12:09Z`."""
    return committed_at.replace("T", " ").replace("Z", " UTC")


def _untold(comparison: Comparison, show: Show) -> str:
    """Say that nothing is known, and what was the last that was."""
    last = comparison.new.origin
    seen = f"{show((last.commit or '')[:12])} of {moment(last.committed_at or '')}"
    if comparison.unreached:
        return f"Upstream not reached, last commit seen {seen}: what changed since is unknown"
    return (
        f"What is compared is not there upstream, last commit seen {seen}: what changed is unknown"
    )


def _fate(item: News, comparison: Comparison, show: Show) -> str:
    """What became of the packages of some news: `removed`, `left e4s`, `missing (suspect)`."""
    fate, doubt = _doubted(item.topic, comparison)
    return f"{fate} {joined(item.stacks, show)}{doubt}" if item.stacks else fate + doubt


def _doubted(topic: Topic, comparison: Comparison) -> tuple[str, str]:
    """What became of the packages of a topic, and ` (suspect)` where a side makes it seem so."""
    if comparison.new.suspect and topic in _SUSPECT_LOSSES:
        return _SUSPECT_LOSSES[topic], " (suspect)"
    if comparison.old.suspect and topic in _GAINS:
        return FATES[topic], " (suspect)"
    return FATES[topic], ""
