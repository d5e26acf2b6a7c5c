"""Canonical values made once: what is spelled the same in a thousand records is interpreted once.

A collection has tens of thousands of records but few distinct compilers, variant lists and builds.
Records are looked up by their raw spelling; only a spelling never met before is canonicalised. Equal
builds come out as the same object, so that comparing them later costs a pointer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec

from cachediff.model.canonical import canonical_compiler, canonical_stacks, canonical_variants
from cachediff.model.spec import Build
from cachediff.model.version import Version

RawBuild = tuple[str, str | None, str, str, str, bytes]
"""Version, compiler, platform, os, target as found, and the variants as a JSON list."""

_decode_strings: Callable[[bytes], list[str]] = msgspec.json.Decoder(list[str]).decode


class Interner:
    """Builds and stacks by their raw spelling; shared by both sides of a comparison.

    `version`, `compiler` and `stacks` give the canonical value of a text, or of a JSON list of
    strings, as found. Builds of one package at a time are held: manifests of the same package should
    be read one after the other, and memory follows the largest package.
    """

    def __init__(self) -> None:
        self.version = cache(Version)
        self.compiler = cache(canonical_compiler)
        self.stacks = cache(_stacks)
        self._variants = cache(_variants)
        self._package = ""
        self._raw: dict[RawBuild, Build] = {}
        self._builds: dict[tuple[str, Build], Build] = {}

    def builds_of(self, package: str) -> dict[RawBuild, Build]:
        """The builds of `package` met so far, by raw spelling. Add to it with `build` only."""
        if package != self._package:
            self._package, self._raw, self._builds = package, {}, {}
        return self._raw

    def build(self, raw: RawBuild) -> Build:
        """The build that `raw` spells, for the package last given to `builds_of`.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError, RecursionError: the variants are not a JSON list
                of strings.
        """
        text, compiler, platform, os, target, variants = raw
        build = Build(
            self._package,
            self.version(text),
            self.compiler(compiler),
            platform,
            os,
            target,
            self._variants(variants),
        )
        # Versions that are equal may be spelled differently, and each keeps its spelling.
        build = self._builds.setdefault((text, build), build)
        self._raw[raw] = build
        return build


def _stacks(raw: bytes) -> tuple[str, ...]:
    return canonical_stacks(_decode_strings(raw))


def _variants(raw: bytes) -> tuple[str, ...]:
    return canonical_variants(_decode_strings(raw))
