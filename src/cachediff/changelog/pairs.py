"""The rows of pairs: builds that are on both sides, and what differs between them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cachediff.model.change import Change, ChangeKind
from cachediff.model.changelog import Difference, PairRow, Step
from cachediff.model.comparison import Merge, PackageComparison
from cachediff.model.spec import ROOT_STACK, Spec
from cachediff.model.version import Version

_FIELDS = ("compiler", "variants", "target", "os", "platform", "stacks")

# What makes a statement of its own; what else differs is told of the row as a whole.
_DISTINCT = {
    ChangeKind.CHANGED: frozenset(_FIELDS) - {"stacks"},
    ChangeKind.RESTACKED: frozenset({"stacks"}),
}

_STEPS = (Step.MAJOR, Step.MINOR)

_Way = tuple[tuple[str, ...], tuple[str, ...]]
_Pair = tuple[Spec, Spec, dict[str, _Way]]
_Statement = tuple[Version, Version, tuple[tuple[str, _Way], ...]]


def pair_rows(
    package: PackageComparison, kind: ChangeKind, changes: Iterable[Change]
) -> Iterator[PairRow]:
    """Fold the pairs of one package and kind into rows.

    Pairs share a row where they have the same versions; those of kind `changed` or `restacked` only
    where they also differ in the same way.
    """
    distinct = _DISTINCT.get(kind, frozenset())
    folds: dict[_Statement, list[_Pair]] = defaultdict(list)
    for change in changes:
        old, new = change.old, change.new
        if old is None or new is None:
            raise ValueError(f"a change of kind {kind} without both sides")
        ways = {field: _way(field, old, new) for field in _FIELDS if field in change.fields}
        said = tuple(item for item in ways.items() if item[0] in distinct)
        folds[old.version, new.version, said].append((old, new, ways))

    merged = {merge.one: merge for merge in package.merged}
    split = {merge.one: merge for merge in package.split}
    staying = frozenset(package.versions_kept)
    for (old_version, new_version, _), pairs in folds.items():
        yield PairRow(
            package=package.package,
            old=old_version,
            new=new_version,
            count=len(pairs),
            stacks=tuple(
                sorted({s for _, new, _ in pairs for s in new.stacks or ()} - {ROOT_STACK})
            ),
            step=_step(old_version, new_version),
            differences=tuple(_differences(pairs)),
            old_stays=old_version != new_version and old_version in staying,
            merged=_became_one(merged, [new.hash for _, new, _ in pairs]),
            split=_became_one(split, [old.hash for old, _, _ in pairs])[::-1],
        )


def _step(old: Version, new: Version) -> Step | None:
    if old == new:
        return None
    place = old.first_difference(new)
    return Step.PATCH if place is None or place >= len(_STEPS) else _STEPS[place]


def _way(field: str, old: Spec, new: Spec) -> _Way:
    """Values of a field on the old and the new side; of sets, those on that side alone."""
    before, after = _values(field, old), _values(field, new)
    return (
        tuple(value for value in before if value not in after),
        tuple(value for value in after if value not in before),
    )


def _values(field: str, spec: Spec) -> tuple[str, ...]:
    if field == "variants":
        return spec.variants
    if field == "stacks":
        return tuple(stack for stack in spec.stacks or () if stack != ROOT_STACK)
    return (getattr(spec, field),)


def _differences(pairs: Sequence[_Pair]) -> Iterator[Difference]:
    for field in _FIELDS:
        ways = Counter(ways[field] for _, _, ways in pairs if field in ways)
        if ways:
            old, new = next(iter(ways)) if len(ways) == 1 else ((), ())
            yield Difference(field=field, old=old, new=new, count=ways.total())


def _became_one(merges: Mapping[str, Merge], hashes: Iterable[str]) -> tuple[int, int]:
    """How many builds, on the side of several, became how many of those with these hashes."""
    several = [len(merges[hash_].several) for hash_ in hashes if hash_ in merges]
    return sum(several), len(several)
