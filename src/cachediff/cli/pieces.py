"""A report in pieces to standard output or a file, and the terminal that it may be for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import typer

from cachediff.errors import UsageError

UNLIMITED_WIDTH = 1_000_000
"""Of what goes to no terminal, in cells."""
_STANDARD_OUTPUT = 1


def terminal(output: Path | None) -> tuple[int, bool]:
    """How wide a report can be, in cells, and whether it may have colours.

    `output` is the file that it goes to, None for standard output, which may be a terminal.
    """
    if output is not None or not os.isatty(_STANDARD_OUTPUT):
        return UNLIMITED_WIDTH, False
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return shutil.get_terminal_size().columns, not plain


def write_pieces(pieces: Iterable[str], output: Path | None) -> None:
    """Write a report in UTF-8: to standard output piece by piece, to a file all or nothing.

    Raises:
        UsageError: the file cannot be written.
    """
    if output is None:
        for piece in pieces:
            typer.echo(piece, nl=False)
        return

    def write(file: BinaryIO) -> None:
        for piece in pieces:
            file.write(piece.encode("utf-8", "backslashreplace"))

    _write(output, write)


def write_bytes(content: bytes, output: Path | None) -> None:
    """Write what is no text: to a file, or to standard output where that is not a terminal.

    Raises:
        UsageError: it is one, or the file cannot be written.
    """
    if output is not None:
        _write(output, lambda file: file.write(content))
    elif os.isatty(_STANDARD_OUTPUT):
        raise UsageError("a picture is not for a terminal", "write it to a file: -o FILE")
    else:
        typer.echo(content, nl=False)


def _write(output: Path, write: Callable[[BinaryIO], object]) -> None:
    from cachediff.files import write_atomically

    try:
        if output.exists() and not output.is_file():
            with output.open("wb") as file:
                write(file)  # a device or a pipe stays what it is
        else:
            write_atomically(output.resolve(), write)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
