"""Digests: each night is told once to each recipient, when its date or week is over, whatever is killed."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cachediff.changelog import arrange
from cachediff.config import load_settings
from cachediff.config.resolving import Deliveries, Mail, resolve
from cachediff.delivery import Outbox
from cachediff.errors import ConfigError, DeliveryError, ReportError
from cachediff.files import write_atomically
from cachediff.jobs.digests import begin_digests, enqueue_digests
from cachediff.jobs.parcels import parcels_for
from cachediff.model.comparison import Comparison
from cachediff.model.delivery import Accepted, MailServer, Outcome, Parcel
from cachediff.model.gates import Finding, Gate, LeftStack, PackageEvidence
from cachediff.model.jobs import DigestPeriod, Event, Job, Recipient, Schedule
from cachediff.model.snapshot import Origin
from cachediff.queries.due import due_dates
from cachediff.reports import FORMATS, Layout
from cachediff.reports.mail.body import LARGEST
from cachediff.reports.mail.digest import DigestNight, digest_subject, render_digest
from cachediff.store.digests import Digest
from cachediff.store.ledger import LEDGER, DoneNight, Ledger
from conftest import MakeRepository
from report_cases import CASES, comparison, package, removed, side, spec
from repositories import add_commits
from test_mail import ENVELOPE, html_of, parsed
from test_run import NIGHTLY, build, evening
from test_run import World as RunWorld

DAILY, WEEKLY = DigestPeriod.DAILY, DigestPeriod.WEEKLY
ANN, BOB, EVE = "ann@example.org", "bob@example.org", "eve@example.org"
SERVER = MailServer(host="127.0.0.1", port=25, sender="ci@example.org", security="none")


def job(name: str, cron: str = "", zone: str = "UTC") -> Job:
    due = Schedule(cron, zone) if cron else Event.NEW_COLLECTION
    return Job(name=name, old="a", new="b", due=due, deliver=("mail",))


NIGHT_JOB, EVENING_JOB, DATED = (
    job("night", "0 6 * * *"),
    job("evening", "0 18 * * *"),
    job("dated"),
)
GONE = Finding(Gate("left-e4s", LeftStack()), (PackageEvidence("trilinos", 1, ("e4s",)),))


def news(package_name: str = "trilinos", on: str = "2025-01-01") -> Comparison:
    """A package is gone."""
    return comparison(
        package(package_name, removed(spec(f"{package_name} 1")), status="removed"),
        new=side("develop", committed_at=f"{on}T03:00:00Z"),
    )


QUIET = replace(CASES["no-changes"](), new=side("develop"))


def at(day: str, hour: int = 6) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


class World:
    """A ledger, a folder of reports and an outbox, as runs leave them."""

    def __init__(self, folder: Path, *jobs: Job) -> None:
        self.jobs = jobs
        self.reports = folder / "reports"
        self.path = folder / "store" / LEDGER
        self.outbox = Outbox(folder / "outbox", write_atomically)
        self.recipients: tuple[Recipient, ...] = (Recipient(ANN, digest=DAILY),)
        self.delivery = "mail"
        self.untold: tuple[str, ...] = ()

    def run(
        self, now: datetime, *done: tuple[str, str, Comparison | None]
    ) -> dict[str, EmailMessage]:
        """A run that does these nights: job, date, and what is reported; the mails, by address."""
        before = set(self.outbox.contents().parcels)
        with closing(Ledger(self.path)) as ledger:
            begin_digests(ledger, self.deliveries())
            for name, day, told in done:
                ledger.record(self.night(name, day, told, now))
            self.untold = self.enqueue(ledger, now)
        new = [each for each in self.outbox.contents().parcels if each not in before]
        mails = {each.destination: parsed(self.outbox.content(each.id).decode()) for each in new}
        assert len(mails) == len(new)
        return mails

    def enqueue(self, ledger: Ledger, now: datetime) -> tuple[str, ...]:
        deliveries = self.deliveries()
        return enqueue_digests(
            self.outbox, self.jobs, ledger, deliveries, self.reports, None, now=now
        )

    def deliveries(self) -> Deliveries:
        return Deliveries({self.delivery: Mail(SERVER, self.recipients)}, {})

    def night(self, name: str, day: str, told: Comparison | None, now: datetime) -> DoneNight:
        """A night of which the report is filed, if there is one."""
        report = None
        if told:
            report = f"{name}/{day}"
            content = FORMATS["json"](told, arrange, Layout()).encode()
            write_atomically(self.reports / report / "comparison.json", content)
        new = told.new.origin if told else Origin("cache", "develop", "0" * 40)
        return DoneNight(
            job=name,
            date=date.fromisoformat(day),
            done_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
            old=new,
            new=new,
            report=report,
            deliver=next((each.deliver for each in self.jobs if each.name == name), None),
        )

    def rename_delivery(self, name: str) -> None:
        self.delivery = name
        self.jobs = tuple(replace(each, deliver=(name,)) for each in self.jobs)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def told_in(mail: EmailMessage) -> list[str]:
    """The nights that it tells, as `night 01-02`."""
    listed = text_of(mail).split("\n\n\n")[0]
    return [
        f"{name} {day}" for name, day in re.findall(r"^(\w+) 20..-(\S+):", listed, re.MULTILINE)
    ]


# When which nights are told: jobs, then runs (time, nights done), and what a mail then tells.

Run = tuple[datetime, Sequence[tuple[str, str, Comparison | None]], list[str] | None]
NEWS = news()
TIMES: dict[str, tuple[DigestPeriod, Sequence[Job], Sequence[Run]]] = {
    "after the only night": (DAILY, [NIGHT_JOB], [
        (at("2025-01-01"), [("night", "2025-01-01", NEWS)], ["night 01-01"]),
        (at("2025-01-01", 20), [], None),
        (at("2025-01-02"), [("night", "2025-01-02", NEWS)], ["night 01-02"]),
    ]),
    "after the later of two": (DAILY, [NIGHT_JOB, EVENING_JOB], [
        (at("2025-01-01"), [("night", "2025-01-01", NEWS), ("evening", "2024-12-31", None)], None),
        (at("2025-01-01", 18), [("evening", "2025-01-01", NEWS)], ["night 01-01", "evening 01-01"]),
    ]),
    "nights that are caught up": (DAILY, [NIGHT_JOB], [
        (at("2025-01-01"), [("night", "2025-01-01", None)], None),
        (at("2025-01-04"), [("night", f"2025-01-0{n}", NEWS) for n in (2, 3, 4)],
         ["night 01-02", "night 01-03", "night 01-04"]),
    ]),
    "nothing to tell": (DAILY, [NIGHT_JOB], [
        (at("2025-01-01"), [("night", "2025-01-01", None)], None),
        (at("2025-01-02"), [("night", "2025-01-02", QUIET)], None),
        (at("2025-01-03"), [("night", "2025-01-03", NEWS)], ["night 01-03"]),
    ]),
    "a night that could not be done": (DAILY, [NIGHT_JOB, EVENING_JOB], [
        (at("2025-01-01"), [("night", "2025-01-01", NEWS), ("evening", "2024-12-31", NEWS)], None),
        (at("2025-01-01", 18), [], None),
        (at("2025-01-02"), [("night", "2025-01-02", NEWS)], ["night 01-01", "evening 12-31"]),
        (at("2025-01-02", 18), [("evening", "2025-01-01", NEWS), ("evening", "2025-01-02", NEWS)],
         ["night 01-02", "evening 01-01", "evening 01-02"]),
    ]),
    "all of it at once": (DAILY, [NIGHT_JOB, EVENING_JOB], [
        (at("2025-01-01", 19), [("night", "2025-01-01", NEWS), ("evening", "2024-12-31", None)], None),
        (at("2025-01-02", 19), [("night", "2025-01-02", NEWS), ("evening", "2025-01-01", NEWS),
                                ("evening", "2025-01-02", NEWS)],
         ["night 01-01", "night 01-02", "evening 01-01", "evening 01-02"]),
    ]),
    "what comes after the digest of its date": (DAILY, [NIGHT_JOB, DATED], [
        (at("2025-01-01"), [("night", "2025-01-01", NEWS)], ["night 01-01"]),
        (at("2025-01-01", 9), [("dated", "2025-01-01", NEWS)], None),
        (at("2025-01-02", 5), [], None),
        (at("2025-01-02"), [("night", "2025-01-02", None)], ["dated 01-01"]),
    ]),
    "what is left over while nothing is done": (DAILY, [NIGHT_JOB, DATED], [
        (at("2025-01-01"), [("night", "2025-01-01", NEWS)], ["night 01-01"]),
        (at("2025-01-01", 9), [("dated", "2025-01-01", NEWS)], None),
        (at("2025-01-02"), [], None),
        (at("2025-01-03"), [], ["dated 01-01"]),
    ]),
    "no schedule at all": (DAILY, [DATED], [
        (at("2025-01-01", 9), [("dated", "2025-01-01", NEWS)], ["dated 01-01"]),
        (at("2025-01-01", 10), [("dated", "2025-01-02", news("zlib", "2025-01-02"))], None),
        (at("2025-01-02", 0), [], ["dated 01-02"]),
    ]),
    "a week, over the end of a year": (WEEKLY, [NIGHT_JOB], [
        (at("2024-12-29"), [("night", "2024-12-29", NEWS)], ["night 12-29"]),
        *((at(day), [("night", day, NEWS)], None) for day in
          ("2024-12-30", "2024-12-31", "2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04")),
        (at("2025-01-05"), [("night", "2025-01-05", NEWS)],
         ["night 12-30", "night 12-31", *(f"night 01-0{n}" for n in range(1, 6))]),
        (at("2025-01-06"), [("night", "2025-01-06", NEWS)], None),
    ]),
    "a week without its Sunday": (WEEKLY, [NIGHT_JOB], [
        (at("2025-01-04"), [("night", "2025-01-04", NEWS)], None),
        (at("2025-01-06"), [("night", "2025-01-06", NEWS)], ["night 01-04"]),
        (at("2025-01-12"), [("night", "2025-01-12", NEWS)], ["night 01-06", "night 01-12"]),
    ]),
    "a week that ends on a Tuesday": (WEEKLY, [job("night", "0 6 * * 2")], [
        (at("2024-12-31"), [("night", "2024-12-31", NEWS)], ["night 12-31"]),
        (at("2025-01-01"), [], None),
        (at("2025-01-07"), [("night", "2025-01-07", NEWS)], ["night 01-07"]),
    ]),
    # 06:00 on Lord Howe is 19:00 UTC of the date before, 06:00 in New York 11:00 UTC.
    "two zones": (DAILY, [job("howe", "0 6 * * *", "Australia/Lord_Howe"),
                          job("york", "0 6 * * *", "America/New_York")], [
        (at("2025-01-01", 11), [("york", "2025-01-01", NEWS), ("howe", "2025-01-01", NEWS)], None),
        (at("2025-01-01", 19), [("howe", "2025-01-02", NEWS)],
         ["york 01-01", "howe 01-01", "howe 01-02"]),
        (at("2025-01-02", 11), [("york", "2025-01-02", NEWS)], None),
        (at("2025-01-02", 19), [("howe", "2025-01-03", None)], ["york 01-02"]),
    ]),
    "a clock that was years ahead": (DAILY, [NIGHT_JOB], [
        (at("2099-01-01"), [("night", "2025-01-01", NEWS)], None),
        (at("2025-01-02"), [("night", "2025-01-02", NEWS)], ["night 01-01", "night 01-02"]),
        (at("2025-01-03"), [("night", "2025-01-03", NEWS)], ["night 01-03"]),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("case", TIMES)
def test_when_which_nights_are_told(tmp_path: Path, case: str) -> None:
    length, jobs, runs = TIMES[case]
    world = World(tmp_path, *jobs)
    world.recipients = (Recipient(ANN, digest=length),)
    for now, done, expected in runs:
        mails = world.run(now, *done)
        assert [told_in(mail) for mail in mails.values()] == ([expected] if expected else []), now


def test_who_gets_digests_gets_no_single_mail(tmp_path: Path) -> None:
    world = World(tmp_path, NIGHT_JOB)
    world.recipients = (Recipient(ANN, digest=DAILY), Recipient(BOB), Recipient(EVE, digest=WEEKLY))
    singles = parcels_for(NIGHT_JOB, date(2025, 1, 1), NEWS, world.deliveries(), Layout())
    assert [each.destination for each in singles] == [BOB]
    assert set(world.run(at("2025-01-01"), ("night", "2025-01-01", NEWS))) == {ANN}
    assert set(world.run(at("2025-01-05"), ("night", "2025-01-05", NEWS))) == {ANN, EVE}


def test_each_is_told_what_concerns_them_and_everything_if_they_ask(tmp_path: Path) -> None:
    world = World(tmp_path, NIGHT_JOB, DATED)
    world.recipients = (
        Recipient(ANN, digest=DAILY, packages=("zlib",)),
        Recipient(BOB, digest=DAILY, packages=("zlib",), empty=True),
    )
    mails = world.run(
        at("2025-01-01"),
        ("dated", "2025-01-01", NEWS),
        ("dated", "2025-01-02", None),
        ("night", "2025-01-01", news("zlib")),
    )
    assert told_in(mails[ANN]) == ["night 01-01"]
    assert told_in(mails[BOB]) == ["dated 01-01", "dated 01-02", "night 01-01"]
    assert "dated 2025-01-02: nothing to report" in text_of(mails[BOB])
    assert "trilinos" not in str(mails[BOB])
    assert set(world.run(at("2025-01-02"), ("night", "2025-01-02", None))) == {BOB}
    assert world.run(at("2025-01-03")) == {}, "no night was done"


def test_what_is_late_says_what_is_missing(tmp_path: Path) -> None:
    world = World(tmp_path, NIGHT_JOB, EVENING_JOB)
    world.run(at("2025-01-01"), ("night", "2025-01-01", NEWS), ("evening", "2024-12-31", None))
    (mail,) = world.run(at("2025-01-02"), ("night", "2025-01-02", NEWS)).values()
    assert text_of(mail).splitlines()[:2] == ["1 night", "Still due, and not told here: evening"]
    assert "Still due, and not told here: evening" in html_of(mail)


def test_a_report_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    world = World(tmp_path, EVENING_JOB)
    world.run(at("2025-01-01", 1), ("evening", "2024-12-31", None))
    done = [("evening", f"2025-01-0{number}", NEWS) for number in range(1, 5)]
    with closing(Ledger(world.path)) as ledger:
        for name, day, told in done:
            ledger.record(world.night(name, day, told, at("2025-01-04", 18)))
    reports = [world.reports / "evening" / day / "comparison.json" for _, day, _ in done]
    reports[0].unlink()
    reports[1].write_text("{")
    other = replace(NEWS, new=side("other"))
    reports[2].write_text(FORMATS["json"](other, arrange, Layout()))
    (mail,) = world.run(at("2025-01-04", 18)).values()
    assert told_in(mail) == ["evening 01-01", "evening 01-02", "evening 01-03", "evening 01-04"]
    text = " ".join(text_of(mail).split())
    expected = [
        "01-01 cannot be read: No such file or directory",
        "01-02 cannot be read: it is not JSON",
        "01-03 cannot be read: it is about something else",
        "01-04: trilinos removed",
    ]
    for sentence in expected:
        assert sentence in text
    assert mail["Subject"].startswith("[cachediff] 4 nights, 3 unreadable: evening 2025-01-01: the")


def test_beginning_ending_and_beginning_again(tmp_path: Path) -> None:
    world = World(tmp_path, NIGHT_JOB)

    def run(day: str, *recipients: Recipient) -> list[list[str]]:
        world.recipients = recipients
        done = ("night", day, news(on=day))
        return [told_in(mail) for mail in world.run(at(day), done).values()]

    weekly = Recipient(ANN, digest=WEEKLY)
    assert run("2025-01-06", Recipient(ANN)) == []
    assert run("2025-01-07", weekly) == []
    assert run("2025-01-08", weekly) == []
    # The night of the 9th is told in a single mail, and what waited in a last digest.
    assert run("2025-01-09", Recipient(ANN)) == [["night 01-07", "night 01-08"]]
    assert run("2025-01-10", Recipient(ANN)) == []
    assert run("2025-01-11", replace(weekly, digest=DAILY)) == [["night 01-11"]]
    assert run("2025-01-12", weekly) == [["night 01-12"]]
    assert run("2025-01-13", weekly) == []
    assert run("2025-01-14") == [], "nobody is there to be told"
    assert run("2025-01-19", weekly) == [["night 01-19"]]


def test_a_digest_is_a_thread_of_its_own_for_each_recipient(tmp_path: Path) -> None:
    world = World(tmp_path, NIGHT_JOB)
    world.recipients = (Recipient(ANN, digest=DAILY), Recipient(BOB, digest=DAILY))
    first, second = (
        world.run(at(day), ("night", day, news(on=day))) for day in ("2025-01-01", "2025-01-02")
    )
    assert first[ANN]["References"] == first[ANN]["In-Reply-To"] == second[ANN]["References"]
    assert first[ANN]["References"] != first[BOB]["References"]
    assert (first[ANN]["To"], first[ANN]["From"]) == (ANN, "ci@example.org")
    assert first[ANN]["List-Id"] == "<digest.cachediff.example.org>"
    assert first[ANN]["Date"].datetime == at("2025-01-01", 3)
    assert len({mail["Message-ID"] for run in (first, second) for mail in run.values()}) == 4


class Interrupted(Outbox):
    """An outbox that takes what it is given, and then everything ends."""

    def enqueue(self, *args: object, **keys: object) -> bool:
        super().enqueue(*args, **keys)  # type: ignore[arg-type]
        raise DeliveryError("the end")


def test_what_waits_is_told_whatever_becomes_of_names(tmp_path: Path) -> None:
    """Of the delivery, of the job; and where a job is not set or does not deliver any more."""
    weekly = Recipient(ANN, digest=WEEKLY)
    for place, change in enumerate(("delivery", "job", "no job", "deliver")):
        world = World(tmp_path / str(place), NIGHT_JOB, DATED)
        world.recipients = (weekly,)
        assert world.run(at("2025-01-06"), ("night", "2025-01-06", NEWS)) == {}
        assert world.run(at("2025-01-07"), ("night", "2025-01-07", NEWS)) == {}
        told: list[str] = []
        match change:
            case "delivery":
                world.rename_delivery("post")
            case "job":
                world.jobs = (job("every", "0 6 * * *"), DATED)
            case "no job":
                world.jobs = (DATED,)
            case "deliver":
                world.jobs = (replace(NIGHT_JOB, deliver=()), DATED)
        for day, done in (("2025-01-08", [("dated", "2025-01-08", NEWS)]), ("2025-01-13", [])):
            mails = world.run(at(day), *done)
            told += [night for mail in mails.values() for night in told_in(mail)]
            assert world.untold == ()
        for day in ("2025-01-20", "2025-01-27"):
            told += [night for mail in world.run(at(day)).values() for night in told_in(mail)]
        assert sorted(told) == ["dated 01-08", "night 01-06", "night 01-07"], change


def test_what_the_ledger_does_not_say_the_settings_do(tmp_path: Path) -> None:
    world = World(tmp_path, DATED)
    world.run(at("2025-01-01", 5))
    with closing(Ledger(world.path)) as ledger:
        for name in ("dated", "other"):
            ledger.record(
                replace(world.night(name, "2025-01-01", NEWS, at("2025-01-01")), deliver=None)
            )
    (mail,) = world.run(at("2025-01-01")).values()
    assert told_in(mail) == ["dated 01-01"]


def test_what_nobody_is_there_for_is_said_once(tmp_path: Path) -> None:
    world = World(tmp_path, NIGHT_JOB)
    world.recipients = (Recipient(ANN, digest=WEEKLY), Recipient(BOB, digest=WEEKLY))
    world.run(at("2025-01-06"), ("night", "2025-01-06", NEWS), ("night", "2025-01-07", None))
    world.recipients = (Recipient(BOB, digest=WEEKLY),)
    assert world.run(at("2025-01-07"), ("night", "2025-01-07", NEWS)) == {}
    (said,) = world.untold
    assert said.startswith(f"no mail delivery has {ANN} any more, ")
    assert said.endswith("It was to tell: night 2025-01-06")
    assert set(world.run(at("2025-01-13"), ("night", "2025-01-13", None))) == {BOB}
    assert world.untold == ()
    # Of what is told to nobody there need not be anything.
    world.recipients = ()
    assert world.run(at("2025-01-14")) == {}
    assert world.untold == ()


class Selective(Outbox):
    """An outbox that takes nothing for Ann."""

    def enqueue(self, kind: Any, destination: str, content: bytes, **keys: Any) -> bool:
        if destination == ANN:
            raise DeliveryError("not for her")
        return super().enqueue(kind, destination, content, **keys)


def test_one_that_cannot_be_made_keeps_no_other_from_it(tmp_path: Path) -> None:
    world = World(tmp_path, NIGHT_JOB)
    whole = world.outbox
    world.recipients = tuple(Recipient(each, digest=DAILY) for each in (ANN, BOB))
    world.outbox = Selective(tmp_path / "outbox", write_atomically)
    with pytest.raises(DeliveryError, match="not for her"):
        world.run(at("2025-01-01"), ("night", "2025-01-01", NEWS))
    assert [each.destination for each in whole.contents().parcels] == [BOB]
    world.recipients = (Recipient(ANN, digest=DAILY),)
    with pytest.raises(DeliveryError, match="not for her"):
        world.run(at("2025-01-02"), ("night", "2025-01-02", NEWS))
    world.outbox = whole
    with closing(Ledger(world.path)) as ledger:
        world.untold = world.enqueue(ledger, at("2025-01-02", 7))
    destinations = [each.destination for each in whole.contents().parcels]
    assert sorted(destinations) == [ANN, ANN, BOB]


@pytest.mark.parametrize("damaged", [False, True])
def test_a_digest_that_is_made_twice_is_the_same_mail(tmp_path: Path, damaged: bool) -> None:
    world = World(tmp_path, NIGHT_JOB)
    whole = world.outbox
    world.outbox = Interrupted(tmp_path / "outbox", write_atomically)
    with pytest.raises(DeliveryError, match="the end"):
        world.run(at("2025-01-01"), ("night", "2025-01-01", NEWS))
    world.outbox = whole
    if damaged:
        (world.reports / "night" / "2025-01-01" / "comparison.json").unlink()
    # What is done meanwhile is for the next, which is of another date.
    again = world.run(
        at("2025-01-02"), ("night", "2025-01-02", None), ("dated", "2025-01-02", NEWS)
    )
    assert [told_in(mail) for mail in again.values()] == ([["night 01-01"]] if damaged else [])
    parcels = world.outbox.contents().parcels
    assert len(parcels) == 1 + damaged
    mails = [parsed(world.outbox.content(each.id).decode()) for each in parcels]
    assert len({mail["Message-ID"] for mail in mails}) == 1
    assert world.run(at("2025-01-02", 7)) == {}


# Whatever happens, each news is in exactly one digest of each recipient.

JOBS = (NIGHT_JOB, EVENING_JOB, DATED, job("howe", "0 6 * * *", "Australia/Lord_Howe"))
EVERYONE = (
    Recipient(ANN, digest=DAILY),
    Recipient(BOB, digest=WEEKLY),
    Recipient(EVE, digest=DAILY, packages=("p*[02468]",)),
)


def is_theirs(package_name: str, recipient: Recipient) -> bool:
    return not recipient.packages or int(package_name[1:]) % 2 == 0


Step = tuple[datetime, Sequence[tuple[str, str]]]
"""A run: when, and which nights it does."""


def steps_of(random: Random, days: int) -> list[Step]:
    """Runs of some days, in which now and then something is not done, and caught up later."""
    steps: list[Step] = []
    last: dict[str, date] = {}
    for hour in range(days * 24):
        if random.random() < 0.9:
            continue
        now = at("2024-12-20", 0) + timedelta(hours=hour)
        done = []
        for each in JOBS:
            if random.random() < 0.2:
                continue
            if isinstance(each.due, Schedule):
                dates = [night.date for night in due_dates(each.due, last.get(each.name), now)]
                last[each.name] = max([*dates, *filter(None, [last.get(each.name)])])
            else:
                dates = [now.date()] * (last.get(each.name) != now.date() and random.random() < 0.2)
                last |= dict.fromkeys([each.name] * len(dates), now.date())
            done += [(each.name, str(day)) for day in dates]
        steps.append((now, done))
    return steps


def told_by(steps: Iterable[Step]) -> dict[str, str]:
    """The package that each night has news of; every fourth has none."""
    nights = [night for _, done in steps for night in done]
    return {
        f"{name} {day[5:]}": f"p{place}" for place, (name, day) in enumerate(nights) if place % 4
    }


def does(steps: Sequence[Step], place: int) -> list[tuple[str, str, Comparison | None]]:
    names = told_by(steps)
    return [
        (name, day, news(names[key], day) if (key := f"{name} {day[5:]}") in names else None)
        for name, day in steps[place][1]
    ]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_each_news_is_in_one_digest(seed: int, broken: bool) -> None:
    random = Random(seed)
    steps = steps_of(random, 12)
    # In the end all is done, and a week goes by.
    steps += [(at("2025-01-14", 23), [("dated", "2025-01-14")]), (at("2025-01-30"), [])]
    with TemporaryDirectory() as folder:
        world = World(Path(folder), *JOBS)
        world.recipients = EVERYONE
        whole, sick = world.outbox, Interrupted(Path(folder) / "outbox", write_atomically)
        for place, (now, _) in enumerate(steps):
            world.outbox = sick if broken and random.random() < 0.3 else whole
            try:
                world.run(now, *does(steps, place))
            except DeliveryError:
                world.outbox = whole
                world.run(now)
        parcels = world.outbox.contents().parcels
        mails = [(each, parsed(world.outbox.content(each.id).decode())) for each in parcels]
        with closing(Ledger(world.path)) as ledger:
            periods = Counter(
                (each.address, each.period) for each in ledger.digests() if each.period
            )
    assert set(periods.values()) <= {1}
    assert len({mail["Message-ID"] for _, mail in mails}) == len(mails)
    packages = told_by(steps)
    for recipient in EVERYONE:
        theirs = [
            night for parcel, mail in mails if parcel.destination == recipient.address
            for night in told_in(mail)
        ]  # fmt: skip
        expected = [night for night, name in packages.items() if is_theirs(name, recipient)]
        assert sorted(theirs) == sorted(expected)


# Killed at any moment.


def live(folder: Path, seed: int, days: int) -> None:
    """Do what is not done yet of all runs; what is sent goes into the folder `mailbox`, a file each."""
    steps = steps_of(Random(seed), days)
    world = World(folder, *JOBS)
    world.recipients = EVERYONE

    def send(parcel: Parcel, content: bytes) -> Outcome:
        name = sha256(content).hexdigest()
        (folder / "mailbox").mkdir(exist_ok=True)
        paths = (folder / "mailbox" / f"{parcel.destination} {name}.{n}" for n in count())
        next(path for path in paths if not path.exists()).write_bytes(content)
        return Accepted("250")

    for place, (now, _) in enumerate(steps):
        mark = folder / "runs" / str(place)
        if not mark.exists():
            with closing(Ledger(world.path)) as ledger:
                begin_digests(ledger, world.deliveries())
                known = {
                    (night.job, night.date) for night in ledger.nights_between(0, 10**6).values()
                }
                for name, day, told in does(steps, place):
                    if (name, date.fromisoformat(day)) not in known:
                        ledger.record(world.night(name, day, told, now))
                world.enqueue(ledger, now)
            world.outbox.deliver_due(now, send)
            mark.parent.mkdir(exist_ok=True)
            mark.touch()


LIVING = """
import sys
from pathlib import Path
import test_digests
print("ready", flush=True)
test_digests.live(Path(sys.argv[1]), 7, 15)
print("done", flush=True)
"""


def test_killed_at_any_moment_each_news_is_in_one_digest(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    begun = time.monotonic()
    live(whole, 7, 15)
    length = time.monotonic() - begun
    kills = 0
    chance = Random(4)
    while True:
        command = [sys.executable, "-c", LIVING, str(killed)]
        with subprocess.Popen(
            command, cwd=Path(__file__).parent, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            try:
                # At least 20 times, and then it is let live.
                process.wait(chance.uniform(0, length / 25) if kills < 24 else None)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
            else:
                assert process.stdout.read() == b"done\n"
                break
    assert kills >= 20
    sent = Counter(path.name.rpartition(".")[0] for path in (killed / "mailbox").iterdir())
    expected = {path.name.rpartition(".")[0] for path in (whole / "mailbox").iterdir()}
    assert set(sent) == expected
    assert len(expected) > 20
    # A process that is killed had at most one mail on its way, of which there is a second copy then.
    assert sum(sent.values()) - len(sent) <= kills
    with closing(Ledger(killed / "store" / LEDGER)) as ledger:
        assert all(digest.made for digest in ledger.digests())
    packages = told_by(steps_of(Random(7), 15))
    contents = {path.name.rpartition(".")[0]: path for path in (killed / "mailbox").iterdir()}
    mails = [parsed(path.read_bytes().decode()) for path in contents.values()]
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    for recipient in EVERYONE:
        theirs = Counter(
            night for mail in mails if mail["To"] == recipient.address for night in told_in(mail)
        )
        assert set(theirs.values()) == {1}
        # The last dates are still to come.
        assert set(theirs) <= {
            night for night, name in packages.items() if is_theirs(name, recipient)
        }


# What it looks like.


def nights(*cases: str, number: int = 1) -> list[DigestNight]:
    return [
        DigestNight(
            job="nightly",
            date=date(2025, 4, 1) + timedelta(days=place),
            report=f"nightly/{place}",
            changelog=arrange(CASES[case]()),
        )
        for place, case in enumerate(cases * number)
    ]


def digest_of(told: Sequence[DigestNight], templates: Path | None = None) -> EmailMessage:
    own_id = "<cachediff.digest.1@example.org>"
    mail = render_digest(
        told, envelope=ENVELOPE, own_id=own_id, committed_at=None, templates=templates
    )
    return parsed(mail)


def test_what_matters_most_is_the_subject() -> None:
    subjects = {
        ("no-changes", "red", "every-kind"): "3 nights, 1 red: RED: trilinos removed",
        (
            "every-kind",
            "suspect-new",
        ): "2 nights: SUSPECT: 12 manifests where there were 1,298, ...",
        ("no-changes",): "1 night: no changes",
    }
    for cases, expected in subjects.items():
        assert digest_subject(nights(*cases)) == f"[cachediff] {expected}"
        assert digest_of(nights(*cases))["Subject"] == f"[cachediff] {expected}"


def test_each_night_is_told_in_a_line_and_then_as_a_mail_of_its_own_would() -> None:
    mail = digest_of(nights("every-kind", "red"))
    text = text_of(mail)
    first, second, third = text.split("\n\n\n")
    assert first.splitlines()[:2] == ["2 nights, 1 red", ""]
    assert first.splitlines()[-2:] == [
        "nightly 2025-04-02: trilinos removed",
        "  RED: gate left-e4s: trilinos left e4s",
    ]
    for case, part in (("every-kind", second), ("red", third)):
        alone = FORMATS["text"](CASES[case](), arrange, Layout(width=78, limit=25))
        assert alone in part
    html = html_of(mail)
    assert html.index("nightly 2025-04-02") < html.index("Left a stack") < html.index("13.4.1")
    assert "Filed, with every row: nightly/1" in html
    assert list(mail.iter_attachments()) == []


@pytest.mark.parametrize("case", sorted(CASES))
@pytest.mark.parametrize("number", [1, 60])
def test_it_stays_within_what_mail_programs_show(case: str, number: int) -> None:
    mail = digest_of(nights(case, number=number))
    body = mail.get_body(("html",))
    assert body is not None
    payload = body.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert len(payload.replace(b"\r\n", b"\n")) <= LARGEST
    assert len(text_of(mail)) < 250_000
    assert "<script" not in html_of(mail)
    assert len(told_in(mail)) == number if case != "hostile" else True


def test_of_many_nights_the_most_important_are_told_at_length() -> None:
    told = nights(*["every-kind"] * 29, "red")
    mail = digest_of(told)
    lengthy = re.findall(r"^nightly (\S+)\n=+$", text_of(mail), re.MULTILINE)
    assert lengthy[-1] == str(told[-1].date)
    assert len(lengthy) < len(told)
    rest = f"{len(told) - len(lengthy)} nights more, told above in a line each"
    assert rest in text_of(mail)
    assert rest in html_of(mail)


def test_a_template_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "digest.html.j2").write_text(
        '{% extends "original/digest.html.j2" %}{% block header %}<p>Ours: {{ title }}</p>{% endblock %}'
    )
    assert "Ours: 1 night" in html_of(digest_of(nights("red"), tmp_path))
    (tmp_path / "digest.html.j2").write_text(
        '{% extends "original/digest.html.j2" %}{% block night %}{{ nothing }}{% endblock %}'
    )
    with pytest.raises(ReportError, match=r"digest\.html\.j2:1: 'nothing' is undefined"):
        digest_of(nights("red"), tmp_path)


# With real runs, and in the ledger and the settings.


def test_what_real_runs_file_is_what_digests_tell(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    mail = (
        "    deliver: [mail]\ndeliver:\n  mail: {type: mail, host: localhost, sender: ci@example.org,"
        f" security: none, recipients: [{{address: {ANN}, digest: daily}}]}}\n"
    )
    upstream = make_repository([build(0)], "--bare")
    runs = RunWorld(tmp_path / "world", upstream, NIGHTLY + mail)
    outbox = Outbox(tmp_path / "outbox", write_atomically)
    made = []
    for number in range(3):
        if number:
            add_commits(upstream, [build(number)], start=number)
        read = load_settings(runs.folder / "config.yaml")
        deliveries = resolve(read, {})
        with runs.ledger() as ledger:
            begin_digests(ledger, deliveries)
        runs.run(evening(number))
        with runs.ledger() as ledger:
            jobs, now = tuple(read.jobs.values()), evening(number)
            enqueue_digests(outbox, jobs, ledger, deliveries, read.reports, None, now=now)
        made.append(len(outbox.contents().parcels))
    assert made == [0, 1, 2]
    titles = [each.title for each in outbox.contents().parcels]
    assert titles == ["[cachediff] 1 night: hdf5 rebuilt"] * 2


def test_the_ledger_keeps_digests(tmp_path: Path) -> None:
    planned = [
        Digest(delivery="mail", address=ANN, first=1, last=0, made=True),
        Digest(delivery="mail", address=ANN, first=1, last=3, period="2025-W01", still_due=("a",)),
        Digest(delivery="mail", address=ANN, first=4, last=4, ended=True),
    ]
    with closing(Ledger(tmp_path / LEDGER)) as ledger:
        for digest in planned:
            ledger.plan(digest)
        ledger.mark_made(ledger.digests()[1])
    planned[1] = replace(planned[1], made=True)
    with closing(Ledger(tmp_path / LEDGER)) as ledger:
        kept = ledger.digests()
    assert kept == tuple(replace(each, number=n) for n, each in enumerate(planned, 1))
    with closing(sqlite3.connect(tmp_path / LEDGER)) as older, older:
        older.execute("DROP TABLE digest")
    with closing(Ledger(tmp_path / LEDGER)) as ledger:
        assert ledger.digests() == ()


def test_another_report_of_a_night_is_another_night(tmp_path: Path) -> None:
    world = World(tmp_path)
    now = at("2025-01-01")
    first = world.night("asked", "2025-01-01", NEWS, now)
    second = replace(first, report="asked/2025-01-01.2")
    with closing(Ledger(world.path)) as ledger:
        for night in (first, second, replace(first, red=True)):
            ledger.record(night)
        assert ledger.nights_between(1, 9) == {1: replace(first, red=True), 2: second}
        assert ledger.last("asked") == second
        assert (ledger.newest(), ledger.nights_between(2, 2)) == (2, {2: second})


@pytest.mark.parametrize(
    ("recipients", "reason"),
    [
        (
            "{address: a@b, digest: monthly}",
            r"\.digest: found 'monthly'; allowed is one of daily, ",
        ),
        ("{address: a@b, digest: daily}, {address: a@b}", r"\[0\]\.digest: a@b is there twice"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, recipients: str, reason: str) -> None:
    (tmp_path / "config.yaml").write_text(
        "sources: {a: {path: .}}\ndeliver:\n  mail: {type: mail, host: h, sender: a@b,"
        f" recipients: [{recipients}]}}\n"
    )
    with pytest.raises(ConfigError, match=reason):
        load_settings(tmp_path / "config.yaml")
