"""A spec: one concrete build, and the build key that it shares with others."""

from __future__ import annotations

import msgspec

from cachediff.model.version import Version

ROOT_STACK = "root"
"""The union of all stacks; in every spec of the cache pages, and never news."""


class Build(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """The build key: what a spec is apart from its dependencies. Many specs share one.

    All values are canonical (see `cachediff.model.canonical`). `compiler` is None where the manifest
    does not say which it was: unknown, which is not a value of its own.
    """

    package: str
    version: Version
    compiler: str | None
    platform: str
    os: str
    target: str
    variants: tuple[str, ...]


class Spec(msgspec.Struct, frozen=True, gc=False):
    """One concrete build in a collection, identified by Spack's DAG hash.

    `hash` is 32 characters of base32 (`[a-z2-7]`, as `spack find --format '{hash}'` prints).
    `stacks` are the sorted names of the stacks that list it, `root` included where the manifest says
    so; None where the manifest's format does not tell (before 2023).
    """

    hash: str
    build: Build
    stacks: tuple[str, ...] | None

    @property
    def package(self) -> str:
        """Name of the package."""
        return self.build.package

    @property
    def version(self) -> Version:
        """Version of the package."""
        return self.build.version

    @property
    def compiler(self) -> str | None:
        """Canonical compiler, `gcc@11.4.0`, or None where it is unknown."""
        return self.build.compiler

    @property
    def platform(self) -> str:
        """Platform, such as `linux`."""
        return self.build.platform

    @property
    def os(self) -> str:
        """Operating system, such as `ubuntu22.04`."""
        return self.build.os

    @property
    def target(self) -> str:
        """Microarchitecture, such as `x86_64_v3`."""
        return self.build.target

    @property
    def variants(self) -> tuple[str, ...]:
        """Canonical variants, sorted: `+cuda`, `build_type=Release`."""
        return self.build.variants
