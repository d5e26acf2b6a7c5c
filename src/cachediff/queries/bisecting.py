"""Bisecting: the commit at which a statement became true, out of git's history, with little read."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import msgspec

from cachediff.comparing.packages import compare_package
from cachediff.comparing.suspicion import Weight, suspicions
from cachediff.errors import NameNotFoundError, UsageError
from cachediff.model.bisection import Bisection, Outcome, Statement, Turn, Unknown
from cachediff.model.lives import PackageStep, Point
from cachediff.model.version import Version
from cachediff.queries.catalogue import Catalogue
from cachediff.queries.hash_packages import check_one, with_package
from cachediff.queries.homes import DEVELOP
from cachediff.queries.probing import Probes
from cachediff.queries.turns import Places, all_turns, one_turn
from cachediff.queries.walking import package_step
from cachediff.sources import GitCollection, SnapshotName, close_names, parse_name, until
from cachediff.sources.path_history import PackageState, package_counts

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
        UsageError: the hash is the beginning of several, or was seen elsewhere only.
    """
    opened = _opened(names, collection, to)
    if statement.package is None:
        statement = with_package(names, statement, opened.origin, named=collection is not None)
    package = str(statement.package)
    states = _states(names, opened, package, since)
    probes = Probes(opened.source, states, statement, names.progress)
    outcome, turns, ends = _search(probes, len(states))
    _check_seen(names, statement, probes, outcome)
    turn = turns[-1] if outcome is Outcome.FOUND else None
    end = Point.of(opened.origin)
    first = states[ends[0]].point if ends else None
    # What was there after the last commit that changed the package is there at the end.
    last = [*(state.point for state in states[:-1]), end][ends[1]] if ends else None
    unknown = probes.unknown(range(len(states)))
    return Bisection(
        statement=statement,
        source=opened.origin.source,
        collection=opened.origin.collection,
        since=states[0].point,
        until=end,
        outcome=outcome,
        turn=_with_suspicion(opened, _turn(states, probes, turn)) if turn else None,
        others=tuple(_turn(states, probes, each) for each in turns if each is not turn),
        change=_change(package, probes, states, turn) if turn else None,
        known={Outcome.ALWAYS: first, Outcome.NOT_TRUE: last}.get(outcome),
        last_known=last,
        commits=sum(before.folder != state.folder for before, state in pairwise(states)),
        read=probes.read,
        unread=unknown.get(Unknown.UNREADABLE, 0) + unknown.get(Unknown.AWAY, 0),
        reasons=unknown,
        whole=probes.whole,
    )


def _search(probes: Probes, size: int) -> tuple[Outcome, list[Places], Places | None]:
    """What the search came to, every turn that was found, and between which places it is known."""
    truth, places = probes.truth, range(size)
    if size - 1 <= FEW:
        probes.read_all()
    first = next((place for place in places if truth(place) is not None), None)
    last = next((place for place in reversed(places) if truth(place) is not None), None)
    if first is None or last is None:
        return Outcome.UNKNOWN, [], None
    ends = first, last
    if truth(last) and not truth(first) and not probes.whole:
        turn = one_turn(first, last, truth)
        if not probes.whole:
            return Outcome.FOUND, [turn], ends
    if truth(last):
        probes.read_all()
    turns = all_turns(map(truth, places)) if probes.whole else []
    if not truth(last):
        return Outcome.NOT_TRUE, turns, ends
    return (Outcome.FOUND if turns else Outcome.ALWAYS), turns, ends


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
        # What happened on that day, or in that second, counts.
        with contextlib.suppress(OverflowError):
            moment -= timedelta(days=1) if len(since) == _DAY else timedelta(seconds=1)
        try:
            begin = source.repository.commit_until(moment, str(origin.commit))
        except NameNotFoundError as error:
            begin = None
            names.notices.append(f"{error.message}: the search begins with the first")
    states = source.states(package, origin, begin)
    if begin == origin.commit:
        newest = f"{str(origin.commit)[:12]} of {origin.committed_at}"
        names.notices.append(f"no commit is later than --since {since}: the last is {newest}")
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


def _check_seen(names: Catalogue, statement: Statement, probes: Probes, outcome: Outcome) -> None:
    """Refuse a hash that is the beginning of several, and say what was seen nowhere: it is misspelt."""
    specs = probes.specs()
    wanted = statement.hash or statement.stack or statement.version
    if statement.hash:
        seen = {spec.hash for spec in specs if spec.hash.startswith(statement.hash)}
        check_one(sorted(seen), statement.hash)
    elif statement.stack:
        seen = {stack for spec in specs for stack in spec.stacks or ()}
    else:
        seen = {spec.version.text for spec in specs}
    if wanted is None or not probes.whole or outcome not in (Outcome.ALWAYS, Outcome.NOT_TRUE):
        return
    what = f"no manifest of {statement.package} that was read has"
    if statement.hash and not seen:
        names.notices.append(f"{what} a hash that begins with {wanted}")
    elif statement.stack and wanted not in seen:
        names.notices.append(f"{what} the stack {wanted}; {close_names(wanted, seen)}")
    # By value: a version may be spelled differently.
    elif statement.version and Version(wanted) not in map(Version, seen):
        names.notices.append(f"{what} the version {wanted}; {close_names(wanted, seen)}")


def _turn(states: Sequence[PackageState], probes: Probes, places: Places) -> Turn:
    before, place = places
    between = range(before + 1, place)
    return Turn(
        commit=states[place].point,
        before=states[before].point,
        unknown=len(between),
        reasons=probes.unknown(between),
    )


def _with_suspicion(opened: GitCollection, turn: Turn) -> Turn:
    """The turn, with why it is not to be believed: most of the collection is missing at its commit."""
    commit = turn.commit.commit
    before = turn.before.commit if turn.unknown else f"{commit}~1"
    source = opened.source
    path = source.path_of(opened.origin.collection)
    counts = package_counts(source.repository, path, [before, commit])
    old, new = (Weight(opened.origin, each or 0, 0, 0, 0) for each in counts)
    return msgspec.structs.replace(turn, suspect=suspicions(old, new)[1])


def _change(
    package: str, probes: Probes, states: Sequence[PackageState], places: Places
) -> PackageStep | None:
    """What became of the package, as a comparison of the two says."""
    old, new = (probes.manifest(place) for place in places)
    found = compare_package(package, old, new).package
    if found is None:
        return None
    return package_step(states[places[1]].point, package, found, new, was_known=True)
