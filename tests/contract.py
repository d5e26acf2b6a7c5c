"""The JSON contract, `cachediff/comparison/1`, written down a second time and held against documents."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

KINDS = ("added", "removed", "rebuilt", "upgraded", "downgraded", "changed", "restacked")
STATUSES = ("added", "removed", "changed", "unknown")
FIELDS = ("compiler", "os", "platform", "stacks", "target", "variants", "version")


def check_document(document: Any) -> None:
    """Fail unless `document` is as the contract says, and adds up. Additional keys are allowed."""
    assert document["schema"] == "cachediff/comparison/1"
    for side in ("old", "new"):
        check_side(document[side])
    check_coverage(document["stacks"])
    assert "root" not in document["stacks"]
    check_numbers(document["stacks_untold"])
    assert not document["stacks"] or document["stacks_untold"] == [0, 0]
    assert list(document["coverage"]) == ["platform", "os", "target", "compiler"]
    for coverage in document["coverage"].values():
        check_coverage(coverage)
    names = [package["package"] for package in document["packages"]]
    check_sorted(names)
    for package in document["packages"]:
        check_package(package)
    check_totals(document)


def check_side(side: Any) -> None:
    assert isinstance(side["source"], str)
    assert isinstance(side["collection"], str)
    for key in ("commit", "tree"):
        assert side[key] is None or re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", side[key])
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert side["committed_at"] is None or re.fullmatch(moment, side["committed_at"])
    for key in ("manifests", "unreadable", "packages", "specs"):
        assert type(side[key]) is int
        assert side[key] >= 0
    assert side["unreadable"] + side["packages"] <= side["manifests"]
    problems = [(problem["manifest"], problem["reason"]) for problem in side["problems"]]
    assert problems == sorted(problems)
    assert all(isinstance(text, str) and text for problem in problems for text in problem)


def check_coverage(coverage: Any) -> None:
    assert isinstance(coverage, dict)
    assert list(coverage) == sorted(coverage)
    for totals in coverage.values():
        check_numbers(totals["specs"])
        check_numbers(totals["packages"])
        for specs, packages in zip(totals["specs"], totals["packages"], strict=True):
            assert packages <= specs
            assert (packages == 0) == (specs == 0)
        check_sorted(totals["packages_gained"])
        check_sorted(totals["packages_lost"])
        assert not {*totals["packages_gained"]} & {*totals["packages_lost"]}


def check_numbers(numbers: Any) -> None:
    """Fail unless these are a number of the old side and one of the new."""
    assert len(numbers) == 2
    assert all(type(number) is int and number >= 0 for number in numbers)


def check_package(package: Any) -> None:
    assert package["status"] in STATUSES
    assert set(package["versions"]) == {"added", "removed", "kept"}
    assert all(isinstance(text, str) for texts in package["versions"].values() for text in texts)
    check_sorted(package["stacks"]["joined"])
    check_sorted(package["stacks"]["left"])
    if package["status"] == "unknown":
        assert package["changes"] == []
    for change in package["changes"]:
        check_change(change)
        assert {change[side]["package"] for side in ("old", "new") if change[side]} == {
            package["package"]
        }
    for side in ("old", "new"):
        hashes = [change[side]["hash"] for change in package["changes"] if change[side]]
        assert len(hashes) == len(set(hashes)), "a spec is told of twice"


def check_change(change: Any) -> None:
    kind, old, new = change["kind"], change["old"], change["new"]
    assert kind in KINDS
    assert (old is None) == (kind == "added")
    assert (new is None) == (kind == "removed")
    for spec in (old, new):
        if spec is not None:
            check_spec(spec)
    fields = change["fields"]
    check_sorted(fields)
    assert set(fields) <= set(FIELDS)
    assert ("version" in fields) == (kind in ("upgraded", "downgraded"))
    for field in fields:
        assert old[field] != new[field]
    if kind == "rebuilt":
        assert set(fields) <= {"stacks"}
    if kind == "restacked":
        assert fields == ["stacks"]
        assert old["hash"] == new["hash"]
    elif old and new:
        assert old["hash"] != new["hash"]


def check_spec(spec: Any) -> None:
    assert re.fullmatch(r"[a-z2-7]{32}", spec["hash"])
    for key in ("package", "version", "platform", "os", "target"):
        assert isinstance(spec[key], str)
    assert spec["compiler"] is None or isinstance(spec["compiler"], str)
    assert spec["compiler"] != "none"
    assert "@=" not in (spec["compiler"] or "")
    check_sorted(spec["variants"])
    check_sorted(spec["stacks"])


def check_sorted(values: Any) -> None:
    assert isinstance(values, list)
    assert all(isinstance(value, str) for value in values)
    assert values == sorted(set(values))


def check_totals(document: Any) -> None:
    """The summary counts what is listed, and every spec of each side is accounted for once."""
    packages, specs = document["summary"]["packages"], document["summary"]["specs"]
    statuses = Counter(package["status"] for package in document["packages"])
    assert set(packages) >= {*STATUSES, "unchanged"}
    assert {status: packages[status] for status in STATUSES} == {
        status: statuses[status] for status in STATUSES
    }
    kinds = Counter(
        change["kind"] for package in document["packages"] for change in package["changes"]
    )
    assert set(specs) >= {*KINDS, "unchanged"}
    assert {kind: specs[kind] for kind in KINDS} == {kind: kinds[kind] for kind in KINDS}
    if document["left_out"]:
        return
    for side, missing in ((0, "added"), (1, "removed")):
        there = specs["unchanged"] + specs["unknown"][side]
        there += sum(number for kind, number in kinds.items() if kind != missing)
        assert there == document[("old", "new")[side]]["specs"]
        known = there - specs["unknown"][side]
        for coverage in document["coverage"].values():
            assert sum(totals["specs"][side] for totals in coverage.values()) == known
