"""The state of the service as Prometheus reads it: for the textfile collector of its node exporter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cachediff.errors import ReportError
from cachediff.files import write_atomically
from cachediff.model.status import NightStatus, Status

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily, Metric


def write_metrics(path: Path, status: Status) -> None:
    """Make `path` a file of metrics: whoever reads it meanwhile finds the old ones or the new.

    Raises:
        ReportError: it cannot be written.
    """
    try:
        write_atomically(path, render_metrics(status))
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}") from error


def render_metrics(status: Status) -> bytes:
    """Render it in Prometheus' text format. What is not known, or never was, has no sample."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    return generate_latest(registry)


class _Collector:
    """What a registry asks for metrics."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import InfoMetricFamily

        yield InfoMetricFamily(
            "cachediff_build",
            "The release of cachediff.",
            value={"version": version("cachediff")},
        )
        yield from self._jobs()
        yield from self._outbox()
        yield from self._folders()

    def _jobs(self) -> Iterator[GaugeMetricFamily]:
        jobs = self._status.jobs
        yield _gauge(
            "cachediff_job_last_done_timestamp_seconds",
            "When the night that was done last was done.",
            "job",
            ((job.name, _done(job.last)) for job in jobs),
        )
        yield _gauge(
            "cachediff_job_last_good_timestamp_seconds",
            "When the last night was done that was not red.",
            "job",
            ((job.name, _done(job.last_good)) for job in jobs),
        )
        yield _gauge(
            "cachediff_job_last_night_red",
            "Whether a gate found something not accepted in the night that was done last.",
            "job",
            ((job.name, job.last.red if job.last else None) for job in jobs),
        )
        yield _gauge(
            "cachediff_job_nights_lagging",
            "How many dates of the schedule are due and not done.",
            "job",
            ((job.name, job.lagging) for job in jobs),
        )
        yield _gauge(
            "cachediff_job_next_due_timestamp_seconds",
            "When the next night is due that was not due yet.",
            "job",
            ((job.name, _seconds(job.next_due)) for job in jobs),
        )

    def _outbox(self) -> Iterator[GaugeMetricFamily]:
        outbox = self._status.outbox
        yield _gauge(
            "cachediff_outbox_parcels",
            "How many parcels are in the outbox: waiting, parked (no longer tried) or damaged.",
            "state",
            (
                ("waiting", outbox.waiting),
                ("parked", outbox.parked),
                ("damaged", outbox.damaged),
            ),
        )
        yield _gauge(
            "cachediff_outbox_oldest_timestamp_seconds",
            "Since when the oldest parcel waits, of those that are not parked.",
            None,
            ((None, _seconds(outbox.oldest)),),
        )

    def _folders(self) -> Iterator[GaugeMetricFamily]:
        folders = self._status.folders
        yield _gauge(
            "cachediff_folder_bytes",
            "How many bytes the files of a folder have.",
            "folder",
            ((folder.name, folder.bytes) for folder in folders),
        )
        yield _gauge(
            "cachediff_free_bytes",
            "How many bytes are free on the file system of a folder.",
            "folder",
            ((folder.name, folder.free) for folder in folders),
        )


def _gauge(
    name: str,
    text: str,
    label: str | None,
    values: Iterable[tuple[str | None, float | None]],
) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily(name, text, labels=[label] if label else [])
    for of, value in values:
        if value is not None:
            gauge.add_metric([of] if of else [], value)
    return gauge


def _done(night: NightStatus | None) -> float | None:
    return None if night is None else night.done_at.timestamp()


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
