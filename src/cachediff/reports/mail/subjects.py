"""Subjects: the news in a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cachediff.model.changelog import Changelog
from cachediff.model.gates import is_red
from cachediff.reports import overview
from cachediff.reports.visible import visible

LONGEST_SUBJECT = 100
_LONGEST_NAME = 40


def subject(changelog: Changelog, night: date | None = None) -> str:
    """The news in a line: `[cachediff] develop: 2 packages left e4s, 41 upgraded`.

    What is not to be believed comes first, then that the night is red, and which night it is stands
    behind the collection. It ends in `...` where there is more than there is room for.
    """
    comparison = changelog.comparison
    selected = " (selected)" * bool(comparison.selection)
    of_night = f" {night}" if night else ""
    head = f"[cachediff] {_short(comparison.new.origin.collection)}{of_night}{selected}: "
    return subject_line(head, clauses(changelog))


def clauses(changelog: Changelog) -> list[str]:
    """What a subject says of a changelog, most important first."""
    comparison = changelog.comparison
    red = "RED: " * is_red(comparison.findings)
    told = [
        f"SUSPECT: {red}{whose}{_short(side.suspect)}"
        for whose, side in (("", comparison.new), ("OLD: ", comparison.old))
        if side.suspect
    ]
    news = overview.news(changelog, _short)
    if comparison.untold:
        news = ["upstream not reached" if comparison.unreached else "not there upstream any more"]
        news.append("nothing is known of this night")
    elif not news:
        said = comparison.notices[:1]
        news = [*map(_short, said), overview.headline(changelog, _short).lower()]
    if not told:
        news[0] = red + news[0]
    return told + news


def subject_line(head: str, told: Sequence[str]) -> str:
    """`head` and as much of what is told as there is room for; `...` where there is more."""
    kept = list(told)
    line = head + ", ".join(kept)
    while len(line) > LONGEST_SUBJECT and len(kept) > 1:
        kept.pop()
        line = head + ", ".join([*kept, "..."])
    # `=?` would begin an encoded word, which is not what anyone wrote.
    return visible(line, LONGEST_SUBJECT).replace("=?", "= ?")


def _short(value: str) -> str:
    """A value in a subject."""
    return visible(visible(value), _LONGEST_NAME)
