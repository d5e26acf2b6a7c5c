"""A watched upstream and its servers, a run of which can be made to fail.

Night 0 is done; two more are due when a run is started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from unittest.mock import patch

from faults import NO_FAULT, Counted, Fault
from faults_checks import Left, Ran, undisturbed
from mail_server import MailServer, mail_server
from pages import page, record
from repositories import Commit, add_commits, committed_at, write_repository

COMMAND = Path(__file__).with_name("faults_clock.py")

CONFIG = """
sources:
  cache:
    url: file://{upstream}
jobs:
  nightly:
    compare: [develop@previous, develop]
    schedule: 0 18 * * *
    gates:
      left: {{rule: left-stack}}
    deliver: [mail, chat]
deliver:
  mail:
    type: mail
    host: localhost
    port: {mail_port}
    security: none
    sender: ci@cache.example
    recipients:
      - address: all@cache.example
        empty: true
  chat:
    type: webhook
    url: http://localhost:{chat_port}/hook
"""


def due(night: int) -> datetime:
    """When night number `night` is due."""
    return committed_at(night) + timedelta(hours=6)


NIGHTS = 3
NOW = due(NIGHTS - 1)
LATER = NOW + timedelta(hours=1)
"""When the next run is started: nothing more is due then."""


def _commits() -> list[Commit]:
    """hdf5 is rebuilt each night; in the last one zlib leaves a stack, which the gate does not like."""

    def commit(number: int, *zlib: str) -> Commit:
        hdf5 = {"_cache/develop/hdf5/specs.md": page([record(f"hdf5/{number}")])}
        return hdf5 | {"_cache/develop/zlib/specs.md": page([record("z", stacks=zlib)], "zlib")}

    return [commit(0, "e4s", "root"), commit(1, "e4s", "root"), commit(2, "root")]


class Chat:
    """A server on loopback that takes what is posted, once it is `open`."""

    def __init__(self) -> None:
        self.posts: list[bytes] = []
        self.open = threading.Event()
        self.open.set()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                chat.open.wait()
                chat.posts.append(content)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # it was killed
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port = self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def world(base: Path, shim: Path | None = None) -> Iterator[World]:
    """A world in the folder `base`; with `shim`, the calls of its runs are counted."""
    with mail_server() as mails, Chat() as chat:
        with patch.dict(os.environ, _isolated(base), clear=True):
            one = World(base, shim, mails, chat)
        yield one


def _isolated(base: Path) -> dict[str, str]:
    """An environment in which nothing of the user's is read or written."""
    kept = ("PATH", "PYTHONPATH", "TMPDIR", "LANG")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(base),
        "XDG_CACHE_HOME": str(base / "world" / "cache"),
        "XDG_CONFIG_HOME": str(base / "config"),
        "GIT_CONFIG_GLOBAL": str(base / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


class World:
    """A folder that is watched over; `begin` puts it back to where two nights are due."""

    def __init__(self, base: Path, shim: Path | None, mails: MailServer, chat: Chat) -> None:
        self.folder = base / "world"
        self._begun = base / "begun"
        self._mails, self.chat = mails, chat
        self.counted = Counted(shim, self.folder, base) if shim else None
        self._environment = dict(os.environ)
        upstream = write_repository(base / "upstream", _commits()[:1], init=("--bare",))
        self.folder.mkdir()
        (self.folder / "config.yaml").write_text(
            CONFIG.format(upstream=upstream, mail_port=mails.port, chat_port=chat.port)
        )
        assert self.run(due(0)).code == 0
        add_commits(upstream, _commits()[1:], start=1)
        shutil.copytree(self.folder, self._begun)
        self.left = Left(self.folder, base, mails.copies, chat.posts)
        self.undisturbed = undisturbed(self._runs())

    def begin(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self._begun, self.folder)
        self._mails.copies.clear()
        self.chat.posts.clear()

    def start(
        self, now: datetime = NOW, fault: Fault = NO_FAULT, gate: int | None = None
    ) -> subprocess.Popen[str]:
        """Start `cachediff run` at `now`, as the first of a group of processes.

        With a `gate`, the end of a pipe, it says that it is ready, and begins when the other is closed.
        """
        added = self.counted.environment(fault) if self.counted and gate is None else {}
        return subprocess.Popen(
            [sys.executable, COMMAND, now.isoformat(), "run"],
            cwd=self.folder,
            env=self._environment | added | ({} if gate is None else {"FAULTS_GATE": "shut"}),
            stdin=subprocess.DEVNULL if gate is None else gate,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def run(self, now: datetime = NOW, fault: Fault = NO_FAULT) -> Ran:
        """A run, to its end, which is that of all that it started."""
        return ended(self.start(now, fault))

    def survive(self, fault: Fault) -> Ran:
        """A run with a fault, and one without: nothing is ever wrong, and then all is there."""
        self.begin()
        ran = self.run(fault=fault)
        self._recover(ran)
        return ran

    def survive_kill(self, seconds: float, *, alone: bool) -> Ran:
        """A run that is killed after so many seconds, and another one. What git was doing for it is
        killed too, unless it is to be killed `alone`.
        """
        self.begin()
        process = self.start()
        time.sleep(seconds)
        (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
        ran = ended(process)
        self._recover(ran)
        return ran

    def crowd(self, size: int) -> list[Ran]:
        """So many runs, started in one moment; none can end its work before the others have left."""
        self.begin()
        self.chat.open.clear()
        gate, opening = os.pipe()
        processes = [self.start(gate=gate) for _ in range(size)]
        os.close(gate)
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        os.close(opening)
        patience = time.monotonic() + 100
        while sum(process.poll() is None for process in processes) > 1:
            assert time.monotonic() < patience, "more than one are at work"
            time.sleep(0.05)
        self.chat.open.set()
        return [ended(process) for process in processes]

    def check(self, ran: Ran) -> None:
        """See `Undisturbed.check`."""
        self.undisturbed.check(self.left, ran)

    def _recover(self, ran: Ran) -> None:
        self.check(ran)
        again = self.run(LATER)
        assert again.code in {0, 1}, again.said
        self.check(again)

    def _runs(self) -> Iterator[Left]:
        """Undisturbed runs, begun at each of the times at which one can have been."""
        for starts in ([NOW], [due(1), NOW]):
            self.begin()
            for now in starts:
                ran = self.run(now)
                assert ran.code in {0, 1}, ran.said
            yield self.left


def ended(process: subprocess.Popen[str]) -> Ran:
    said, _ = process.communicate(timeout=300)
    return Ran(process.returncode, said)
