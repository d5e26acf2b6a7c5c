"""What a bisection came to, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cachediff.model.bisection import Bisection, Outcome, Statement, Turn, Unknown, Verb
from cachediff.model.lives import PackageStep, Point
from cachediff.reports.overview import moment
from cachediff.reports.phrases import counted, listed
from cachediff.reports.visible import visible

SCHEMA = "cachediff/bisect/1"

_SHORT = 12
"""Characters of a commit."""
_HASH = 32
"""Characters of a whole hash."""
_WHY = {
    Unknown.UNREADABLE: "the manifest could not be read",
    Unknown.AWAY: "the collection was not there",
    Unknown.UNTOLD: "the stacks were not told",
}


def render_bisection(found: Bisection, commands: Sequence[str]) -> str:
    """Render it as lines of text; `commands` are what tells more of it."""
    return "".join(f"{line}\n" for line in _lines(found, commands))


def render_bisection_json(found: Bisection) -> str:
    """Render it as one JSON object, in ASCII: the fields of `Bisection`."""
    told: dict[str, Any] = {"schema": SCHEMA}
    return json.dumps(told | msgspec.to_builtins(found), indent=1) + "\n"


def _lines(found: Bisection, commands: Sequence[str]) -> Iterator[str]:
    yield _headline(found)
    if found.change:
        yield f"  {_change(found.change)}"
    if found.turn and found.turn.suspect:
        yield f"  suspect: {visible(found.turn.suspect)}"
    if found.others:
        times = "; ".join(_at(turn.commit) for turn in found.others)
        yield f"It became true before, and did not stay so: {times}"
    if found.outcome is not Outcome.NOT_TRUE and found.last_known not in (None, found.until):
        yield f"Not known at the end: last known at {_at(found.last_known)}"
    if not found.whole:
        yield _unseen(found)
    yield ""
    yield _searched(found)
    yield from (f"  {reason}" for reason in _reasons(found.reasons))
    if commands:
        yield ""
        yield "Look further:"
        yield from (f"  {visible(command, longest=2_000)}" for command in commands)


def _headline(found: Bisection) -> str:
    text = visible(found.statement.text)
    if found.turn:
        return f"{text}: became true {_when(found.turn)}"
    if found.known is None:
        return f"{text}: not known at any commit"
    always = found.outcome is Outcome.ALWAYS
    said = f"{_state(found.statement, true=always)} at {_at(found.known)}"
    if always:
        begun = found.known == found.since
        since = "from the beginning on" if begun else "for as long as it is known"
        return f"{text}: true {since}: {said}"
    if found.known != found.until:
        return f"{text}: not known at the end: when last known, {said}"
    return f"{text}: not true at the end: {said}"


def _when(turn: Turn) -> str:
    if not turn.unknown:
        return f"in {_at(turn.commit)}"
    between = ", ".join(_reasons(turn.reasons))
    return (
        f"after {_at(turn.before)}, and in {_at(turn.commit)} at the latest: in between, {between}"
    )


def _reasons(reasons: Mapping[Unknown, int]) -> list[str]:
    return [f"at {counted(number, 'commit')} {_WHY[why]}" for why, number in reasons.items()]


def _unseen(found: Bisection) -> str:
    """Say what may have been overlooked, where not every manifest was read."""
    said = "become true at other times too" if found.turn else "been true in between"
    begun = str(found.statement.hash or "")
    others = f", and for other hashes that begin with {begun}" * (0 < len(begun) < _HASH)
    return f"It may have {said}{others}: not every manifest was read"


def _state(statement: Statement, *, true: bool) -> str:
    """What is the case where a statement is true, or is not."""
    package = visible(str(statement.package))
    match statement.verb:
        case Verb.JOINED | Verb.LEFT:
            there = true == (statement.verb is Verb.JOINED)
            return f"{package} is {'' if there else 'not '}in {visible(str(statement.stack))}"
        case Verb.UNREADABLE:
            return f"the manifest of {package} can{'not' if true else ''} be read"
    if statement.hash:
        package += f"/{visible(statement.hash)}"
    if statement.version:
        package += f"@{visible(statement.version)}"
    there = true == (statement.verb is Verb.ADDED)
    return f"{package} is {'' if there else 'not '}there"


def _change(step: PackageStep) -> str:
    """What became of the package: `hdf5: 29 upgraded; versions added 1.14.6; 54 specs now`."""
    counts = msgspec.structs.asdict(step.counts).items()
    fates = ", ".join(f"{number:,} {fate}" for fate, number in counts if number)
    said = [f"package {step.status}" if step.status != "changed" else "", fates]
    for words, values in (
        ("versions added", step.versions_added),
        ("versions removed", step.versions_removed),
        ("joined", step.stacks_joined),
        ("left", step.stacks_left),
    ):
        said.append(f"{words} {listed(values, visible, brief=True)}" if values else "")
    if step.specs:
        said.append(f"{counted(step.specs, 'spec')} now")
    return f"{visible(step.package)}: {'; '.join(filter(None, said))}"


def _searched(found: Bisection) -> str:
    changes = f"{counted(found.commits, 'commit')} changed {visible(str(found.statement.package))}"
    return (
        f"Searched: {visible(found.collection)} of {visible(found.source)} from {_at(found.since)} to"
        f" {_at(found.until)}; {changes}, {counted(found.read, 'manifest')} read"
    )


def _at(point: Point) -> str:
    return f"{point.commit[:_SHORT]} of {moment(point.committed_at)}"
