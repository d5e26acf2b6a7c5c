"""The sentences about a comparison as a whole, the same in every report for people."""

from __future__ import annotations

from cachediff.model.changelog import Changelog, PackageTally, StackTally
from cachediff.model.comparison import Comparison, Side
from cachediff.reports.phrases import Show, counted

_MOST_STACKS = 3


def suspicions(comparison: Comparison, show: Show) -> list[str]:
    """Say which side is not to be believed, and why."""
    return [
        f"{name} is suspect: {show(side.suspect)}"
        for name, side in (("OLD", comparison.old), ("NEW", comparison.new))
        if side.suspect
    ]


def headline(changelog: Changelog, show: Show) -> str:
    """Say in one sentence what happened: packages by what became of them, then stacks."""
    tally, comparison = changelog.tally, changelog.comparison
    news = [_stack_news(stack, comparison, show) for stack in changelog.stacks]
    stacks = [sentence for sentence in news if sentence]
    if len(stacks) > _MOST_STACKS:
        more = counted(len(stacks) - _MOST_STACKS, "more stack")
        stacks[_MOST_STACKS:] = [f"{more} lost or gained packages"]
    return "; ".join(
        [
            *([f"{counted(tally.unknown, 'package')} could not be compared"] * bool(tally.unknown)),
            _packages(tally, comparison),
            *stacks,
        ]
    )


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


def counting_rule(tally: PackageTally) -> str:
    """Say how packages are counted where the counts add up to more than the packages; else ''."""
    counts = [getattr(tally, field) for field in tally.__struct_fields__ if field != "differing"]
    if sum(counts) == tally.differing:
        return ""
    return (
        f"{counted(tally.differing, 'package')} in all; "
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


def coverage(side: Side) -> str:
    """Say how much of a side was read: `1,299 of 1,300 manifests read, 60,200 specs`."""
    read = f"{side.manifests - side.unreadable:,} of {counted(side.manifests, 'manifest')} read"
    return f"{read}, {counted(side.specs, 'spec')}"


def moment(committed_at: str) -> str:
    """Write a time as people read it: `2025-04-20 03:12:09 UTC` from `2025-04-20T03:12:09Z`."""
    return committed_at.replace("T", " ").replace("Z", " UTC")


def _packages(tally: PackageTally, comparison: Comparison) -> str:
    """Say what became of packages; the noun stands with the first number only."""
    fates = (
        (tally.added, "added (suspect)" if comparison.old.suspect else "added"),
        (tally.removed, "missing (suspect)" if comparison.new.suspect else "removed"),
        (tally.upgraded, "upgraded"),
        (tally.downgraded, "downgraded"),
        (tally.changed, "changed"),
        (tally.gained_builds, "gained builds"),
        (tally.lost_builds, "lost builds"),
        (tally.rebuilt, "rebuilt"),
        (tally.restacked, "restacked"),
    )
    (first, fate), *others = [(number, fate) for number, fate in fates if number] or [(0, "")]
    if not first:
        what = "selected " * bool(comparison.selection)
        return f"no other {what}changes" if tally.unknown else f"No {what}changes"
    return ", ".join(
        [f"{counted(first, 'package')} {fate}", *(f"{number:,} {fate}" for number, fate in others)]
    )


def _stack_news(tally: StackTally, comparison: Comparison, show: Show) -> str:
    """Say what a stack lost and gained; '' where it kept its packages."""
    news = []
    if tally.lost:
        doubt = " (suspect)" if comparison.new.suspect else ""
        news.append(f"lost {counted(tally.lost, 'package')}{doubt}")
    if tally.gained:
        doubt = " (suspect)" if comparison.old.suspect else ""
        gained = f"{tally.gained:,}" if news else counted(tally.gained, "package")
        news.append(f"gained {gained}{doubt}")
    return f"{show(tally.stack)} {' and '.join(news)}" if news else ""
