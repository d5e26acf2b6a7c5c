"""Bisecting: the commit at which a statement became true, out of git's history, with little read."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from cachediff.comparing.packages import compare_package
from cachediff.errors import NameNotFoundError, UsageError
from cachediff.model.bisection import Bisection, Outcome, Statement, Turn
from cachediff.model.lives import PackageStep, Point, StepCounts
from cachediff.model.snapshot import Origin
from cachediff.model.spec import Spec
from cachediff.model.version import Version
from cachediff.queries.catalogue import Catalogue
from cachediff.queries.homes import DEVELOP
from cachediff.queries.probing import Probes
from cachediff.queries.turns import Places, all_turns, one_turn
from cachediff.sources import GitCollection, SnapshotName, close_names, parse_name, until
from cachediff.sources.path_history import PackageState

FEW = 64
"""So many changes of a package are all read, in one go; of more, as many as halving takes."""

_DAY = len("2025-04-01")


def bisect(
    names: Catalogue,
    statement: Statement,
    *,
    collection: str | None = None,
    since: str | None = None,
    to: str | None = None,
) -> Bisection:
    """The last time that `statement` became true in a collection, and the commit in which it did.

    `collection` is [SOURCE:]COLLECTION. `since` and `to` are what git resolves, or dates or times in UTC;
    a date alone is that whole day, so that what happened on it counts. Otherwise it is from the
    collection's first commit to the newest.

    git tells which commits changed the package. Where they are few (`FEW`), or the statement is true at
    both ends, all manifests are read; otherwise one of the times that it became true is found by halving.

    Raises:
        NameNotFoundError: no such collection or revision; a package or a hash that was never there.
        SourceError: git failed.
        UsageError: the hash is the beginning of several.
    """
    statement = _with_package(names, statement)
    package = str(statement.package)
    opened = _opened(names, collection, to)
    states = _states(names, opened, package, since)
    probes = Probes(opened.source, states, statement, names.progress)
    outcome, turns, known = _search(probes, len(states))
    _check_seen(names, statement, probes.specs(), outcome)
    last = turns[-1] if outcome is Outcome.FOUND else None
    end = _point(opened.origin)
    # What was there after the last commit that changed the package is there at the end.
    points = [*(state.point for state in states[:-1]), end if len(states) > 1 else states[0].point]
    return Bisection(
        statement=statement,
        source=opened.origin.source,
        collection=opened.origin.collection,
        since=states[0].point,
        until=end,
        outcome=outcome,
        turn=_turn(states, last) if last else None,
        others=tuple(_turn(states, each) for each in turns if each is not last),
        change=_change(package, probes, states, last) if last else None,
        known=None if known is None else points[known],
        commits=len(states) - 1,
        read=probes.read,
        unread=probes.unread,
        whole=probes.whole,
    )


def _search(probes: Probes, size: int) -> tuple[Outcome, list[Places], int | None]:
    """What the search came to, every turn that was found, and the end that says why there is none."""
    truth, places = probes.truth, range(size)
    if size - 1 <= FEW:
        probes.read_all()
    first = next((place for place in places if truth(place) is not None), None)
    last = next((place for place in reversed(places) if truth(place) is not None), None)
    if first is None or last is None:
        return Outcome.UNKNOWN, [], None
    if truth(last) and not truth(first) and not probes.whole:
        turn = one_turn(first, last, truth)
        if not probes.whole:
            return Outcome.FOUND, [turn], None
    if truth(last):
        probes.read_all()
    turns = all_turns(map(truth, places)) if probes.whole else []
    if not truth(last):
        return Outcome.NOT_TRUE, turns, last
    return (Outcome.FOUND, turns, None) if turns else (Outcome.ALWAYS, [], first)


def _with_package(names: Catalogue, statement: Statement) -> Statement:
    """The statement with the package of its hash, out of what is stored."""
    if statement.package is not None:
        return statement
    from cachediff.queries.lives import open_index

    prefix = str(statement.hash)
    with open_index(names) as index:
        found = {life.hash: life.package for life in index.lives(prefix)}
    if not found:
        raise NameNotFoundError(
            f"no stored snapshot has a hash that begins with {prefix}",
            f"say of which package it is: PACKAGE/{prefix} {statement.verb}",
        )
    _check_one([f"{package}/{hash_}" for hash_, package in found.items()], prefix)
    ((hash_, package),) = found.items()
    return msgspec.structs.replace(statement, package=package, hash=hash_)


def _opened(names: Catalogue, collection: str | None, to: str | None) -> GitCollection:
    """The collection at the end of the search."""
    name = parse_name(collection or DEVELOP)
    if name.when:
        raise UsageError(f"{name.text!r} is one commit", "name a collection, and the end with --to")
    source = names.source(name.source)
    try:
        return source.open(msgspec.structs.replace(name, when=to))
    except NameNotFoundError:
        there = source.collections(to)
        if collection is not None or DEVELOP in there:
            raise
        if len(there) > 1:
            hint = f"say with --collection: {close_names(DEVELOP, there)}"
            raise UsageError(f"which collection of {source.name}?", hint) from None
    return source.open(SnapshotName(there[0], None, there[0], when=to))


def _states(
    names: Catalogue, opened: GitCollection, package: str, since: str | None
) -> list[PackageState]:
    source, origin = opened.source, opened.origin
    begin, moment = since, until(since) if since else None
    if moment and since:
        with contextlib.suppress(OverflowError):
            moment -= timedelta(days=1) if len(since) == _DAY else timedelta()
        try:
            begin = source.repository.commit_until(moment, str(origin.commit))
        except NameNotFoundError as error:
            begin = None
            names.notices.append(f"{error.message}: the search begins with the first")
    states = source.states(package, origin, begin)
    if source.repository.shallow:
        names.notices.append(
            "this clone is shallow, and has no more of its history: git fetch --unshallow"
        )
    if not any(state.folder for state in states):
        raise NameNotFoundError(
            f"there is no package {package!r} in {origin.collection} from"
            f" {states[0].point.committed_at} to {origin.committed_at}",
            close_names(package, opened.entries),
        )
    return states


def _check_seen(
    names: Catalogue, statement: Statement, specs: Sequence[Spec], outcome: Outcome
) -> None:
    """Refuse a hash that is the beginning of several, and say what was seen nowhere: it is misspelt."""
    if statement.hash:
        fitting = {spec.hash for spec in specs if spec.hash.startswith(statement.hash)}
        _check_one(sorted(fitting), statement.hash)
        return
    wanted = statement.stack or statement.version
    if outcome not in (Outcome.ALWAYS, Outcome.NOT_TRUE) or wanted is None:
        return
    if statement.stack:
        seen = {stack for spec in specs for stack in spec.stacks or ()}
    else:
        # By value: a version may be spelled differently.
        seen = {
            str(statement.version) if spec.version == Version(wanted) else spec.version.text
            for spec in specs
        }
    if wanted not in seen:
        what = "stack" if statement.stack else "version"
        close = close_names(wanted, seen)
        names.notices.append(
            f"no manifest of {statement.package} that was read has the {what} {wanted}; {close}"
        )


def _check_one(hashes: Sequence[str], prefix: str) -> None:
    if len(hashes) > 1:
        shown = ", ".join(hashes[:4]) + (f" and {len(hashes) - 4:,} more" * (len(hashes) > 4))
        raise UsageError(f"several hashes begin with {prefix}", f"give more of it: {shown}")


def _turn(states: Sequence[PackageState], places: Places) -> Turn:
    before, place = places
    return Turn(commit=states[place].point, before=states[before].point, unknown=place - before - 1)


def _change(
    package: str, probes: Probes, states: Sequence[PackageState], places: Places
) -> PackageStep | None:
    """What became of the package, as a comparison of the two says."""
    old, new = (probes.manifest(place) for place in places)
    found = compare_package(package, old, new).package
    if found is None:
        return None
    return PackageStep(
        point=states[places[1]].point,
        package=package,
        status=found.status,
        specs=len(new.specs) if new else 0,
        counts=StepCounts(**Counter(change.kind.value for change in found.changes)),
        versions_added=tuple(version.text for version in found.versions_added),
        versions_removed=tuple(version.text for version in found.versions_removed),
        stacks_joined=found.stacks_joined,
        stacks_left=found.stacks_left,
    )


def _point(origin: Origin) -> Point:
    return Point(str(origin.committed_at), str(origin.commit))
