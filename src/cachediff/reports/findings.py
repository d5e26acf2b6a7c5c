"""What gates found, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from cachediff.model.gates import (
    CollectionMissing,
    Finding,
    Gate,
    LeftStack,
    NewestCollection,
    NoCollection,
    PackageEvidence,
    ReadingEvidence,
    SideEvidence,
    StackEvidence,
    StackShrank,
    Unreadable,
    VersionRemoved,
)
from cachediff.reports.phrases import Show, counted, joined

_MOST_CLAUSES = 4


def sentence(finding: Finding, show: Show) -> str:
    """Say which gate found what: `gate left-e4s: trilinos left e4s`; if accepted, until when and why."""
    said = f"gate {show(finding.gate.name)}: {found(finding, show)}"
    if finding.accepted is None:
        return said
    return f"Accepted until {finding.accepted.until} ({show(finding.accepted.reason)}): {said}"


def found(finding: Finding, show: Show) -> str:
    """Say what was found: `trilinos left e4s`. Of much, the first, and how much more there is."""
    clauses = list(_clauses(finding, show))
    told = "; ".join(clauses[:_MOST_CLAUSES])
    more = len(clauses) - _MOST_CLAUSES
    return f"{told}; and {more:,} more" if more > 0 else told


def _clauses(finding: Finding, show: Show) -> Iterator[str]:
    """What is said of the evidence; packages of which the same is to be said are told together."""
    together: defaultdict[tuple[str, str], list[PackageEvidence]] = defaultdict(list)
    for evidence in finding.evidence:
        if isinstance(evidence, PackageEvidence):
            fate = _fate(evidence, finding.gate, show)
            together[evidence.kind or "", fate].append(evidence)
        else:
            yield _of_no_package(evidence, finding.gate, show)
    for (kind, fate), same in together.items():
        packages = joined([evidence.package for evidence in same], show)
        of = f"{counted(sum(evidence.specs for evidence in same), 'spec')} of " if kind else ""
        yield f"{of}{packages} {fate}"


def _fate(evidence: PackageEvidence, gate: Gate, show: Show) -> str:
    if evidence.kind:
        return evidence.kind
    if isinstance(gate.rule, LeftStack) and evidence.stacks:
        return f"left {joined(evidence.stacks, show)}"
    if isinstance(gate.rule, VersionRemoved) and evidence.versions:
        noun = "version" if len(evidence.versions) == 1 else "versions"
        return f"lost {noun} {joined([version.text for version in evidence.versions], show)}"
    return "removed"


def _of_no_package(
    evidence: StackEvidence | ReadingEvidence | SideEvidence | NewestCollection | NoCollection,
    gate: Gate,
    show: Show,
) -> str:
    rule = gate.rule
    match evidence:
        case StackEvidence():
            return _shrunk(evidence, gate, show)
        case ReadingEvidence():
            manifests = counted(evidence.manifests, "manifest")
            limit = f" (limit {rule.allowed:,})" if isinstance(rule, Unreadable) else ""
            names = f": {joined(evidence.packages, show)}" if evidence.packages else ""
            return f"{evidence.unreadable:,} of {manifests} of NEW could not be read{limit}{names}"
        case SideEvidence():
            name = "OLD" if evidence.side == "old" else "NEW"
            return f"{name} is suspect: {show(evidence.reason)}"
        case NewestCollection():
            limit, of = "", ""
            if isinstance(rule, CollectionMissing):
                limit, of = f" (limit {counted(rule.days, 'day')})", f" of {show(rule.collection)}"
            newest = f"{show(evidence.collection)}, since {evidence.since:%Y-%m-%d}"
            return f"the newest collection{of} is {newest}{limit}"
        case NoCollection():
            of = f" {show(rule.collection)}" if isinstance(rule, CollectionMissing) else ""
            return f"there is no collection{of}"


def _shrunk(evidence: StackEvidence, gate: Gate, show: Show) -> str:
    """`e4s lost 31 of 676 specs (limit 3%)`: of specs and packages, what is beyond the limit."""
    percent = gate.rule.percent if isinstance(gate.rule, StackShrank) else 0
    lost = [
        f"{before - after:,} of {counted(before, noun)}"
        for noun, (before, after) in (("spec", evidence.specs), ("package", evidence.packages))
        if (before - after) * 100 > before * percent
    ]
    return f"{show(evidence.stack)} lost {' and '.join(lost)} (limit {percent:g}%)"
