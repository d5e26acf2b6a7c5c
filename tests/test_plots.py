"""Plots: what they say is true, what they draw is safe in a page, and the same everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cachediff.changelog import arrange
from cachediff.model.comparison import Comparison
from cachediff.model.history import HistoryPoint
from cachediff.reports.plots import MISSING, Plot, plots
from cachediff.reports.plots.counts import NO_STACK, changes_by_stack, most_changed
from cachediff.reports.visible import visible
from hostile_strings import HOSTILE_STRINGS, comparison_of
from report_cases import CASES, added, comparison, package, pair, removed, spec

HISTORY = tuple(
    HistoryPoint(f"2025-04-{day:02}T03:12:09Z", packages=1200 + day, specs=60_000 - 7 * day)
    for day in range(1, 21)
)
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "g", "rect", "path", "line", "circle", "text", "tspan"}
ATTRIBUTES = {
    *("class", "viewBox", "width", "height", "role", "aria-label", "font-family", "d"),
    *("transform", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "dy", "text-anchor"),
    *("fill", "stroke", "stroke-width", "stroke-opacity", "font-size"),
}


def drawn(told: Comparison, history: tuple[HistoryPoint, ...] = ()) -> dict[str, Plot]:
    return {plot.key: plot for plot in plots(arrange(told), history).plots}


def words(plot: Plot) -> list[str]:
    return [text for each in ET.fromstring(plot.svg).iter(f"{SVG}tspan") if (text := each.text)]


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


WIDE = comparison(
    *(
        package(
            f"py-{name}",
            *(
                pair("rebuilt", spec(f"py-{name} {n}"), spec(f"py-{name} new {n}"))
                for n in range(3)
            ),
            removed(spec(f"py-{name} gone", stacks=("e4s", "hep", "root"))),
        )
        for name in "abc"
    ),
    package("zlib", added(spec("zlib a", stacks=("root",)))),
)


@pytest.mark.parametrize(
    ("told", "history", "keys"),
    [
        (comparison(), HISTORY, []),
        (WIDE, (), ["changes", "packages"]),
        (WIDE, HISTORY[:1], ["changes", "packages"]),
        (WIDE, HISTORY[:2], ["history", "changes", "packages"]),
        (comparison(package("hdf5", status="unknown")), (), []),
        (comparison(package("hdf5", status="unknown")), HISTORY, ["history"]),
        # One package, or one stack, is no map.
        (comparison(package("hdf5", added(spec("hdf5 a", stacks=("a", "b"))))), (), ["changes"]),
        (
            comparison(
                package("hdf5", added(spec("hdf5 a"))), package("zlib", added(spec("zlib a")))
            ),
            (),
            ["changes"],
        ),
        # A suspect side is not drawn as a thousand removals.
        (CASES["suspect-new"](), HISTORY, ["history"]),
        (CASES["suspect-old"](), (), []),
        (CASES["suspect-asked-for"](), (), ["changes"]),
    ],
)
def test_which_plots_there_are(
    told: Comparison, history: tuple[HistoryPoint, ...], keys: list[str]
) -> None:
    assert list(drawn(told, history)) == keys
    assert plots(arrange(told), history).missing == ""


def test_what_the_alternatives_say() -> None:
    told = {key: plot.alternative for key, plot in drawn(WIDE, HISTORY).items()}
    assert told == {
        "history": "Over 20 snapshots from 2025-04-01 to 2025-04-20, specs went from 59,993 to "
        "59,860 (between 59,860 and 59,993) and packages from 1,201 to 1,220.",
        "changes": "13 changes; most in e4s: 3 removed, 9 rebuilt.",
        "packages": "What matters most of 4 packages with changes other than rebuilds, in each of "
        "3 stacks: 6 removed, 1 added.",
    }


def test_a_change_counts_in_each_stack_of_either_side() -> None:
    moved = pair(
        "upgraded", spec("a 1", "1", stacks=("x", "y")), spec("a 2", "2", stacks=("y", "z"))
    )
    tallies = changes_by_stack(
        comparison(package("a", moved, added(spec("a 3", stacks=None)), removed(spec("a 4"))))
    )
    assert tallies is not None
    assert [(bar.stack, dict(bar.kinds)) for bar in tallies.bars] == [
        (NO_STACK, {"added": 1}),
        ("e4s", {"removed": 1}),
        ("x", {"upgraded": 1}),
        ("y", {"upgraded": 1}),
        ("z", {"upgraded": 1}),
    ]


def test_the_stacks_and_packages_that_are_left_out_are_counted() -> None:
    told = comparison(
        *(
            package(
                f"p{n:02}",
                *(
                    added(spec(f"p{n:02} {k}", stacks=(f"s{n % 23:02}", "all")))
                    for k in range(n + 1)
                ),
            )
            for n in range(45)
        )
    )
    names, of = most_changed(told)
    assert (names[0], names[-1], len(names), of) == ("p44", "p05", 40, 45)
    plot = drawn(told)["changes"]
    assert plot.alternative.startswith("1,035 changes; most in all: 1,035 added; ")
    assert plot.alternative.endswith("; 4 more stacks not shown.")
    assert len([word for word in words(plot) if word.startswith("s")]) == 19
    assert "the 40 of 45 packages with the most changes" in drawn(told)["packages"].alternative


def test_what_is_drawn_is_what_is_counted() -> None:
    plot = drawn(WIDE)["changes"]
    lengths: Counter[str] = Counter()
    for bar in ET.fromstring(plot.svg).iter(f"{SVG}rect"):
        if float(bar.attrib["height"]) > 14:  # those of the legend are smaller
            lengths[bar.attrib["class"]] += round(float(bar.attrib["width"]))
    # e4s: 3 removed, 9 rebuilt; hep: 3 removed; no stack: 1 added.
    unit = lengths["plot-added"]
    assert lengths["plot-removed"] == pytest.approx(6 * unit, abs=6)
    assert lengths["plot-rebuilt"] == pytest.approx(9 * unit, abs=9)
    assert set(lengths) == {"plot-added", "plot-removed", "plot-rebuilt"}
    assert [word for word in words(plot) if not word.isdigit()] == [
        NO_STACK,  # at the bottom
        "hep",
        "e4s",
        "removed",
        "added",
        "rebuilt",
    ]


def check(plot: Plot) -> None:
    """Nothing in it is live, loads anything, or can be taken for something else of the page."""
    root = ET.fromstring(plot.svg)
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
        for name, value in element.attrib.items():
            assert name == "aria-label" or re.fullmatch(r"[\w\s.,#()-]*", value)
    assert root.get("aria-label") == plot.alternative
    assert visible(plot.alternative, 10_000) == plot.alternative
    assert visible(plot.title) == plot.title
    width, height = root.attrib["width"], root.attrib["height"]
    assert root.attrib["viewBox"] == f"0 0 {width} {height}"
    assert plot.svg.startswith("<svg ")


@pytest.mark.parametrize("case", CASES)
def test_it_is_safe_in_a_page_and_a_picture(case: str) -> None:
    for plot in drawn(CASES[case](), HISTORY).values():
        check(plot)
        root = ET.fromstring(plot.svg)
        assert size_of(plot.png()) == (
            2 * int(root.attrib["width"]),
            2 * int(root.attrib["height"]),
        )


@pytest.mark.parametrize("values", [HOSTILE_STRINGS[n : n + 25] for n in range(0, 500, 25)])
def test_hostile_names_are_words(values: tuple[str, ...]) -> None:
    told = comparison_of(values)
    # Of a suspect side nothing would be drawn.
    changelog = arrange(comparison(*told.packages))
    found = plots(changelog, ()).plots
    assert [plot.key for plot in found] == ["changes", "packages"]
    for plot in found:
        check(plot)
        assert size_of(plot.png())[0] == 1280
    _, packages = found
    assert {visible(value, 32) for value in values} <= set(words(packages))


@pytest.mark.parametrize(
    "name", ["<a href=x>y</a>", r"\(x^2\)", "{x}", "{.1f}", "a&amp;b", "**b**"]
)
def test_names_are_not_read(name: str) -> None:
    (plot,) = drawn(comparison(package("a", added(spec("a 1", stacks=(name,)))))).values()
    assert words(plot) == ["0", "1", name, "added"]


@pytest.mark.parametrize(
    ("specs", "axis"),
    [((10, 11), ["10", "12", "14"]), ((0, 1_234_567), ["0", "1,000,000", "2,000,000"])],
)
def test_the_numbers_on_an_axis_are_true(specs: tuple[int, int], axis: list[str]) -> None:
    history = tuple(
        HistoryPoint(f"2025-04-0{day}T00:00:00Z", packages=5, specs=number)
        for day, number in enumerate(specs, 1)
    )
    assert words(drawn(WIDE, history)["history"])[:3] == axis


def test_names_that_look_the_same_are_drawn_apart() -> None:
    stacks = ("s" * 40 + "a", "s" * 40 + "b")
    (plot,) = drawn(comparison(package("a", added(spec("a 1", stacks=stacks))))).values()
    assert words(plot).count("s" * 31 + "…") == 2


@pytest.mark.parametrize("library", ["lets_plot", "resvg_py"])
def test_without_the_library_it_says_so(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    found = plots(arrange(WIDE), HISTORY)
    assert (found.plots, found.missing) == ((), MISSING)
    assert plots(arrange(comparison()), HISTORY).missing == ""


def test_it_is_the_same_in_another_place(tmp_path: Path) -> None:
    here = [part for plot in drawn(WIDE, HISTORY).values() for part in (plot.svg, plot.png().hex())]
    script = (
        "from test_plots import *\n"
        "for plot in drawn(WIDE, HISTORY).values(): print(plot.svg); print(plot.png().hex())"
    )
    environment = {
        "PYTHONPATH": str(Path(__file__).parent),
        "PATH": os.environ["PATH"],
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "de_DE.UTF-8",
        "TZ": "Asia/Kathmandu",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "7",
        "HOME": str(tmp_path),
    }
    there = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    assert there.stdout.split("\n")[:-1] == here
    assert there.stderr == ""
