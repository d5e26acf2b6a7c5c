"""The log of a run: lines for people, or JSON objects for programs that collect them."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from cachediff.errors import CachediffError

LOGGER = logging.getLogger("cachediff")


class LogFormat(StrEnum):
    """The form of log lines."""

    TEXT = "text"
    JSON = "json"


LogOption = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        help="json: one object a line on standard output, errors as well, for programs that"
        " collect logs.",
    ),
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: what kind of thing, in words, and as data.

    `details` are further lines for people; `data` says the same to programs.
    """

    kind: str
    message: str
    level: int = logging.INFO
    details: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)


def log(entry: Entry) -> None:
    """Write an entry to the log."""
    LOGGER.log(entry.level, "%s", entry.message, extra={"entry": entry})


@contextmanager
def logged(form: LogFormat) -> Iterator[None]:
    """Log in this form while the block runs. As JSON, an error that ends it is logged, not printed.

    Where the log could not be written, the command ends with 2, after all is done.
    """
    handler = _Lines(form)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    try:
        yield
    except CachediffError as error:
        if form is LogFormat.TEXT:
            raise
        log(Entry("error", error.message, logging.ERROR, data={"hint": error.hint}))
        raise typer.Exit(2) from error
    except OSError as error:
        if form is LogFormat.TEXT or isinstance(error, BrokenPipeError):
            raise
        where = f"{error.filename}: " if error.filename else ""
        log(Entry("error", f"{where}{error.strerror}", logging.ERROR))
        raise typer.Exit(2) from error
    finally:
        LOGGER.removeHandler(handler)
    if handler.lost:
        sys.stdout = io.StringIO()  # what is left in it would fail again, as Python ends
        raise typer.Exit(2)


class _Lines(logging.Handler):
    """Writes each entry at once, so that a log that is followed is never behind.

    What cannot be written ends nothing that is at work; `lost` is the first error of that.
    """

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._form = form
        self.lost: OSError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        entry = getattr(record, "entry", None) or Entry(
            record.name, record.getMessage(), record.levelno
        )
        problem = record.levelno >= logging.WARNING
        stream = sys.stderr if problem and self._form is LogFormat.TEXT else sys.stdout
        lines = _text(entry) if self._form is LogFormat.TEXT else [_json(record, entry)]
        try:
            stream.writelines(f"{line}\n" for line in lines)
            stream.flush()
        except OSError as error:  # nobody listens any more, or the disk is full
            self.lost = self.lost or error


def _json(record: logging.LogRecord, entry: Entry) -> str:
    time = datetime.fromtimestamp(record.created, UTC)
    told: dict[str, Any] = {
        "time": f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z",
        "level": record.levelname.lower(),
        "event": entry.kind,
        "message": entry.message,
        **entry.data,
    }
    import msgspec

    return json.dumps(msgspec.to_builtins(told, enc_hook=str))  # which escapes lone surrogates


def _text(entry: Entry) -> Iterator[str]:
    from cachediff.reports.visible import visible

    yield visible(entry.message, longest=2_000)
    for line in entry.details:
        yield f"  {visible(line, longest=2_000)}"
