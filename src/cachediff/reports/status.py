"""The state of the service, for people and for programs: what needs attention first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from cachediff.model.status import (
    Ahead,
    Attention,
    DamagedParcels,
    FolderStatus,
    JobStatus,
    Lagging,
    LittleSpace,
    NightStatus,
    OutboxStatus,
    ParkedParcels,
    Status,
)
from cachediff.reports.phrases import counted
from cachediff.reports.visible import visible

SCHEMA = "cachediff/status/1"

_MIB = 1024 * 1024
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def render_status(status: Status) -> str:
    """Render it as lines of text."""
    return "".join(f"{line}\n" for line in _lines(status))


def render_status_json(status: Status) -> str:
    """Render it as one JSON object, in ASCII: the fields of `Status`, and whether all is well."""
    told: dict[str, Any] = {"schema": SCHEMA, "well": not status.attention}
    told |= msgspec.to_builtins(status, enc_hook=str)
    told["attention"] = [
        dict(zip(("text", "hint"), phrased(each, status.running), strict=True))
        for each in status.attention
    ]
    return json.dumps(told, indent=1) + "\n"


def phrased(attention: Attention, running: str | None) -> tuple[str, str]:
    """What somebody should look after, and what to do next; `running` is as in `Status`."""
    match attention:
        case Lagging(job, dates, since, never):
            text = f"{_are(dates, 'night')} due and not done, since {_time(since)}"
            if never:
                text = f"no night was ever done; the newest was due {_time(since)}"
            hint = "cachediff run does what is due, and says why where it cannot"
            if running:
                hint = "a run is at work: if this stays so, look at what it says"
            return f"job {job}: {text}", hint
        case Ahead(job, last):
            text = (
                f"the night of {last.date} is done, at {_time(last.done_at)}: that is still to come"
            )
            hint = (
                "a clock is wrong, or was; once it is right, put back a copy of the ledger of before, or"
                " move the ledger away: then only the newest night of each job is done"
            )
            return f"job {job}: {text}, and nothing is due before", hint
        case ParkedParcels(number):
            return (
                f"outbox: {_are(number, 'parcel')} parked: no server took it in five days, or one refused",
                "cachediff outbox says why; then cachediff outbox retry, or drop",
            )
        case DamagedParcels(number):
            return (
                f"outbox: {_are(number, 'parcel')} damaged, and cannot be delivered",
                "cachediff outbox names them; cachediff outbox drop throws them away",
            )
        case LittleSpace(folder, asked):
            free = f"{folder.free // _MIB:,} MiB are free, and a run asks for {asked // _MIB:,} MiB"
            return (
                f"{folder.name}: {free}, so that none begins",
                f"free some where {folder.path} is, or set free_space in config.yaml",
            )


def _lines(status: Status) -> Iterator[str]:
    yield "Needs attention:" if status.attention else "All is well"
    for each in status.attention:
        text, hint = phrased(each, status.running)
        yield f"  {visible(text)}"
        yield f"    {visible(hint)}"
    if status.running:
        yield f"A run is at work: {visible(status.running)}"
    for job in status.jobs:
        yield f"job {job.name}"
        yield from _job(job)
    if not status.jobs:
        yield "no job is set"
    yield f"outbox: {_outbox(status.outbox)}"
    for folder in status.folders:
        yield f"{folder.name}: {_folder(folder)}"


def _job(job: JobStatus) -> Iterator[str]:
    yield f"  last night:      {_night(job.last)}"
    if job.last and job.last.red:
        yield f"  last good night: {_night(job.last_good)}"
    else:
        yield f"  last red night:  {_night(job.last_red)}"
    if job.lagging and job.lagging_since:
        dates = counted(job.lagging, "date")
        yield f"  due, not done:   {dates}, since {_time(job.lagging_since)}"
    if job.due == "schedule":
        yield f"  next due:        {_time(job.next_due) if job.next_due else 'never'}"
    elif job.due == "new-collection":
        yield f"  waits for:       a new collection {visible(job.new)}"
    else:
        yield f"  waits for:       cachediff run {job.name}"


def _night(night: NightStatus | None) -> str:
    if night is None:
        return "none"
    told = f"filed in {visible(night.report)}" if night.report else "nothing to report"
    colour = "red" if night.red else "good"
    collection = visible(night.collection)
    return f"{night.date}, {colour}: {collection}, done {_time(night.done_at)}, {told}"


def _outbox(outbox: OutboxStatus) -> str:
    late = f" ({outbox.late:,} late)" if outbox.late else ""
    since = f", the oldest since {_time(outbox.oldest)}" if outbox.oldest else ""
    waiting = counted(outbox.waiting, "parcel")
    return f"{waiting} waiting{late}{since}, {outbox.parked:,} parked, {outbox.damaged:,} damaged"


def _folder(folder: FolderStatus) -> str:
    path = visible(str(folder.path))
    return f"{_size(folder.bytes)} in {path}, where {_size(folder.free)} are free"


def _are(number: int, noun: str) -> str:
    return f"{counted(number, noun)} {'is' if number == 1 else 'are'}"


def _size(number: float) -> str:
    unit = 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:,.1f} {_UNITS[unit]}" if unit else f"{number:,} {_UNITS[unit]}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
