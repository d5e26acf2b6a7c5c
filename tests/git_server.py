"""`git http-backend` behind HTTPS on loopback, which does as it is told: answers, dies, hangs."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from pathlib import Path

import trustme


class Fault(Enum):
    """What becomes of an answer; those that are cut are, after so many bytes of it."""

    CUT = "the connection is reset in mid-answer"
    KILLED = "git is killed in mid-answer, which then ends as if all were well"
    GONE = "hangs up before the answer"
    ERROR = "500"
    BUSY = "503"
    HANGS = "nothing is said"


@dataclass
class GitServer:
    """Serves the repositories in a folder; `fault` is asked, by path, before each answer."""

    folder: Path
    fault: Callable[[str], tuple[Fault, int] | None] = lambda path: None
    refuses: bool = False
    faults: list[Fault] = field(default_factory=list)
    """Those that came to pass."""
    answers: list[int] = field(default_factory=list)
    """Lengths of whole answers, in bytes."""
    url: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 50

    def __init__(self, told: GitServer, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = told
        self._context = context

    def verify_request(self, request: object, client_address: object) -> bool:
        return not self.told.refuses

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        with suppress(OSError), self._context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while length := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
            self._answer(b"".join(parts))
        else:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        told = self.server.told
        fault, after = told.fault(self.path) or (None, 0)
        if fault in {Fault.ERROR, Fault.BUSY}:
            told.faults.append(fault)
            self.send_error(int(fault.value))
        elif fault is Fault.GONE:
            told.faults.append(fault)
            self._reset()
        elif fault is Fault.HANGS:
            told.faults.append(fault)
            told.stopped.wait()
        else:
            self._run_git(body, fault, after)

    def _run_git(self, body: bytes, fault: Fault | None, after: int) -> None:
        path, _, query = self.path.partition("?")
        environment = os.environ | {
            "GIT_PROJECT_ROOT": str(self.server.told.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        environment.pop("GIT_TRACE2_EVENT", None)  # what the other side runs is of no interest
        with subprocess.Popen(
            ["git", "http-backend"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        ) as backend:
            assert backend.stdin
            assert isinstance(backend.stdout, BufferedReader)
            with suppress(BrokenPipeError):
                backend.stdin.write(body)
                backend.stdin.close()
            try:
                self._relay(backend.stdout, fault, after)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(backend.pid, 9)

    def _relay(self, answer: BufferedReader, fault: Fault | None, after: int) -> None:
        headers = dict(
            line.decode().strip().split(": ", 1) for line in iter(answer.readline, b"\r\n") if line
        )
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = 0
        while chunk := answer.read1(1 << 16):
            if fault and sent + len(chunk) >= after:
                chunk = chunk[: after - sent]
                self._chunk(chunk)
                self.server.told.faults.append(fault)
                if fault is Fault.CUT:
                    self._reset()
                else:
                    self.wfile.write(b"0\r\n\r\n")
                return
            self._chunk(chunk)
            sent += len(chunk)
        self.wfile.write(b"0\r\n\r\n")
        self.server.told.answers.append(sent)

    def _chunk(self, chunk: bytes) -> None:
        if chunk:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def _reset(self) -> None:
        """Let the other side see a reset, not the end of an answer."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Tests tell what is wrong."""


@contextmanager
def git_server(folder: Path) -> Iterator[GitServer]:
    """A server of the bare repositories in `folder`; git finds its certificate by the environment."""
    told = GitServer(folder)
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with authority.cert_pem.tempfile() as certificate, _Server(told, context) as server:
        os.environ["GIT_SSL_CAINFO"] = certificate
        told.url = f"https://localhost:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        try:
            yield told
        finally:
            told.stopped.set()
            server.shutdown()
            serving.join()
            del os.environ["GIT_SSL_CAINFO"]
