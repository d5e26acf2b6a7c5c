"""The page as a document: what it says, that it is well-formed, and that nothing in it is live."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import msgspec
import pytest

from cachediff.changelog import arrange
from cachediff.model.changelog import PairRow, Topic
from cachediff.model.comparison import Comparison, CoverageTotals
from cachediff.reports.page import render_page
from cachediff.reports.page.assets import assets
from cachediff.reports.page.builds import SHORT
from hostile_strings import HOSTILE_STRINGS, comparison_of
from report_cases import CASES, comparison, package, pair, spec

HTML = "{http://www.w3.org/1999/xhtml}"


def page_of(told: Comparison, **options: Any) -> str:
    return render_page(arrange(told), **options)


def parsed(page: str) -> Element:
    """The page as a browser has it; raises at the first parse error."""
    document = html5lib.HTMLParser(strict=True).parse(page)
    assert isinstance(document, Element)
    return document


def elements(document: Element, name: str) -> list[Element]:
    return list(document.iter(HTML + name))


def by_id(document: Element, identifier: str) -> Element:
    (found,) = (each for each in document.iter() if each.get("id") == identifier)
    return found


def words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def rebuilt(*names: str) -> Comparison:
    return comparison(
        *(
            package(name, pair("rebuilt", spec("a", package=name), spec("b", package=name)))
            for name in names
        )
    )


def upgraded(number: int) -> Comparison:
    return comparison(
        *(
            package(
                f"p{n:02}", pair("upgraded", spec(f"p{n:02} a", "1.1"), spec(f"p{n:02} b", "1.2"))
            )
            for n in range(number)
        )
    )


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> tuple[Comparison, str]:
    told = CASES[request.param]()
    return told, page_of(told)


# What a page says.


def test_a_page_says_what_was_compared_and_what_came_of_it() -> None:
    document = parsed(page_of(CASES["every-kind"]()))
    assert words(elements(document, "h1")[0]) == "develop-2025-04-13 → develop-2025-04-20"
    said = words(elements(document, "body")[0])
    for told in (
        "bzip2 left radiuss",
        "9be07d1cc5a2",
        "2025-04-20 03:12:09 UTC",
        "1,300 of 1,300 manifests read, 60,264 specs",
        "60,101 → 60,264 specs",
        "compiler gcc@11.4.0 → gcc@12.3.0",
    ):
        assert told in said, told


def test_groups_stand_in_the_order_of_telling() -> None:
    document = parsed(page_of(CASES["every-kind"]()))
    topics = [str(topic) for topic in Topic]
    told = [each.get("id", "")[1:] for each in elements(document, "h2")]
    groups = [name for name in told if name in topics]
    assert groups == [name for name in topics if name in groups]
    assert len(groups) == len(topics) - 3  # all but what is unknown, merged or split


def test_what_is_not_certain_is_said_before_anything_else() -> None:
    said = words(elements(parsed(page_of(CASES["suspect-new"]())), "main")[0])
    assert said.startswith("NEW is suspect: 12 manifests where there were 1,298")
    said = words(elements(parsed(page_of(CASES["problems"]())), "main")[0])
    assert re.match(r"1 of 1,\d+ manifests of OLD could not be read", said)


def test_how_a_side_came_to_be_read_is_said() -> None:
    told = msgspec.structs.replace(
        rebuilt("zlib"), notices=("the <b>upstream</b> was not reached",)
    )
    document = parsed(page_of(told))
    assert words(elements(document, "main")[0]).startswith(
        "Note: the <b>upstream</b> was not reached"
    )


def test_what_a_suspect_side_makes_of_the_other_is_not_listed() -> None:
    page = page_of(CASES["suspect-new"]())
    assert "Not listed, because NEW is suspect (--kind removed lists them)." in page
    assert 'id="zlib"' not in page


def test_what_a_suspect_side_lost_of_a_stack_is_counted_and_not_named() -> None:
    told = words(parsed(page_of(CASES["suspect-new"]())))
    lost = CASES["suspect-new"]().stacks["e4s"].packages_lost
    assert f"{len(lost):,} (suspect)" in told


def test_a_long_group_is_cut_and_points_to_all_packages() -> None:
    document = parsed(page_of(upgraded(30)))
    (link,) = (a for a in elements(document, "a") if a.get("data-kind") == "upgraded" and a.text)
    assert words(link) == "… and 5 more: see Packages, filter on Upgraded"
    assert link.get("href") == "#_packages"
    rows = [each for table in elements(document, "table") for each in elements(table, "tr")]
    assert sum("p24" in words(row) for row in rows) == 2
    assert sum("p25" in words(row) for row in rows) == 1


def test_a_wave_is_a_sentence() -> None:
    document = parsed(page_of(rebuilt(*"abcdef")))
    (wave,) = (each for each in elements(document, "p") if each.get("class") == "wave")
    assert words(wave) == "a and 5 others rebuilt (6 specs), all in e4s."


def test_coverage_is_told_before_and_after() -> None:
    document = parsed(page_of(CASES["every-kind"]()))
    rows = [words(row) for row in elements(document, "tr")]
    assert "e4s 12,034 → 12,029 702 → 702 py-nose amrex".replace(" ", "") in [
        row.replace(" ", "") for row in rows
    ]


def test_without_what_draws_plots_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cachediff.reports.plots.find_spec", lambda _name: None)
    document = parsed(page_of(CASES["every-kind"]()))
    assert not elements(document, "figure")
    assert "install 'cachediff[plots]'" in words(elements(document, "main")[0])


def test_every_package_that_is_told_has_a_row_with_all_its_rows(
    case: tuple[Comparison, str],
) -> None:
    told, page = case
    document = parsed(page)
    changelog = arrange(told)
    rows = elements(by_id(document, "_table"), "tr")[1:] if changelog.packages else []
    assert len(rows) == len(changelog.packages)
    for entry, row in zip(changelog.packages, rows, strict=True):
        assert len(elements(row, "li")) == len(entry.rows)
        specs = sum(row.count for _, row in entry.rows if hasattr(row, "count"))
        assert words(list(row)[3]) == (f"{specs:,}" if specs else "")
        for (_, each), item in zip(entry.rows, elements(row, "li"), strict=True):
            if isinstance(each, PairRow):
                assert f"\N{MULTIPLICATION SIGN} {each.count:,}" in words(item)


# What it is made of.


def test_a_page_parses_without_an_error(case: tuple[Comparison, str]) -> None:
    parsed(case[1])


def test_ids_are_unique_and_links_lead_somewhere(case: tuple[Comparison, str]) -> None:
    told, page = case
    document = parsed(page)
    names = [each.package for each in told.packages]
    ids = Counter(each.get("id") for each in document.iter() if each.get("id"))
    if len(set(names)) == len(names):  # which a comparison promises
        assert set(ids.values()) == {1}
    for link in elements(document, "a"):
        assert link.get("href", "").removeprefix("#") in ids


def test_headings_are_in_order(case: tuple[Comparison, str]) -> None:
    levels = [
        int(each.tag[-1]) for each in parsed(case[1]).iter() if re.search(r"}h[1-6]$", each.tag)
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize(
    "name",
    [
        *("packages", "_packages", "_table", "filters", "dt-length-0", "hdf5", "r-3.4_x"),
        *("A B", "", '"><b>', "~0", "é", "--", "#", "x" * 300, "constructor", "__proto__"),
    ],
)
def test_a_package_of_any_name_has_an_anchor_of_its_own(name: str) -> None:
    document = parsed(page_of(rebuilt("zlib", name)))
    ids = [each.get("id") for each in document.iter() if each.get("id")]
    assert len(set(ids)) == len(ids)
    rows = {row.get("id", ""): row for row in elements(by_id(document, "_table"), "tr")[1:]}
    assert len(rows) == 2
    for anchor, row in rows.items():
        assert re.fullmatch(r"[A-Za-z0-9~][A-Za-z0-9._-]*", anchor, re.ASCII)
        assert [link.get("href") for link in elements(row, "a")] == [f"#{anchor}"]
    if name == "hdf5":
        assert "hdf5" in rows


def test_nothing_is_loaded_and_only_our_scripts_may_run(case: tuple[Comparison, str]) -> None:
    document = parsed(case[1])
    for element in document.iter():
        assert not {name for name in element.attrib if name.startswith("on") or name == "src"}
    (policy,) = (
        meta.get("content", "")
        for meta in elements(document, "meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; ")
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    scripts = [each.text or "" for each in elements(document, "script") if not each.get("type")]
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert [base64.b64encode(digest).decode() for digest in digests] == allowed
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_what_is_brought_along_keeps_its_licence() -> None:
    page = page_of(CASES["no-changes"]())
    assert "Copyright SpryMedia Limited" in page
    assert "Permission is hereby granted, free of charge" in page


# The builds.


def builds(page: str) -> dict[str, Any]:
    found = msgspec.json.decode((by_id(parsed(page), "_builds").text or "").encode())
    assert isinstance(found, dict)
    return found


def test_the_builds_of_every_change_are_there_once(case: tuple[Comparison, str]) -> None:
    told, page = case
    entries = arrange(told).packages
    for entry, folds in zip(entries, builds(page)["packages"], strict=True):
        pairs = sum(len(hashes) // 2 for *_, hashes in folds)
        assert pairs == len(entry.package.changes)


def test_builds_tell_hashes_and_what_differs() -> None:
    told = CASES["every-kind"]()
    found = builds(page_of(told))
    names = [entry.package.package for entry in arrange(told).packages]
    cmake = next(each for each in told.packages if each.package == "cmake")
    (one,) = (each for each in found["packages"][names.index("cmake")] if each[2])
    kind, build, differences, hashes = one
    texts = found["texts"]
    assert (texts[kind], texts[build]) == (
        "changed",
        "3.31.6  gcc@12.3.0  linux  ubuntu22.04  x86_64_v3",
    )
    assert [texts[each] for each in differences] == ["compiler gcc@11.4.0 → gcc@12.3.0"]
    pairs = [change for change in cmake.changes if change.old and change.new]
    expected = [
        side.hash[:SHORT]
        for change in pairs
        for side in (change.old, change.new)
        if side is not None
    ]
    assert hashes == expected


def test_builds_of_thousands_alike_are_told_together() -> None:
    alike = [pair("rebuilt", spec(f"zlib a{n}"), spec(f"zlib b{n}")) for n in range(2_000)]
    ((fold,),) = builds(page_of(comparison(package("zlib", *alike))))["packages"]
    assert len(fold[3]) == 4_000


# Values from data.


def skeleton(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and the names of their attributes, in order."""
    for script in assets().scripts:
        page = page.replace(script, "")  # slow to parse, and always the same
    return [(each.tag, tuple(sorted(each.attrib))) for each in parsed(page).iter()]


def test_hostile_values_change_nothing_but_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cachediff.reports.plots.find_spec", lambda _name: None)
    assert len(set(HOSTILE_STRINGS)) == 500
    at_once = 125
    plain = skeleton(page_of(comparison_of(tuple(f"value-{n:03}" for n in range(at_once)))))
    for start in range(0, 500, at_once):
        page = page_of(comparison_of(HOSTILE_STRINGS[start : start + at_once]))
        assert skeleton(page) == plain


def test_a_stack_is_not_mistaken_for_a_package_of_the_same_name() -> None:
    told = comparison(
        package("e4s", pair("rebuilt", spec("e4s a"), spec("e4s b"))),
        package("zlib", pair("rebuilt", spec("zlib a"), spec("zlib b")), left=("e4s",)),
        stacks={"e4s": CoverageTotals((2, 1), (2, 1), (), ("zlib",))},
    )
    (headline,) = (
        each for each in elements(parsed(page_of(told)), "p") if each.get("class") == "headline"
    )
    assert "#e4s" not in [link.get("href") for link in elements(headline, "a")]


# The same, everywhere and always.


def test_a_page_is_the_same_in_any_place_and_time_zone(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from test_page import page_of, CASES;"
        "sys.stdout.buffer.write(''.join(page_of(CASES[name]()) for name in sorted(CASES)).encode())"
    )
    here = str(Path(__file__).parent)
    pages = [
        subprocess.run(
            [sys.executable, "-c", code, here],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale},
            cwd=tmp_path,
        ).stdout
        for seed, zone, locale in (("1", "UTC", "C"), ("2", "Asia/Kathmandu", "C.UTF-8"))
    ]
    assert pages[0] == pages[1]
    assert pages[0].startswith(b"<!DOCTYPE html>")


# Templates of the user's.


def test_a_template_of_the_users_replaces_a_block(tmp_path: Path) -> None:
    (tmp_path / "comparison.html.j2").write_text(
        '{% extends "original/comparison.html.j2" %}'
        "{% block footer %}<footer><p>Of our site: {{ title }}</p></footer>{% endblock %}"
    )
    document = parsed(page_of(rebuilt("zlib"), templates=tmp_path))
    (footer,) = elements(document, "footer")
    assert words(footer) == "Of our site: develop-2025-04-13 → develop-2025-04-20"
    assert by_id(document, "zlib") is not None
