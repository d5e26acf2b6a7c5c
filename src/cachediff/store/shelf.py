"""Shelves: where the files of a store are kept, in a folder or in an object store.

Whatever the shelf, a file is whole or not there, and what was written is kept when `write` returns.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import urlsplit

from cachediff.errors import StoreError
from cachediff.files import sync_folder, write_atomically

if TYPE_CHECKING:
    import pyarrow.fs as pa_fs

_AT_ONCE = 16
"""How many objects are asked for at a time: each answer takes some tens of milliseconds."""


class Shelf(Protocol):
    """Files in folders below `root`; every path given is below it, and every error an `OSError`."""

    @property
    def root(self) -> PurePath:
        """Where all is, as users are told."""

    def folders(self, folder: PurePath) -> Sequence[PurePath]:
        """The folders in a folder, sorted; none where that is not there."""

    def files(self, folder: PurePath) -> Sequence[PurePath]:
        """What else is in a folder, sorted; nothing where that is not there."""

    def read(self, paths: Sequence[PurePath]) -> Iterable[bytes | OSError]:
        """The bytes of each file, or why they cannot be read: `FileNotFoundError` where there is none."""

    def write(self, path: PurePath, data: bytes, *, instead: PurePath | None = None) -> None:
        """Make `path` a file of these bytes; after a kill at any time it is the old one or the new.

        `instead` is a file that goes before the new one stands here, but, in a folder, not before its
        bytes are known to be kept.
        """

    def remove(self, path: PurePath) -> None:
        """Remove a file, for good; one that is not there is no error."""


class LocalShelf:
    """A folder of this machine, or of a file system that it shares."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folders(self, folder: PurePath) -> Sequence[PurePath]:
        """The folders in a folder, sorted; none where that is not there."""
        return [path for path, is_folder in _scan(folder) if is_folder]

    def files(self, folder: PurePath) -> Sequence[PurePath]:
        """What is in a folder, sorted; nothing where that is not there."""
        return [path for path, _ in _scan(folder)]

    def read(self, paths: Sequence[PurePath]) -> Iterable[bytes | OSError]:
        """The bytes of each file, or why they cannot be read."""
        for path in paths:
            try:
                yield Path(path).read_bytes()
            except OSError as error:
                yield error

    def write(self, path: PurePath, data: bytes, *, instead: PurePath | None = None) -> None:
        """Make `path` a file of these bytes."""

        def write_data(file: BinaryIO) -> None:
            file.write(data)
            if instead is not None and os.path.lexists(instead):
                file.flush()
                os.fsync(file.fileno())
                Path(instead).unlink(missing_ok=True)

        write_atomically(Path(path), write_data)

    def remove(self, path: PurePath) -> None:
        """Remove a file; one that is not there is no error."""
        Path(path).unlink(missing_ok=True)
        sync_folder(Path(path.parent))


def _scan(folder: PurePath) -> list[tuple[PurePath, bool]]:
    """What is in a folder, sorted, and whether it is one itself."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
            return [(Path(entry), entry.is_dir()) for entry in found]
    except FileNotFoundError:
        return []


class ObjectPath(PurePosixPath):
    """The name of an object: `s3://bucket/prefix/name`, without what else its URL says."""

    def __str__(self) -> str:
        scheme, colon, rest = super().__str__().partition(":")
        return f"{scheme}://{rest.lstrip('/')}" if colon else scheme


class ObjectShelf:
    """A bucket of an object store, or a part of one, by the URL that pyarrow takes: `s3://`, `gs://`.

    Keys come from where the store's own tools have them: the environment, the machine.
    A put is whole or not there by itself.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = url
        self.root: PurePath = ObjectPath(f"{parts.scheme}:", parts.netloc, parts.path.strip("/"))

    @cached_property
    def _opened(self) -> tuple[pa_fs.FileSystem, str]:
        import pyarrow as pa
        import pyarrow.fs

        try:
            opened: tuple[pa_fs.FileSystem, str] = pyarrow.fs.FileSystem.from_uri(self._url)
        except (pa.ArrowException, ValueError) as error:
            raise OSError(f"{self.root} cannot be opened: {error}") from error
        return opened

    def folders(self, folder: PurePath) -> Sequence[PurePath]:
        """What has objects below it, sorted."""
        return [folder / info.base_name for info in self._infos(folder) if not info.is_file]

    def files(self, folder: PurePath) -> Sequence[PurePath]:
        """The objects right below a folder, sorted."""
        return [folder / info.base_name for info in self._infos(folder) if info.is_file]

    def read(self, paths: Sequence[PurePath]) -> Iterable[bytes | OSError]:
        """The bytes of each object, or why they cannot be read."""
        if len(paths) == 1:
            yield self._read(paths[0])
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield from pool.map(self._read, paths)

    def write(self, path: PurePath, data: bytes, *, instead: PurePath | None = None) -> None:
        """Put an object."""
        if instead is not None:
            self.remove(instead)
        with self._opened[0].open_output_stream(self._key(path)) as stream:
            stream.write(data)

    def remove(self, path: PurePath) -> None:
        """Remove an object; one that is not there is no error."""
        try:
            self._opened[0].delete_file(self._key(path))
        except FileNotFoundError:
            return

    def _read(self, path: PurePath) -> bytes | OSError:
        try:
            with self._opened[0].open_input_stream(self._key(path)) as stream:
                content: bytes = stream.read()
                return content
        except OSError as error:
            return error

    def _infos(self, folder: PurePath) -> list[pa_fs.FileInfo]:
        import pyarrow.fs

        chosen = pyarrow.fs.FileSelector(self._key(folder), allow_not_found=True)
        return sorted(self._opened[0].get_file_info(chosen), key=lambda info: str(info.base_name))

    def _key(self, path: PurePath) -> str:
        """The path as pyarrow takes it."""
        return "/".join([self._opened[1].rstrip("/"), *path.relative_to(self.root).parts])


def shelf_at(location: Path | str) -> Shelf:
    """The shelf in a folder or, where `location` is text, in the object store of that URL.

    Raises:
        StoreError: the URL names no bucket, or may have keys in it.
    """
    if isinstance(location, Path):
        return LocalShelf(location)
    parts = urlsplit(location)
    if not parts.netloc or "@" in parts.netloc:
        raise StoreError(
            f"{parts.scheme}://…: this cannot be the URL of a store",
            "it is s3://bucket/prefix or gs://bucket/prefix; keys come from the environment",
        )
    return ObjectShelf(location)


def reason_of(error: OSError) -> str:
    """What the system says, or the library of an object store."""
    return error.strerror or str(error)


def not_read(path: PurePath, error: OSError) -> StoreError:
    """What to raise where a file or folder on a shelf is there and cannot be read."""
    return StoreError(
        f"{path} cannot be read: {reason_of(error)}",
        "Make it readable for the user that runs this.",
    )
