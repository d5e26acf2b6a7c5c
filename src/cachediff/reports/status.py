"""The state of the service, for people and for programs: what needs attention first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from cachediff.model.status import FolderStatus, JobStatus, NightStatus, OutboxStatus, Status
from cachediff.reports.phrases import counted
from cachediff.reports.visible import visible

SCHEMA = "cachediff/status/1"

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def render_status(status: Status) -> str:
    """Render it as lines of text."""
    return "".join(f"{line}\n" for line in _lines(status))


def render_status_json(status: Status) -> str:
    """Render it as one JSON object, in ASCII: the fields of `Status`, and whether all is well."""
    told: dict[str, Any] = {"schema": SCHEMA, "well": not status.attention}
    told |= msgspec.to_builtins(status, enc_hook=str)
    return json.dumps(told, indent=1) + "\n"


def _lines(status: Status) -> Iterator[str]:
    yield "Needs attention:" if status.attention else "All is well"
    for each in status.attention:
        yield f"  {visible(each.text)}"
        yield f"    {visible(each.hint)}"
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


def _size(number: float) -> str:
    unit = 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:,.1f} {_UNITS[unit]}" if unit else f"{number:,} {_UNITS[unit]}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
