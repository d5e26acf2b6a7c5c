"""Mail over real SMTP: what a server does, and what we make of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import mail_server as servers
from cachediff.delivery import Mailer
from cachediff.model.delivery import Accepted, MailServer, Outcome, Postponed, Refused, Secret
from mail_server import PASSWORD, USERNAME, Fault, mail_server

MESSAGE = b"From: ci@example.org\r\nMessage-ID: <a@example.org>\r\n\r\n.dot\r\nFrom here\r\n"
TO = "ann@example.org"


def settings(port: int, **changes: Any) -> MailServer:
    given: dict[str, Any] = {
        "host": "localhost",
        "port": port,
        "sender": "Nightly <ci@example.org>",
        "security": "none",
        "timeout": 5.0,
    }
    return MailServer(**given | changes)


def signed_in(server: servers.MailServer, tmp_path: Path, **changes: Any) -> MailServer:
    assert server.certificates
    ca_file = tmp_path / "ca.pem"
    server.certificates.cert_pem.write_to_path(ca_file)
    given = {"username": USERNAME, "password": Secret(PASSWORD), "ca_file": ca_file}
    return settings(server.port, **given | changes)


def reason(outcome: Outcome) -> str:
    assert not isinstance(outcome, Accepted)
    return outcome.reason


def test_accepted() -> None:
    with mail_server() as server:
        outcome = Mailer(settings(server.port)).send(f"Ann <{TO}>", MESSAGE)
    assert outcome == Accepted("2.0.0 queued")
    (copy,) = server.copies
    assert (copy.sender, copy.recipients) == ("ci@example.org", [TO])
    assert copy.content == MESSAGE


@pytest.mark.parametrize(
    ("fault", "outcome", "said", "copies"),
    [
        (Fault.LATER_AT_SENDER, Postponed, "451 4.3.0 later", 0),
        (Fault.LATER_AT_RECIPIENT, Postponed, "451 4.7.1 greylisted", 0),
        (Fault.LATER_AT_MESSAGE, Postponed, "451 4.3.1 no room now", 0),
        (Fault.REFUSED_SENDER, Refused, "550 5.7.1 not you", 0),
        (Fault.REFUSED_RECIPIENT, Refused, "550 5.1.1 no such user", 0),
        (Fault.REFUSED_MESSAGE, Refused, "554 5.6.0 not such a message", 0),
        (Fault.CLOSING, Postponed, "421 4.3.2 closing", 0),
        (Fault.NOT_SIGNED_IN, Postponed, "530 5.7.0 Authentication required", 0),
        (Fault.GONE_AT_RECIPIENT, Postponed, "closed", 0),
        (Fault.GONE_UNTAKEN, Postponed, "closed", 0),
        (Fault.GONE_TAKEN, Postponed, "closed", 1),
        (Fault.GONE_AFTERWARDS, Accepted, "2.0.0 queued", 1),
        (Fault.HANGS_AT_RECIPIENT, Postponed, "timed out", 0),
        (Fault.HANGS_TAKEN, Postponed, "timed out", 1),
        (Fault.NONSENSE, Postponed, "localhost", 0),
    ],
)
def test_faults(fault: Fault, outcome: type[Outcome], said: str, copies: int) -> None:
    with mail_server(faults=lambda sender: fault) as server:
        # The end of a message may take ten times as long.
        found = Mailer(settings(server.port, timeout=0.1)).send(TO, MESSAGE)
        assert isinstance(found, outcome)
        assert said in (found.reply if isinstance(found, Accepted) else found.reason)
        assert len(server.copies) == copies


def test_the_last_answer_may_take_longer() -> None:
    with mail_server(faults=lambda sender: Fault.HANGS_TAKEN) as server:
        begun = time.monotonic()
        Mailer(settings(server.port, timeout=0.1)).send(TO, MESSAGE)
        assert time.monotonic() - begun >= 1.0


def test_each_recipient_is_told_apart() -> None:
    with mail_server() as server:
        server.refused = {"b@x.org": "550 5.1.1 unknown", "c@x.org": "452 4.2.2 full"}
        mailer = Mailer(settings(server.port))
        outcomes = [mailer.send(f"{name}@x.org", MESSAGE) for name in "abcd"]
    assert [type(each) for each in outcomes] == [Accepted, Refused, Postponed, Accepted]
    assert [copy.recipients for copy in server.copies] == [["a@x.org"], ["d@x.org"]]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_and_signed_in(security: str, tmp_path: Path) -> None:
    with mail_server(security) as server:
        found = Mailer(signed_in(server, tmp_path, security=security)).send(TO, MESSAGE)
    assert isinstance(found, Accepted)
    (copy,) = server.copies
    assert copy.encrypted
    assert copy.login == USERNAME


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["unknown authority", "another name"])
def test_a_wrong_certificate_gets_nothing(security: str, wrong: str, tmp_path: Path) -> None:
    name = "mail.example.org" if wrong == "another name" else "localhost"
    with mail_server(security, certificate_for=name) as server:
        changes: dict[str, Any] = {"ca_file": None} if wrong == "unknown authority" else {}
        mailer = Mailer(signed_in(server, tmp_path, security=security, **changes))
        found = mailer.send(TO, MESSAGE)
    assert isinstance(found, Postponed)
    assert "certificate is not to be trusted" in found.reason
    assert not server.copies


def test_no_encryption_no_mail() -> None:
    with mail_server() as server:
        found = Mailer(settings(server.port, security="starttls")).send(TO, MESSAGE)
    assert isinstance(found, Postponed)
    assert "STARTTLS" in found.reason
    assert not server.copies


def test_a_wrong_password_is_not_shown(tmp_path: Path) -> None:
    with mail_server("starttls") as server:
        password = Secret("hunter2 hunter2")
        mailer = Mailer(signed_in(server, tmp_path, security="starttls", password=password))
        found = mailer.send(TO, MESSAGE)
    assert isinstance(found, Postponed)
    assert "535" in found.reason
    assert "hunter2" not in found.reason
    assert not server.copies


def test_a_password_that_is_not_ascii(tmp_path: Path) -> None:
    with mail_server("starttls") as server:
        password = Secret("pässwörd")
        mailer = Mailer(signed_in(server, tmp_path, security="starttls", password=password))
        assert reason(mailer.send(TO, MESSAGE)).endswith("is not in ASCII")


@contextmanager
def one_answer(*lines: bytes) -> Iterator[int]:
    """A server that says these lines to whoever connects, one at a time, whatever it is told."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as heard:
                for line in lines:
                    connection.sendall(line + b"\r\n")
                    heard.readline()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()


def test_a_password_that_the_server_says_back_is_hidden() -> None:
    # "AG5pZ2h0bHkAaHVudGVyMg==" is what AUTH PLAIN sends.
    said = b"535 5.7.8 hunter2 aHVudGVyMg== AG5pZ2h0bHkAaHVudGVyMg== \x1b[31m wrong"
    with one_answer(b"220 hello", b"250-me\r\n250 AUTH PLAIN", said) as port:
        server = settings(port, username=USERNAME, password=Secret("hunter2"))
        found = reason(Mailer(server).send(TO, MESSAGE))
    assert found == f"localhost port {port}: 535 5.7.8 **** **** **** [31m wrong"


def test_a_server_that_wants_no_message_has_not_accepted_it() -> None:
    answers = [b"220 hello", *[b"250 yes"] * 4]  # 250 to DATA, where 354 ought to be
    with one_answer(*answers) as port:
        assert isinstance(Mailer(settings(port)).send(TO, MESSAGE), Postponed)


@pytest.mark.parametrize("greeting", [b"554 5.3.2 no service", b"nonsense", b"220" + b"x" * 9000])
def test_a_server_that_does_not_serve(greeting: bytes) -> None:
    with one_answer(greeting) as port:
        assert isinstance(Mailer(settings(port)).send(TO, MESSAGE), Postponed)


def test_what_cannot_be_reached_is_asked_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mailer = Mailer(settings(silent.getsockname()[1], timeout=0.3))
        begun = time.monotonic()
        outcomes = [mailer.send(f"{name}@x.org", MESSAGE) for name in "abcdefgh"]
        assert time.monotonic() - begun < 1
    assert all("timed out" in reason(outcome) for outcome in outcomes)


@pytest.mark.parametrize("host", ["localhost", "no-such-host.invalid"])
def test_nobody_there(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    found = Mailer(settings(port, host=host)).send(TO, MESSAGE)
    assert isinstance(found, Postponed)
    assert found.reason.startswith(f"{host} port {port}: ")


def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    server = settings(1, security="tls", ca_file=tmp_path / "none.pem")
    assert "none.pem" in reason(Mailer(server).send(TO, MESSAGE))


def test_addresses_in_utf8() -> None:
    with mail_server() as server:
        found = Mailer(settings(server.port)).send("jürgen@example.org", MESSAGE)
        assert isinstance(found, Refused)
        assert "SMTPUTF8" in found.reason
    with mail_server(utf8=True) as server:
        found = Mailer(settings(server.port)).send("jürgen@example.org", MESSAGE)
        assert isinstance(found, Accepted)
        assert server.copies[0].recipients == ["jürgen@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "a@b, c@d",
        "a@b, Carl <c@d>",
        "a@b\r\nRCPT TO:<c@d>",
        "Ann\r\n <a@b>",
        "a@b> SIZE=1",
        "a b@c",
        "<a@b>, <c@d>",
        "a(b)@c",
    ],
)
def test_no_address(address: str) -> None:
    with mail_server() as server:
        found = Mailer(settings(server.port)).send(address, MESSAGE)
    assert isinstance(found, Refused)
    assert "is not an address" in found.reason
    assert not server.copies


@pytest.mark.parametrize("given", [TO, f"<{TO}>", f"Ann Lee <{TO}>", f'"Lee, Ann" <{TO}>'])
def test_an_address(given: str) -> None:
    with mail_server() as server:
        assert isinstance(Mailer(settings(server.port)).send(given, MESSAGE), Accepted)
    assert server.copies[0].recipients == [TO]


def test_a_message_cannot_hold_another() -> None:
    smuggled = b"Subject: a\n\nb\n.\nMAIL FROM:<x@y>\nRCPT TO:<c@d>\nDATA\nb\r.\rQUIT\n"
    with mail_server() as server:
        assert isinstance(Mailer(settings(server.port)).send(TO, smuggled), Accepted)
    (copy,) = server.copies
    assert copy.content == smuggled.replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def test_secrets_are_not_shown() -> None:
    server = settings(25, username="a", password=Secret("hunter2"))
    assert "hunter2" not in f"{server} {server!r} {server.password}"
    with pytest.raises(TypeError):
        msgspec.json.encode(server)


def test_passwords_do_not_travel_in_clear_text() -> None:
    with pytest.raises(ValueError, match="clear text"):
        settings(25, host="mail.example.org", username="a", password=Secret("b"))
    with pytest.raises(ValueError, match="belong together"):
        settings(25, username="a")
