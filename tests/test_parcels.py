"""What a night has to say, to whom, and that it arrives: parcels, and their delivery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from msgspec.structs import replace

from cachediff.config.resolving import Deliveries, Mail
from cachediff.delivery import Outbox
from cachediff.files import write_atomically
from cachediff.jobs.parcels import (
    LARGEST_SUMMARY,
    deliver,
    enqueue,
    parcels_for,
    write_summary,
)
from cachediff.jobs.subscriptions import concerns
from cachediff.model.change import ChangeKind
from cachediff.model.comparison import Comparison
from cachediff.model.delivery import MailServer, Secret, Webhook
from cachediff.model.gates import (
    SUSPECT_GATE,
    Acceptance,
    Finding,
    Gate,
    Kind,
    LeftStack,
    PackageEvidence,
    ReadingEvidence,
    SideEvidence,
    StackEvidence,
    StackShrank,
    Unreadable,
)
from cachediff.model.jobs import DigestPeriod, Job, Recipient
from cachediff.model.selection import Selection
from cachediff.reports import Layout
from mail_server import mail_server
from report_cases import CASES, comparison, package, pair, removed, side, spec
from test_webhooks import http_server

NIGHT = date(2025, 4, 21)
NOW = datetime(2025, 4, 21, 3, 0, tzinfo=UTC)
ANN = "ann@example.org"
SENDER = "ci@example.org"
JOB = Job(name="nightly", old="develop@previous", new="develop", deliver=("mail", "team"))
GONE = Finding(Gate("left-e4s", LeftStack()), (PackageEvidence("trilinos", 1, ("e4s",)),))
SHRANK = Finding(Gate("shrank", StackShrank()), (StackEvidence("e4s", (90, 1), (9, 1)),))
UNREAD = Finding(Gate("unread", Unreadable()), (ReadingEvidence(1, 9, ("hdf5",)),))
SUSPECT = Finding(SUSPECT_GATE, (SideEvidence("new", "few"),))
DROPPED = Finding(
    Gate("kinds", Kind(("removed",))), (PackageEvidence("hdf5", 1, kind=ChangeKind.REMOVED),)
)
ACCEPTANCE = Acceptance("left-e4s", date(2025, 5, 1), "it is being moved")


def night() -> Comparison:
    """`hdf5` is upgraded in hep, `trilinos` gone from e4s."""
    hep = ("hep", "root")
    return comparison(
        package(
            "hdf5",
            pair("upgraded", spec("hdf5 1", "1", stacks=hep), spec("hdf5 2", "2", stacks=hep)),
        ),
        package("trilinos", removed(spec("trilinos 1")), status="removed"),
        new=side("develop"),
    )


def deliveries(
    *recipients: Recipient, port: int = 25, webhook: Webhook | None = None
) -> Deliveries:
    server = MailServer(host="127.0.0.1", port=port, sender=SENDER, security="none", timeout=5)
    return Deliveries({"mail": Mail(server, recipients)}, {"team": webhook} if webhook else {})


def ann(**wants: object) -> Recipient:
    return Recipient(address=ANN, **wants)  # type: ignore[arg-type]


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def mails(told: Comparison, *recipients: Recipient, on: date = NIGHT) -> list[EmailMessage]:
    contents = parcels_for(JOB, on, told, deliveries(*recipients), Layout())
    return [parsed(each.content) for each in contents]


@pytest.mark.parametrize("why", ["unreached", "gone"])
def test_a_night_of_which_nothing_is_known_is_told_at_once_to_all(why: str) -> None:
    """No digest tells it, since it is not done."""
    weekly = ann(digest=DigestPeriod.WEEKLY, packages=("hdf5",))
    assert mails(night(), weekly) == []
    untold = replace(CASES["no-changes"](), **{why: "2025-04-21T03:00:00Z"})
    (mail,) = mails(untold, weekly)
    assert mail["To"] == ANN


# What concerns whom: subscription, the packages told, the gates told.

FOUND = (GONE, SHRANK, UNREAD, SUSPECT, DROPPED)
ALL = ("left-e4s", "shrank", "unread", "suspect", "kinds")
SUBSCRIPTIONS: list[tuple[Recipient, Sequence[str], Sequence[str]]] = [
    (ann(), ("hdf5", "trilinos"), ALL),
    (ann(packages=("tri*",)), ("trilinos",), ("left-e4s", "shrank", "suspect")),
    (ann(packages=("hdf5", "x")), ("hdf5",), ("shrank", "unread", "suspect", "kinds")),
    (ann(packages=("x",)), (), ("shrank", "suspect")),
    (ann(stacks=("e4s",)), ("trilinos",), ALL),
    (ann(stacks=("h*",)), ("hdf5",), ("unread", "suspect", "kinds")),
    (ann(kinds=("removed",)), ("trilinos",), ALL),
    (ann(kinds=("up*",)), ("hdf5",), ("left-e4s", "shrank", "unread", "suspect")),
    (ann(packages=("hdf5",), stacks=("e4s",)), (), ("shrank", "unread", "suspect", "kinds")),
    (ann(packages=("trilinos",), kinds=("upgraded",)), (), ("left-e4s", "shrank", "suspect")),
]


@pytest.mark.parametrize(("recipient", "packages", "gates"), SUBSCRIPTIONS)
def test_what_concerns_a_recipient(
    recipient: Recipient, packages: Sequence[str], gates: Sequence[str]
) -> None:
    told = concerns(replace(night(), findings=FOUND), recipient)
    assert tuple(each.package for each in told.packages) == packages
    assert tuple(each.gate.name for each in told.findings) == gates


def test_of_a_finding_only_their_evidence_concerns_them() -> None:
    both = Finding(
        GONE.gate,
        (PackageEvidence("hdf5", 1, ("e4s",)), PackageEvidence("trilinos", 1, ("e4s",))),
        ACCEPTANCE,
    )
    told = concerns(replace(night(), findings=(both,)), ann(packages=("trilinos",)))
    assert told.findings == (replace(both, evidence=GONE.evidence),)


def test_what_a_job_left_out_stays_left_out_and_is_counted() -> None:
    whole = night()
    (hdf5, _) = whole.packages
    of_job = replace(whole, packages=(hdf5,), selection=Selection(oss=("ubuntu*",)), left_out=1)
    told = concerns(of_job, ann(packages=("trilinos",)))
    assert (told.packages, told.left_out) == ((), 2)
    assert told.selection == Selection(specs=("trilinos",), oss=("ubuntu*",))
    assert concerns(of_job, ann()) == of_job


# Who gets a mail: of which night, what they want, whether there is one, and its subject.

QUIET = replace(CASES["no-changes"](), new=side("develop"))
HEAD = "[cachediff] develop 2025-04-21"
MAILS: list[tuple[Comparison, Recipient, str | None]] = [
    (night(), ann(), f"{HEAD}: trilinos removed, hdf5 upgraded"),
    (night(), ann(packages=("hdf5",)), f"{HEAD} (selected): hdf5 upgraded"),
    (night(), ann(packages=("zlib",)), None),
    (night(), ann(packages=("zlib",), empty=True), f"{HEAD} (selected): no selected changes"),
    (QUIET, ann(), None),
    (QUIET, ann(empty=True), f"{HEAD}: no changes"),
    (replace(QUIET, findings=(GONE,)), ann(), f"{HEAD}: RED: no changes"),
    (replace(QUIET, findings=(GONE,)), ann(packages=("hdf5",)), None),
    (replace(QUIET, findings=(replace(GONE, accepted=ACCEPTANCE),)), ann(), None),
    (
        replace(QUIET, new=side("develop", suspect="few")),
        ann(packages=("hdf5",)),
        f"{HEAD} (selected): SUSPECT: few, no selected changes",
    ),
    (replace(QUIET, notices=("upstream not reached",)), ann(), None),
    (
        replace(QUIET, notices=("upstream not reached",)),
        ann(empty=True),
        f"{HEAD}: upstream not reached, no changes",
    ),
]


@pytest.mark.parametrize(("told", "recipient", "expected"), MAILS)
def test_who_gets_a_mail(told: Comparison, recipient: Recipient, expected: str | None) -> None:
    assert [each["Subject"] for each in mails(told, recipient)] == [expected][
        : expected is not None
    ]


def test_each_recipient_gets_a_mail_of_their_own() -> None:
    (first, second) = mails(
        night(), ann(packages=("hdf5",)), Recipient("bob@example.org", packages=("trilinos",))
    )
    assert (first["To"], second["To"]) == (ANN, "bob@example.org")
    assert first["From"] == SENDER
    assert "hdf5" in text_of(first)
    for part in first.walk():
        if part.get_content_maintype() == "text":
            assert "trilinos" not in part.get_content()
    assert first["Message-ID"] != second["Message-ID"]


def test_the_mails_of_a_job_to_a_recipient_are_one_thread_and_tell_their_nights_apart() -> None:
    tonight, tomorrow = (
        mails(QUIET, ann(empty=True), on=NIGHT + timedelta(days))[0] for days in (0, 1)
    )
    assert tonight["Message-ID"] != tomorrow["Message-ID"]
    assert tonight["References"] == tonight["In-Reply-To"] == tomorrow["References"]
    assert tonight["References"].startswith("<cachediff.thread.")


def test_only_what_the_job_delivers_to() -> None:
    everyone = deliveries(ann())
    job = replace(JOB, deliver=("team",))
    assert list(parcels_for(job, NIGHT, night(), everyone, Layout())) == []


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox", write_atomically)


def put(outbox: Outbox, told: Comparison, everyone: Deliveries, on: date = NIGHT) -> int:
    return enqueue(outbox, JOB, on, told, everyone, Layout(), now=NOW)


def test_the_same_night_twice_is_nothing_new(outbox: Outbox) -> None:
    hook = Webhook(name="team", url=Secret("https://example.org/hook"))
    everyone = deliveries(ann(empty=True), webhook=hook)
    assert put(outbox, QUIET, everyone) == 2
    assert put(outbox, QUIET, everyone) == 0
    assert put(outbox, QUIET, everyone, NIGHT + timedelta(1)) == 2
    titles = {parcel.title for parcel in outbox.contents().parcels}
    assert titles == {
        "[cachediff] develop 2025-04-21: no changes",
        "[cachediff] develop 2025-04-22: no changes",
        "nightly 2025-04-21: No changes",
        "nightly 2025-04-22: No changes",
    }


def test_from_a_night_to_a_mailbox_and_a_webhook(outbox: Outbox) -> None:
    told = replace(night(), findings=(GONE, replace(SHRANK, accepted=ACCEPTANCE)))
    with mail_server() as server, http_server() as (address, web):
        hook = Webhook(name="team", url=Secret(f"{address}/hook/secret"))
        everyone = deliveries(ann(packages=("tri*",)), port=server.port, webhook=hook)
        assert put(outbox, told, everyone) == 2
        done = deliver(outbox, everyone, NOW)
        assert done is not None
        assert {each.destination for each in done.accepted} == {ANN, "team"}
        again = deliver(outbox, everyone, NOW)
        assert again is not None
        assert again.accepted == ()
    assert put(outbox, told, everyone) == 0, "what was accepted is remembered"
    assert outbox.contents().parcels == ()
    (copy,) = server.copies
    assert (copy.sender, copy.recipients) == (SENDER, [ANN])
    message = parsed(copy.content)
    assert message["Subject"] == f"{HEAD} (selected): RED: trilinos removed"
    assert text_of(message).splitlines()[0] == "RED: gate left-e4s: trilinos left e4s"
    assert "hdf5" not in text_of(message)
    ((path, _, body),) = web.requests
    assert path == "/hook/secret"
    notice = json.loads(body)
    assert (notice["job"], notice["night"]) == ("nightly", "2025-04-21")
    assert notice["headline"] == "trilinos removed, hdf5 upgraded"
    assert notice["findings"] == [
        {"gate": "left-e4s", "text": "trilinos left e4s", "accepted": False},
        {
            "gate": "shrank",
            "text": "e4s lost 89 of 90 specs and 8 of 9 packages (limit 10%)",
            "accepted": True,
        },
    ]


def test_what_nothing_delivers_any_more_waits(outbox: Outbox) -> None:
    hook = Webhook(name="team", url=Secret("https://example.org/hook"))
    put(outbox, night(), deliveries(ann(), webhook=hook))
    done = deliver(outbox, Deliveries({}, {}), NOW)
    assert done is not None
    assert {each.last_error for each in done.postponed} == {
        f"no delivery of the settings has {name} any more" for name in (ANN, "team")
    }


def test_a_notice_says_that_upstream_was_not_reached() -> None:
    told = replace(QUIET, notices=("upstream not reached",))
    hook = Webhook(name="team", url=Secret("https://example.org/hook"))
    (content,) = parcels_for(
        JOB, NIGHT, told, deliveries(webhook=hook), Layout(), url="https://example.org/r"
    )
    notice = json.loads(content.content)
    assert notice["headline"] == "Note: upstream not reached; No changes"
    assert notice["url"] == "https://example.org/r"


# The job summary.


def test_the_summary_of_a_job_is_cut_to_what_is_taken_in_all(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    write_summary(path, replace(night(), findings=(GONE,)), None)
    assert "> RED: gate `left-e4s`: `trilinos` left `e4s`" in path.read_text()
    path.write_bytes(b"x" * (LARGEST_SUMMARY - 3_000))
    write_summary(path, CASES["every-kind"](), None)
    assert path.stat().st_size <= LARGEST_SUMMARY
    assert "Cut to fit" in path.read_text()
