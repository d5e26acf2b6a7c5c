"""A whole upstream at its real size, or any other, to measure with."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from cachediff.demo.commits import Commit, fast_import
from cachediff.demo.packages import packages as first_packages
from cachediff.demo.pages import page_2025
from cachediff.demo.stacks import UPSTREAM
from cachediff.demo.world import World

_START = datetime(2025, 4, 20, 3, 12, tzinfo=UTC)


class Night(msgspec.Struct, frozen=True):
    """What a night changes in `develop`.

    `tag` names the commit. `manifests` is how many manifests change, chosen by chance; None for
    all. In each of them half of the specs are rebuilt and a few upgraded, added and removed; with
    `rebuild_only` every spec gets a new hash and nothing else changes.
    """

    tag: str
    manifests: int | None = None
    rebuild_only: bool = False


def upstream_history(
    packages: int = 1_300, specs: int = 60_264, seed: int = 0, nights: Sequence[Night] = ()
) -> Iterator[bytes]:
    """Make a `git fast-import` stream: `develop` at exactly the given size, then the nights.

    The first commit has the tag `base`, each of the following the tag of its night, and each goes
    on from the one before. The layout is that of spring 2025, the default size that of `develop`.
    """
    return fast_import(_commits(packages, specs, seed, nights))


def _commits(packages: int, specs: int, seed: int, nights: Sequence[Night]) -> Iterator[Commit]:
    world = World(first_packages(packages), specs, UPSTREAM, seed)
    yield Commit(_START, _pages(world, world.take_changed()), "base")
    rng = random.Random(seed)  # noqa: S311
    for day, night in enumerate(nights, start=1):
        names = list(world.records)
        for name in rng.sample(names, len(names) if night.manifests is None else night.manifests):
            if night.rebuild_only:
                world.rebuild(name)
            else:
                world.churn(name)
        yield Commit(_START + timedelta(days=day), _pages(world, world.take_changed()), night.tag)


def _pages(world: World, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        page = page_2025("develop", name, world.records[name])
        yield f"_cache/develop/{name}/specs.md", page
