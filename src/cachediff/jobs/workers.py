"""Workers: what chunks are given to, as executors of `concurrent.futures`.

A worker may die at any time. What it had stored is stored, and its chunk is given to another.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import Protocol

from cachediff.jobs.chunks import Chunk
from cachediff.jobs.stepping import Place, Stepper, Told, close_kept, kept, take_chunk

Answer = Future[list[str]]
"""What could not be stored of a chunk, a sentence each."""


class Workers(Protocol):
    """Those who take chunks.

    `lanes` is how many chunks should be under way at a time. `died` are the exceptions of an answer
    that will not come.
    """

    lanes: int
    died: tuple[type[BaseException], ...]

    def submit(self, place: Place, chunk: Chunk) -> Answer:
        """Give out a chunk."""

    def check(self) -> None:
        """Raise `SourceError` if nothing that was given out will ever be answered."""

    def renew(self) -> None:
        """Replace those who died; then no answer is awaited any more that will not come."""

    def stop(self) -> None:
        """End what is under way; whoever is writing a file ends when that is written."""

    def close(self) -> None:
        """Give back what is held open. Nothing is under way."""


class Here:
    """This process: a chunk is done when `submit` returns."""

    lanes = 1
    died: tuple[type[BaseException], ...] = ()

    def __init__(self, told: Told) -> None:
        self._told = told

    def submit(self, place: Place, chunk: Chunk) -> Answer:
        """Take a chunk."""
        answer: Answer = Future()
        answer.set_result(take_chunk(place, chunk, self._told))
        return answer

    def check(self) -> None:
        """It is answered already."""

    def renew(self) -> None:
        """Nobody died."""

    def stop(self) -> None:
        """Nothing is under way that has not been stopped."""

    def close(self) -> None:
        """Give back what is held open."""
        close_kept()


class Pool:
    """So many processes of this machine."""

    died: tuple[type[BaseException], ...] = (BrokenProcessPool, CancelledError)

    def __init__(self, processes: int) -> None:
        self.lanes = processes
        self._others = multiprocessing.active_children()
        self._executor = self._start()

    def submit(self, place: Place, chunk: Chunk) -> Answer:
        """Give a chunk to one of them."""
        try:
            return self._executor.submit(take_chunk, place, chunk)
        except BrokenProcessPool as error:
            answer: Answer = Future()
            answer.set_exception(error)
            return answer

    def check(self) -> None:
        """The pool itself answers for those who die."""

    def renew(self) -> None:
        """Where one died the others are ended, and there are as many new ones."""
        self.stop()
        self.close()
        self._executor = self._start()

    def stop(self) -> None:
        """End all of them."""
        for process in multiprocessing.active_children():
            if process not in self._others:
                process.terminate()

    def close(self) -> None:
        """Wait for their end."""
        self._executor.shutdown(cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        # Not forked: threads of ours, and of pyarrow, would be missing in them.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.lanes, context, _begin)


def _begin() -> None:
    """What a process of the pool begins with: it ends when it is told to, or when ours has ended."""
    gc.disable()  # as in the command itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; ours tells the others
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end(number: int, _frame: FrameType | None) -> None:
    # In a thread: this one may hold what has to be waited for. And not by an exception, which would
    # surface anywhere, in the pool's own code as well.
    threading.Thread(target=_leave, args=(kept(), 128 + number)).start()


def _leave(stepper: Stepper | None, code: int) -> None:
    if stepper:
        stepper.stop_writing()
    os._exit(code)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
