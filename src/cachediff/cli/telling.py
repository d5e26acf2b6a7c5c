"""What a run tells of, as entries of the log; and the exit code that follows from it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cachediff.cli.logs import Entry
from cachediff.config import Settings
from cachediff.jobs.nights import Told
from cachediff.jobs.retention import Thinned
from cachediff.jobs.run import NotDone, NothingDue
from cachediff.jobs.service import Delivered, Failed, Held, RunEvent, Swept, Untellable
from cachediff.model.delivery import DeliveryRound, Parcel
from cachediff.model.gates import Finding, is_red
from cachediff.reports.findings import sentence
from cachediff.reports.visible import visible


def exit_code(event: RunEvent) -> int:
    """0, or 1 where a night is red, or 2 where something could not be done."""
    match event:
        case NotDone() | Failed():
            return 2
        case Told():
            return int(is_red(event.findings))
    return 0


def entries(event: RunEvent, settings: Settings) -> Iterator[Entry]:
    """What is to be logged of an event of a run."""
    match event:
        case Told():
            yield _told(event, settings)
        case NotDone():
            yield _not_done(event)
        case NothingDue():
            yield Entry("nothing-due", f"{event.job}: nothing is due", data={"job": event.job})
        case Held():
            yield Entry(
                "held",
                f"another run is at work, and nothing was done: {event.holder}",
                logging.WARNING,
                data={"holder": event.holder},
            )
        case Swept():
            yield Entry(
                "swept",
                f"what interrupted writes had left is removed: {len(event.paths):,}",
                data={"paths": event.paths},
            )
        case Untellable():
            yield Entry("untellable", event.message, logging.WARNING)
        case Failed():
            yield Entry(
                "failed",
                f"{event.part}: not done: {event.message}",
                logging.ERROR,
                tuple(filter(None, [event.hint])),
                {"part": event.part, "hint": event.hint},
            )
        case Thinned():
            yield from _thinned(event)
        case Delivered():
            yield from _delivered(event.round)


def _told(event: Told, settings: Settings) -> Entry:
    night = event.night
    path = settings.reports / night.report if night.report else None
    findings = [
        f"{'accepted' if each.accepted else 'red'}: {sentence(each, visible)}"
        for each in event.findings
    ]
    return Entry(
        "night",
        f"{night.job} {night.date}: {event.outcome or f'filed in {_shown(path)}'}",
        details=tuple(findings),
        data={
            "job": night.job,
            "night": night.date,
            "red": is_red(event.findings),
            "report": path,
            "outcome": event.outcome,
            "old": night.old,
            "new": night.new,
            "findings": [_finding(each) for each in event.findings],
        },
    )


def _shown(path: Path | None) -> str:
    """A path as people would type it here."""
    here = Path.cwd()
    inside = path and path.is_relative_to(here) and here != Path(here.anchor)
    return str(path.relative_to(here) if path and inside else path)


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "gate": finding.gate.name,
        "accepted": finding.accepted is not None,
        "text": sentence(finding, visible),
    }


def _not_done(event: NotDone) -> Entry:
    filed = f"that is reported in {_shown(event.report)}" if event.report else ""
    return Entry(
        "not-done",
        f"{event.job}: not done: {event.message}",
        logging.ERROR,
        tuple(filter(None, [filed, event.hint])),
        {"job": event.job, "hint": event.hint, "report": event.report},
    )


def _delivered(round_: DeliveryRound | None) -> Iterator[Entry]:
    if round_ is None:
        yield Entry(
            "delivery",
            "what is in the outbox is left to another process, which is delivering",
            logging.WARNING,
        )
        return
    if round_.accepted:
        yield Entry(
            "delivered",
            f"delivered: {len(round_.accepted):,}",
            data={"parcels": [_parcel(each) for each in round_.accepted]},
        )
    for parcel in (*round_.postponed, *round_.parked):
        state = "given up" if parcel.parked else "to be tried again"
        yield Entry(
            "parked" if parcel.parked else "postponed",
            f"{state}: {parcel.title} to {parcel.destination}: {parcel.last_error}",
            logging.WARNING,
            data=_parcel(parcel),
        )
    for damaged in round_.damaged:
        yield Entry(
            "damaged",
            f"the outbox holds what cannot be understood: {damaged.name}: {damaged.reason}",
            logging.WARNING,
            data=msgspec.structs.asdict(damaged),
        )


def _thinned(event: Thinned) -> Iterator[Entry]:
    if event.removed:
        yield Entry(
            "thinned",
            f"snapshots removed, as retention says: {len(event.removed):,}; kept:"
            f" {sum(event.kept.values()):,}",
            data={"removed": [each.path for each in event.removed], "kept": event.kept},
        )
    if event.withheld:
        yield Entry("withheld", event.withheld, logging.WARNING)


def _parcel(parcel: Parcel) -> dict[str, object]:
    return {
        "parcel": parcel.id,
        "kind": parcel.kind,
        "destination": parcel.destination,
        "title": parcel.title,
        "attempts": parcel.attempts,
        "error": parcel.last_error,
    }
