"""The words about steps, the same in every report for people."""

from __future__ import annotations

from collections.abc import Iterator

from cachediff.model.comparison import PackageStatus
from cachediff.model.snapshot import Origin
from cachediff.model.steps import Step
from cachediff.reports.overview import moment
from cachediff.reports.phrases import Show, counted, listed
from cachediff.reports.steps import ToldSteps


def title(span: ToldSteps, show: Show, arrow: str) -> str:
    """Name the collection and the ends: by their days or, on one day, by their commits."""
    ends = [(each.committed_at or "")[:10] for each in (span.old, span.new)]
    if ends[0] == ends[1]:
        ends = [(each.commit or "")[:12] for each in (span.old, span.new)]
    return f"{show(span.new.collection)}: {show(ends[0])} {arrow} {show(ends[1])}, step by step"


def end(origin: Origin, show: Show) -> str:
    """Say which snapshot an end is: `4f2c1d9ab07e of 2025-04-20 03:12:09 UTC`."""
    return f"{show((origin.commit or '')[:12])} of {_time(origin, show)}"


def heading(step: Step, show: Show) -> str:
    """Say when a step was, and which commit it is: `2025-04-20 03:12:09 UTC  4f2c1d9ab07e`."""
    new = step.comparison.new.origin
    return f"{_time(new, show)}  {show((new.commit or '')[:12])}"


def bridges(step: Step, show: Show, *, brief: bool) -> str:
    """Say which packages can be read again, and what they were compared with; '' where there are none."""
    if not step.bridged:
        return ""
    days = sorted({each.last_read.committed_at for each in step.bridged})
    names = listed([each.package for each in step.bridged], show, brief=brief)
    since = show(moment(days[0])) + " at the earliest" * (len(days) > 1)
    them = "it was" if len(step.bridged) == 1 else "they were"
    return f"Read again: {names}, compared with what {them} when last read ({since})"


def unchanged(step: Step) -> str:
    """Say why there is a step that has no changes; '' where it has some."""
    if step.comparison.differs or step.comparison.selection:
        return ""
    return "Upstream committed a change that changes no spec"


def unread(step: Step, show: Show, *, brief: bool) -> str:
    """Say which packages are unknown in this step; '' where there are none."""
    names = [
        each.package for each in step.comparison.packages if each.status is PackageStatus.UNKNOWN
    ]
    if not names:
        return ""
    them, they_are = ("it", "it is") if len(names) == 1 else ("them", "they are")
    told = listed(names, show, brief=brief)
    return f"Not compared: {told}; what became of {them} shows when {they_are} read again"


def _time(origin: Origin, show: Show) -> str:
    return show(moment(origin.committed_at or ""))


class Count:
    """Counts the steps as they are told, and those of which nothing was selected, which are not."""

    def __init__(self, span: ToldSteps) -> None:
        self._span = span
        self._steps = 0
        self._skipped = 0

    def told(self) -> Iterator[Step]:
        """The steps to tell."""
        for step in self._span.steps:
            self._steps += 1
            if self._span.selected and not step.comparison.differs:
                self._skipped += 1
            else:
                yield step

    def sentence(self) -> str:
        """Say how many there were, once they were told."""
        if not self._steps:
            return "No steps: the collection is the same on both sides"
        skipped = f", {self._skipped:,} of them without anything selected" * bool(self._skipped)
        return f"{counted(self._steps, 'step')}{skipped}"
