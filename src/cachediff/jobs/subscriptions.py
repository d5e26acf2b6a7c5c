"""Subscriptions: what of a comparison concerns whom."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from msgspec.structs import replace

from cachediff.comparing import select
from cachediff.model.comparison import Comparison
from cachediff.model.gates import (
    Evidence,
    Finding,
    PackageEvidence,
    ReadingEvidence,
    StackEvidence,
    is_red,
)
from cachediff.model.jobs import Recipient


def concerns(comparison: Comparison, recipient: Recipient) -> Comparison:
    """What of a comparison concerns a recipient.

    That is the changes of their packages, stacks and kinds. Of a finding it is the evidence that names
    none of these, or else one of theirs: that a side is suspect concerns everyone.
    """
    if not (recipient.packages or recipient.stacks or recipient.kinds):
        return comparison
    chosen = comparison.selection
    wanted = replace(
        chosen,
        specs=recipient.packages or chosen.specs,
        stacks=recipient.stacks or chosen.stacks,
        kinds=recipient.kinds or chosen.kinds,
    )
    # What the job leaves out is not here any more: a recipient selects among the rest.
    narrowed = select(comparison, wanted)
    return replace(
        narrowed,
        left_out=comparison.left_out + narrowed.left_out,
        findings=tuple(_concerning(comparison.findings, recipient)),
    )


def has_news(comparison: Comparison) -> bool:
    """Whether there is something to tell: a change, what is unknown, doubt, or red.

    How the sides came to be read is none by itself, nor what was accepted.
    """
    doubt = comparison.old.suspect or comparison.new.suspect
    untold = comparison.untold is not None
    return comparison.differs or untold or bool(doubt) or is_red(comparison.findings)


def _concerning(findings: tuple[Finding, ...], recipient: Recipient) -> Iterator[Finding]:
    for finding in findings:
        evidence = tuple(each for each in finding.evidence if _is_theirs(each, recipient))
        if evidence:
            yield replace(finding, evidence=evidence)


def _is_theirs(evidence: Evidence, recipient: Recipient) -> bool:
    packages, stacks, kinds = _named(evidence)
    return (
        _any_passes(packages, recipient.packages)
        and _any_passes(stacks, recipient.stacks)
        and _any_passes(kinds, recipient.kinds)
    )


def _named(evidence: Evidence) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The packages, stacks and kinds of change that it names."""
    match evidence:
        case PackageEvidence():
            kinds = (evidence.kind.value,) if evidence.kind else ()
            return (evidence.package,), evidence.stacks, kinds
        case StackEvidence():
            return (), (evidence.stack,), ()
        case ReadingEvidence():
            return evidence.packages, (), ()
        case _:
            return (), (), ()


def _any_passes(values: tuple[str, ...], globs: tuple[str, ...]) -> bool:
    return (
        not values
        or not globs
        or any(fnmatchcase(value, glob) for value in values for glob in globs)
    )
