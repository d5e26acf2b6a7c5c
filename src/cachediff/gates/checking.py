"""Every gate of a job, and what was accepted of what it finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import assert_never

from cachediff.gates import evidence as shown
from cachediff.gates.evidence import NewestByPattern, Select, passes
from cachediff.model.comparison import Comparison
from cachediff.model.gates import (
    SUSPECT_GATE,
    Acceptance,
    CollectionMissing,
    Evidence,
    Finding,
    Gate,
    Kind,
    LeftStack,
    PackageEvidence,
    PackageRemoved,
    ReadingEvidence,
    StackEvidence,
    StackShrank,
    Suspect,
    Unreadable,
    VersionRemoved,
)

_LOSSES = (LeftStack, VersionRemoved, PackageRemoved, StackShrank, Kind)
"""Rules of which a suspect side would make a thousand findings."""


def check_gates(
    gates: Sequence[Gate],
    acceptances: Sequence[Acceptance],
    comparison: Comparison,
    *,
    select: Select,
    newest: NewestByPattern,
    now: datetime,
) -> tuple[Finding, ...]:
    """What the gates find, in their order; of each, what was not accepted comes first.

    `comparison` is the whole one: what a job tells is narrowed for its readers, and would hide a loss.
    `select` narrows it for the rule `kind`. `newest` has the newest collection of each pattern; a
    pattern that is not there (the upstream was not reached) gives no finding. `now` is aware.

    Where a side is suspect, none of the gates that tell of losses or kinds says anything: one gate
    that tells of the suspect side stands for them all, one that was asked for or else `SUSPECT_GATE`.
    """
    if comparison.old.suspect or comparison.new.suspect:
        gates = _believable(gates)
    findings: list[Finding] = []
    for gate in gates:
        found = list(_evidence(gate, comparison, select, newest, now))
        findings += _findings(gate, found, acceptances, now.astimezone(UTC).date())
    return tuple(findings)


def _believable(gates: Sequence[Gate]) -> list[Gate]:
    """The gates that a suspect side leaves: without the losses, but with one that tells why."""
    others = [gate for gate in gates if not isinstance(gate.rule, _LOSSES)]
    if len(others) == len(gates) or any(isinstance(gate.rule, Suspect) for gate in others):
        return others
    return [SUSPECT_GATE, *others]


def _evidence(
    gate: Gate, comparison: Comparison, select: Select, newest: NewestByPattern, now: datetime
) -> Iterator[Evidence]:
    match gate.rule:
        case LeftStack() as rule:
            yield from shown.left_stack(comparison, rule)
        case VersionRemoved() as rule:
            yield from shown.versions_removed(comparison, rule)
        case PackageRemoved() as rule:
            yield from shown.packages_removed(comparison, rule)
        case StackShrank() as rule:
            yield from shown.stacks_shrank(comparison, rule)
        case Unreadable() as rule:
            yield from shown.unreadable(comparison, rule)
        case Suspect():
            yield from shown.suspects(comparison)
        case Kind() as rule:
            yield from shown.of_kind(comparison, rule, select)
        case CollectionMissing() as rule:
            yield from shown.missing(rule, newest, now)
        case _ as never:
            assert_never(never)


def _findings(
    gate: Gate, found: Sequence[Evidence], acceptances: Sequence[Acceptance], today: date
) -> list[Finding]:
    """One finding of what was not accepted, and one for each acceptance that covers some of it."""
    in_force = [each for each in acceptances if each.gate == gate.name and today <= each.until]
    covered: dict[int | None, list[Evidence]] = {None: []}
    for each in found:
        covering = (
            number for number, acceptance in enumerate(in_force) if _covers(acceptance, each)
        )
        covered.setdefault(next(covering, None), []).append(each)
    return [
        Finding(gate, tuple(covered[number]), None if number is None else in_force[number])
        for number in (None, *range(len(in_force)))
        if covered.get(number)
    ]


def _covers(acceptance: Acceptance, evidence: Evidence) -> bool:
    packages, stacks = _about(evidence)
    return _all_pass(packages, acceptance.packages) and _all_pass(stacks, acceptance.stacks)


def _all_pass(values: Sequence[str], globs: Sequence[str]) -> bool:
    """Whether all are accepted. What cannot be told is not, where some are asked for."""
    return not globs or (bool(values) and all(passes(value, globs) for value in values))


def _about(evidence: Evidence) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packages and the stacks that it is about."""
    match evidence:
        case PackageEvidence():
            return (evidence.package,), evidence.stacks
        case StackEvidence():
            return (), (evidence.stack,)
        case ReadingEvidence():
            return evidence.packages, ()
        case _:
            return (), ()
