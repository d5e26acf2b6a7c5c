"""Gates: the rules that make a night red, and what they find."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, TypeAlias

import msgspec

from cachediff.model.change import ChangeKind
from cachediff.model.selection import Selection
from cachediff.model.version import Version

Line: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]+\Z", description="one line of text")
]
Globs: TypeAlias = tuple[Line, ...]
"""Globs, of which any has to match; none at all lets everything pass."""

Percent: TypeAlias = Annotated[
    float, msgspec.Meta(ge=0, le=100, description="a number from 0 to 100")
]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, description="a whole number, 0 or more")]
Days: TypeAlias = Annotated[
    int, msgspec.Meta(ge=1, le=36_500, description="a whole number, 1 or more")
]


class LeftStack(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="rule", tag="left-stack"
):
    """A package left a stack: no spec of it is in that stack any more, or none is left at all."""

    packages: Globs = ()
    stacks: Globs = ()


class VersionRemoved(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="rule", tag="version-removed"
):
    """The last specs of a version are gone; with `stacks`, of a version that was in one of them."""

    packages: Globs = ()
    stacks: Globs = ()


class PackageRemoved(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="rule", tag="package-removed"
):
    """All specs of a package are gone; with `stacks`, of a package that was in one of them."""

    packages: Globs = ()
    stacks: Globs = ()


class StackShrank(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="rule", tag="stack-shrank"
):
    """A stack has lost more than `percent` of its specs, or of its packages."""

    percent: Percent = 10.0
    stacks: Globs = ()


class Unreadable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="rule", tag="unreadable"
):
    """More than `allowed` manifests of the new side could not be read."""

    allowed: Count = 0


class Suspect(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="rule", tag="suspect"
):
    """A side as a whole is not to be believed."""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="rule", tag="kind"):
    """There is a change of one of these kinds, among those that the filters let pass."""

    kinds: Globs
    specs: Globs = ()
    stacks: Globs = ()
    os: Globs = ()
    targets: Globs = ()
    compilers: Globs = ()

    @property
    def selection(self) -> Selection:
        """The changes that are meant."""
        return Selection(
            specs=self.specs,
            stacks=self.stacks,
            oss=self.os,
            targets=self.targets,
            compilers=self.compilers,
            kinds=self.kinds,
        )


class CollectionMissing(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="rule",
    tag="collection-missing",
):
    """The newest collection that matches `collection` (`[SOURCE:]GLOB`) is older than `days` days."""

    collection: Line
    days: Days


Rule: TypeAlias = (
    LeftStack
    | VersionRemoved
    | PackageRemoved
    | StackShrank
    | Unreadable
    | Suspect
    | Kind
    | CollectionMissing
)


class Gate(msgspec.Struct, frozen=True):
    """A rule, under the name that its findings go by."""

    name: str
    rule: Rule


SUSPECT_GATE = Gate("suspect", Suspect())
"""The gate of a suspect side where no other is asked for, and losses would be told."""


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings of a gate that do not make a night red, through the day `until` in UTC.

    With `packages` or `stacks`, only findings of such packages, and of such stacks alone.
    """

    gate: Line
    until: date
    reason: Line
    packages: Globs = ()
    stacks: Globs = ()


class PackageEvidence(msgspec.Struct, frozen=True, tag="package"):
    """A package that lost specs, or changed.

    `specs` counts the changes that show it. `stacks` (sorted) are: of `left-stack`, the one that was
    left; else those of the specs. `versions` are those that are gone, in Spack's order; `kind` is
    that of the changes, of the rule `kind`.
    """

    package: str
    specs: int
    stacks: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()
    kind: ChangeKind | None = None


class StackEvidence(msgspec.Struct, frozen=True, tag="stack"):
    """A stack, with its specs and packages before and after."""

    stack: str
    specs: tuple[int, int]
    packages: tuple[int, int]


class ReadingEvidence(msgspec.Struct, frozen=True, tag="reading"):
    """How many of the new side's manifests could not be read.

    `packages` (sorted) are those that are unknown, and have a problem on the new side.
    """

    unreadable: int
    manifests: int
    packages: tuple[str, ...] = ()


class SideEvidence(msgspec.Struct, frozen=True, tag="side"):
    """A suspect side (`old` or `new`), and why it is."""

    side: str
    reason: str


class NewestCollection(msgspec.Struct, frozen=True, tag="collection"):
    """The newest collection that matches a pattern, and since when there is it, in UTC."""

    collection: str
    since: datetime


class NoCollection(msgspec.Struct, frozen=True, tag="no-collection"):
    """No collection matches the pattern at all."""


Evidence: TypeAlias = (
    PackageEvidence
    | StackEvidence
    | ReadingEvidence
    | SideEvidence
    | NewestCollection
    | NoCollection
)


class Finding(msgspec.Struct, frozen=True):
    """What a gate found, in the order of names; `accepted` is why it does not make the night red."""

    gate: Gate
    evidence: tuple[Evidence, ...]
    accepted: Acceptance | None = None


def is_red(findings: Iterable[Finding]) -> bool:
    """Whether there is a finding that was not accepted."""
    return any(finding.accepted is None for finding in findings)
