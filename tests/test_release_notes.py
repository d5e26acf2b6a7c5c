"""Release notes: packages and versions, in the whole and in each stack; no hashes, nothing hidden."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cachediff.changelog import arrange
from cachediff.errors import ReportError
from cachediff.model.comparison import Comparison, CoverageTotals
from cachediff.model.selection import Selection
from cachediff.reports.release_notes import render_release_notes
from report_cases import (
    BOTH,
    CASES,
    added,
    comparison,
    hostile,
    package,
    pair,
    removed,
    side,
    spec,
)


def notes(whole: Comparison, max_size: int | None = None) -> str:
    return render_release_notes(arrange(whole), max_size=max_size)


def section(report: str, title: str) -> list[str]:
    """The rows of the table below a heading, as text."""
    _, _, below = report.partition(f"\n## {title}")
    assert below, f"no heading {title!r} in {report}"
    lines = below.partition("\n## ")[0].splitlines()
    return [line.strip("| ") for line in lines if line.startswith("| ")][2:]


def headings(report: str) -> list[str]:
    """All but the last one, which every report has."""
    told = [line.removeprefix("## ") for line in report.splitlines() if line.startswith("## ")]
    assert told.pop() == "What was compared"
    return told


# What is told.


def test_every_kind() -> None:
    report = notes(CASES["every-kind"]())
    assert headings(report) == [
        "Packages removed: 1",
        "Packages added: 1",
        "Versions changed: 4 packages, 1 downgraded",
        "Stacks: 3 of 4 changed",
        "`e4s`: 1 package lost, 1 package gained, 3 packages changed version",
        "`hep`: 1 package gained",
        "`radiuss`: 1 package lost, 2 packages gained, 1 package changed version",
    ]
    assert section(report, "Packages removed") == ["`py-nose` | `1.3.6`, `1.3.7` | `e4s`"]
    assert section(report, "Packages added") == ["`amrex` | `25.03`, `25.04` | `e4s`, `radiuss`"]
    assert section(report, "Versions changed") == [
        "`hdf5` | `1.14.3` → `1.14.5` | `e4s`, `radiuss`",
        "`openmpi` | `5.0.7` → `5.0.6` (downgrade) | `e4s`",
        "`py-numpy` | `1.26.4` → `2.2.4` (`1.26.4` stays) | `e4s`",
        "`zlib` | `1.3.2` new, `1.2.13` gone | `e4s`",
    ]
    assert section(report, "Stacks")[0] == "`e4s` | 702 → 702 | 12,034 → 12,029 | 1 | 1 | 3"
    assert section(report, "`radiuss`") == [
        "`bzip2` | lost",
        "`amrex` | gained",
        "`curl` | gained",
        "`hdf5` | `1.14.3` → `1.14.5`",
    ]


def test_totals_are_told_before_and_after() -> None:
    report = notes(CASES["every-kind"]())
    assert "| Packages read | 1,298 | 1,300 |\n| Specs read | 60,101 | 60,264 |\n" in report
    assert "could not be read" not in report


def test_many_builds_are_one_row() -> None:
    versions = [
        pair("upgraded", spec(f"hdf5 a{n}", "1.14.3"), spec(f"hdf5 b{n}", "1.14.5", os=f"os{n}"))
        for n in range(40)
    ]
    report = notes(comparison(package("hdf5", *versions)))
    assert section(report, "Versions changed") == ["`hdf5` | `1.14.3` → `1.14.5` | `e4s`"]


def test_a_version_moved_in_a_stack_where_it_was_before_and_after() -> None:
    into, out = ("radiuss", "root"), ("e4s", "root")
    whole = comparison(
        package("a", pair("upgraded", spec("a 1", "1", stacks=out), spec("a 2", "2", stacks=into))),
        package("b", pair("upgraded", spec("b 1", "1", stacks=BOTH), spec("b 2", "2", stacks=out))),
        stacks={
            "e4s": CoverageTotals((9, 8), (2, 1), (), ("a",)),
            "radiuss": CoverageTotals((9, 9), (2, 2), ("a",), ("b",)),
        },
    )
    report = notes(whole)
    assert section(report, "`e4s`: 1 package lost, 1 package changed version") == [
        "`a` | lost",
        "`b` | `1` → `2`",
    ]
    assert section(report, "`radiuss`: 1 package lost, 1 package gained") == [
        "`b` | lost",
        "`a` | gained",
    ]


def test_a_version_that_came_by_an_upgrade_is_not_told_twice() -> None:
    whole = comparison(
        package(
            "gdal",
            pair("upgraded", spec("gdal a", "3.9"), spec("gdal b", "3.10")),
            added(spec("gdal c", "3.10")),
            removed(spec("gdal d", "3.9")),
            removed(spec("gdal e", "3.8")),
        )
    )
    assert section(notes(whole), "Versions changed") == [
        "`gdal` | `3.9` → `3.10`, `3.8` gone | `e4s`"
    ]


def test_rebuilds_alone_are_no_release_notes() -> None:
    whole = comparison(package("zlib", pair("rebuilt", spec("zlib a"), spec("zlib b"))))
    assert headings(notes(whole)) == []


def test_no_changes() -> None:
    report = notes(CASES["no-changes"]())
    assert "**No changes**" in report
    assert headings(report) == []


def test_packages_that_could_not_be_compared_come_first() -> None:
    report = notes(CASES["problems"]())
    assert headings(report) == ["Unknown: 2 packages could not be compared"]
    first, second = section(report, "Unknown")
    assert first.startswith("`hdf5` | could not be read in NEW: `record 12: the hash has 31")
    assert second.startswith("`zlib` | could not be compared; OLD: ")
    assert "| Packages that could not be read | 1 | 2 |" in report


def test_what_a_suspect_new_side_lacks_is_not_called_removed() -> None:
    whole = comparison(
        package("hdf5", removed(spec("hdf5 a")), status="removed"),
        package("zlib", removed(spec("zlib a", "1.1")), kept=("1.2",)),
        new=side(suspect="12 manifests where there were 1,298"),
        stacks={"e4s": CoverageTotals((9, 1), (9, 1), (), ("hdf5",))},
    )
    report = notes(whole)
    assert "> [!WARNING]\n> NEW is suspect: `12 manifests where" in report
    assert report.index("NEW is suspect") < report.index("**")
    assert headings(report) == [
        "Packages removed: 1 (suspect)",
        "Versions removed: 1 package (suspect)",
        "Stacks: 1 of 1 changed",
    ]
    assert "1.1" not in report
    assert section(report, "Stacks") == ["`e4s` | 9 → 1 | 9 → 1 | 1 (suspect) | 0 | 0"]
    asked = notes(CASES["suspect-asked-for"]())
    assert section(asked, "Packages removed") == ["`hdf5` | `1.0` | `e4s`"]


def test_what_a_suspect_old_side_lacks_is_not_called_added() -> None:
    report = notes(CASES["suspect-old"]())
    assert "Packages added: 1 (suspect)" in headings(report)
    assert "Not listed, because OLD is suspect." in report
    assert section(report, "Packages removed") == ["`curl` | `1.0` | `e4s`"]


def test_stacks_that_are_not_told_are_not_empty() -> None:
    report = notes(CASES["no-commits-and-no-stacks"]())
    assert "No totals of stacks: not told of 9 specs of OLD and 9 specs of NEW" in report
    assert "Stacks:" not in report


def test_a_selection_is_told() -> None:
    whole = comparison(selection=Selection(stacks=("e4s",)), left_out=3)
    assert (
        "Selected: stack `e4s` (3 other changes left out; totals are those of the whole)"
        in notes(whole)
    )


TITLES: list[tuple[Callable[[], Comparison], str]] = [
    (comparison, "# `develop-2025-04-13` (`2025-04-13`) → `develop-2025-04-20` (`2025-04-20`)"),
    (CASES["no-commits-and-no-stacks"], "# `old` → `new`"),
    (CASES["problems"], "# `develop` (`2025-04-20`) → `develop` (`2025-04-21`)"),
    (
        lambda: comparison(
            old=side("v1", committed_at="2025-04-20T01:00:00Z"),
            new=side("v1", committed_at="2025-04-20T03:00:00Z"),
        ),
        "# `v1` (`2025-04-20 01:00:00 UTC`) → `v1` (`2025-04-20 03:00:00 UTC`)",
    ),
]


@pytest.mark.parametrize(("whole", "title"), TITLES)
def test_the_title_names_collections_and_dates(whole: Callable[[], Comparison], title: str) -> None:
    assert notes(whole()).splitlines()[0] == title


# What is not.


@pytest.mark.parametrize("case", sorted(CASES))
def test_there_are_no_hashes_of_specs(case: str) -> None:
    whole = CASES[case]()
    report = notes(whole)
    specs = [
        each
        for told in whole.packages
        for change in told.changes
        for each in (change.old, change.new)
        if each
    ]
    for hash_ in {each.hash for each in specs}:
        assert hash_[:12] not in report
    for commit in filter(None, (whole.old.origin.commit, whole.new.origin.commit)):
        assert report.count(commit[:12]) <= 2


def skeleton(markdown: str) -> list[str]:
    """The tokens of a document, without text and code spans; and how many pipes each line has."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = [
        token.type
        for block in parser.parse(markdown)
        for token in (block, *(block.children or ()))
        if token.type not in ("text", "text_special", "code_inline")
    ]
    return tokens + [str(line.count("|")) for line in markdown.split("\n")]


HOSTILE = (
    "|", "a|b", "\\|", "``", "`|`", "<script>alert(1)</script>", "[x](https://x.y)", "@all", "#1",
    "\n", "\r\n# x", "\x1b[31m", "\u202e", "&#124;", "</details>", "---", "$x$", "https://x.y",
)  # fmt: skip


@given(st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1)))
def test_nothing_from_data_is_markup(value: str) -> None:
    report = notes(hostile(value))
    assert skeleton(report) == skeleton(notes(hostile("plain")))
    assert all(line.isprintable() for line in report[:-1].split("\n"))


# Cut to a size.


def test_release_notes_are_cut_to_a_size() -> None:
    whole = CASES["long"]()
    full = notes(whole)
    size = len(full.encode())
    assert notes(whole, size) == full
    report = notes(whole, size - 200)
    assert len(report.encode()) <= size - 200
    (left_out,) = re.findall(r"([0-9,]+) rows are left out", report)
    rows = full.count("\n| `") - report.count("\n| `")
    assert rows == int(left_out) > 0
    with pytest.raises(ReportError, match="does not fit in 100 bytes"):
        notes(whole, 100)
