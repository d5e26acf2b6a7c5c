"""Packages to fill a cache with: real names, versions and variants, and made-up ones beyond."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, islice, product

import msgspec

from cachediff.demo.names import REAL, WORDS

_BUILD_SYSTEMS = {
    "cmake": "build_system=cmake build_type=Release generator=make ~ipo",
    "meson": "build_system=meson buildtype=release default_library=shared ~strip",
}
_ECOSYSTEMS = {"py": "python_pip", "r": "generic", "perl": "perl"}


class Package(msgspec.Struct, frozen=True):
    """A package: its versions, oldest first, and the variants that a plain build of it has."""

    name: str
    versions: tuple[str, ...]
    variants: tuple[str, ...]


def real_packages() -> list[Package]:
    """Return the packages of the demo, by name."""
    return [_real_package(line) for line in REAL.strip().splitlines()]


def packages(count: int) -> list[Package]:
    """Return the first `count` packages: the real ones, then as many made-up ones as that takes.

    The n-th package is the same whatever the count.
    """
    real = real_packages()
    found = list(islice(chain(real, _made_up({package.name for package in real})), count))
    if len(found) < count:
        raise ValueError(f"there are {len(found)} packages, not {count}")
    return found


def _real_package(line: str) -> Package:
    left, right = line.split("|")
    name, build_system, *versions = left.split()
    common = _BUILD_SYSTEMS.get(build_system, f"build_system={build_system}")
    variants = sorted([*common.split(), *right.split()], key=lambda text: text.lstrip("+~"))
    return Package(name, tuple(versions), tuple(variants))


def _made_up(taken: set[str]) -> Iterator[Package]:
    words = WORDS.split()
    suffixes = [*words, *(f"{first}-{second}" for first, second in product(words, words))]
    for suffix, (prefix, build_system) in product(suffixes, _ECOSYSTEMS.items()):
        name = f"{prefix}-{suffix}"
        if name not in taken:
            yield Package(name, _made_up_versions(name), (f"build_system={build_system}",))


def _made_up_versions(name: str) -> tuple[str, ...]:
    # A string seeds through SHA-512: unlike hash(), the same in every process.
    rng = random.Random(name)  # noqa: S311
    major, minor = rng.randrange(5), rng.randrange(1, 20)
    return tuple(f"{major}.{minor + step}.{rng.randrange(10)}" for step in range(rng.randint(2, 4)))
