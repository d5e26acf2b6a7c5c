"""Digests: the nights of a date or a week in one mail; why so, see docs/decisions/0013-digests.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from cachediff.changelog import arrange
from cachediff.config.resolving import Deliveries, Mail
from cachediff.delivery import Outbox
from cachediff.errors import DeliveryError, ReportError
from cachediff.jobs.digest_plans import begin_digests, nights_of, plan_digests
from cachediff.jobs.subscriptions import concerns, has_news
from cachediff.model.comparison import Comparison
from cachediff.model.envelope import Envelope
from cachediff.model.jobs import Job, Recipient
from cachediff.queries.filed import FILES
from cachediff.reports.mail.digest import DigestNight, digest_subject, render_digest
from cachediff.reports.mail.message_ids import digest_id, thread_id
from cachediff.reports.phrases import listed
from cachediff.reports.reading import read_json
from cachediff.reports.visible import visible
from cachediff.store.digests import Digest
from cachediff.store.ledger import DoneNight, Ledger

__all__ = ["begin_digests", "enqueue_digests"]

_MOST_READ = 14

_Read: TypeAlias = Callable[[DoneNight], Comparison | str]
"""The filed report of a night, or why it cannot be read."""


def enqueue_digests(
    outbox: Outbox,
    jobs: Collection[Job],
    ledger: Ledger,
    deliveries: Deliveries,
    reports: Path,
    templates: Path | None,
    *,
    now: datetime,
) -> tuple[str, ...]:
    """Put the digests that are due at `now` (aware) into the outbox; say what cannot be told any more.

    It is called once a run, after all nights; `begin_digests` was before them. `jobs` and
    `deliveries` are all there are, `reports` is the folder of reports. Which nights a digest tells is
    written down before it is made, and one that was not made, because something failed or the process
    was killed, is made first. It is made of the ledger, the filed reports and the settings alone, so
    that it is the same mail then.

    One for an address that no mail delivery has any more is given up, with a sentence that says what it
    was to tell; it waits for a run in which all others are made.

    Raises:
        DeliveryError: the outbox cannot be written.
        ReportError: a template fails. In both cases all digests that can be made are.
        StoreError: the ledger cannot be read or written.
    """
    read = lru_cache(maxsize=_MOST_READ)(lambda night: _filed(reports, night))
    plan_digests(ledger, jobs, deliveries, now)
    given_up: dict[Digest, str] = {}
    failures: list[DeliveryError | ReportError] = []
    for digest in ledger.digests():
        if digest.made:
            continue
        done = tuple(nights_of(digest, jobs, ledger).values())
        recipient = _recipient(digest, deliveries)
        if recipient is None:
            given_up[digest] = _untold(digest, done)
            continue
        try:
            _enqueue(outbox, digest, done, recipient, ledger, read, templates, now)
        except (DeliveryError, ReportError) as error:
            failures.append(error)
        else:
            ledger.mark_made(digest)
    if failures:
        raise failures[0]
    for digest in given_up:
        ledger.mark_made(digest)
    return tuple(filter(None, given_up.values()))


def _recipient(digest: Digest, deliveries: Deliveries) -> tuple[Mail, Recipient] | None:
    """Who gets a digest, by its delivery or else, as where that was renamed, by another."""
    first = deliveries.mail.get(digest.delivery)
    for mail in (*filter(None, [first]), *deliveries.mail.values()):
        for recipient in mail.recipients:
            if recipient.address == digest.address:
                return mail, recipient
    return None


def _untold(digest: Digest, done: Sequence[DoneNight]) -> str:
    """Say what is told to nobody; nothing, if there is nothing to tell."""
    nights = [f"{night.job} {night.date}" for night in done if night.report]
    if not nights:
        return ""
    return (
        f"no mail delivery has {digest.address} any more, for which a digest by {digest.delivery} was"
        f" planned; it is not sent. It was to tell: {listed(nights, visible, brief=True)}"
    )


def _enqueue(
    outbox: Outbox,
    digest: Digest,
    done: Sequence[DoneNight],
    by: tuple[Mail, Recipient],
    ledger: Ledger,
    read: _Read,
    templates: Path | None,
    now: datetime,
) -> None:
    """Put the mail of a digest, about these nights, into the outbox, if there is one to send."""
    mail, recipient = by
    told = [night for each in done if (night := _told(each, recipient, read))]
    if not told:
        return
    sender, address = mail.server.sender, recipient.address
    message = render_digest(
        told,
        envelope=Envelope(
            job="digest",
            sender=sender,
            recipients=(address,),
            previous=thread_id(f"digest by {digest.delivery}", address, sender),
        ),
        own_id=digest_id(_identity(digest, ledger), sender),
        committed_at=max((each.new.committed_at or "" for each in done), default=None),
        still_due=digest.still_due,
        templates=templates,
    )
    title = digest_subject(told)
    outbox.enqueue("mail", address, message.encode("ascii"), title=title, now=now)


def _told(night: DoneNight, recipient: Recipient, read: _Read) -> DigestNight | None:
    """What a digest tells a recipient of a night; None where that is nothing."""
    told = DigestNight(job=night.job, date=night.date, report=night.report)
    if night.report is None:
        return replace(told, note="nothing to report") if recipient.empty else None
    comparison = read(night)
    if isinstance(comparison, str):
        note = f"the report {night.report} cannot be read: {comparison}"
        return replace(told, note=note, unreadable=True)
    concerning = concerns(comparison, recipient)
    if not (recipient.empty or has_news(concerning)):
        return None
    return replace(told, changelog=arrange(concerning))


def _filed(reports: Path, night: DoneNight) -> Comparison | str:
    try:
        comparison = read_json((reports / str(night.report) / FILES["json"]).read_bytes())
    except OSError as error:
        return str(error.strerror)
    except ReportError as error:
        return error.message
    if comparison.new.origin != night.new:
        return "it is about something else than what was compared in that night"
    return comparison


def _identity(digest: Digest, ledger: Ledger) -> str:
    """A text that no other digest has, and that stays the same whatever becomes of reports and settings."""
    nights = ledger.nights_between(digest.first, digest.last)
    done = [[each.job, str(each.date), each.new.commit, each.report] for each in nights.values()]
    return json.dumps([digest.delivery, digest.address, digest.period, digest.first, done])
