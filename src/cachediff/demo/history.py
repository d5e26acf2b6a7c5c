"""The demo: five weeks of a small cache in which everything happens that can happen to one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from cachediff.demo.commits import Commit, fast_import
from cachediff.demo.packages import real_packages
from cachediff.demo.pages import Layout, Record, page_2024, page_2025
from cachediff.demo.stacks import DEMO
from cachediff.demo.world import World

_SEED = 2025
_FIRST, _LAST = date(2025, 2, 24), date(2025, 4, 2)
_NEW_LAYOUT = date(2025, 3, 15)
_REORDERED = date(2025, 3, 10)
_TRUNCATED = "paraview"
_SUNDAY = 6

# trilinos leaves after the newest dated collection, so that comparing `develop` with it tells so.
_EVENTS: dict[date, Callable[[World], None]] = {
    date(2025, 2, 26): lambda world: world.move_version("cmake", "3.31.5", "3.31.6"),
    date(2025, 2, 28): lambda world: _rebuild_every(3, world),
    date(2025, 3, 4): lambda world: _add(world, "likwid"),
    date(2025, 3, 6): lambda world: world.move_version("openmpi", "5.0.6", "5.0.7"),
    date(2025, 3, 11): lambda world: world.move_version("py-setuptools", "76.0.0", "75.8.2"),
    date(2025, 3, 13): lambda world: world.move_version("zlib-ng", "2.2.3", "2.2.4"),
    date(2025, 3, 18): lambda world: world.forget_compiler("bats"),
    date(2025, 3, 19): lambda world: world.remove_package("py-nose"),
    date(2025, 3, 20): lambda world: world.set_variant("kokkos", "~openmp", "+openmp"),
    date(2025, 3, 21): lambda world: world.join_stack("boost", "hep", beside="e4s"),
    date(2025, 3, 26): lambda world: world.move_version("hdf5", "1.14.5", "1.14.6"),
    date(2025, 3, 27): lambda world: _rebuild_every(2, world),
    date(2025, 4, 1): lambda world: world.leave_stack("trilinos", "e4s"),
}

# These are in every environment, and nothing but the events above and the rebuild waves changes them.
_SPECS_OF_SCRIPTED = {
    "bats": 2,
    "boost": 30,
    "cmake": 36,
    "hdf5": 54,
    "kokkos": 27,
    "likwid": 12,
    "openmpi": 33,
    "paraview": 18,
    "py-nose": 6,
    "py-setuptools": 45,
    "trilinos": 42,
    "zlib-ng": 48,
}
_SPECS_OF_OTHERS = 2_700


def demo_history() -> Iterator[bytes]:
    """Make the demo's repository: a `git fast-import` stream, always the same bytes.

    `_cache/develop` changes every night from 2025-02-24 to 2025-04-02; every Sunday it is copied to
    `_cache/develop-<date>`. On 2025-03-15 the layout changes from 2024's to 2025's, and hashes stay.
    On the last night one manifest is cut off.
    """
    return fast_import(_commits())


def _commits() -> Iterator[Commit]:
    world = _first_world()
    rng = random.Random(_SEED)  # noqa: S311
    sunday: dict[str, list[Record]] = {}
    for day in _days():
        layout = page_2024 if day < _NEW_LAYOUT else page_2025
        if day == _NEW_LAYOUT:
            files = _pages("develop", world.records, sorted(world.records), layout)
        else:
            if day > _FIRST:
                _ordinary_night(world, rng)
            if day in _EVENTS:
                _EVENTS[day](world)
            files = _pages("develop", world.records, world.take_changed(), layout)
        if day.weekday() == _SUNDAY:
            sunday = dict(world.records)
            files |= _pages(f"develop-{day}", sunday, sorted(sunday), layout)
        elif day == _REORDERED:
            dated = f"develop-{day - timedelta(days=1)}"
            reordered = {name: _reordered(records, rng) for name, records in sunday.items()}
            files |= _pages(dated, reordered, sorted(reordered), layout)
        elif day == _LAST:
            page = layout("develop", _TRUNCATED, world.records[_TRUNCATED])
            files[_path("develop", _TRUNCATED)] = page[: len(page) * 2 // 3]
        when = datetime.combine(day, time(3, rng.randrange(60), rng.randrange(60)), UTC)
        yield Commit(when, files.items())


def _days() -> Iterator[date]:
    for number in range((_LAST - _FIRST).days + 1):
        yield _FIRST + timedelta(days=number)


def _first_world() -> World:
    others = [package for package in real_packages() if package.name not in _SPECS_OF_SCRIPTED]
    world = World(others, _SPECS_OF_OTHERS, DEMO, _SEED)
    for name in _SPECS_OF_SCRIPTED:
        if name != "likwid":
            _add(world, name)
    return world


def _add(world: World, name: str) -> None:
    package = next(package for package in real_packages() if package.name == name)
    world.add_package(package, _SPECS_OF_SCRIPTED[name], DEMO)


def _ordinary_night(world: World, rng: random.Random) -> None:
    names = [name for name in world.records if name not in _SPECS_OF_SCRIPTED]
    for name in rng.sample(names, rng.randint(2, 8)):
        world.churn(name)


def _rebuild_every(nth: int, world: World) -> None:
    for name in list(world.records)[::nth]:
        world.rebuild(name)


def _reordered(records: list[Record], rng: random.Random) -> list[Record]:
    shuffled = [Record(record.hash, record.build, record.stacks[::-1]) for record in records]
    rng.shuffle(shuffled)
    return shuffled


def _pages(
    collection: str, records: dict[str, list[Record]], names: list[str], layout: Layout
) -> dict[str, bytes | None]:
    return {
        _path(collection, name): layout(collection, name, records[name])
        if name in records
        else None
        for name in names
    }


def _path(collection: str, package: str) -> str:
    return f"_cache/{collection}/{package}/specs.md"
