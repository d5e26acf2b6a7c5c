"""Files, and folders of files, that are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".*.tmp"
"""Glob of the names that unfinished files have, in the folder of the file they were to become."""


def write_atomically(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Make `path` a file with this content, durably: after a kill or a power cut, the old or the new.

    `content` is the bytes, or a function that writes them to the file it is given. Missing parent
    folders are created. On any error the temporary file is removed and `path` is as it was.

    Raises `OSError` where the folder cannot be written or the disk is full, and whatever `content`
    raises.
    """
    _make_folder(path.parent)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_folder_atomically(path: Path, files: Mapping[str, bytes]) -> None:
    """Make `path` a folder with these files, durably: after a kill or a power cut, whole or not there.

    `files` maps each name to its content. Missing parent folders are created.

    Raises `FileExistsError` where there is something at `path`, which stays as it is, and `OSError`
    where the folder cannot be written or the disk is full.
    """
    _make_folder(path.parent)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    temporary.mkdir()
    try:
        for name, content in files.items():
            with (temporary / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        sync_folder(temporary)
        temporary.rename(path)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make durable what was made, renamed or removed in `folder`; `OSError` where that fails."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder; the file itself is synced all the same.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
