"""The heartbeat at a real HTTP server; where it goes, and that nobody is told."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from cachediff.config import CONFIG_FILE, Settings, load_settings
from cachediff.config.resolving import Deliveries, resolve
from cachediff.delivery.heartbeat import beat
from cachediff.errors import ConfigError
from cachediff.model.delivery import Accepted, Heartbeat, Outcome, Postponed, Refused, Secret
from commands import cachediff, succeeds

NOW = datetime(2025, 4, 20, 3, 0, tzinfo=UTC)
PATH = "/ping/s3cr3t?key=t0k3n"
ADDRESS = "https://ping.example.org/hunter2"


class Answers:
    """What the server answers, one after the other, the last for ever; and what it was asked."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.headers: dict[str, str] = {}
        self.body = b"OK"
        self.hurry = threading.Event()
        self.hurry.set()
        self.requests: list[tuple[str, dict[str, str]]] = []


@contextmanager
def http_server(certificates: trustme.CA | None = None) -> Iterator[tuple[str, Answers]]:
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.requests.append((self.path, dict(self.headers)))
            answers.hurry.wait(5)
            statuses = answers.statuses
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            if not status:
                return  # hangs up
            self.send_response(status)
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
        answers.hurry.set()
        server.shutdown()
        thread.join()
        server.server_close()


def beaten(url: str, **changes: Any) -> tuple[Outcome, list[float]]:
    """What came of it, and how long it was waited between the tries."""
    slept: list[float] = []
    heartbeat = Heartbeat(url=Secret(url), **{"timeout": 5.0} | changes)
    return beat(heartbeat, now=NOW, sleep=slept.append), slept


def test_it_is_asked_for_once() -> None:
    with http_server() as (url, answers):
        assert beaten(url + PATH) == (Accepted("200"), [])
    ((path, headers),) = answers.requests
    assert path == PATH
    assert headers["User-Agent"] == "cachediff"
    assert not {"Content-Length", "Content-Type", "Idempotency-Key"} & headers.keys()


@pytest.mark.parametrize(
    ("statuses", "outcome", "tries"),
    [
        ([204], Accepted, 1),
        ([503, 200], Accepted, 2),
        ([0, 500, 200], Accepted, 3),
        ([429, 429, 429, 200], Postponed, 3),
        ([0], Postponed, 3),
        ([404], Refused, 1),
        ([502, 410, 200], Refused, 2),
    ],
)
def test_it_is_tried_three_times_where_that_may_help(
    statuses: list[int], outcome: type[Outcome], tries: int
) -> None:
    with http_server() as (url, answers):
        answers.statuses = list(statuses)
        answers.headers = {"Retry-After": "3600"}
        answers.body = b"" if statuses == [204] else b"later"
        found, slept = beaten(url + PATH)
    assert isinstance(found, outcome)
    assert len(answers.requests) == tries
    assert slept == [1.0, 5.0][: tries - 1]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with http_server() as (url, answers), http_server() as (elsewhere, others):
        answers.statuses, answers.headers = [status], {"Location": elsewhere + PATH}
        found, _ = beaten(url + PATH)
    assert found == Postponed(f"localhost: {status}, another address, which is not followed")
    assert not others.requests


def test_who_hangs_is_not_waited_for() -> None:
    with http_server() as (url, answers):
        answers.hurry.clear()
        found, slept = beaten(url + PATH, timeout=0.1)
    assert found == Postponed("localhost: it does not answer in time")
    assert len(slept) == 2


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    with http_server() as (url, answers):
        answers.statuses, answers.body = [500], b"x" * 50_000_000
        found, _ = beaten(url + PATH)
    assert isinstance(found, Postponed)
    assert len(found.reason) < 400


def test_encrypted(tmp_path: Path) -> None:
    certificates = trustme.CA()
    certificates.cert_pem.write_to_path(tmp_path / "ca.pem")
    with http_server(certificates) as (url, answers):
        distrusted, _ = beaten(url + PATH)
        assert isinstance(distrusted, Postponed)
        assert "CERTIFICATE_VERIFY_FAILED" in distrusted.reason
        assert not answers.requests
        assert beaten(url + PATH, ca_file=tmp_path / "ca.pem") == (Accepted("200"), [])
        assert len(answers.requests) == 1


def told(outcome: Outcome) -> str:
    assert not isinstance(outcome, Accepted)
    return outcome.reason


def test_the_url_is_never_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = f"http://localhost:{gone.getsockname()[1]}{PATH}"
    reasons = [told(beaten(nobody)[0]), told(beaten(nobody, ca_file=tmp_path / "none.pem")[0])]
    with http_server(trustme.CA()) as (url, _):
        reasons.append(told(beaten(url + PATH)[0]))
    with http_server() as (url, answers):
        for status in (302, 404, 500, 0):
            answers.statuses = [status]
            answers.headers = {"Location": url + PATH}
            answers.body = f"{url + PATH}, {PATH}, t0k3n".encode()
            reasons.append(told(beaten(url + PATH)[0]))
    assert len(reasons) == 7
    for reason in reasons:
        assert reason
        assert "s3cr3t" not in reason
        assert "t0k3n" not in reason


@pytest.mark.parametrize(
    "url",
    ["http://ping.example.org/s3cr3t", "ping.example.org/s3cr3t", "https://u:s3cr3t@x.org/", ""],
)
def test_urls_that_are_not_taken(url: str) -> None:
    with pytest.raises(ValueError, match="the URL is") as caught:
        Heartbeat(url=Secret(url))
    assert "s3cr3t" not in str(caught.value)
    assert "s3cr3t" not in repr(Heartbeat(url=Secret(f"https://x.org/{url[-6:]}")))


def test_http_where_it_is_allowed() -> None:
    Heartbeat(url=Secret("http://127.0.0.1/x"))
    Heartbeat(url=Secret("http://intranet/x"), allow_http=True)


class TestSettings:
    def loaded(self, folder: Path, heartbeat: str) -> Settings:
        path = folder / CONFIG_FILE
        path.write_text(f"sources: {{a: {{path: .}}}}\nheartbeat: {heartbeat}\n")
        return load_settings(path)

    def resolved(self, folder: Path, heartbeat: str, **environ: str) -> Deliveries:
        return resolve(self.loaded(folder, heartbeat), environ)

    def test_none(self, tmp_path: Path) -> None:
        path = tmp_path / CONFIG_FILE
        path.write_text("sources: {a: {path: .}}\n")
        assert resolve(load_settings(path), {}).heartbeat is None

    def test_where_the_url_comes_from(self, tmp_path: Path) -> None:
        (tmp_path / "url").write_text(ADDRESS + "/2\n")
        ca_file = tmp_path / "ca.pem"
        for given, expected in {
            "{url_env: PING}": Heartbeat(url=Secret(ADDRESS)),
            "{url_file: url, timeout: 2}": Heartbeat(url=Secret(ADDRESS + "/2"), timeout=2),
            f"{{url: '{ADDRESS}', ca_file: ca.pem}}": Heartbeat(
                url=Secret(ADDRESS), ca_file=ca_file
            ),
            "{url_env: OPEN, allow_http: true}": Heartbeat(
                url=Secret("http://x.org"), allow_http=True
            ),
        }.items():
            deliveries = self.resolved(tmp_path, given, PING=ADDRESS, OPEN="http://x.org")
            assert deliveries.heartbeat == expected
            assert "hunter2" not in f"{deliveries!r}{self.loaded(tmp_path, given)!r}"

    @pytest.mark.parametrize(
        ("heartbeat", "reason"),
        [
            ("", "heartbeat: found nothing; allowed is keys with values"),
            (ADDRESS, ":2: heartbeat: found a text; allowed are keys, such as url_env"),
            ("[hunter2]", "heartbeat: found a list of 1; allowed is keys with values"),
            ("{}", "heartbeat.url_env: this key is missing: give url_env, url_file or url"),
            ("{type: webhook, url_env: A}", "heartbeat.type: unknown key"),
            ("{url: hunter2, url_env: A}", "heartbeat.url: give one of url_env, url"),
            ("{url: hunter2}", "heartbeat.url: the URL is not of the form https://host/path"),
            ("{url: 'http://x.org/hunter2'}", "heartbeat.url: the URL is not https"),
            ("{url: [hunter2]}", "heartbeat.url: found a list of 1"),
            ("{url_env: hunter2 x}", "heartbeat.url_env: found something else"),
            ("{url_env: A, timeout: 0}", "heartbeat.timeout: found 0; allowed is a number of sec"),
            ("{url_env: A, allow_http: yes}", "heartbeat.allow_http: found 'yes'; allowed is true"),
            ("{url_env: A, ca_file: ~no-one/x}", "heartbeat.ca_file: '~no-one/x'"),
        ],
    )
    def test_errors(self, tmp_path: Path, heartbeat: str, reason: str) -> None:
        with pytest.raises(ConfigError) as caught:
            self.loaded(tmp_path, heartbeat)
        assert reason in caught.value.message
        message = caught.value.message.removeprefix(str(tmp_path))
        assert "hunter2" not in message + caught.value.hint

    @pytest.mark.parametrize(
        ("heartbeat", "environ", "reason"),
        [
            ("{url_env: A}", {}, "heartbeat.url_env: the environment variable A is not set"),
            ("{url_env: A}", {"A": ""}, "A does not hold one line of text"),
            ("{url_env: A}", {"A": "hunter2"}, "heartbeat: the URL is not of the form"),
            ("{url_env: A}", {"A": "http://x.org/hunter2"}, "heartbeat: the URL is not https"),
            ("{url_file: a}", {}, "heartbeat.url_file: "),
        ],
    )
    def test_secrets_that_are_wrong(
        self, tmp_path: Path, heartbeat: str, environ: dict[str, str], reason: str
    ) -> None:
        with pytest.raises(ConfigError) as caught:
            self.resolved(tmp_path, heartbeat, **environ)
        assert reason in caught.value.message
        message = caught.value.message.removeprefix(str(tmp_path))
        assert "hunter2" not in message + caught.value.hint

    def test_config_check_tells_of_it(self, tmp_path: Path) -> None:
        path = tmp_path / CONFIG_FILE
        path.write_text(
            "sources: {a: {path: .}}\ndeliver: {chat: {type: webhook, url_env: CHAT}}\n"
            "heartbeat: {url_env: PING}\n"
        )
        chat = {"CHAT": ADDRESS}
        done = cachediff("config", "check", folder=tmp_path, environment=chat)
        assert done.code == 2
        assert "heartbeat.url_env: the environment variable PING is not set" in done.err
        assert "CHAT: present" in done.out
        assert "CHAT" not in done.err
        both = chat | {"PING": ADDRESS}
        out = succeeds("config", "check", folder=tmp_path, environment=both)
        assert out.endswith(
            "heartbeat: after each good night, to the address in the environment variable PING: present\n"
        )
        assert "hunter2" not in out
