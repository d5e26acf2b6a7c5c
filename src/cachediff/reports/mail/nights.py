"""The nights of a digest, and what is said of each in a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from cachediff.model.changelog import Changelog, Topic
from cachediff.model.gates import is_red
from cachediff.reports import overview
from cachediff.reports.phrases import Show, counted

_MOST_SENTENCES = 5
_TOPICS = list(Topic)


class DigestNight(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A night of a job in a digest.

    `report` is the path of its report in the folder of all reports, None where there is none.
    `changelog` is what there is to tell of it. Where there is none, `note` says why, and `unreadable`
    that it should be there.
    """

    job: str
    date: date
    report: str | None = None
    changelog: Changelog | None = None
    note: str = ""
    unreadable: bool = False

    @property
    def name(self) -> str:
        """What it is called: `nightly 2025-04-21`."""
        return f"{self.job} {self.date}"

    @property
    def red(self) -> bool:
        """Whether a gate found what was not accepted."""
        return self.changelog is not None and is_red(self.changelog.comparison.findings)


def importance(night: DigestNight) -> tuple[bool, bool, int]:
    """The least comes first: what is red, then what is not to be believed or read, then by the news."""
    if night.changelog is None:
        return True, not night.unreadable, len(_TOPICS)
    comparison = night.changelog.comparison
    suspect = bool(comparison.old.suspect or comparison.new.suspect)
    news = [_TOPICS.index(item.topic) for item in night.changelog.news]
    return not night.red, not suspect, min(news, default=len(_TOPICS))


def summary(nights: Sequence[DigestNight]) -> str:
    """How many nights there are, and how many of them are red or unreadable."""
    red, unreadable = sum(each.red for each in nights), sum(each.unreadable for each in nights)
    said = [
        counted(len(nights), "night"),
        *([f"{red:,} red"] * bool(red)),
        *([f"{unreadable:,} unreadable"] * bool(unreadable)),
    ]
    return ", ".join(said)


def sentences(changelog: Changelog, show: Show) -> list[str]:
    """What makes a night suspect or red; of much, the first, and how much more there is."""
    comparison = changelog.comparison
    told = overview.suspicions(comparison, show) + overview.red_lines(comparison, show)
    more = len(told) - _MOST_SENTENCES
    return told[:_MOST_SENTENCES] + [f"and {more:,} more"] * (more > 0)


def left_out(nights: Sequence[DigestNight], told: int) -> str:
    """Say how many of the nights that have something to tell are told in a line only."""
    number = sum(each.changelog is not None for each in nights) - told
    return f"{counted(number, 'night')} more, told above in a line each" if number else ""


def filed(night: DigestNight) -> str:
    """Say where all of it can be read."""
    return f"Filed, with every row: {night.report}"
