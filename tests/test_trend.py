"""Trends: what collections came to, told truly: gaps are gaps, and what was not read is no loss."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import html5lib
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from browser import DESKTOP, PHONE, Opened, launched
from cachediff.errors import ReportError
from cachediff.model.lives import Point
from cachediff.model.timeline import TimeRange
from cachediff.model.trend import CollectionTrend, Trend, TrendPoint
from cachediff.queries.trend import PERIODS
from cachediff.reports.plots import MISSING
from cachediff.reports.plots.svg import png, titled
from cachediff.reports.plots.trends import trend_plots
from cachediff.reports.trend import FORMATS, TrendLayout, trend_png
from cachediff.reports.trend.lines import MOST_LINES, figures, left_out, lines_of
from cachediff.reports.trend.sparks import marks, spark, spark_cells
from commands import cachediff, in_terminal, refuses, succeeds
from hostile_strings import HOSTILE_STRINGS
from pages import page, record
from repositories import Commit, add_commits, write_repository

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
GOLDEN = Path(__file__).parent / "golden" / "trends"
SUFFIXES = {"text": "txt", "markdown": "md", "html": "html", "json": "json"}
OPAQUE = re.compile(r"(<(style|svg)\b[^>]*>).*?(</\2>)", re.DOTALL)
PNG = b"\x89PNG\r\n\x1a\n"


# By hand.


def told(
    *specs: int | None,
    gaps: tuple[int, ...] = (),
    values: Mapping[str, tuple[int, ...]] | None = None,
    collection: str = "develop",
    suspect: tuple[int, ...] = (),
) -> CollectionTrend:
    """One point a day from 2025-01-01 on; where specs are negative, so many were read and not all."""
    return CollectionTrend(
        "demo",
        collection,
        tuple(
            TrendPoint(
                point=Point(f"2025-{1 + day // 28:02}-{1 + day % 28:02}T03:00:00Z", f"{day:040x}"),
                manifests=100,
                unreadable=3 if number < 0 else 0,
                packages=abs(number) // 10,
                specs=abs(number),
                after_gap=day in gaps,
                suspicion="develop lost 90 of its 100 manifests" if day in suspect else None,
                values={
                    name: (each[day], min(each[day], 2)) for name, each in (values or {}).items()
                },
            )
            for day, number in enumerate(number for number in specs if number is not None)
        ),
    )


def trend(*collections: CollectionTrend, by: str | None = None, every: str | None = None) -> Trend:
    return Trend(span=TimeRange(), by=by, every=every, collections=collections)


MANY = {f"stack-{n:02}": (n + 1, n + 2) for n in range(MOST_LINES + 3)}
CASES = {
    "grown": trend(told(1000, 1010, 1005, 1200, 1190)),
    "unreadable": trend(told(1000, 1010, -40, 1015, 1020, gaps=(4,))),
    "ends-unread": trend(told(-900, 1010, -1015)),
    "by-os": trend(
        told(30, 32, values={"rhel8": (10, 0), "ubuntu22.04": (20, 32)}), by="os", every="week"
    ),
    "many-stacks": trend(told(30, 32, values=MANY), by="stack"),
    "many-targets": trend(told(30, 32, values=MANY), by="target"),
    "suspect": trend(told(1000, 1010, 40, 1015, 1020, suspect=(2,))),
    "stacks-untold": trend(
        told(30, 30, 31, 31, values={"none": (30, 5, 0, 0), "e4s": (0, 21, 22, 23)}), by="stack"
    ),
    "one-point": trend(told(30)),
    "two-collections": trend(told(30, 31), told(10, 10, collection="e4s")),
}


def rendered(form: str, case: Trend) -> str:
    return FORMATS[form](case, TrendLayout())


@pytest.mark.parametrize("form", sorted(SUFFIXES))
@pytest.mark.parametrize("case", sorted({*CASES, *(each.name for each in GOLDEN.glob("*"))}))
def test_golden(case: str, form: str) -> None:
    assert case in CASES, f"{GOLDEN / case} is the expectation of no case"
    report = OPAQUE.sub(r"\1…\3", rendered(form, CASES[case]))
    expected = GOLDEN / case / f"expected.{SUFFIXES[form]}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(report, encoding="utf-8", newline="")
    assert expected.is_file(), f"{expected} is missing"
    golden = expected.read_bytes().decode()
    assert golden.strip(), f"{expected} is empty"
    assert report == golden


def test_golden_folders_hold_expectations_only() -> None:
    names = {f"expected.{suffix}" for suffix in SUFFIXES.values()}
    for case in CASES:
        assert {path.name for path in (GOLDEN / case).iterdir()} == names


def test_a_dip_that_was_only_not_read_is_no_loss() -> None:
    case = told(1000, 1010, -40, 1015)
    specs, _ = lines_of(case, None)
    each = figures(specs, case.points)
    assert (each.first, each.last, each.change, each.low) == ("1,000", "1,015", "+15", "1,000")
    shown = spark_cells(case)
    assert marks(case, None, shown) == [("unreadable", "  ?")]
    as_if_it_were = told(1000, 1010, 1000, 1015)
    assert spark(specs, case, shown) == spark(
        lines_of(as_if_it_were, None)[0], as_if_it_were, shown
    )


def test_what_was_read_in_part_can_still_be_the_most() -> None:
    case = told(1000, -1010)
    each = figures(lines_of(case, None)[0], case.points)
    assert (each.low, each.high) == ("1,000", "≥1,010")


def test_an_end_that_was_not_read_whole_is_a_bound_and_no_change() -> None:
    case = told(1000, -40)
    each = figures(lines_of(case, None)[0], case.points)
    assert (each.last, each.change, each.low, each.high) == ("≥40", "unknown", "1,000", "1,000")


def test_what_is_missing_from_a_suspect_snapshot_is_no_loss() -> None:
    case = told(1000, 1010, 40, 1015, suspect=(2,))
    specs, _ = lines_of(case, None)
    each = figures(specs, case.points)
    assert (each.last, each.change, each.low, each.high) == ("1,015", "+15", "1,000", "1,015")
    shown = spark_cells(case)
    assert marks(case, None, shown) == [("suspect", "  !")]
    as_if_it_were = told(1000, 1010, 1000, 1015)
    assert spark(specs, case, shown) == spark(
        lines_of(as_if_it_were, None)[0], as_if_it_were, shown
    )
    ends = told(1000, 40, suspect=(1,))
    each = figures(lines_of(ends, None)[0], ends.points)
    assert (each.last, each.change, each.low) == ("40", "suspect", "1,000")


def test_stacks_that_are_not_told_are_bounds() -> None:
    case = CASES["stacks-untold"].collections[0]
    none, e4s = lines_of(case, "stack")
    each = figures(e4s, case.points)
    assert (each.first, each.last, each.change, each.low) == ("≥0", "23", "unknown", "22")
    each = figures(none, case.points)
    assert (each.first, each.change, each.low) == ("30", "\N{MINUS SIGN}30", "0")
    assert marks(case, "stack", spark_cells(case)) == [("not told", "??")]
    # What is not told of stacks says nothing of compilers.
    assert figures(lines_of(case, "compiler")[1], case.points).first == "0"


def test_where_nothing_was_read_whole_all_are_bounds() -> None:
    case = told(-50, -40)
    each = figures(lines_of(case, None)[0], case.points)
    assert (each.low, each.high) == ("≥40", "≥50")


@given(st.lists(st.integers(0, 9), min_size=1, max_size=300), st.data())
def test_a_sparkline_has_a_cell_a_point_and_a_gap_or_sixty(values: list[int], data: Any) -> None:
    gaps = data.draw(st.sets(st.integers(1, len(values)), max_size=3))
    case = CollectionTrend(
        "demo",
        "develop",
        tuple(
            TrendPoint(
                point=Point(
                    f"20{25 + day // 336}-{1 + day // 28 % 12:02}-{1 + day % 28:02}T03:00:00Z", "a"
                ),
                manifests=1,
                unreadable=0,
                packages=value,
                specs=value,
                after_gap=day in gaps,
            )
            for day, value in enumerate(values)
        ),
    )
    specs, _ = lines_of(case, None)
    shown = spark_cells(case)
    drawn = spark(specs, case, shown)
    missing = sum(each.after_gap for each in case.points)
    if len(values) + missing <= 60:
        assert len(drawn) == len(values) + missing
        assert drawn.count(" ") == missing
    else:
        assert len(drawn) == 60
    assert drawn[-1] != " "


def test_many_snapshots_of_one_second() -> None:
    """Commits may be in one second: time is then nothing to draw them by."""
    point = told(1).points[0]
    case = CollectionTrend("demo", "develop", tuple([point] * 100))
    assert len(spark(lines_of(case, None)[0], case, spark_cells(case))) == 60


@pytest.mark.parametrize("width", [70, 80, 100])
def test_lines_fit_a_narrow_terminal(width: int) -> None:
    case = trend(told(*range(3000, 3040)))
    shown = FORMATS["text"](case, TrendLayout(width=width)).splitlines()
    assert max(map(len, shown)) <= width
    assert shown[1].startswith("  specs ")
    assert shown[1].endswith("max 3,039")


def test_the_rest_is_summed_only_where_that_is_true() -> None:
    by_target = CASES["many-targets"].collections[0]
    *_, other = lines_of(by_target, "target")
    assert (other.label(str.upper), other.numbers) == ("other (3)", (1 + 2 + 3, 2 + 3 + 4))
    assert sum(line.numbers[0] for line in lines_of(by_target, "target")) == sum(
        each[0] for each in MANY.values()
    )
    by_stack = CASES["many-stacks"].collections[0]
    assert len(lines_of(by_stack, "stack")) == MOST_LINES
    assert left_out(by_stack, "stack").startswith("3 smaller stacks not shown; they are not summed")
    for form in SUFFIXES:
        assert "other (" not in rendered(form, CASES["many-stacks"])


def test_periods() -> None:
    sunday, monday = date(2025, 3, 30), date(2025, 3, 31)
    assert PERIODS["week"](monday) == PERIODS["week"](sunday) + 1
    assert PERIODS["week"](date(2025, 4, 6)) == PERIODS["week"](monday)
    assert PERIODS["month"](date(2026, 1, 1)) == PERIODS["month"](date(2025, 12, 31)) + 1
    assert PERIODS["day"](monday) == PERIODS["day"](sunday) + 1


def parsed(text: str) -> Element:
    document = html5lib.HTMLParser(strict=True).parse(text)
    assert isinstance(document, Element)
    return document


def named(values: tuple[str, ...]) -> Trend:
    """A trend that has each value as the name of a source, a collection and a compiler."""
    one = told(10, -12, 11, values=dict.fromkeys(values, (1, 2, 3)))
    points_ = tuple(msgspec.structs.replace(each, suspicion=values[0]) for each in one.points)
    return trend(CollectionTrend(values[0], values[-1], points_), by="compiler")


def test_hostile_strings_are_only_text() -> None:
    for start in range(0, len(HOSTILE_STRINGS), MOST_LINES):
        values = HOSTILE_STRINGS[start : start + MOST_LINES]
        plain = named(tuple(f"value-{n}" for n in range(len(values))))
        report = rendered("text", named(values))
        assert all(line.isprintable() for line in report.removesuffix("\n").split("\n"))
        json.loads(rendered("json", named(values)))
        assert rendered("json", named(values)).isascii()
        markdown = rendered("markdown", named(values))
        assert "<script" not in re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", markdown)
        assert markdown.count("\n") == rendered("markdown", plain).count("\n")
        if start % (10 * MOST_LINES):
            continue  # pages are slow to draw and to parse
        both = [
            [(each.tag, sorted(each.attrib)) for each in parsed(rendered("html", case)).iter()]
            for case in (plain, named(values))
        ]
        assert [each for each in both[0] if "svg" not in each[0]] == [
            each for each in both[1] if "svg" not in each[0]
        ]


# Pictures.


def test_a_picture_is_a_png_and_the_same_each_time() -> None:
    drawn = trend_png(CASES["unreadable"])
    assert drawn.startswith(PNG)
    assert drawn == trend_png(CASES["unreadable"])


def test_a_line_pauses_at_gaps_and_where_not_all_was_read() -> None:
    def paths(case: CollectionTrend) -> int:
        (plot,) = trend_plots(trend(case)).plots
        panels = 2
        return len(re.findall(r'<path [^>]*stroke="#3b82c5"', plot.svg)) // panels

    assert paths(told(10, 20, 30, 40, 50, 60)) == 1
    assert paths(told(10, 20, 30, 40, 50, 60, gaps=(3,))) == 2
    assert paths(told(10, 20, -1, 40, 50, 60)) == 2
    assert paths(told(10, 20, 1, 40, 50, 60, suspect=(2,))) == 2
    for case, words in (
        (told(10, 20, -1, 40), "orange dots are snapshots of which not all is known"),
        (told(10, 20, 1, 40, suspect=(2,)), "orange dots are suspect snapshots"),
    ):
        (plot,) = trend_plots(trend(case)).plots
        assert 'fill="#d98a1f"' in plot.svg
        assert words in plot.title
    (plot,) = trend_plots(CASES["grown"]).plots
    assert "orange" not in plot.title


@pytest.mark.parametrize(
    "packages", [(1260, 1260), (1260, 1270), (1260, 1290), (0, 0), (9, 70_000)]
)
def test_packages_are_counted_in_whole_numbers(packages: tuple[int, ...]) -> None:
    (plot,) = trend_plots(trend(told(*packages))).plots
    words = [each.text or "" for each in ElementTree.fromstring(plot.svg).iter()]
    numbers = [float(word.replace(",", "")) for word in words if re.fullmatch(r"[\d,.]+", word)]
    assert len(numbers) >= 4
    assert all(number == int(number) for number in numbers)
    assert max(numbers) >= max(packages)


def test_a_picture_says_of_what_it_is() -> None:
    (plot,) = trend_plots(CASES["unreadable"]).plots
    with_title = ElementTree.fromstring(titled(plot.svg, plot.title))
    words = " ".join(each.text or "" for each in with_title.iter())
    assert plot.title in " ".join(words.split())
    assert "of demo develop, in 5 snapshots from 2025-01-01 to 2025-01-05" in plot.title
    assert trend_png(CASES["unreadable"]) == png(titled(plot.svg, plot.title))
    assert float(with_title.attrib["height"]) > 460


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (trend(told(30)), "no plot of one snapshot"),
        (
            trend(told(3, 4, values={"a": (1, 2)}), told(3, 4, values={"b": (1, 2)}), by="os"),
            "a picture is one plot, and these are 2",
        ),
    ],
)
def test_what_is_no_picture(case: Trend, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        trend_png(case)


@pytest.mark.parametrize("library", ["lets_plot", "resvg_py"])
def test_without_what_draws_there_are_tables_and_no_picture(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "cachediff.reports.plots.trends.find_spec", lambda name: None if name == library else name
    )
    with pytest.raises(ReportError, match="pip install"):
        trend_png(CASES["grown"])
    page_ = rendered("html", CASES["grown"])
    assert MISSING.replace("'", "&#39;") in page_
    assert "<table" in page_
    assert "<svg" not in page_


@pytest.mark.parametrize("case", ["unreadable", "many-targets"])
def test_the_page_can_be_used(tmp_path: Path, case: str) -> None:
    file = tmp_path / "trend.html"
    file.write_text(rendered("html", CASES[case]), "utf-8")
    with launched(tmp_path) as browser:
        for size in (DESKTOP, PHONE):
            for scheme in SCHEMES:
                opened = Opened(browser, file, size=size, scheme=scheme)
                opened.page.locator("summary").first.click()
                assert opened.run("document.documentElement.scrollWidth") == size[0]
                assert opened.violations() == []
                opened.close()


# With stored snapshots.


def nights(count: int) -> Iterator[Commit]:
    """Commits in which `develop` grows by a spec a night; on the third, a manifest is broken."""
    for number in range(count):
        specs = [record(f"zlib/{n}", os=f"ubuntu2{n % 2}.04") for n in range(number + 1)]
        yield {
            "_cache/develop/zlib/specs.md": page(specs, "zlib"),
            "_cache/develop/hdf5/specs.md": (
                "---\nno manifest\n---" if number == 2 else page([record("hdf5/1")], "hdf5")
            ),
        }


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with snapshots of seven nights, but of the fifth."""
    folder = write_repository(tmp_path_factory.mktemp("trend") / "cache", nights(7))
    add_commits(folder, [{"_cache/e4s/zlib/specs.md": page([record("zlib/1")], "zlib")}], start=7)
    environment = {"XDG_CACHE_HOME": str(folder / "caches")}
    names = ["e4s", *(f"develop@main~{back}" for back in (7, 6, 5, 4, 2, 1))]
    succeeds("snapshot", *names, folder=folder, environment=environment)
    succeeds("reindex", folder=folder, environment=environment)
    return folder


def points(*arguments: str, folder: Path) -> list[Any]:
    document = json.loads(succeeds("trend", *arguments, "-f", "json", folder=folder))
    assert document["schema"] == "cachediff/trend/1"
    (collection,) = document["collections"]
    return list(collection["points"])


def test_all_points_are_there_and_agree_with_the_snapshots(stored: Path) -> None:
    found = points(folder=stored)
    assert [each["committed_at"][:10] for each in found] == [
        f"2025-01-{day:02}" for day in (1, 2, 3, 4, 6, 7)
    ]
    assert [each["specs"] for each in found] == [2, 3, 3, 5, 7, 8]
    assert [each["unreadable"] for each in found] == [0, 0, 1, 0, 0, 0]
    assert [each["after_gap"] for each in found] == [False] * 4 + [True, False]
    for each in (found[2], found[-1]):
        name = f"develop@{each['commit']}"
        side = json.loads(succeeds("compare", name, name, "-f", "json", "--stored", folder=stored))[
            "new"
        ]
        assert all(
            side[key] == each[key] for key in ("manifests", "unreadable", "packages", "specs")
        )


def test_a_suspect_snapshot_is_marked(tmp_path: Path) -> None:
    def manifests(*names: str) -> dict[str, str | None]:
        return {
            f"_cache/develop/{name}/specs.md": page([record(name)], name) if name in names else None
            for name in "abcdefgh"
        }

    folder = write_repository(
        tmp_path / "cache", [manifests(*"abcdefgh"), manifests("a", "b"), manifests(*"abcdefgh")]
    )
    environment = {"XDG_CACHE_HOME": str(folder / "caches")}
    names = [f"develop@main~{back}" for back in range(3)]
    succeeds("snapshot", *names, folder=folder, environment=environment)
    assert [each["suspect"] for each in points(folder=folder)] == [False, True, False]
    for form in SUFFIXES.keys() - {"json"}:
        told_ = succeeds("trend", "-f", form, folder=folder)
        assert "develop lost 6 of its 8 manifests" in told_
        assert "what is missing there is not to be taken for lost" in told_


def test_every_period_tells_its_last_snapshot(stored: Path) -> None:
    weeks = points("--every", "week", folder=stored)
    assert [each["committed_at"][:10] for each in weeks] == ["2025-01-04", "2025-01-07"]
    days = points("--every", "day", "--since", "2025-01-03", "--until", "2025-01-06", folder=stored)
    assert [each["committed_at"][:10] for each in days] == [
        *("2025-01-03", "2025-01-04", "2025-01-06")
    ]
    assert [each["after_gap"] for each in days] == [False, False, True]


@pytest.mark.parametrize("by", ["platform", "os", "target", "compiler"])
def test_what_is_told_by_a_field_adds_up(stored: Path, by: str) -> None:
    for each in points("--by", by, folder=stored):
        assert sum(value["specs"] for value in each["by"].values()) == each["specs"]


def test_two_collections_are_told_one_after_the_other(stored: Path) -> None:
    text = succeeds("trend", "develop", "e4s", "develop", folder=stored)
    assert re.findall(r"^cache (\w+):", text, re.MULTILINE) == ["develop", "e4s"]


def test_an_index_that_is_missing_is_built_and_that_is_said(stored: Path) -> None:
    (stored / "snapshots" / "index.sqlite").unlink()
    done = cachediff("trend", folder=stored)
    assert done.code == 0
    assert "note: the index was built of 7 snapshots" in done.err
    assert succeeds("trend", folder=stored) == done.out


@pytest.mark.parametrize(("name", "begins"), [("x.png", PNG), ("x.html", b"<!DOCTYPE html>")])
def test_the_ending_of_a_file_is_its_format(stored: Path, name: str, begins: bytes) -> None:
    succeeds("trend", "-o", name, folder=stored)
    assert (stored / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("develpo",), "did you mean develop?"),
        (("nowhere:develop",), "nothing is stored of the source 'nowhere'"),
        (("develop@HEAD",), "is one snapshot, and a trend is of many"),
        (("--since", "2030-01-01"), "there are 6, from 2025-01-01T12:00:00Z"),
        (("--until", "2020-01-01"), "until 2020-01-01T23:59:59Z"),
        (("--since", "soon"), "'soon' is not a date or time"),
        (
            ("--since", "2025-01-03", "--until", "2025-01-02"),
            "--until 2025-01-02 is before --since",
        ),
        (("--since", "2025-02-30"), "is not a date or time"),
        (("-o", "x.pdf"), "no format ends in '.pdf'"),
        (("e4s", "-o", "one.png"), "no plot of one snapshot"),
        (("--by", "size"), "Invalid value"),
    ],
)
def test_what_is_refused(stored: Path, arguments: tuple[str, ...], message: str) -> None:
    assert re.search(message.replace("?", r"\?"), refuses("trend", *arguments, folder=stored))


def test_without_any_snapshot_it_says_how_to_take_one(tmp_path: Path) -> None:
    repository = write_repository(tmp_path / "cache", nights(1))
    assert "cachediff snapshot" in refuses("trend", folder=repository)


def test_a_picture_is_not_for_a_terminal(stored: Path) -> None:
    code, shown, _ = in_terminal("trend", "-f", "png", folder=stored)
    assert code == 2
    assert "write it to a file: -o FILE" in shown


def test_a_terminal_has_colours_and_its_width(stored: Path) -> None:
    code, shown, _ = in_terminal("trend", "--by", "os", folder=stored, columns=60)
    assert code == 0
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert all(len(line) <= 60 for line in plain.splitlines())
