"""The JSON of a comparison, read back: nothing is lost, and what is none is refused by its place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachediff.changelog import arrange
from cachediff.comparing import compare
from cachediff.errors import ReportError
from cachediff.model.comparison import Comparison
from cachediff.model.snapshot import Origin, Totals
from cachediff.reports import FORMATS, Layout
from cachediff.reports.json import render_json
from cachediff.reports.reading import read_json
from commands import cachediff, refuses, succeeds
from report_cases import CASES, comparison, package, pair, spec
from strategies import Pages, collections

FORMS = sorted(FORMATS)


def sorted_problems(whole: Comparison) -> Comparison:
    """As a comparison has them; those written by hand may be in any order."""
    sides = {
        name: msgspec.structs.replace(side, problems=tuple(sorted(side.problems)))
        for name, side in (("old", whole.old), ("new", whole.new))
    }
    return msgspec.structs.replace(whole, **sides)


def read(text: str) -> Comparison:
    return read_json(text.encode())


# The inverse.


def same(one: Comparison, other: Comparison) -> None:
    assert one == other
    # Versions that are equal may be spelled differently, and stay as they were.
    assert repr(one) == repr(other)


@pytest.mark.parametrize("case", sorted(CASES))
def test_what_was_written_is_read_back(case: str) -> None:
    whole = CASES[case]()
    same(read(render_json(whole)), read(render_json(sorted_problems(whole))))
    assert read(render_json(whole)) == sorted_problems(whole)


def test_notices_are_read_back() -> None:
    notices = ("upstream not reached", "develop was rewritten")
    whole = msgspec.structs.replace(comparison(), notices=notices)
    assert read(render_json(whole)) == whole


def compared(pages: list[Pages]) -> Comparison:
    names = sorted(pages, key=lambda both: next(page.package for page in both if page))
    sides = (Origin("a", "b"), Origin("a", "b", "0" * 40, "2025-01-01T00:00:00Z", "1" * 40))
    return compare(*sides, names, Totals())


@given(collections())
def test_every_comparison_is_read_back(pages: list[Pages]) -> None:
    whole = compared(pages)
    same(read(render_json(whole)), whole)
    assert render_json(read(render_json(whole))) == render_json(whole)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=10, deadline=None)
@given(pages=collections())
def test_every_format_is_the_same_after_reading_back(form: str, pages: list[Pages]) -> None:
    whole = compared(pages)
    again = read(render_json(whole))
    layout = Layout(width=100, limit=20)
    assert FORMATS[form](again, arrange, layout) == FORMATS[form](whole, arrange, layout)


@given(st.text(st.characters(codec=None), min_size=1))
def test_any_text_is_read_back(text: str) -> None:
    """Lone surrogates too, which a file name that is not UTF-8 becomes."""
    sides = (spec("old", package=text), spec("new", package=text, variants=(text,)))
    whole = comparison(package(text, pair("changed", *sides)))
    assert read(render_json(whole)) == whole


def test_keys_of_a_later_version_are_passed_over() -> None:
    whole = CASES["every-kind"]()
    document = json.loads(render_json(whole))
    document["later"] = document["old"]["later"] = document["coverage"]["later"] = {}
    document["packages"][0]["later"] = document["packages"][0]["changes"][0]["later"] = 1
    assert read(json.dumps(document, indent=2)) == whole


def test_a_field_of_a_later_version_is_told_as_it_can_be() -> None:
    document = json.loads(render_json(CASES["every-kind"]()))
    for each in document["packages"]:
        for change in each["changes"]:
            if change["kind"] == "upgraded":
                change["fields"].append("size")
    later = read(json.dumps(document))
    for form in FORMATS:
        assert "hdf5" in FORMATS[form](later, arrange, Layout())


# What is no comparison.


def changed(**values: Any) -> str:
    return json.dumps(json.loads(render_json(CASES["every-kind"]())) | values)


def with_package(**values: Any) -> str:
    document = json.loads(render_json(CASES["every-kind"]()))
    document["packages"][2] |= values
    return json.dumps(document)


REFUSED: dict[str, tuple[bytes | str, str]] = {
    "nothing": (b"", "not JSON: .* line 1 column 1"),
    "half": (render_json(CASES["every-kind"]())[:3000], r"not JSON: .* line \d+ column \d+"),
    "text": (b"develop", "not JSON: .* line 1 column 1"),
    "bytes": (b'{"schema": "\xff"}', "not JSON"),
    "brackets": (b"[" * 200_000, "not JSON"),
    "a list": (b"[]", "Expected `object`, got `array`"),
    "no schema": (b"{}", "missing required field `schema`"),
    "another schema": (changed(schema="cachediff/comparison/2"), "its schema is 'cachediff/comparis"),
    "no packages": (b'{"schema": "cachediff/comparison/1"}', "missing required field"),
    "a side": (changed(new=None), r"Expected `object`, got `null` - at `\$.new`"),
    "a count": (changed(left_out=-1), r">= 0 - at `\$.left_out`"),
    "a big count": (changed(left_out=0).replace('out": 0', f'out": {"9" * 5000}'), "it is not"),
    "coverage": (changed(coverage={"os": []}), r"\$.coverage"),
    "a status": (with_package(status="moved"), r"'moved' - at `\$.packages\[2\].status`"),
    "a version": (
        with_package(versions={"added": [1], "removed": [], "kept": []}),
        r"got `int` - at `\$.packages\[2\].versions.added",
    ),
    "a pair of one": (
        with_package(changes=[{"kind": "rebuilt", "fields": [], "old": None, "new": None}]),
        "a change of bzip2 is rebuilt",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_comparison_is_refused_by_its_place(case: str) -> None:
    text, reason = REFUSED[case]
    with pytest.raises(ReportError, match=reason):
        read_json(text if isinstance(text, bytes) else text.encode())


@given(st.data())
@settings(max_examples=200)
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    text = bytearray(render_json(CASES["merge"]()).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = read_json(bytes(text))
    except ReportError:
        return
    FORMATS["text"](again, arrange, Layout())


# The command.


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "comparison.json"
    path.write_text(render_json(CASES["every-kind"]()))
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_rendered_in_every_format(written: Path, form: str) -> None:
    out = succeeds("render", written.name, "--format", form, "--all", folder=written.parent)
    assert out == FORMATS[form](CASES["every-kind"](), arrange, Layout())


def test_the_format_is_that_of_the_ending(written: Path) -> None:
    assert succeeds("render", written, "-o", "out/notes.md", folder=written.parent) == ""
    told = (written.parent / "out" / "notes.md").read_text()
    assert told == FORMATS["markdown"](CASES["every-kind"](), arrange, Layout())


def test_standard_input_is_read(written: Path) -> None:
    command = [sys.executable, "-m", "cachediff", "render", "-", "-f", "json"]
    content = written.read_bytes()
    done = subprocess.run(
        command, input=content, capture_output=True, cwd=written.parent, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, content, b"")
    assert "standard input: it is not JSON" in refuses("render", "-", folder=written.parent)


def test_markdown_is_cut_to_a_size(written: Path) -> None:
    out = succeeds("render", written, "-f", "markdown", "--max-size", "3500", folder=written.parent)
    assert len(out.encode()) <= 3500
    assert "cut here" in out


def test_templates_of_the_users_are_used(written: Path) -> None:
    folder = written.parent / "mine"
    folder.mkdir()
    (folder / "comparison.md.j2").write_text("{{ headline }}!\n")
    arguments = ("render", written, "-f", "markdown")
    out = succeeds(*arguments, "--templates", "mine", folder=written.parent)
    assert out.endswith("!\n")
    config = written.parent / "config.yaml"
    config.write_text("sources: {a: {path: .}}\ntemplates: mine\n")
    assert succeeds(*arguments, folder=written.parent) == out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "comparison.json: it is not JSON"),
        (b'{"schema": "x"}', "comparison.json: its schema is 'x'"),
        (b"[" * 200_000, "comparison.json: it is not JSON"),
        (b'{"schema": "\x1b[31m"}', "comparison.json: it is not JSON"),
    ],
)
def test_what_is_no_comparison_is_told(written: Path, content: bytes, reason: str) -> None:
    written.write_bytes(content)
    message = refuses("render", written.name, folder=written.parent)
    assert reason in message
    assert "\x1b" not in message


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert "nowhere.json cannot be read" in refuses("render", "nowhere.json", folder=tmp_path)
    assert ". cannot be read" in refuses("render", ".", folder=tmp_path)
    assert cachediff("render", folder=tmp_path).code == 2


def test_the_json_of_steps_is_refused_with_what_is_taken(tmp_path: Path) -> None:
    (tmp_path / "steps.json").write_text('{"schema": "cachediff/steps/1", "steps": []}')
    message = refuses("render", "steps.json", folder=tmp_path)
    assert "its schema is 'cachediff/steps/1'" in message
    assert "compare --format json wrote, without --steps" in message
