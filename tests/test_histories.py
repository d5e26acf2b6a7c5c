"""Reports of small histories: what was in a collection before, and after, and what is told of it.

Each folder of `golden/histories` holds the manifests of two commits, `old` and `new`, and the report
of their comparison in every format. UPDATE_GOLDEN=1 writes the reports; the diff is for people.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from cachediff import compare
from cachediff.changelog import arrange
from cachediff.model.comparison import Comparison
from cachediff.reports import FORMATS, Layout
from repositories import write_repository

HISTORIES = Path(__file__).parent / "golden" / "histories"
SUFFIXES = {
    "text": "txt",
    "markdown": "md",
    "html": "html",
    "json": "json",
    "eml": "eml",
    "release-notes": "notes.md",
}
NEEDED = {"every-kind", "no-changes", "problems", "suspect"}
LAYOUT = Layout(width=100, limit=20)

# What is the same in every page or drawn by a library is looked at in a browser, not compared here.
OPAQUE = re.compile(r"(<(script|style|svg)\b[^>]*>).*?(</\2>)", re.DOTALL)
DATA = re.compile(r'<script type="application/json"')
BASE64 = re.compile(r"(?:^[A-Za-z0-9+/]{60,}={0,2}\r?\n)+[A-Za-z0-9+/=]*", re.MULTILINE)

BOUNDARY = re.compile(r"=_[0-9a-f]{32}")


def histories() -> list[str]:
    return sorted(folder.name for folder in HISTORIES.iterdir())


def manifests(folder: Path) -> dict[str, bytes]:
    files = {path for path in folder.rglob("*") if path.is_file()}
    assert files, f"{folder} has no manifests"
    return {f"_cache/develop/{path.relative_to(folder)}": path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Comparison]:
    """The comparison of each history, committed to a repository of its own."""
    comparisons = {}
    for case in histories():
        old, new = (manifests(HISTORIES / case / side) for side in ("old", "new"))
        gone = dict.fromkeys(old.keys() - new.keys())
        folder = tmp_path_factory.mktemp(case) / "cache"
        repository = write_repository(folder, [old, {**gone, **new}], init=("--bare",))
        comparisons[case] = compare("develop@HEAD~1", "develop", repo=str(repository))
    return comparisons


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("case", histories())
def test_report(compared: dict[str, Comparison], case: str, form: str) -> None:
    report = told(FORMATS[form](compared[case], arrange, LAYOUT))
    expected = HISTORIES / case / f"expected.{SUFFIXES[form]}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        expected.write_text(report, encoding="utf-8", newline="")
    assert expected.is_file(), f"{expected} is missing"
    golden = expected.read_bytes().decode()
    assert golden.strip(), f"{expected} is empty"
    assert report == golden


def test_the_histories_that_must_be_there_are_and_hold_nothing_else() -> None:
    assert set(histories()) >= NEEDED
    names = {"old", "new"} | {f"expected.{suffix}" for suffix in SUFFIXES.values()}
    for case in histories():
        assert {path.name for path in (HISTORIES / case).iterdir()} == names


def told(report: str) -> str:
    """A report without what it has of libraries: scripts but data, styles, drawings, attachments."""
    report = OPAQUE.sub(
        lambda match: match[0] if DATA.match(match[0]) else f"{match[1]}…{match[3]}", report
    )
    return BOUNDARY.sub("=_…", BASE64.sub("…", report))
