"""Templates: our own, and in their place those of a folder of the user's."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import TYPE_CHECKING

from cachediff.errors import ReportError

if TYPE_CHECKING:
    from jinja2 import Environment, Template

ORIGINAL = "original"
"""Prefix under which a template of the user's can extend ours: `{% extends "original/mail.html.j2" %}`."""

_PLAIN = (".md.j2", ".txt.j2")


def render(name: str, folder: Path | None, /, **variables: object) -> str:
    """What the template `name` makes of `variables`; see `template`.

    Raises:
        ReportError: `folder` is not there, or the template in it is not one, lacks a variable, or does
            what it must not; the message names the file and the line.
    """
    if folder is None:
        return template(name, None).render(variables)
    try:
        return template(name, folder).render(variables)
    except ReportError:
        raise
    except Exception as error:  # a template is a program: it can fail in any way
        where = _line_of_template(error.__traceback__, folder) or str(folder / name)
        raise ReportError(f"template {where}: {_reason(error)}") from error


def template(name: str, folder: Path | None) -> Template:
    """The template `name`: that of `folder` where it has one, else ours.

    Templates run in a sandbox: they see what they are given, and nothing of Python behind it. In all
    but those for Markdown (`.md.j2`) and plain text (`.txt.j2`) every value is escaped.

    Raises:
        ReportError: `folder` is not there, or the template in it is not one.
    """
    from jinja2 import TemplateError, TemplateSyntaxError

    environment = _environment(folder)
    try:
        return environment.get_template(name)
    except TemplateSyntaxError as error:
        where = f"{error.filename or error.name}:{error.lineno}"
        raise ReportError(f"template {where}: {error.message}") from error
    except (TemplateError, OSError, UnicodeDecodeError) as error:
        raise ReportError(f"template {folder and folder / name}: {_reason(error)}") from error


def check_templates(folder: Path | None) -> None:
    """Refuse a folder of templates of which one is no template, or fills a block that ours has not.

    Raises:
        ReportError: as for `template`; or a block is misspelt.
    """
    if folder is None:
        return
    ours = originals()
    for name in ours:
        found = template(name, folder)
        own = folder / name
        if own.is_file() and f"{ORIGINAL}/{name}" in own.read_text("utf-8", "replace"):
            blocks = template(name, None).blocks
            for block in found.blocks.keys() - blocks.keys():
                # One of its own stands inside of one of ours; one that is misspelt would be lost.
                if close := get_close_matches(block, blocks, n=1):
                    raise ReportError(
                        f"template {own}: {ORIGINAL}/{name} has no block {block!r}",
                        f"did you mean {close[0]!r}? it has {', '.join(blocks)}",
                    )


def originals() -> dict[str, bytes]:
    """Our templates, by name."""
    folder = files("cachediff.reports").joinpath("templates")
    return {
        file.name: file.read_bytes()
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".j2")
    }


@cache
def _environment(folder: Path | None) -> Environment:
    from jinja2 import (
        ChoiceLoader,
        FileSystemLoader,
        PackageLoader,
        PrefixLoader,
        StrictUndefined,
    )
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    ours = PackageLoader("cachediff.reports")
    loaders = [PrefixLoader({ORIGINAL: ours}), ours]
    if folder:
        _check(folder)
        loaders.insert(0, FileSystemLoader(folder))
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader(loaders),
        undefined=StrictUndefined,
        # Whatever a user's template includes, under any name, is escaped unless it says otherwise.
        autoescape=lambda name: name is None or not name.endswith(_PLAIN),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _check(folder: Path) -> None:
    """Refuse a folder in which nothing would ever be looked for: its name is misspelt, or theirs."""
    if not folder.is_dir():
        raise ReportError(
            f"there is no folder {folder} of templates",
            f"cachediff init --templates {folder} writes ours out, to begin with",
        )
    ours = originals()
    if not any((folder / name).is_file() for name in ours):
        raise ReportError(
            f"no template in {folder} takes the place of one of ours",
            f"they are: {', '.join(ours)}; cachediff init --templates writes them out",
        )


def _line_of_template(traceback: TracebackType | None, folder: Path) -> str | None:
    """The innermost line of a template, ours or the user's, that was being rendered.

    Jinja names templates by their paths in tracebacks, as if they were Python.
    """
    lines = [
        f"{path}:{line}"
        for frame, line in walk_tb(traceback)
        if (path := frame.f_code.co_filename).endswith(".j2") or Path(path).is_relative_to(folder)
    ]
    return lines[-1] if lines else None


def _reason(error: Exception) -> str:
    from jinja2 import TemplateNotFound

    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.message}"
    if isinstance(error, RecursionError):
        return f'it extends or includes itself; ours is "{ORIGINAL}/..."'
    return " ".join(str(error).split()) or type(error).__name__
