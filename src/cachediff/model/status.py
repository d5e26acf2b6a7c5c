"""The state of the service: how far each job is, what waits to be delivered, how full the disk is."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec


class NightStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A night that is done: its `date`, and at what time (UTC) it was done.

    `report` is the path of the report's folder in that of all reports, None where there was nothing
    to report.
    """

    date: date
    done_at: datetime
    collection: str
    red: bool
    report: str | None


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is.

    `due` says what makes it due: its `schedule`, a `new-collection` that matches `new`, or that it is
    `asked-for`. `last` is the night that was done last, `last_good` the last that was not red; `ahead`
    says that the last lies more than a day ahead of the clock. What follows is of scheduled jobs, and
    None of others: `lagging` counts the dates that are due and not done, `lagging_since` is when the
    first of them was due, and `next_due` when another will be. Times are in UTC.
    """

    name: str
    due: Literal["schedule", "new-collection", "asked-for"]
    new: str
    last: NightStatus | None = None
    last_good: NightStatus | None = None
    last_red: NightStatus | None = None
    ahead: bool = False
    next_due: datetime | None = None
    lagging: int | None = None
    lagging_since: datetime | None = None


class OutboxStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How many parcels of the outbox wait, are parked, or are damaged.

    `late` are those of the waiting that were tried and not accepted; `oldest` is since when (UTC) the
    oldest of the waiting waits.
    """

    waiting: int
    late: int
    parked: int
    damaged: int
    oldest: datetime | None


class FolderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How many bytes the files of a folder have, and how many are free on its file system.

    Of the `mirrors`, `path` is the cache folder that they are in, with more.
    """

    name: Literal["store", "reports", "mirrors"]
    path: Path
    bytes: int
    free: int


class Lagging(msgspec.Struct, frozen=True):
    """Dates of a scheduled job are due and not done: so many, the first of them `since` then (UTC).

    If `never`, none was ever done.
    """

    job: str
    dates: int
    since: datetime
    never: bool


class Ahead(msgspec.Struct, frozen=True):
    """The last night of a job lies ahead of the clock."""

    job: str
    last: NightStatus


class ParkedParcels(msgspec.Struct, frozen=True):
    """So many parcels are not tried any more."""

    number: int


class DamagedParcels(msgspec.Struct, frozen=True):
    """So many parcels cannot be delivered."""

    number: int


class LittleSpace(msgspec.Struct, frozen=True):
    """Where a folder is, fewer bytes are free than the `asked` ones without which no run begins."""

    folder: FolderStatus
    asked: int


Attention: TypeAlias = Lagging | Ahead | ParkedParcels | DamagedParcels | LittleSpace
"""What somebody should look after."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the service at the time `at` (UTC); all is well where nothing needs `attention`.

    `running` says which process is at work, None where none is.
    """

    at: datetime
    attention: tuple[Attention, ...]
    running: str | None
    jobs: tuple[JobStatus, ...]
    outbox: OutboxStatus
    folders: tuple[FolderStatus, ...]
