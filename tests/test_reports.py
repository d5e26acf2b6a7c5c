"""How a changelog looks: golden files, and what no value from data may do to a report."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len

from cachediff.changelog import arrange
from cachediff.errors import ReportError
from cachediff.model.changelog import Changelog
from cachediff.reports import FORMATS, Layout
from cachediff.reports.json import render_json
from cachediff.reports.markdown import code, render_markdown
from cachediff.reports.text import render_text
from cachediff.reports.visible import LONGEST, visible
from hostile_strings import HOSTILE_STRINGS
from report_cases import CASES, HOSTILE, comparison, hostile, package, pair, spec

GOLDEN = Path(__file__).parent / "golden" / "reports"
SUFFIXES = {"text": "txt", "markdown": "md", "json": "json"}
LAYOUT = Layout(width=100, limit=20)
WIDE = 1_000_000
TIMES = "\N{MULTIPLICATION SIGN}"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def folders() -> set[str]:
    return {folder.name for folder in GOLDEN.iterdir()} if GOLDEN.is_dir() else set()


def text(changelog: Changelog, width: int = WIDE, limit: int | None = None) -> str:
    return render_text(changelog, width=width, colour=False, limit=limit)


# Golden files: every case in every format. UPDATE_GOLDEN=1 writes them; the diff is for people.


@pytest.mark.parametrize("form", sorted(SUFFIXES))
@pytest.mark.parametrize("case", sorted(folders() | CASES.keys()))
def test_golden(case: str, form: str) -> None:
    assert case in CASES, f"{GOLDEN / case} is the expectation of no case"
    expected = GOLDEN / case / f"expected.{SUFFIXES[form]}"
    report = FORMATS[form](CASES[case](), arrange, LAYOUT)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(report, encoding="utf-8", newline="")
    assert expected.is_file(), f"{expected} is missing"
    told = expected.read_bytes().decode()
    assert told.strip(), f"{expected} is empty"
    assert report == told


def test_golden_folders_hold_expectations_only() -> None:
    names = {f"expected.{suffix}" for suffix in SUFFIXES.values()}
    assert {path.name for path in GOLDEN.glob("*/*")} == names


def test_a_format_costs_nothing_before_it_is_used() -> None:
    code = "import sys, cachediff.reports; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rich", "jinja2"} & set(done.stdout.split())


# What no value from data may do.

ANYTHING = st.one_of(
    st.text(min_size=1, max_size=30),
    st.text("|`\\ <>&*_~[]()#@!:/\n\r\x1b\x85\u202e\u2028\ud800a1", min_size=1, max_size=30),
    st.sampled_from(
        ("https://x.y", "www.x.y", "<!-- -->", "</details>", "&#124;", "a@b.c", "@all", "GH-1")
    ),
)


@given(ANYTHING)
def test_visible_text_is_one_printable_line(value: str) -> None:
    seen = visible(value)
    assert seen.isprintable()
    if value.isprintable():
        assert seen == value


def test_visible_names_what_it_replaces() -> None:
    assert visible("a\x1b[31m\n\u202e\ud800") == r"a\x1b[31m\n\u202e\ud800"
    assert visible("") == "(empty)"


def test_long_values_are_cut_and_show_it() -> None:
    assert visible("x" * LONGEST) == "x" * LONGEST
    assert visible("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"


@pytest.mark.parametrize("case", sorted(CASES))
def test_reports_hold_no_control_characters(case: str) -> None:
    for form in SUFFIXES:
        report = FORMATS[form](CASES[case](), arrange, LAYOUT)
        assert report.endswith("\n")
        assert all(line.isprintable() for line in report[:-1].split("\n"))


def test_rich_markup_in_data_is_shown_as_it_is() -> None:
    named = comparison(package("[red]x[/]", pair("rebuilt", spec("[red]x[/] 1"), spec("a 2"))))
    assert f"  [red]x[/]  1.0  {TIMES}1  e4s\n" in text(arrange(named))


def parsed(markdown: str) -> list[Token]:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parser.parse(markdown)


def skeleton(markdown: str) -> list[str]:
    """What a report is made of, without its texts."""
    return [
        token.type + token.tag
        for block in parsed(markdown)
        for token in (block, *(block.children or ()))
        if token.type not in ("text", "code_inline")
    ]


@given(ANYTHING)
def test_a_value_changes_nothing_in_the_structure_of_markdown(value: str) -> None:
    evil, plain = (render_markdown(arrange(hostile(each)), limit=None) for each in (value, "plain"))
    assert skeleton(evil) == skeleton(plain)
    # GitHub's tables know other escapes than the parser: no pipe but those of the table will do.
    assert [line.count("|") for line in evil.split("\n")] == [
        line.count("|") for line in plain.split("\n")
    ]


@pytest.mark.parametrize("form", ["text", "markdown", "release-notes"])
def test_500_hostile_strings_in_every_field_are_only_text(form: str) -> None:
    def report(value: str) -> str:
        return FORMATS[form](hostile(value), arrange, LAYOUT)

    plain = report("plain")
    for value in HOSTILE_STRINGS:
        evil = report(value)
        assert all(line.isprintable() for line in evil.split("\n"))
        if form != "text":
            assert skeleton(evil) == skeleton(plain)
            counts = [[line.count("|") for line in each.split("\n")] for each in (evil, plain)]
            assert counts[0] == counts[1]


def test_data_stands_in_code_spans_alone() -> None:
    """GitHub links mentions, issues, commits and addresses in any text but code."""
    for block in parsed(render_markdown(arrange(hostile("marked@example.org")), limit=None)):
        for token in block.children or ():
            assert token.type == "code_inline" or "marked" not in token.content


@given(ANYTHING)
def test_code_spans_say_what_the_value_says(value: str) -> None:
    inline = parsed(f"x {code(value)} x")[1]
    told = "".join(token.content for token in inline.children or ())
    assert told == f"x {visible(value)} x"


@given(ANYTHING)
def test_json_says_what_the_values_say(value: str) -> None:
    report = render_json(hostile(value))
    assert report.isascii()
    package_of = {each["status"]: each for each in json.loads(report)["packages"]}
    assert package_of["added"]["package"] == value
    assert package_of["added"]["changes"][0]["new"]["variants"] == [value]
    assert json.loads(report)["old"]["problems"][0]["reason"] == value


# The text.


@pytest.mark.parametrize("case", sorted(CASES))
@pytest.mark.parametrize("width", [1, 20, 79, 200])
def test_a_narrow_terminal_loses_nothing(case: str, width: int) -> None:
    changelog = arrange(CASES[case]())
    assert "".join(text(changelog, width).split()) == "".join(text(changelog).split())


def test_rows_stay_on_their_line_where_there_is_room_and_fit_where_there_is_not() -> None:
    changelog = arrange(CASES["every-kind"]())
    (line,) = [line for line in text(changelog).split("\n") if "  py-numpy " in line]
    assert line.endswith("1.26.4 stays in other builds · in e4s")
    for width in range(100, 140):
        assert max(map(cell_len, text(changelog, width).split("\n"))) <= width


def test_columns_are_aligned_by_cells_not_by_characters() -> None:
    wide, narrow = ("パッケージ", "abc")
    told = comparison(
        *[package(name, pair("rebuilt", spec(f"{name} 1"), spec("x 2"))) for name in (wide, narrow)]
    )
    rows = [line for line in text(arrange(told)).split("\n") if f"{TIMES}1" in line]
    assert len({cell_len(row[: row.index("1.0")]) for row in rows}) == 1


@pytest.mark.parametrize("case", sorted(CASES))
def test_colour_is_all_that_colour_adds(case: str) -> None:
    changelog = arrange(CASES[case]())
    coloured = render_text(changelog, width=WIDE, colour=True, limit=20)
    assert ANSI.search(coloured)
    assert ANSI.sub("", coloured) == text(changelog, limit=20)


def test_only_what_differs_in_a_version_is_coloured() -> None:
    changelog = arrange(CASES["every-kind"]())
    coloured = render_text(changelog, width=WIDE, colour=True, limit=None)
    assert "1.14.\x1b[31m3\x1b[0m \x1b[2m-> \x1b[0m1.14.\x1b[32m5\x1b[0m" in coloured
    assert "\x1b[31m1.26.4\x1b[0m \x1b[2m-> \x1b[0m\x1b[32m2.2.4\x1b[0m" in coloured


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    changelog = arrange(CASES["every-kind"]())
    before = render_text(changelog, width=80, colour=True, limit=None)
    for name, value in {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "10"}.items():
        monkeypatch.setenv(name, value)
    assert render_text(changelog, width=80, colour=True, limit=None) == before


def test_what_a_limit_leaves_out_is_counted() -> None:
    changelog = arrange(CASES["long"]())
    cut, whole = text(changelog, limit=20), text(changelog)
    assert cut.count(" -> 1.") == 20
    assert "  … and 5 more rows (--all)\n" in cut
    assert "ml-linux-x86_64-cpu and 3 more" in cut
    assert whole.count(" -> 1.") == 25
    assert "--all" not in whole
    assert "e4s, hep, ml-linux-x86_64-cpu, ml-linux-x86_64-cuda" in whole


# Markdown and JSON.


def test_long_tables_are_folded_and_short_ones_are_not() -> None:
    long, short = (
        render_markdown(arrange(CASES[case]()), limit=None) for case in ("long", "every-kind")
    )
    assert "<details>\n<summary>25 rows</summary>\n\n| Package |" in long
    assert long.count("<details>") == long.count("</details>") == 3
    assert "<details>" not in short
    cut = render_markdown(arrange(CASES["long"]()), limit=3)
    assert "\n… and 22 more rows (`--all`)\n" in cut
    assert "<details>" not in cut


def least_size(changelog: Changelog) -> int:
    """As many bytes as a report takes in which every row is cut that can be."""
    with pytest.raises(ReportError) as error:
        render_markdown(changelog, max_size=0)
    return int(re.sub(r"\D", "", error.value.hint))


SIZES = st.integers(0, 12_000)


@given(st.sampled_from(sorted(CASES)), SIZES)
def test_markdown_is_cut_to_a_size_and_says_so(case: str, max_size: int) -> None:
    changelog = arrange(CASES[case]())
    whole = render_markdown(changelog)
    if len(whole.encode()) <= max_size:
        assert render_markdown(changelog, max_size=max_size) == whole
        return
    least = least_size(changelog)
    if max_size < least:
        with pytest.raises(ReportError, match="does not fit"):
            render_markdown(changelog, max_size=max_size)
        return
    cut = render_markdown(changelog, max_size=max_size)
    assert len(cut.encode()) <= max_size
    left_out = re.search(r"Cut to fit: ([\d,]+) rows are left out", cut)
    assert left_out
    lost = [line for line in whole.split("\n") if line.startswith("| `") and line not in cut]
    assert len(lost) <= int(left_out[1])
    told = sum(int(number) for number in re.findall(r"… and (\d+) more rows, cut here", cut))
    assert told == int(left_out[1])


def test_the_least_important_is_cut_first() -> None:
    changelog = arrange(CASES["every-kind"]())
    whole = render_markdown(changelog)
    titles = [line for line in whole.split("\n") if line.startswith("### ")]
    emptied = []
    for max_size in range(len(whole.encode()), least_size(changelog), -50):
        cut = render_markdown(changelog, max_size=max_size)
        sections = re.split(r"^### ", cut, flags=re.MULTILINE)[1:]
        emptied += [
            title
            for title, rows in (section.split(":", 1) for section in sections)
            if "\n| " not in rows and title not in emptied
        ]
        assert [f"### {section.splitlines()[0]}" for section in sections] == titles
    assert emptied[:2] == ["Rebuilt", "Restacked"]
    assert "What was compared" not in emptied


def test_json_has_the_keys_of_the_contract_in_its_order() -> None:
    report = json.loads(render_json(CASES["every-kind"]()))
    side = ["source", "collection", "commit", "committed_at", "tree", "manifests", "unreadable"]
    assert list(report["old"]) == [*side, "packages", "specs", "problems", "suspect"]
    assert list(report) == [
        "schema", "old", "new", "summary", "selection", "left_out", "notices", "findings",
        "stacks", "stacks_untold", "coverage", "packages",
    ]  # fmt: skip
    counts = ["added", "removed", "rebuilt", "upgraded", "downgraded", "changed", "restacked"]
    assert list(report["summary"]["specs"]) == [*counts, "unchanged", "unknown"]
    totals = ["specs", "packages", "packages_gained", "packages_lost"]
    assert list(report["stacks"]["e4s"]) == totals
    assert list(report["coverage"]) == ["platform", "os", "target", "compiler"]
    assert list(report["coverage"]["compiler"]["none"]) == totals
    first = report["packages"][0]
    assert list(first) == [
        "package", "status", "versions", "stacks", "changes", "merged", "split",
    ]  # fmt: skip
    assert list(first["changes"][0]) == ["kind", "fields", "old", "new"]
    assert list(first["changes"][0]["new"]) == [
        "hash", "package", "version", "compiler", "platform", "os", "target", "variants", "stacks",
    ]  # fmt: skip


def test_json_tells_unknown_stacks_from_none() -> None:
    (one,) = json.loads(render_json(CASES["no-commits-and-no-stacks"]()))["packages"]
    assert one["changes"][0]["new"]["stacks"] == []
    assert one["changes"][0]["new"]["unknown"] == ["stacks"]
    (other,) = json.loads(render_json(CASES["selection"]()))["packages"]
    assert "unknown" not in other["changes"][0]["new"]


def test_hostile_values_are_hostile() -> None:
    assert not HOSTILE.isprintable()
    assert skeleton(HOSTILE) != skeleton("plain")
