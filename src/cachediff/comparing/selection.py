"""Selection: which changes are told. Comparing comes first, so that a selection never makes a removal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from fnmatch import fnmatchcase
from functools import partial

import msgspec

from cachediff.comparing.stacks import told
from cachediff.errors import UsageError
from cachediff.model.canonical import canonical_compiler
from cachediff.model.change import Change, ChangeKind
from cachediff.model.comparison import (
    Comparison,
    CoverageTotals,
    PackageComparison,
    PackageCounts,
    PackageStatus,
    SpecCounts,
)
from cachediff.model.selection import Selection
from cachediff.model.spec import Spec

_Test = Callable[[Spec], bool]
_ValueTest = Callable[[str], bool]

_SPEC = re.compile(r"/[a-z2-7]{1,32}|[^\s@/%+~]+(@=?[^\s@/%+~:,]+)?")
"""What can select specs; of Spack's syntax, variants, compilers and ranges of versions cannot."""


def check_selection(selection: Selection) -> None:
    """Refuse what can never select anything.

    Raises:
        UsageError: a kind that does not exist, an empty pattern, or a spec in more of Spack's syntax
            than a selection takes.
    """
    kinds = [kind.value for kind in ChangeKind]
    for kind in selection.kinds:
        if not any(fnmatchcase(name, kind) for name in kinds):
            raise UsageError(f"there is no kind {kind!r}", f"kinds are {', '.join(kinds)}")
    if not all(pattern for patterns in msgspec.structs.astuple(selection) for pattern in patterns):
        raise UsageError("a pattern is empty", "leave the option out to select everything")
    for text in selection.specs:
        if not _SPEC.fullmatch(text):
            raise UsageError(
                f"{text!r} cannot select specs",
                "write PACKAGE, PACKAGE@VERSION (both may be globs) or the /HASH of one spec",
            )


def unmatched(
    selection: Selection, packages: Iterable[str], stacks: Iterable[str]
) -> list[tuple[str, str]]:
    """What cannot select anything, as (what it should be, pattern): a misspelt package or stack.

    `packages` and `stacks` are all that either side has.
    """
    wanted = [text.partition("@")[0] for text in selection.specs if not text.startswith("/")]
    return [
        (noun, pattern)
        for noun, patterns, names in (
            ("package", wanted, list(packages)),
            ("stack", selection.stacks, list(stacks)),
        )
        for pattern in patterns
        if not any(fnmatchcase(name, pattern) for name in names)
    ]


def select(comparison: Comparison, selection: Selection) -> Comparison:
    """Only the changes that `selection` asks for, and the totals of those.

    A change is told when either of its sides matches; a package that is unknown when it could hold
    what is asked for: its name matches, or any hash is asked for. Sides, and the counts of what is
    unchanged or unknown, stay those of the whole.
    """
    if not selection:
        return comparison
    packages = [
        narrowed
        for package in comparison.packages
        if (narrowed := _narrow(package, selection)) is not None
    ]
    names = {package.package for package in packages}
    tests = _value_tests(selection)
    before, after = (
        sum(len(package.changes) for package in group) for group in (comparison.packages, packages)
    )
    counts = Counter(package.status.value for package in packages)
    kinds = Counter(change.kind.value for package in packages for change in package.changes)
    return msgspec.structs.replace(
        comparison,
        packages=tuple(packages),
        package_counts=PackageCounts(
            **counts
            | {
                "unchanged": comparison.package_counts.unchanged,
                "unknown": comparison.package_counts.unknown,
            },
        ),
        spec_counts=SpecCounts(
            **kinds | {"unchanged": comparison.spec_counts.unchanged},
            unknown=comparison.spec_counts.unknown,
        ),
        stacks=_narrow_coverage(comparison.stacks, names, tests.get("stack")),
        coverage={
            field: _narrow_coverage(totals, names, tests.get(field))
            for field, totals in comparison.coverage.items()
        },
        selection=selection,
        left_out=before - after,
    )


def _narrow(package: PackageComparison, selection: Selection) -> PackageComparison | None:
    if package.status is PackageStatus.UNKNOWN:
        could_hold = not selection.specs or any(
            text.startswith("/") or fnmatchcase(package.package, text.partition("@")[0])
            for text in selection.specs
        )
        return package if could_hold else None
    tests = _tests(selection)
    changes = tuple(change for change in package.changes if _selected(change, selection, tests))
    if not changes:
        return None
    test = _value_tests(selection).get("stack", bool)
    old = {stack for change in changes if change.old for stack in change.old.stacks or ()}
    new = {stack for change in changes if change.new for stack in change.new.stacks or ()}
    return msgspec.structs.replace(
        package,
        changes=changes,
        # Of the moves of the package, those that are selected and that these changes are part of.
        stacks_left=tuple(each for each in package.stacks_left if test(each) and each in old),
        stacks_joined=tuple(each for each in package.stacks_joined if test(each) and each in new),
    )


def _selected(change: Change, selection: Selection, tests: Iterable[_Test]) -> bool:
    if selection.kinds and not _any_glob(change.kind, selection.kinds):
        return False
    specs = [spec for spec in (change.old, change.new) if spec]
    return any(all(test(spec) for test in tests) for spec in specs)


def _tests(selection: Selection) -> list[_Test]:
    """What a spec has to pass, for each field that is selected by."""
    tests: list[_Test] = []
    if selection.specs:
        tests.append(lambda spec: any(_is_spec(spec, text) for text in selection.specs))
    for field, test in _value_tests(selection).items():
        tests.append(partial(_passes, field, test))
    return tests


def _passes(field: str, test: _ValueTest, spec: Spec) -> bool:
    match field:
        case "stack":
            return any(map(test, told(spec.stacks or ())))
        case "compiler":
            return test(spec.compiler or "none")
        case _:
            return test(getattr(spec, field))


def _value_tests(selection: Selection) -> dict[str, _ValueTest]:
    """What a value has to pass, for each field that is selected by."""
    compilers = [canonical_compiler(text) or "none" for text in selection.compilers]
    tests: dict[str, _ValueTest] = {}
    if selection.stacks:
        tests["stack"] = lambda stack: _any_glob(stack, selection.stacks)
    if selection.oss:
        tests["os"] = lambda os: _any_glob(os, selection.oss)
    if selection.targets:
        tests["target"] = lambda target: _any_glob(target, selection.targets)
    if selection.compilers:
        tests["compiler"] = lambda compiler: _is_compiler(compiler, compilers)
    return tests


def _is_spec(spec: Spec, text: str) -> bool:
    if text.startswith("/"):
        return spec.hash.startswith(text[1:])
    package, at, version = text.partition("@")
    return fnmatchcase(spec.package, package) and (
        not at or fnmatchcase(spec.version.text, version.removeprefix("="))
    )


def _is_compiler(compiler: str, patterns: Iterable[str]) -> bool:
    """Whether the compiler, or its name without a version, matches: `gcc` is any gcc."""
    return _any_glob(compiler, patterns) or _any_glob(compiler.partition("@")[0], patterns)


def _any_glob(value: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _narrow_coverage(
    coverage: Mapping[str, CoverageTotals], names: Set[str], selected: _ValueTest | None
) -> dict[str, CoverageTotals]:
    """The values selected, or those that packages told of gained or lost, with those packages."""
    narrowed = {}
    for value, totals in coverage.items():
        gained = tuple(name for name in totals.packages_gained if name in names)
        lost = tuple(name for name in totals.packages_lost if name in names)
        if selected(value) if selected else gained or lost:
            narrowed[value] = msgspec.structs.replace(
                totals, packages_gained=gained, packages_lost=lost
            )
    return narrowed
