"""Consecutive commits of a collection, each as a step from the one before: what changed, with files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

import msgspec

from cachediff.errors import CachediffError
from cachediff.model.snapshot import Origin, PackageFiles
from cachediff.sources.collections import GitSource
from cachediff.sources.objects import TreeEntry


class Step(msgspec.Struct, frozen=True):
    """A collection at one commit, and the files of the packages that are not as they were before.

    `entries` has every package with the object id of its folder. `changed` are those whose id is not
    that of the commit before, by name; they are read while this is gone through, one at a time, which
    is possible until the next step is asked for. `problem` says why nothing is known of this commit;
    the next step is then one from the last that is known.
    """

    origin: Origin
    entries: dict[str, str]
    changed: Iterator[PackageFiles]
    problem: str = ""


def steps(
    source: GitSource, origins: Sequence[Origin], before: Mapping[str, str]
) -> Iterator[Step]:
    """One collection at consecutive commits, as `GitSource.history` told them.

    `before` are the object ids of what was there before the first of them, by package. A commit whose
    tree is missing or damaged keeps no other from being told. All files are asked of git together, so
    that it makes the next ones meanwhile, and what a mirror lacks is fetched in one request.

    Raises:
        SourceError: as for `GitSource.read`, while `changed` is gone through.
    """
    told: list[tuple[dict[str, str], list[TreeEntry], str]] = []
    for origin in origins:
        try:
            there = source.at(origin)
            now = there.entries
        except CachediffError as error:
            told.append(({}, [], error.message))
            continue
        differing = sorted(package for package, id_ in now.items() if before.get(package) != id_)
        told.append((now, [there.folder(package) for package in differing], ""))
        before = now
    files = source.read(list(chain.from_iterable(folders for _, folders, _ in told)))
    for origin, (now, folders, problem) in zip(origins, told, strict=True):
        reading = islice(files, len(folders))
        yield Step(origin, now, reading, problem)
        for _ in reading:
            pass  # what was not gone through is no part of the next step
    next(files, None)  # ends the read, so that git is kept for what is read next
