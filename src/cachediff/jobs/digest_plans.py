"""Which nights a digest tells: written down before it is made, so that each is told once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, time, timedelta

from msgspec.structs import replace

from cachediff.config.resolving import Deliveries
from cachediff.model.jobs import DigestPeriod, Job, Recipient
from cachediff.queries.due import nights_due
from cachediff.store.digests import Digest
from cachediff.store.ledger import DoneNight, Ledger

_DAYS = {DigestPeriod.DAILY: 1, DigestPeriod.WEEKLY: 7}


def begin_digests(ledger: Ledger, deliveries: Deliveries) -> None:
    """Write down who gets digests from now on, and for whom they end; once a run, before any night.

    What is in the ledger already was told to a new recipient in another way. Who gets no digests any
    more gets a last one. `deliveries` are those that any job names.

    Raises:
        StoreError: the ledger cannot be read or written.
    """
    begun = {key: last for key, last in _newest(ledger).items() if not last.ended}
    wanted = {(name, each.address) for name, each in _recipients(deliveries) if each.digest}
    newest = ledger.newest()
    for (delivery, address), last in begun.items():
        if (delivery, address) not in wanted:
            final = Digest(
                delivery=delivery, address=address, first=last.last + 1, last=newest, ended=True
            )
            ledger.plan(final)
    for delivery, address in sorted(wanted - begun.keys()):
        ledger.plan(
            Digest(delivery=delivery, address=address, first=newest + 1, last=newest, made=True)
        )


def plan_digests(
    ledger: Ledger, jobs: Collection[Job], deliveries: Deliveries, now: datetime
) -> None:
    """Write down the digests for which it is time at `now` (aware), one for a recipient at most.

    It is time when nothing is left to be done in this date or week of what a schedule has in it for
    this recipient; or when something was done in an earlier one, of which no digest went out.

    Raises:
        StoreError: the ledger cannot be read or written.
    """
    newest = _newest(ledger)
    for delivery, recipient in _recipients(deliveries):
        last = newest.get((delivery, recipient.address))
        if recipient.digest and last:
            following = _following(ledger, jobs, last, recipient, recipient.digest, now)
            if following:
                ledger.plan(following)


def nights_of(digest: Digest, jobs: Collection[Job], ledger: Ledger) -> dict[int, DoneNight]:
    """The nights of a digest by number, in order: those of which its delivery was to tell.

    That is what the ledger says, also of a job that is set no more. Only where it does not say so,
    `jobs`, those that are set now, do.
    """
    now = {job.name: job.deliver for job in jobs}
    nights = ledger.nights_between(digest.first, digest.last)
    return {
        number: night
        for number, night in nights.items()
        if digest.delivery in (now.get(night.job, ()) if night.deliver is None else night.deliver)
    }


def _recipients(deliveries: Deliveries) -> Iterator[tuple[str, Recipient]]:
    for name, mail in deliveries.mail.items():
        for recipient in mail.recipients:
            yield name, recipient


def _newest(ledger: Ledger) -> dict[tuple[str, str], Digest]:
    """The digest that was planned last, by delivery and address."""
    return {(each.delivery, each.address): each for each in ledger.digests()}


def _following(
    ledger: Ledger,
    jobs: Collection[Job],
    last: Digest,
    recipient: Recipient,
    length: DigestPeriod,
    now: datetime,
) -> Digest | None:
    """The digest after `last`, if it is time for it and there may be something to tell."""
    period = _period(length, now)
    if last.period == period:
        return None
    digest = Digest(
        delivery=last.delivery,
        address=last.address,
        period=period,
        first=last.last + 1,
        last=ledger.newest(),
    )
    nights = nights_of(digest, jobs, ledger)
    if not any(night.report or recipient.empty for night in nights.values()):
        return None
    theirs = [job for job in jobs if last.delivery in job.deliver]
    if not _still_due(theirs, ledger, _end(length, now)):
        return digest
    # What was done in an earlier one waits no longer, unless the digest of that is out already: then it
    # is for the next.
    before = _period(length, now - timedelta(days=_DAYS[length]))
    earlier = [number for number, night in nights.items() if _of(length, night) != period]
    if last.period == before or not earlier:
        return None
    still_due = _still_due(theirs, ledger, now)
    return replace(digest, period=before, last=earlier[-1], still_due=still_due)


def _still_due(jobs: Collection[Job], ledger: Ledger, moment: datetime) -> tuple[str, ...]:
    """The jobs that have a night up to `moment` which is not done."""
    return tuple(job.name for job in jobs if nights_due(job, ledger.last(job.name), moment))


def _period(length: DigestPeriod, moment: datetime) -> str:
    """The date of a time (aware) in UTC, or its week: `2025-04-21`, `2025-W17`."""
    day = moment.astimezone(UTC).date()
    if length is DigestPeriod.DAILY:
        return day.isoformat()
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _of(length: DigestPeriod, night: DoneNight) -> str:
    """The date or week in which a night was done."""
    return _period(length, datetime.fromisoformat(night.done_at))


def _end(length: DigestPeriod, moment: datetime) -> datetime:
    """The last moment of the date or week of a time."""
    day = moment.astimezone(UTC).date()
    first = day if length is DigestPeriod.DAILY else day - timedelta(days=day.weekday())
    return (
        datetime.combine(first + timedelta(days=_DAYS[length]), time(), UTC) - timedelta.resolution
    )
