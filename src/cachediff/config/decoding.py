"""Sections of a file to typed values; what is wrong is told by key, with what is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from cachediff.comparing import check_selection
from cachediff.config.explaining import allowed, bare, closest, found, inner, keys_of, steps
from cachediff.config.reading import Document, KeyPath, written
from cachediff.errors import ConfigError, UsageError
from cachediff.model.selection import Selection

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names of sources, jobs, gates and deliveries: some are those of folders."""

_Decoded = TypeVar("_Decoded")

_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*?)`")


class Section(NamedTuple):
    """A value of the file, and the key that it stands under."""

    document: Document
    key: KeyPath
    value: Any

    def error(self, reason: str, *below: str | int, hint: str = "") -> ConfigError:
        """What is wrong with this section, or with what stands `below` it."""
        return self.document.error((*self.key, *below), reason, hint)

    def below(self, key: str) -> Section | None:
        """What stands under `key`; None if it is not there."""
        if key not in self.value:
            return None
        return Section(self.document, (*self.key, key), self.value[key])

    def named(self, name: str) -> dict[str, Section]:
        """The sections that stand under the key `name`, by their own names; none if it is not there.

        Raises:
            ConfigError: it does not hold names, or one of them cannot be a name.
        """
        section = self.below(name)
        if section is None:
            return {}
        entries = section.value
        if not isinstance(entries, dict):
            raise self.error(f"found {found(entries)}; allowed are names, each with keys", name)
        for entry in entries:
            if not NAME.fullmatch(entry):
                raise self.error(
                    "a name is of letters, digits, '.', '_' and '-', at most 100, and begins with "
                    "a letter or digit",
                    *(name, entry),
                )
        return {
            entry: Section(self.document, (*self.key, name, entry), value)
            for entry, value in entries.items()
        }

    def convert(self, kind: type[_Decoded]) -> _Decoded:
        """The value as a `kind`.

        Raises:
            ConfigError: it is none, or has a key that `kind` has not.
        """
        try:
            return msgspec.convert(self.value, kind)
        except msgspec.ValidationError as error:
            raise self._explained(str(error), inspect.type_info(kind)) from None

    def check_selection(self, selection: Selection, *below: str | int) -> None:
        """Refuse, by the key `below`, what can never select anything.

        Raises:
            ConfigError: it cannot.
        """
        try:
            check_selection(selection)
        except UsageError as error:
            raise self.error(error.message, *below, hint=error.hint) from error

    def path(self, text: str, *below: str | int) -> Path:
        """The path that stands under the key `below`: absolute, or relative to the file.

        Raises:
            ConfigError: it is in the home folder of nobody.
        """
        try:
            return self.document.path.resolve().parent / Path(text).expanduser()
        except RuntimeError as error:
            raise self.error(f"{text!r}: {error}", *below) from error

    def written(self, *below: str | int) -> str:
        """The whole key of what stands `below`, as messages name it."""
        return written((*self.key, *below))

    def _explained(self, message: str, kind: inspect.Type) -> ConfigError:
        """What `message` says, which ends with the place in msgspec's words: "- at `$.to[0].url`"."""
        # From the end: the message may quote a value, which may hold the same words.
        _, at, place = message.rpartition(" - at `$")
        value, below = self.value, list(steps(place)) if at else []
        for step in below:
            value, kind = value[step], bare(inner(kind, step, value))
        if field := _FIELD.match(message):
            verb, name = field.groups()
            known = keys_of(kind, value)
            if verb == "contains unknown":
                hint = f"keys here are {', '.join(known)}"
                return self.error(f"unknown key{closest(name, known)}", *below, name, hint=hint)
            return self.error("this key is missing", *below, name)
        return self.error(f"found {found(value, kind)}; allowed is {allowed(kind)}", *below)
