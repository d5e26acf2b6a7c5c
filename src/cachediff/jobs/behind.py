"""Writing behind: the disk, or an object store, takes what is written while the next is made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import PurePath

from cachediff.store.shelf import Shelf

_WAITING = 16
"""The most files that wait to be written."""


class Behind:
    """A shelf on which files are written one after the other, in the order asked for, a little later.

    Whatever else is asked of it waits until all are. What could not be written is raised by what is
    asked next, whatever that is, or by `finish`; nothing is written after it.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._writer = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        self._has_failed = False

    @property
    def root(self) -> PurePath:
        """Where all is, as users are told."""
        return self._shelf.root

    def write(self, path: PurePath, data: bytes, *, instead: PurePath | None = None) -> None:
        """Have a file written."""
        if len(self._waiting) == _WAITING or self._has_failed:
            self._finish_first()
        self._waiting.append(self._writer.submit(self._write, path, data, instead))

    def finish(self) -> None:
        """Wait until all is written.

        Raises:
            OSError: something could not be.
        """
        while self._waiting:
            self._finish_first()

    def folders(self, folder: PurePath) -> Sequence[PurePath]:
        """The folders in a folder."""
        self.finish()
        return self._shelf.folders(folder)

    def files(self, folder: PurePath) -> Sequence[PurePath]:
        """What else is in a folder."""
        self.finish()
        return self._shelf.files(folder)

    def read(self, paths: Sequence[PurePath]) -> Iterable[bytes | OSError]:
        """The bytes of each file, or why they cannot be read."""
        self.finish()
        return self._shelf.read(paths)

    def remove(self, path: PurePath) -> None:
        """Remove a file."""
        self.finish()
        self._shelf.remove(path)

    def close(self) -> None:
        """End once the file that is being written is; what waits is not written any more."""
        self._writer.shutdown(cancel_futures=True)

    def _write(self, path: PurePath, data: bytes, instead: PurePath | None) -> None:
        # A receipt must not come without its file, nor a step without its base.
        if not self._has_failed:
            try:
                self._shelf.write(path, data, instead=instead)
            except OSError:
                self._has_failed = True
                raise

    def _finish_first(self) -> None:
        try:
            self._waiting.popleft().result()
        except OSError:
            wait(self._waiting)
            self._waiting.clear()
            self._has_failed = False
            raise
