"""Canonical values made once: what is spelled the same in a thousand records is interpreted once.

A collection has tens of thousands of records but few distinct compilers, variant lists and builds.
Records are looked up by their raw spelling; only a spelling never met before is canonicalised. Equal
builds come out as the same object, so that comparing them later costs a pointer.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cachediff.model.canonical import canonical_compiler, canonical_stacks, canonical_variants
from cachediff.model.spec import Build
from cachediff.model.version import Version

RawBuild = tuple[str, str | None, str, str, str, bytes]
"""Version, compiler, platform, os, target as found, and the variants as a JSON list."""

_decode_strings: Callable[[bytes], list[str]] = msgspec.json.Decoder(list[str]).decode


class Interner:
    """Builds and stacks by their raw spelling; shared by both sides of a comparison.

    Builds of one package at a time are held: manifests of the same package should be read one after
    the other, and memory follows the largest package.
    """

    def __init__(self) -> None:
        self._versions: dict[str, Version] = {}
        self._compilers: dict[str | None, str | None] = {}
        self._variants: dict[bytes, tuple[str, ...]] = {}
        self._stacks: dict[bytes, tuple[str, ...]] = {}
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
            msgspec.DecodeError, UnicodeDecodeError: the variants are not a JSON list of strings.
        """
        text, compiler, platform, os, target, variants = raw
        version = self._versions.get(text)
        if version is None:
            version = self._versions[text] = Version(text)
        if compiler not in self._compilers:
            self._compilers[compiler] = canonical_compiler(compiler)
        names = self._variants.get(variants)
        if names is None:
            names = self._variants[variants] = canonical_variants(_decode_strings(variants))
        build = Build(
            self._package, version, self._compilers[compiler], platform, os, target, names
        )
        # Versions that are equal may be spelled differently, and each keeps its spelling.
        build = self._builds.setdefault((text, build), build)
        self._raw[raw] = build
        return build

    def stacks(self, raw: bytes) -> tuple[str, ...]:
        """The stacks that the JSON list `raw` names.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError: `raw` is not a JSON list of strings.
        """
        stacks = self._stacks.get(raw)
        if stacks is None:
            stacks = self._stacks[raw] = canonical_stacks(_decode_strings(raw))
        return stacks
