"""Telling a night: its report is filed, and what is delivered of it goes into the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import msgspec

from cachediff.errors import ReportError
from cachediff.jobs.publish import publish_report
from cachediff.model.comparison import Comparison, PackageCounts, Side, SpecCounts
from cachediff.model.jobs import Job
from cachediff.model.snapshot import Origin
from cachediff.queries import Catalogue
from cachediff.queries.due import DueNight
from cachediff.queries.filed import FILES, read_filed
from cachediff.reports.reading import read_json

Deliver: TypeAlias = Callable[[Job, date, Comparison], object]
"""Puts what a job delivers of a night, whose report is filed, into the outbox.

It may be called again for the same night, with the same comparison, and then changes nothing.
"""


class Telling:
    """The telling of nights; `now` is aware."""

    def __init__(self, names: Catalogue, deliver: Deliver, now: datetime) -> None:
        self._names = names
        self._deliver = deliver
        self._now = now

    def tell(self, job: Job, night: DueNight, comparison: Comparison) -> Path:
        """File the report of a night and deliver it; the folder of the report comes back.

        Where nothing is known of the night, or nothing was before, the report is filed by the night;
        else by its commit.

        Raises:
            CachediffError: it could not be filed or delivered.
        """
        names = self._names
        report = publish_report(
            names,
            job.name,
            comparison,
            templates=names.settings.templates,
            formats=job.formats,
            night=_moment(night) if comparison.untold or self.was_untold(job, night) else None,
            today=self._now.astimezone(UTC).date(),
        )
        # What was filed may be of a run that was killed then: what is delivered is what is filed.
        self._deliver(job, night.date, _as_filed(comparison, report))
        return report

    def tell_untold(
        self, job: Job, night: DueNight, last: Origin, why: str, *, gone: bool
    ) -> Path | None:
        """File and deliver that nothing is known of a night, which stays due; once of each night.

        `last` is what was told last, `why` the reason: that upstream was not reached or, if it is
        `gone`, that it has no such collection any more. None where `last` is not stored.

        Raises:
            CachediffError: it could not be filed or delivered.
        """
        stored = self._names.store.find_unchanged(last)
        if stored is None:
            return None
        side = Side(
            last, stored.manifests, stored.unreadable, stored.packages, stored.specs, problems=()
        )
        time = _moment(night)
        comparison = Comparison(
            old=side,
            new=side,
            package_counts=PackageCounts(),
            spec_counts=SpecCounts(),
            stacks={},
            coverage={},
            packages=(),
            notices=(f"{why}; the night of {night.date} is still due",),
            unreached=None if gone else time,
            gone=time if gone else None,
        )
        if report := self._untold.get((job.name, time)):
            self._deliver(job, night.date, _as_filed(comparison, report))
            return report
        return self.tell(job, night, comparison)

    def was_untold(self, job: Job, night: DueNight) -> bool:
        """Whether a report was filed before this run that says that nothing is known of this night."""
        return (job.name, _moment(night)) in self._untold

    @cached_property
    def _untold(self) -> dict[tuple[str, str], Path]:
        """The reports that tell of nothing, by job and night, that were there before this run."""
        folder = self._names.settings.reports
        return {
            (report.job, report.untold): folder / report.job / report.name
            for report in read_filed(folder).reports
            if report.untold
        }


def _moment(night: DueNight) -> str:
    return f"{night.moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _as_filed(comparison: Comparison, report: Path) -> Comparison:
    """The comparison with the notices of the report that is filed."""
    try:
        filed = read_json((report / FILES["json"]).read_bytes())
    except (OSError, ReportError):  # removed by someone
        return comparison
    return msgspec.structs.replace(comparison, notices=filed.notices)
