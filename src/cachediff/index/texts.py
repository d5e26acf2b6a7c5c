"""Numbers for what is said again and again: texts, and kinds of specs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from cachediff.model.spec import Spec

_Kind: TypeAlias = tuple[int, int, int, int | None]
"""The numbers of a version, a system, variants and stacks."""
_Told: TypeAlias = tuple[str, str | None, str, str, str, tuple[str, ...], tuple[str, ...] | None]
"""All that a spec says but its package and its hash."""


class Numbers:
    """The numbers of texts and kinds in a file; what has none gets one.

    They never change, and are remembered; `forget` what was given since a transaction that was undone.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._texts: dict[str, int] = {}
        self._told: dict[int, dict[_Told, int]] = {}
        self._kinds: dict[int, dict[_Kind, int]] = {}

    def forget(self) -> None:
        """Remember nothing."""
        self._texts.clear()
        self._told.clear()
        self._kinds.clear()

    def text(self, text: str) -> int:
        """The number of a text."""
        number = self._texts.get(text)
        if number is None:
            row = (
                self._connection.execute("SELECT id FROM text WHERE text = ?", (text,)).fetchone()
                or self._connection.execute(
                    "INSERT INTO text (text) VALUES (?) RETURNING id", (text,)
                ).fetchone()
            )
            number = self._texts[text] = int(row[0])
        return number

    def list(self, texts: Sequence[str | None]) -> int:
        """The number of a list of texts."""
        return self.text(msgspec.json.encode(texts).decode())

    def stacks(self, stacks: tuple[str, ...] | None) -> int | None:
        """The number of the stacks of a spec, None where they are not told."""
        return None if stacks is None else self.list(stacks)

    def kind(self, package: int, spec: Spec) -> int:
        """The number of all that a spec of `package` says but its hash."""
        build = spec.build
        told = (
            build.version.text,  # versions that are equal may be spelled differently
            build.compiler,
            build.platform,
            build.os,
            build.target,
            build.variants,
            spec.stacks,
        )
        known = self._told.setdefault(package, {})
        number = known.get(told)
        if number is None:
            number = known[told] = self._number(package, told)
        return number

    def kinds(self, package: int) -> dict[_Kind, int]:
        """The numbers of all kinds of specs that `package` ever had."""
        if package not in self._kinds:
            rows = self._connection.execute(
                "SELECT version, system, variants, stacks, id FROM kind WHERE package = ?",
                (package,),
            )
            self._kinds[package] = {tuple(kind): number for *kind, number in rows}
        return self._kinds[package]

    def _number(self, package: int, told: _Told) -> int:
        version, compiler, platform, os, target, variants, stacks = told
        system = self.list((compiler, platform, os, target))
        kind = self.text(version), system, self.list(variants), self.stacks(stacks)
        kinds = self.kinds(package)
        if kind not in kinds:
            (kinds[kind],) = self._connection.execute(
                "INSERT INTO kind (package, version, system, variants, stacks)"
                " VALUES (?, ?, ?, ?, ?) RETURNING id",
                (package, *kind),
            ).fetchone()
        return kinds[kind]
