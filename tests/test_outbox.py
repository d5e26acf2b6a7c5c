"""The outbox: nothing is lost, and nothing goes out twice that a server is known to have."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cachediff.delivery import Mailer, Outbox
from cachediff.errors import DeliveryError
from cachediff.files import write_atomically
from cachediff.model.delivery import (
    Accepted,
    DeliveryRound,
    MailServer,
    Outcome,
    Parcel,
    Postponed,
    Refused,
)
from mail_server import Fault, mail_server

NOW = datetime(2025, 4, 20, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
ACCEPTED = Accepted("OK")
LATER = Postponed("451 later")


def write_quickly(path: Path, content: bytes) -> None:
    """As atomic, but not durable: for tests that pull no plug."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox", write_atomically)


def put(outbox: Outbox, *contents: bytes, now: datetime = NOW) -> list[str]:
    """Enqueue these, and return the ids of all that is there, in their order."""
    for content in contents:
        assert outbox.enqueue("mail", "ann@example.org", content, title="News", now=now)
    return [parcel.id for parcel in outbox.contents().parcels]


def delivered(
    outbox: Outbox, now: datetime, outcome: Outcome = ACCEPTED
) -> tuple[DeliveryRound, list[bytes]]:
    sent: list[bytes] = []

    def send(parcel: Parcel, content: bytes) -> Outcome:
        sent.append(content)
        return outcome

    done = outbox.deliver_due(now, send)
    assert done is not None
    return done, sent


CONTENT = b"Subject: a\r\n\r\n\n\x00\xff line\n"


def test_delivered_once(outbox: Outbox) -> None:
    (name,) = put(outbox, CONTENT)
    assert outbox.content(name) == CONTENT
    done, sent = delivered(outbox, NOW)
    assert sent == [CONTENT]
    assert [parcel.id for parcel in done.accepted] == [name]
    assert not outbox.contents().parcels
    assert delivered(outbox, NOW + DAY)[1] == []


def test_the_same_again_changes_nothing(outbox: Outbox) -> None:
    (name,) = put(outbox, CONTENT)
    delivered(outbox, NOW, LATER)
    before = outbox.contents()
    assert not outbox.enqueue("mail", "ann@example.org", CONTENT, title="Again", now=NOW + DAY)
    assert outbox.contents() == before
    assert [parcel.id for parcel in before.parcels] == [name]


def test_what_was_sent_is_remembered_for_60_days(outbox: Outbox) -> None:
    put(outbox, CONTENT)
    delivered(outbox, NOW)
    for days in (0, 1, 59, 60):
        delivered(outbox, NOW + days * DAY)
        late = NOW + days * DAY
        assert not outbox.enqueue("mail", "ann@example.org", CONTENT, title="", now=late)
    delivered(outbox, NOW + 61 * DAY)
    put(outbox, CONTENT)


def test_other_content_or_destination_is_another_parcel(outbox: Outbox) -> None:
    put(outbox, b"a", b"b")
    assert outbox.enqueue("mail", "bob@example.org", b"a", title="", now=NOW)
    assert outbox.enqueue("webhook", "ann@example.org", b"a", title="", now=NOW)
    assert len(delivered(outbox, NOW)[1]) == 4


def test_the_oldest_first_after_what_was_tried_least(outbox: Outbox) -> None:
    put(outbox, b"b", now=NOW + MINUTE)
    put(outbox, b"a", now=NOW)
    assert delivered(outbox, NOW + MINUTE, LATER)[1] == [b"a", b"b"]
    put(outbox, b"c", now=NOW + 6 * MINUTE)
    assert delivered(outbox, NOW + 6 * MINUTE)[1] == [b"c", b"a", b"b"]


def test_doubling_and_parked_after_five_days(outbox: Outbox) -> None:
    put(outbox, CONTENT)
    now, waits = NOW, []
    while not (parcel := outbox.contents().parcels[0]).parked:
        assert not outbox.due(parcel.next_try - timedelta(seconds=1)) or parcel.attempts == 0
        waits.append((parcel.next_try - now) / MINUTE)
        now = parcel.next_try
        delivered(outbox, now, LATER)
    assert waits[:10] == [0, 5, 10, 20, 40, 80, 160, 320, 640, 720]
    assert set(waits[10:-1]) == {720}
    assert now - NOW == 5 * DAY
    assert parcel.last_error == "451 later"
    assert delivered(outbox, now + 300 * DAY)[1] == []


def test_five_days_begin_with_the_first_attempt(outbox: Outbox) -> None:
    put(outbox, CONTENT)
    done, _ = delivered(outbox, NOW + 30 * DAY, LATER)
    assert len(done.postponed) == 1
    assert len(delivered(outbox, NOW + 31 * DAY)[0].accepted) == 1


def test_a_server_can_ask_for_a_longer_wait(outbox: Outbox) -> None:
    put(outbox, CONTENT)
    delivered(outbox, NOW, Postponed("429", timedelta(hours=2)))
    assert not outbox.due(NOW + timedelta(minutes=119))
    delivered(outbox, NOW + timedelta(hours=2), Postponed("429", timedelta(days=9)))
    assert not outbox.due(NOW + timedelta(hours=25))
    assert outbox.due(NOW + timedelta(hours=26))


def test_refused_is_parked_at_once_until_someone_asks(outbox: Outbox) -> None:
    (name,) = put(outbox, CONTENT)
    done, _ = delivered(outbox, NOW, Refused("550 no such user"))
    assert [(parcel.parked, parcel.last_error) for parcel in done.parked] == [
        (True, "550 no such user")
    ]
    assert delivered(outbox, NOW + DAY)[1] == []
    assert not outbox.enqueue("mail", "ann@example.org", CONTENT, title="", now=NOW + DAY)
    retried = outbox.retry(name, NOW + 9 * DAY)
    assert (retried.parked, retried.attempts) == (False, 0)
    assert len(delivered(outbox, NOW + 9 * DAY, LATER)[0].postponed) == 1
    outbox.drop(name)
    assert not outbox.contents().parcels


def test_a_clock_that_was_ahead(outbox: Outbox) -> None:
    put(outbox, CONTENT, now=NOW + 9000 * DAY)
    delivered(outbox, NOW + 9000 * DAY, LATER)
    delivered(outbox, NOW, LATER)
    assert outbox.contents().parcels[0].next_try == NOW + 10 * MINUTE
    assert len(delivered(outbox, NOW + 5 * DAY, LATER)[0].parked) == 1


@pytest.mark.parametrize("name", ["", "nothing", "../lock", ".", "/etc/passwd", "a\0b"])
def test_a_parcel_that_is_not_there(outbox: Outbox, name: str) -> None:
    put(outbox, CONTENT)
    for asked in (outbox.content, outbox.drop, lambda name: outbox.retry(name, NOW)):
        with pytest.raises(DeliveryError, match="there is no parcel"):
            asked(name)
    assert len(outbox.contents().parcels) == 1


def test_an_outbox_that_is_not_there_yet(outbox: Outbox) -> None:
    assert outbox.contents().parcels == ()
    assert outbox.due(NOW) == ()
    assert delivered(outbox, NOW)[1] == []


def test_dropped_while_it_is_sent(outbox: Outbox) -> None:
    put(outbox, b"a", b"b")

    def send(parcel: Parcel, content: bytes) -> Outcome:
        outbox.drop(parcel.id)
        return LATER if content == b"a" else ACCEPTED

    outbox.deliver_due(NOW, send)
    assert not outbox.contents().parcels
    put(outbox, b"a")
    assert not outbox.enqueue("mail", "ann@example.org", b"b", title="", now=NOW)


def test_retried_while_it_is_sent(outbox: Outbox) -> None:
    put(outbox, CONTENT)

    def send(parcel: Parcel, content: bytes) -> Outcome:
        outbox.retry(parcel.id, NOW)
        return LATER

    outbox.deliver_due(NOW, send)
    assert not outbox.due(NOW)
    assert outbox.due(NOW + 5 * MINUTE)


def test_one_process_at_a_time_delivers(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, CONTENT)
    other = Outbox(tmp_path / "outbox", write_atomically)
    found: list[DeliveryRound | None] = []

    def send(parcel: Parcel, content: bytes) -> Outcome:
        found.append(other.deliver_due(NOW, lambda *_: pytest.fail("delivered twice")))
        put(other, b"while the first is being delivered")
        return ACCEPTED

    outbox.deliver_due(NOW, send)
    assert found == [None]
    assert delivered(other, NOW)[1] == [b"while the first is being delivered"]


def test_many_put_in_the_same_at_once(tmp_path: Path) -> None:
    put_in: list[bool] = []

    def enqueue() -> None:
        outbox = Outbox(tmp_path / "outbox", write_atomically)
        put_in.extend(
            outbox.enqueue("mail", "a@b.c", b"%d" % number, title="", now=NOW)
            for number in range(20)
        )

    threads = [threading.Thread(target=enqueue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(put_in) == {True: 20, False: 60}


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content.replace(b"ann@", b"eve@"),
        lambda content: b"\xff" + content[1:],
        lambda content: b"hello\n",
    ],
)
def test_damage_is_named_and_stops_nothing(
    outbox: Outbox, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    bad, _ = sorted(put(outbox, b"a", b"b"))
    path = tmp_path / "outbox" / "waiting" / bad
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    assert [each.name for each in outbox.contents().damaged] == [bad]
    done, sent = delivered(outbox, NOW)
    assert len(sent) == 1
    assert [each.name for each in done.damaged] == [bad]
    assert (tmp_path / "outbox" / "damaged" / bad).read_bytes() == broken
    lost = b"a" if sent == [b"b"] else b"b"
    assert put(outbox, lost) == [bad]  # once more, whole
    path.write_bytes(broken)
    delivered(outbox, NOW)
    assert [each.name for each in outbox.contents().damaged] == [bad, f"{bad}.2"]
    outbox.drop(f"{bad}.2")
    assert [each.name for each in outbox.contents().damaged] == [bad]


def test_a_parcel_under_the_name_of_another_is_damaged(outbox: Outbox, tmp_path: Path) -> None:
    a, b = put(outbox, b"a", b"b")
    waiting = tmp_path / "outbox" / "waiting"
    (waiting / a).write_bytes((waiting / b).read_bytes())
    kept = outbox.content(b)
    assert delivered(outbox, NOW)[1] == [kept]
    assert [each.name for each in outbox.contents().damaged] == [a]


def test_what_cannot_be_read_is_named_and_left_where_it_is(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, CONTENT)
    (tmp_path / "outbox" / "waiting" / "folder").mkdir()
    done, sent = delivered(outbox, NOW)
    assert sent == [CONTENT]
    assert [(each.name, each.reason) for each in done.damaged] == [
        ("folder", "it cannot be read: Is a directory")
    ]


def test_a_kill_between_the_mark_and_the_end(outbox: Outbox, tmp_path: Path) -> None:
    (name,) = put(outbox, CONTENT)
    path = tmp_path / "outbox" / "waiting" / name
    kept = path.read_bytes()
    delivered(outbox, NOW)
    path.write_bytes(kept)
    (path.parent / ".0f3a.tmp").write_bytes(b"half")
    assert delivered(outbox, NOW)[1] == []
    assert not list(path.parent.iterdir())


def test_an_interrupted_attempt_is_counted_and_due_at_once(outbox: Outbox) -> None:
    put(outbox, CONTENT)

    def interrupted(parcel: Parcel, content: bytes) -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outbox.deliver_due(NOW, interrupted)
    assert [parcel.attempts for parcel in outbox.due(NOW)] == [1]


def test_what_was_accepted_goes_even_if_that_cannot_be_written_down(
    outbox: Outbox, tmp_path: Path
) -> None:
    put(outbox, CONTENT)
    lock = tmp_path / "outbox" / "lock"

    def send(parcel: Parcel, content: bytes) -> Outcome:
        lock.unlink()
        lock.mkdir()
        return ACCEPTED

    with pytest.raises(DeliveryError, match="outbox cannot be written: Is a directory"):
        outbox.deliver_due(NOW, send)
    lock.rmdir()
    assert delivered(outbox, NOW + DAY)[1] == []


_DELIVER = """
import signal, sys
from pathlib import Path
from test_outbox import NOW, delivering
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
delivering(Path(sys.argv[1]), int(sys.argv[2]))
"""


def delivering(folder: Path, port: int) -> DeliveryRound | None:
    server = MailServer(host="localhost", port=port, sender="ci@example.org", security="none")
    mailer = Mailer(server)
    outbox = Outbox(folder, write_atomically)
    return outbox.deliver_due(NOW, lambda parcel, text: mailer.send(parcel.destination, text))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -2)])
def test_a_signal_waits_until_an_answer_is_written_down(
    outbox: Outbox, tmp_path: Path, number: int, code: int
) -> None:
    for night in (1, 2):
        put(outbox, mail(night, "ann@example.org"))
    taken, answer = threading.Event(), threading.Event()
    with mail_server() as server:
        take = server.handle_DATA

        async def take_and_wait(*arguments: Any) -> str:
            answered = await take(*arguments)
            taken.set()
            await asyncio.get_running_loop().run_in_executor(None, answer.wait)
            return answered

        server.handle_DATA = take_and_wait  # type: ignore[assignment,method-assign]
        command = [sys.executable, "-c", _DELIVER, str(tmp_path / "outbox"), str(server.port)]
        with subprocess.Popen(
            command, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL
        ) as process:
            assert taken.wait(60)
            process.send_signal(number)
            answer.set()
        assert process.returncode == code
        assert len(server.copies) == 1
        assert [parcel.attempts for parcel in outbox.contents().parcels] == [0]
        round_ = delivering(tmp_path / "outbox", server.port)
        assert round_
        assert len(round_.accepted) == 1
        assert len({copy.message_id for copy in server.copies}) == len(server.copies) == 2


def test_an_outbox_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("not a folder")
    outbox = Outbox(tmp_path / "outbox", write_atomically)
    with pytest.raises(DeliveryError, match="outbox cannot be written: File exists"):
        put(outbox, CONTENT)
    with pytest.raises(DeliveryError, match="cannot be read: Not a directory"):
        outbox.contents()


@pytest.mark.parametrize("failing", range(15))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_every_write_failing(tmp_path: Path, failing: int, code: int) -> None:
    writes = 0

    def write(path: Path, content: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes - 1 == failing:
            raise OSError(code, os.strerror(code))
        write_quickly(path, content)

    outbox = Outbox(tmp_path / "outbox", write)
    contents = [b"a", b"b", b"c"]
    taken: list[bytes] = []
    tried: Counter[bytes] = Counter()

    def send(parcel: Parcel, content: bytes) -> Outcome:
        tried[content] += 1
        if tried[content] == 1:
            return LATER
        taken.append(content)
        return ACCEPTED

    def night(now: datetime) -> None:
        for content in contents:
            outbox.enqueue("mail", "ann@example.org", content, title="", now=NOW)
        outbox.deliver_due(now, send)

    errors = []
    for days in range(6):
        try:
            night(NOW + days * DAY)
        except DeliveryError as error:
            errors.append(error.message)
    assert len(errors) == 1
    assert os.strerror(code) in errors[0]
    # Only the mark that something was sent, when it fails, leaves nothing to know it by.
    assert set(taken) == set(contents)
    assert sum(Counter(taken).values()) <= 4
    assert not outbox.contents().parcels


def mail(number: int, recipient: str) -> bytes:
    return (
        f"From: ci@example.org\r\nTo: {recipient}\r\nSubject: Night {number}\r\n"
        f"Message-ID: <cachediff.{number}@example.org>\r\n\r\nNews.\r\n"
    ).encode("ascii")


def test_two_hundred_nights(tmp_path: Path) -> None:
    chance = random.Random(20250420)
    harmless = [
        fault for fault in Fault if "REFUSED" not in fault.name and "HANGS" not in fault.name
    ]
    slow = [Fault.HANGS_AT_RECIPIENT, Fault.HANGS_TAKEN]
    calm = False

    def fault(sender: str) -> Fault:
        if calm or chance.random() < 0.4:
            return Fault.NONE
        return chance.choice(slow if chance.random() < 0.01 else harmless)

    outbox = Outbox(tmp_path / "outbox", write_quickly)
    expected = []
    with mail_server(faults=fault) as server:
        settings = MailServer(
            host="localhost",
            port=server.port,
            sender="ci@example.org",
            security="none",
            timeout=0.1,
        )

        def deliver(now: datetime) -> None:
            mailer = Mailer(settings)
            outbox.deliver_due(now, lambda parcel, text: mailer.send(parcel.destination, text))

        for night in range(200):
            now = NOW + night * DAY
            for recipient in ("ann@example.org", "bob@example.org"):
                content = mail(night, recipient)
                assert outbox.enqueue("mail", recipient, content, title="", now=now)
                expected.append((f"<cachediff.{night}@example.org>", recipient))
            for hours in chance.sample(range(24), k=chance.randint(1, 3)):
                deliver(now + timedelta(hours=hours))
        calm = True
        # Five days of bad luck are possible: such a parcel is kept, says why, and goes when it is asked to.
        for parcel in outbox.contents().parcels:
            if parcel.parked:
                assert parcel.last_error
                outbox.retry(parcel.id, NOW + 200 * DAY)
        deliver(NOW + 201 * DAY)
        contents = outbox.contents()
    assert not contents.parcels
    assert not contents.damaged
    key = [(copy.message_id, *copy.recipients) for copy in server.copies]
    answered = Counter(name for name, copy in zip(key, server.copies, strict=True) if copy.answered)
    # Each was accepted, and told so, exactly once; all other copies are those of no answer.
    assert answered == Counter(expected)
    assert len(key) > len(expected)
    by_parcel = {(name, recipient): content for name, recipient, content in _contents(server)}
    assert by_parcel == {each: mail(night // 2, each[1]) for night, each in enumerate(expected)}


def _contents(server: object) -> list[tuple[str, str, bytes]]:
    copies = server.copies  # type: ignore[attr-defined]
    return [(copy.message_id, copy.recipients[0], copy.content) for copy in copies]


DELIVERING = """
import json, sys
from datetime import datetime
from pathlib import Path
from cachediff.delivery import Mailer, Outbox
from cachediff.model.delivery import MailServer
from cachediff.files import write_atomically

folder, port, now = json.loads(sys.argv[1])
server = MailServer(
    host="localhost", port=port, sender="ci@example.org", security="none", timeout=5
)
outbox = Outbox(Path(folder), write_atomically)
mailer = Mailer(server)
print("ready", flush=True)
outbox.deliver_due(
    datetime.fromisoformat(now), lambda parcel, text: mailer.send(parcel.destination, text)
)
print("done", flush=True)
"""


def test_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(20250420)
    outbox = Outbox(tmp_path / "outbox", write_atomically)
    kills = 20
    numbers = range(400)
    for number in numbers:
        content = mail(number, "ann@example.org")
        assert outbox.enqueue("mail", "ann@example.org", content, title="", now=NOW)
    killed = 0
    with mail_server() as server:
        arguments = json.dumps([str(tmp_path / "outbox"), server.port, NOW.isoformat()])
        for _ in range(kills):
            with subprocess.Popen(
                [sys.executable, "-c", DELIVERING, arguments], stdout=subprocess.PIPE
            ) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                taken = len(server.copies) + chance.randrange(3)
                while len(server.copies) < taken:  # it is at work
                    time.sleep(0.001)
                time.sleep(chance.uniform(0, 0.02))
                process.send_signal(signal.SIGKILL)
                killed += process.wait() == -signal.SIGKILL
            assert not outbox.contents().damaged
            assert outbox.contents().parcels
        assert killed == kills
        assert server.copies  # they were killed at work
        mailer = Mailer(
            MailServer(host="localhost", port=server.port, sender="ci@example.org", security="none")
        )
        done = outbox.deliver_due(NOW, lambda parcel, text: mailer.send(parcel.destination, text))
        assert done is not None
        assert not done.postponed
    copies = Counter(copy.message_id for copy in server.copies)
    assert set(copies) == {f"<cachediff.{number}@example.org>" for number in numbers}
    # A process that is killed had at most one message on its way.
    assert sum(copies.values()) - len(copies) <= kills
    assert not outbox.contents().parcels
    assert len(list((tmp_path / "outbox" / "sent").glob("*/*"))) == len(numbers)
    assert not list((tmp_path / "outbox").glob("**/.*"))
