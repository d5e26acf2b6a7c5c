"""Jobs: what is compared, when, what is said of it, and to whom; and how long snapshots are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from typing import Annotated

import msgspec

from cachediff.model.gates import Acceptance, Count, Gate, Globs
from cachediff.model.selection import Selection

UTC_ZONE = "UTC"

Address = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A[!#-'*+\-./0-9=?A-Z^-~]+@[A-Za-z0-9.\[\]:-]+\Z",
        description="a mail address, such as name@example.org",
    ),
]


class Schedule(msgspec.Struct, frozen=True):
    """When a job is due: five fields as in crontab(5), in an IANA time zone.

    Clocks that change neither drop nor double a job that is due at fixed hours: as in Debian's cron, a
    time that a clock leaps over is that of the leap, and of an hour that comes twice the first counts.
    """

    cron: str
    timezone: str = UTC_ZONE

    def times(self, after: datetime) -> Iterator[datetime]:
        """The times after `after` (aware) at which the job is due, in UTC, ascending."""
        from cronsim import CronSim

        start = after.astimezone(UTC)
        for time in CronSim(self.cron, start.astimezone(self._zone())):
            due = time.astimezone(UTC)
            # From the second of an hour that comes twice, the first time is the one in the first.
            if due > start:
                yield due

    def date_of(self, moment: datetime) -> date:
        """The calendar date of `moment` (aware) where the job is scheduled."""
        return self.local(moment).date()

    def local(self, moment: datetime) -> datetime:
        """The same moment (aware) on the clocks where the job is scheduled."""
        return moment.astimezone(self._zone())

    def _zone(self) -> tzinfo:
        from zoneinfo import ZoneInfo

        # UTC is there where no time zones are installed.
        return UTC if self.timezone == UTC_ZONE else ZoneInfo(self.timezone)


class Event(StrEnum):
    """What makes a job due, other than the time."""

    NEW_COLLECTION = "new-collection"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared again and again, and what is done with it.

    `old` and `new` are names of snapshots; `selection` narrows what is told, and no gate. `due` is None
    for a job that only runs when it is asked for. `formats` are those in which its reports are filed,
    `deliver` the names of deliveries.
    """

    name: str
    old: str
    new: str
    selection: Selection = Selection()
    due: Schedule | Event | None = None
    formats: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    accept: tuple[Acceptance, ...] = ()
    deliver: tuple[str, ...] = ()


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which stored snapshots of a collection stay, beside those that a report or a job refers to.

    The last one of each of the newest `daily` days, `weekly` weeks and `monthly` months that have
    one; and those that `keep` names: `[SOURCE:]COLLECTION[@WHEN]`, the collection may be a glob.
    """

    daily: Count = 0
    weekly: Count = 0
    monthly: Count = 0
    keep: Globs = ()


class DigestPeriod(StrEnum):
    """How much time one digest is of: a date, or a week from Monday to Sunday; both in UTC."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Recipient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets mail, of what concerns any of these packages, stacks and kinds of change; all are globs.

    `empty` asks for mail also where there is nothing to tell, `digest` for one mail about all nights
    of a date or a week in place of one about each.
    """

    address: Address
    packages: Globs = ()
    stacks: Globs = ()
    kinds: Globs = ()
    empty: bool = False
    digest: DigestPeriod | None = None
