"""What commands have in common: their options, and what is made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cachediff.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from cachediff.config import Settings
    from cachediff.model.timeline import TimeRange
    from cachediff.queries import Catalogue

Repo = Annotated[
    str | None,
    typer.Option(
        "--repo",
        metavar="PATH|URL",
        help="The repository of manifests: a clone, or a URL of which a mirror is kept. "
        "Otherwise config.yaml says, or the clone that this is run in.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings; config.yaml here if there is one."),
]

Since = Annotated[
    str | None, typer.Option(metavar="DATE", help="Only from this ISO date or time on, in UTC.")
]
Until = Annotated[
    str | None, typer.Option(metavar="DATE", help="Only until this one, which is included.")
]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HARMLESS = re.compile(r"[\w.@+-]+")
"""Names that mean nothing to a shell, which evaluates what completion gives it."""


@contextmanager
def catalogue(
    repo: str | None,
    config: Path | None,
    *,
    stored_only: bool = False,
    note: Callable[[str], None] | None = None,
) -> Iterator[Catalogue]:
    """Everything that a name can mean here; what the user should be told is told at the end, to `note`."""
    from platformdirs import user_cache_path

    from cachediff.cli.progress import ProgressLine
    from cachediff.config import find_settings
    from cachediff.queries import Catalogue

    progress = ProgressLine()
    names = Catalogue(
        find_settings(Path.cwd(), config, repo),
        user_cache_path("cachediff"),
        stored_only=stored_only,
        progress=progress,
    )
    try:
        yield names
    finally:
        names.close()
        progress.clear()
        for notice in names.notices:
            (note or _note)(notice)


def settings_here(config: Path | None) -> Settings:
    """The settings in the file `config`, or in the folder that this is run in.

    Raises:
        ConfigError: there are none, or they are wrong.
    """
    from cachediff.config import find_settings

    settings = find_settings(Path.cwd(), config)
    if settings.file is None:
        raise no_settings()
    return settings


def no_settings() -> ConfigError:
    """That a command needs a `config.yaml`, and has none."""
    return ConfigError("there is no config.yaml here", "cachediff init writes one to begin with")


def _note(notice: str) -> None:
    say(f"note: {notice}")


def say(message: str) -> None:
    """Tell the user something that is not part of the output; what it quotes cannot act."""
    from cachediff.reports.visible import visible

    indent = message[: len(message) - len(message.lstrip())]
    typer.echo(indent + visible(message.strip(), longest=2_000), err=True)


def time_range(since: str | None, until: str | None) -> TimeRange:
    """The time from `--since` to `--until`.

    Raises:
        UsageError: one of them is not a date or time, or they are the wrong way round.
    """
    from cachediff.model.timeline import TimeRange

    begin = None if since is None else begin_of("--since", since)
    end = None if until is None else end_of("--until", until)
    if begin and end and end < begin:
        raise UsageError(f"--until {until} is before --since {since}")
    return TimeRange(begin, end)


def begin_of(option: str, text: str) -> str:
    """The time that an option gives, as in `Origin`; of a date alone, the first second of that day.

    Raises:
        UsageError: it is not a date or time.
    """
    moment = end_of(option, text)
    return f"{text}T00:00:00Z" if _DAY.fullmatch(text) else moment


def end_of(option: str, text: str) -> str:
    """The same; of a date alone, the last second of that day."""
    from cachediff.sources.names import until

    moment = until(text)
    if moment is None:
        raise UsageError(
            f"{option} {text!r} is not a date or time",
            "such as 2025-04-20 or 2025-04-20T03:12Z, in UTC",
        )
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def complete_name(incomplete: str) -> list[str]:
    """Collections that begin like what was typed, for a shell's completion."""
    try:
        with catalogue(None, None) as names:
            known = names.source().collections()
    except Exception:
        return []  # a key was pressed: no place for an error
    return [name for name in known if name.startswith(incomplete) and _HARMLESS.fullmatch(name)]
