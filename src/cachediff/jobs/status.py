"""The state of the service, as a whole. Nothing is written and nothing is fetched for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cachediff.config import Settings
from cachediff.jobs.locking import who_runs
from cachediff.jobs.parcels import outbox_of
from cachediff.model.status import Status
from cachediff.queries.status import attentions, folder_states, job_states, outbox_state


def status_of(settings: Settings, cache: Path, now: datetime) -> Status:
    """The state of all that these settings are about, at `now` (aware); `cache` has the mirrors.

    It can be asked for at any time: while a run is at work, before there was any, on a read-only disk.

    Raises:
        DeliveryError: the outbox cannot be read.
        StoreError: the ledger is damaged, or a folder cannot be read.
    """
    running = who_runs(settings.state)
    jobs = job_states(settings, now)
    outbox = outbox_state(outbox_of(settings).contents())
    folders = folder_states(settings, cache)
    return Status(
        at=now.astimezone(UTC),
        attention=tuple(attentions(jobs, outbox, folders, free_space=settings.free_space, now=now)),
        running=running,
        jobs=jobs,
        outbox=outbox,
        folders=folders,
    )
