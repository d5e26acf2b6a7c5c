"""Parcels: what a night of a job has to say, to everyone who is to hear it; and their delivery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from cachediff.changelog import arrange
from cachediff.config import Settings
from cachediff.config.resolving import Deliveries, Mail
from cachediff.delivery import Mailer, Outbox, append_summary, post, render_notice
from cachediff.files import write_atomically
from cachediff.jobs.subscriptions import concerns, has_news
from cachediff.model.comparison import Comparison
from cachediff.model.delivery import (
    DeliveryRound,
    Notice,
    NoticeFinding,
    Outcome,
    Parcel,
    Postponed,
)
from cachediff.model.envelope import Envelope
from cachediff.model.jobs import Job, Recipient
from cachediff.reports import FORMATS, Layout
from cachediff.reports.visible import visible

OUTBOX = ".outbox"
"""Its name in the local folder of the store, where no source can have it."""

LARGEST_SUMMARY = 1024 * 1024
"""Most bytes of a job summary: GitHub drops one that is larger."""


def outbox_of(settings: Settings) -> Outbox:
    """The outbox that goes with these settings, which need not be there yet."""
    return Outbox(settings.state / OUTBOX, write_atomically)


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes a parcel once it is in the outbox; see `Parcel`."""

    kind: Literal["mail", "webhook"]
    destination: str
    title: str
    content: bytes


def parcels_for(
    job: Job,
    night: date,
    comparison: Comparison,
    deliveries: Deliveries,
    layout: Layout,
    *,
    url: str | None = None,
) -> Iterator[Content]:
    """What is to be sent of a night to the deliveries of the job, those that it names of `deliveries`.

    `comparison` is what the job tells, with its findings. A recipient gets a mail of what concerns
    them, and none where nothing does, unless they ask for it; those who want a digest get none here,
    but where nothing is known of the night. A webhook is told of each; `url` is where the report can be
    read. The same night, comparison and `layout` (of which the templates and the history count) give
    the same bytes.

    Raises:
        ReportError: a template fails, or an address is none.
    """
    for name in job.deliver:
        if mail := deliveries.mail.get(name):
            for recipient in mail.recipients:
                # What is not known is no done night, of which a digest would tell.
                if recipient.digest and comparison.untold is None:
                    continue
                concerning = concerns(comparison, recipient)
                if recipient.empty or has_news(concerning):
                    yield _message(job, night, concerning, mail, recipient, layout)
        if webhook := deliveries.webhooks.get(name):
            notice = _notice(job, night, comparison, url)
            yield Content(
                kind="webhook",
                destination=webhook.name,
                title=f"{job.name} {night}: {notice.headline}",
                content=render_notice(notice, webhook.form),
            )


def enqueue(
    outbox: Outbox,
    job: Job,
    night: date,
    comparison: Comparison,
    deliveries: Deliveries,
    layout: Layout,
    *,
    url: str | None = None,
    now: datetime,
) -> int:
    """Put what is to be sent of a night into the outbox; how much of it is new there.

    All of it is made before any of it is put in. See `parcels_for`; the same once more is no more.

    Raises:
        DeliveryError: the outbox cannot be written.
        ReportError: as for `parcels_for`.
    """
    contents = list(parcels_for(job, night, comparison, deliveries, layout, url=url))
    return sum(
        outbox.enqueue(each.kind, each.destination, each.content, title=each.title, now=now)
        for each in contents
    )


def deliver(outbox: Outbox, deliveries: Deliveries, now: datetime) -> DeliveryRound | None:
    """Send what is due in the outbox; None where another process is at it.

    `deliveries` are all there are, not those of one job: a mail goes by the first that has its
    recipient. What none of them can deliver waits like what a server does not take.

    Raises:
        DeliveryError: the outbox cannot be read or written.
    """
    mailers = [(mail, Mailer(mail.server)) for mail in deliveries.mail.values()]

    def send(parcel: Parcel, content: bytes) -> Outcome:
        if parcel.kind == "mail":
            for mail, mailer in mailers:
                if any(each.address == parcel.destination for each in mail.recipients):
                    return mailer.send(parcel.destination, content)
        elif webhook := deliveries.webhooks.get(parcel.destination):
            return post(webhook, parcel.id, content, now=now)
        return Postponed(f"no delivery of the settings has {visible(parcel.destination)} any more")

    return outbox.deliver_due(now, send)


def write_summary(path: Path, comparison: Comparison, templates: Path | None) -> None:
    """Append a comparison to the job summary of GitHub Actions, cut to what GitHub takes in all.

    Raises:
        DeliveryError: the file cannot be written.
        ReportError: a template fails, or too little room is left.
    """
    taken = path.stat().st_size if path.is_file() else 0
    room = LARGEST_SUMMARY - taken - len("\n")
    layout = Layout(max_size=room, templates=templates)
    append_summary(path, FORMATS["markdown"](comparison, arrange, layout))


def _message(
    job: Job,
    night: date,
    comparison: Comparison,
    mail: Mail,
    recipient: Recipient,
    layout: Layout,
) -> Content:
    from cachediff.reports.mail import subject
    from cachediff.reports.mail.message_ids import thread_id

    changelog = arrange(comparison)
    sender, address = mail.server.sender, recipient.address
    envelope = Envelope(
        job=job.name,
        sender=sender,
        recipients=(address,),
        previous=thread_id(job.name, address, sender),
        night=night,
    )
    message = FORMATS["eml"](comparison, lambda _: changelog, replace(layout, envelope=envelope))
    return Content(
        kind="mail",
        destination=address,
        title=subject(changelog, night),
        content=message.encode("ascii"),
    )


def _notice(job: Job, night: date, comparison: Comparison, url: str | None) -> Notice:
    from cachediff.reports.findings import found
    from cachediff.reports.overview import headline, notices, suspicions

    changelog = arrange(comparison)
    said = [headline(changelog, visible), *notices(comparison, visible)]
    if not (changelog.news or comparison.untold):
        said = [*said[1:], said[0]]  # that nothing changed may be for what a notice says
    return Notice(
        job=job.name,
        night=night,
        headline="; ".join(said),
        old=comparison.old.origin,
        new=comparison.new.origin,
        url=url,
        findings=tuple(
            NoticeFinding(each.gate.name, found(each, visible), each.accepted is not None)
            for each in comparison.findings
        ),
        suspicions=tuple(suspicions(comparison, visible)),
    )
