"""Webhooks at a real HTTP server, notices in each form, and the job summary."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from cachediff.delivery import append_summary, post, render_notice
from cachediff.errors import DeliveryError
from cachediff.model.delivery import (
    Accepted,
    Notice,
    NoticeFinding,
    Outcome,
    Postponed,
    Refused,
    Secret,
    Webhook,
)
from cachediff.model.snapshot import Origin

NOW = datetime(2025, 4, 20, 3, 0, tzinfo=UTC)
PATH = "/services/T00/B00/s3cr3t?token=t0k3n"


class Answers:
    """What the server says, and what it was told."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"ok"
        self.delay = threading.Event()
        self.delay.set()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []


@contextmanager
def http_server(certificates: trustme.CA | None = None) -> Iterator[tuple[str, Answers]]:
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answers.requests.append((self.path, dict(self.headers), body))
            answers.delay.wait(5)
            self.send_response(answers.status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answers.body)))
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that does not trust us, or does not wait

    server = Server(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificates:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificates.issue_cert("localhost").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"{scheme}://localhost:{server.server_port}", answers
    finally:
        answers.delay.set()
        server.shutdown()
        thread.join()
        server.server_close()


def webhook(url: str, **changes: Any) -> Webhook:
    return Webhook(name="ops", url=Secret(url), **{"timeout": 5.0} | changes)


def reason(outcome: Outcome) -> str:
    assert not isinstance(outcome, Accepted)
    return outcome.reason


def test_posted() -> None:
    with http_server() as (url, answers):
        assert post(webhook(url + PATH), "0f3a", b'{"a": 1}', now=NOW) == Accepted("200")
    ((path, headers, body),) = answers.requests
    assert path == PATH
    assert body == b'{"a": 1}'
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "0f3a"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Accepted),
        (204, Accepted),
        (302, Postponed),
        (307, Postponed),
        (400, Refused),
        (403, Refused),
        (404, Refused),
        (408, Postponed),
        (410, Refused),
        (425, Postponed),
        (429, Postponed),
        (500, Postponed),
        (503, Postponed),
    ],
)
def test_statuses(status: int, outcome: type[Outcome]) -> None:
    with http_server() as (url, answers), http_server() as (elsewhere, others):
        answers.status = status
        answers.headers = {"Location": elsewhere}
        answers.body = b"" if status == 204 else b"no\x1b[31m_text"
        found = post(webhook(url + PATH), "0f3a", b"{}", now=NOW)
    assert isinstance(found, outcome)
    assert not others.requests
    if status >= 400:
        assert reason(found) == f"localhost: {status} no [31m_text"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("", timedelta(0)),
        ("120", timedelta(seconds=120)),
        ("86401", timedelta(days=1)),
        ("9" * 5000, timedelta(days=1)),
        ("-5", timedelta(0)),
        ("soon", timedelta(0)),
        ("Sun, 20 Apr 2025 03:10:00 GMT", timedelta(minutes=10)),
        ("Sun, 20 Apr 2025 02:00:00 GMT", timedelta(0)),
        ("Sun, 20 Apr 2031 02:00:00 GMT", timedelta(days=1)),
    ],
)
def test_retry_after(header: str, wait: timedelta) -> None:
    with http_server() as (url, answers):
        answers.status = 429
        answers.headers = {"Retry-After": header}
        found = post(webhook(url), "0f3a", b"{}", now=NOW)
    assert isinstance(found, Postponed)
    assert found.wait == wait


def test_an_answer_that_says_the_url_back() -> None:
    with http_server() as (url, answers):
        answers.status = 404
        answers.body = f"{url + PATH} nor {PATH} nor t0k3n".encode()
        found = reason(post(webhook(url + PATH), "0f3a", b"{}", now=NOW))
    assert "s3cr3t" not in found
    assert "t0k3n" not in found


def test_a_long_answer_is_cut() -> None:
    with http_server() as (url, answers):
        answers.status, answers.body = 500, b"x" * 10_000_000
        assert len(reason(post(webhook(url), "0f3a", b"{}", now=NOW))) < 400


def test_hangs() -> None:
    with http_server() as (url, answers):
        answers.delay.clear()
        found = post(webhook(url + PATH, timeout=0.2), "0f3a", b"{}", now=NOW)
        assert reason(found) == "localhost: it does not answer in time"


@pytest.mark.parametrize("host", ["localhost", "no-such-host.invalid"])
def test_nobody_there(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://{host}:{gone.getsockname()[1]}{PATH}"
    found = post(webhook(url, allow_http=True), "0f3a", b"{}", now=NOW)
    assert isinstance(found, Postponed)
    assert found.reason.startswith(f"{host}: ")
    assert "s3cr3t" not in found.reason


def test_no_http_in_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"what?\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://localhost:{listening.getsockname()[1]}{PATH}"
        assert isinstance(post(webhook(url), "0f3a", b"{}", now=NOW), Postponed)
        thread.join()


def test_encrypted(tmp_path: Path) -> None:
    certificates = trustme.CA()
    certificates.cert_pem.write_to_path(tmp_path / "ca.pem")
    with http_server(certificates) as (url, answers):
        distrusted = post(webhook(url + PATH), "0f3a", b"{}", now=NOW)
        assert isinstance(distrusted, Postponed)
        assert "CERTIFICATE_VERIFY_FAILED" in distrusted.reason
        assert "s3cr3t" not in distrusted.reason
        assert not answers.requests
        trusted = webhook(url + PATH, ca_file=tmp_path / "ca.pem")
        assert post(trusted, "0f3a", b"{}", now=NOW) == Accepted("200")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/s3cr3t",
        "ftp://hooks.example.org/s3cr3t",
        "hooks.example.org/s3cr3t",
        "https:///s3cr3t",
        "https://user:s3cr3t@hooks.example.org/",
        "https://hooks.example.org:port/s3cr3t",
        "https://[s3cr3t/",
        "file:///s3cr3t",
        "",
    ],
)
def test_urls_that_are_not_taken(url: str) -> None:
    with pytest.raises(ValueError, match="the URL is") as caught:
        webhook(url)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_urls_that_are_taken() -> None:
    for url in ("https://x.org/a", "http://127.0.0.1:80/a", "http://[::1]/a", "http://localhost"):
        assert url not in repr(webhook(url))
    webhook("http://intranet/a", allow_http=True)


OLD = Origin("cache", "develop", "a" * 40, "2025-04-19T03:00:00Z", "b" * 40)
NEW = Origin("cache", "develop", "c" * 40, "2025-04-20T03:00:00Z", "d" * 40)


def notice(text: str, **changes: Any) -> Notice:
    given: dict[str, Any] = {
        "job": "nightly",
        "headline": text,
        "old": OLD,
        "new": msgspec.structs.replace(NEW, collection=text),
        "findings": (NoticeFinding("e4s", text), NoticeFinding(text, "shrank", accepted=True)),
        "suspicions": (text,),
        "url": "https://x.org/reports/nightly/2025-04-20/(a|b)>.html",
    }
    return Notice(**given | changes)


def test_json() -> None:
    told = json.loads(render_notice(notice("2 left <e4s>\ud800"), "json"))
    assert told == {
        "schema": "cachediff/notice/1",
        "job": "nightly",
        "night": None,
        "headline": "2 left <e4s>\ud800",
        "url": "https://x.org/reports/nightly/2025-04-20/(a|b)>.html",
        "sides": {
            "old": msgspec.to_builtins(OLD),
            "new": msgspec.to_builtins(NEW) | {"collection": "2 left <e4s>\ud800"},
        },
        "findings": [
            {"gate": "e4s", "text": "2 left <e4s>\ud800", "accepted": False},
            {"gate": "2 left <e4s>\ud800", "text": "shrank", "accepted": True},
        ],
        "suspicions": ["2 left <e4s>\ud800"],
    }


SLACK = """\
`nightly`: `A &amp; B &lt;!channel&gt; @all 'x'`
Suspect: `A &amp; B &lt;!channel&gt; @all 'x'`
Gate `e4s`: `A &amp; B &lt;!channel&gt; @all 'x'`
Gate `A &amp; B &lt;!channel&gt; @all 'x'`: `shrank` (accepted)
Compared: `cache develop aaaaaaaaaaaa 2025-04-19` and \
`cache A &amp; B &lt;!channel&gt; @all 'x' cccccccccccc 2025-04-20`
<https://x.org/reports/nightly/2025-04-20/%28a%7Cb%29%3E.html|Full report>"""


def test_slack() -> None:
    told = json.loads(render_notice(notice("A & B\n<!channel> @all `x`"), "slack"))
    assert told == {"text": SLACK}


def test_mattermost() -> None:
    told = json.loads(render_notice(notice("A & B\n<!channel> @all `x`"), "mattermost"))
    expected = SLACK.replace("&lt;", "\u2039").replace("&gt;", "\u203a").replace("&amp;", "&")
    link = "https://x.org/reports/nightly/2025-04-20/%28a%7Cb%29%3E.html"
    expected = expected.replace(f"<{link}|Full report>", f"[Full report]({link})")
    assert told == {"text": expected}


@pytest.mark.parametrize("form", ["slack", "mattermost"])
@given(text=st.text(st.characters() | st.sampled_from("`<>&|@!:*_[]()\\\n\r\u2028\u202e")))
def test_nothing_from_data_stands_outside_of_code(form: Any, text: str) -> None:
    def frame(given: str) -> str:
        told = json.loads(render_notice(notice(given), form))["text"]
        assert told.isprintable() or set(told) - {"\n"} == set(filter(str.isprintable, told))
        return re.sub("`[^`\n]*`", "``", told)

    assert frame(text) == frame("harmless")
    told = json.loads(render_notice(notice(text, url=None), form))["text"]
    assert not set("<>") & set(told)


def test_texts_are_short() -> None:
    many = notice(
        "x" * 10_000,
        findings=(NoticeFinding("gate", "x" * 10_000),) * 50,
        suspicions=("x" * 10_000,) * 11,
    )
    told = json.loads(render_notice(many, "mattermost"))["text"]
    assert "... and 40 more\n" in told
    assert "... and 1 more\n" in told
    assert len(told) < 4_000


def test_summary(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("before, with no end of line")
    append_summary(path, "# A\n\n")
    append_summary(path, "# Ä\ud800")
    assert path.read_text() == "before, with no end of line\n# A\n\n# Ä\\ud800\n"
    with pytest.raises(DeliveryError, match="cannot be written: Is a directory"):
        append_summary(tmp_path, "# A")
