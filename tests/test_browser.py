"""The page in a real browser: filters, sorting, folding, links, printing; and that nothing else runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed (dependency group test)")

from playwright.sync_api import Browser, expect

from browser import DESKTOP, PHONE, Opened, launched
from cachediff.changelog import arrange
from cachediff.model.change import Change, ChangeKind
from cachediff.model.comparison import Comparison
from cachediff.reports.page import render_page
from cachediff.reports.page.builds import SHORT
from hostile_strings import HOSTILE_STRINGS, comparison_of
from report_cases import CASES, comparison, hash_of, package, pair, spec

E4S, HEP = ("e4s", "root"), ("hep", "root")
MANY = 130
"""Packages of the comparison that fills several pages of the table."""


def many() -> Comparison:
    """Packages `p000` on, of which every tenth was upgraded in `hep` and the others rebuilt in `e4s`.

    Their numbers of specs are in no order of their names.
    """
    return comparison(
        *(
            package(
                f"p{n:03}",
                *(
                    pair(
                        "rebuilt" if n % 10 else "upgraded",
                        spec(f"p{n:03} a{k}", "1.0", stacks=E4S if n % 10 else HEP),
                        spec(
                            f"p{n:03} b{k}",
                            "1.0" if n % 10 else f"1.{MANY - n}",
                            stacks=E4S if n % 10 else HEP,
                        ),
                    )
                    for k in range(1 + n * 7 % 12)
                ),
            )
            for n in range(MANY)
        )
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with launched(tmp_path_factory.mktemp("home")) as browser:
        yield browser


FileOf = Callable[[Callable[[], Comparison], str], Path]
"""`file_of(case, "name")`: the file with the page of a case, written once."""


@pytest.fixture(scope="module")
def file_of(tmp_path_factory: pytest.TempPathFactory) -> FileOf:
    folder = tmp_path_factory.mktemp("pages")

    def write(case: Callable[[], Comparison], name: str) -> Path:
        file = folder / f"{name}.html"
        if not file.exists():
            file.write_text(render_page(arrange(case())), encoding="utf-8", newline="")
        return file

    return write


Open = Callable[..., Opened]


@pytest.fixture
def visit(browser: Browser, file_of: FileOf) -> Iterator[Open]:
    """`visit("many", size=PHONE)`: the page of a case; when the test ends, nothing must have gone wrong."""
    opened: list[Opened] = []
    cases: dict[str, Callable[[], Comparison]] = {
        **CASES,
        "many": many,
        "everything": everything_rebuilt,
        "hostile-strings": partial(comparison_of, HOSTILE_STRINGS),
    }

    def visit(name: str, **options: Any) -> Opened:
        opened.append(Opened(browser, file_of(cases[name], name), **options))
        return opened[-1]

    yield visit
    for each in opened:
        each.close()


# Filters.


def test_all_packages_are_there_in_pages(visit: Open) -> None:
    seen = visit("many")
    assert seen.names() == [f"p{n:03}" for n in range(50)]
    assert seen.count() == "130 packages"
    seen.page.get_by_role("link", name="Next").click()
    assert seen.names()[0] == "p050"


def test_typing_a_name_filters(visit: Open) -> None:
    seen = visit("many")
    seen.page.get_by_label("Package", exact=True).press_sequentially("P12")
    assert seen.names() == [f"p12{n}" for n in range(10)]
    assert seen.count() == "10 of 130 packages"
    assert seen.page.locator("#_count").get_attribute("role") == "status"


def test_filters_narrow_each_other_and_can_be_cleared(visit: Open) -> None:
    seen = visit("many")
    seen.page.get_by_label("Stack", exact=True).select_option("hep")
    assert seen.names() == [f"p{n:03}" for n in range(0, MANY, 10)]
    seen.page.get_by_label("Package", exact=True).fill("p11")
    assert seen.names() == ["p110"]
    seen.page.get_by_label("Kind", exact=True).select_option("Rebuilt")
    assert seen.count() == "0 of 130 packages"
    assert "No package is selected." in seen.page.locator("#_table").inner_text()
    seen.page.get_by_role("button", name="Clear").click()
    assert seen.count() == "130 packages"


def test_a_link_from_a_group_sets_the_kind(visit: Open) -> None:
    seen = visit("many")
    seen.page.get_by_role("link", name="See Packages, filter on Rebuilt").click()
    assert seen.page.get_by_label("Kind", exact=True).input_value() == "rebuilt"
    assert seen.count() == f"{MANY - 13} of {MANY} packages"
    expect(seen.page.locator("#_packages")).to_be_in_viewport()


def test_a_key_figure_sets_the_kind(visit: Open) -> None:
    seen = visit("many")
    seen.page.get_by_role("link", name="13 upgraded").click()
    assert seen.count() == "13 of 130 packages"


# Sorting.

_SORT_KEYS = {
    "Package": "row.cells[0].innerText",
    "What happened": "Number(row.cells[1].dataset.order)",
    "Versions": "Number(row.cells[2].dataset.order)",
    "Specs": "Number(row.cells[3].innerText)",
    "Stacks": "row.cells[4].innerText",
}


@pytest.mark.parametrize("column", _SORT_KEYS)
def test_every_column_sorts_both_ways(visit: Open, column: str) -> None:
    seen = visit("many")
    keys = f"Array.from(document.querySelector('#_table').tBodies[0].rows, row => {_SORT_KEYS[column]})"
    header = seen.page.locator("#_table thead th").filter(has_text=column)
    header.click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    rising = seen.run(keys)
    assert rising == sorted(rising)
    # By keyboard.
    header.get_by_role("button").press("Enter")
    expect(header).to_have_attribute("aria-sort", "descending")
    falling = seen.run(keys)
    assert falling == sorted(falling, reverse=True)
    if column == "Specs":
        assert (rising[0], falling[0]) == (1, 12)
    if column == "Versions":  # in Spack's order, in which 1.10 is after 1.9
        assert seen.names()[0] == "p000"


# Size.


def everything_rebuilt() -> Comparison:
    """60,264 specs of 1,300 packages, each with another hash."""
    numbers = range(60_264)
    old, new = ([f"{n:06x}{side:026x}" for n in numbers] for side in (0, 1))
    builds = [spec(f"package-{n:04}", stacks=E4S) for n in range(1_300)]
    changes: list[list[Change]] = [[] for _ in builds]
    for n in numbers:
        like = builds[n % 1_300]
        sides = (msgspec.structs.replace(like, hash=hashes[n]) for hashes in (old, new))
        changes[n % 1_300].append(Change(ChangeKind.REBUILT, (), *sides))
    return comparison(
        *(package(like.package, *each) for like, each in zip(builds, changes, strict=True))
    )


def test_60264_specs_rebuilt_are_a_page_that_filters(visit: Open, file_of: FileOf) -> None:
    assert file_of(everything_rebuilt, "everything").stat().st_size < 5_000_000
    seen = visit("everything")
    field = seen.page.get_by_label("Package", exact=True)
    field.press_sequentially("package-129")
    assert seen.count() == "10 of 1,300 packages"
    for _ in "package-129":
        field.press("Backspace")
    assert seen.count() == "1,300 packages"


# Folding.


def test_a_package_unfolds_with_its_builds(visit: Open) -> None:
    seen = visit("every-kind")
    row = seen.page.locator("#cmake")
    assert row.locator(".builds").count() == 0
    row.locator("summary").press("Enter")
    expect(row.get_by_text("compiler gcc@11.4.0 → gcc@12.3.0").first).to_be_visible()
    old, new = hash_of("cmake b")[:SHORT], hash_of("cmake c")[:SHORT]
    expect(row.locator(".builds")).to_contain_text(f"{old} → {new}")
    row.locator("summary").press("Enter")
    row.locator("summary").press("Enter")
    assert row.locator(".builds").count() == 1


def test_added_and_removed_builds_have_one_hash(visit: Open) -> None:
    seen = visit("every-kind")
    seen.page.locator("#py-nose summary").click()
    told = seen.page.locator("#py-nose .hashes").all_inner_texts()
    assert sorted(told) == sorted(hash_of(f"py-nose {each}")[:SHORT] for each in "abc")


# Links to packages.


@pytest.mark.parametrize("anchor", ["#p000", "#p077", "#p129"])
def test_a_link_opens_the_page_with_its_row_unfolded(visit: Open, anchor: str) -> None:
    seen = visit("many", anchor=anchor)
    row = seen.page.locator(anchor)
    expect(row).to_be_in_viewport()
    expect(row.locator(".builds")).to_be_visible()
    expect(row.locator("summary")).to_be_focused()


def test_a_link_followed_turns_the_page_whatever_is_filtered_or_sorted(visit: Open) -> None:
    seen = visit("many")
    seen.page.locator("#_table thead th").filter(has_text="Specs").click()
    seen.page.get_by_label("Package", exact=True).fill("p00")
    seen.run("location.hash = '#p120'")
    expect(seen.page.locator("#p120 summary")).to_be_focused()
    assert seen.count() == "130 packages"
    # And the same link again, from another page of the table.
    seen.page.get_by_label("Package", exact=True).fill("p00")
    seen.page.locator(".headline, .rows").get_by_role("link", name="p120").first.click()
    expect(seen.page.locator("#p120 summary")).to_be_focused()


def test_a_link_to_nothing_does_nothing(visit: Open) -> None:
    seen = visit("many", anchor="#%zz")
    seen.run("location.hash = '#nobody'")
    assert len(seen.names()) == 50


# Without scripts, on paper, on a phone.


def test_without_scripts_every_package_is_there(visit: Open) -> None:
    seen = visit("many", scripts=False, anchor="#p129")
    assert len(seen.names()) == MANY
    expect(seen.page.locator("#p129")).to_be_in_viewport()
    expect(seen.page.locator("#_filters")).to_be_hidden()
    expect(seen.page.get_by_text("those are in the JSON report")).to_be_visible()
    seen.page.locator("#p129 summary").click()
    expect(seen.page.locator("#p129 li").first).to_be_visible()


def test_paper_has_all_that_is_filtered_and_the_screen_is_as_before(visit: Open) -> None:
    seen = visit("many")
    seen.page.get_by_label("Kind", exact=True).select_option("Rebuilt")
    seen.run(
        "addEventListener('beforeprint', () => {"
        " globalThis.printed = document.querySelector('#_table').tBodies[0].rows.length })"
    )
    seen.page.pdf()
    assert seen.run("printed") == MANY - 13
    assert len(seen.names()) == 50
    seen.page.emulate_media(media="print", color_scheme="dark")
    expect(seen.page.locator("#_filters")).to_be_hidden()
    expect(seen.page.locator("nav").first).to_be_hidden()
    assert seen.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("case", ["every-kind", "hostile", "problems"])
@pytest.mark.parametrize("width", [PHONE[0], 800, DESKTOP[0]])
def test_a_page_never_scrolls_sideways_and_has_room_for_every_column(
    visit: Open, case: str, width: int
) -> None:
    seen = visit(case, size=(width, 900))
    seen.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    for media in ("screen", "print"):
        seen.page.emulate_media(media=media)
        assert seen.run("document.documentElement.scrollWidth") == width
        cells = "document.querySelectorAll('.rows tbody th, td.details, td.stacks')"
        widths = seen.run(f"Array.from({cells}, cell => cell.clientWidth).filter(Boolean)")
        assert min(widths) > 50


# For everyone.


@pytest.mark.parametrize(
    ("case", "size", "scheme"),
    [
        ("every-kind", DESKTOP, "light"),
        ("every-kind", PHONE, "dark"),
        ("problems", DESKTOP, "dark"),
        ("suspect-new", PHONE, "light"),
        ("red", DESKTOP, "light"),
        ("red", PHONE, "dark"),
        ("no-changes", DESKTOP, "light"),
    ],
)
def test_axe_finds_nothing(
    visit: Open, case: str, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    seen = visit(case, size=size, scheme=scheme)
    seen.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert seen.violations() == []


def test_the_first_tab_stop_skips_to_the_packages(visit: Open) -> None:
    seen = visit("every-kind")
    seen.page.keyboard.press("Tab")
    expect(seen.page.get_by_text("Skip to the packages")).to_be_focused()
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Tab")
    expect(seen.page.get_by_label("Package", exact=True)).to_be_focused()


# What comes from data.


def test_500_hostile_strings_in_every_field_do_nothing(visit: Open) -> None:
    seen = visit("hostile-strings")
    assert seen.count() == "500 packages"
    seen.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    seen.page.get_by_label("Stack", exact=True).select_option(index=3)
    seen.page.get_by_label("Stack", exact=True).select_option(index=0)
    seen.page.locator("#_table thead th").filter(has_text="Versions").click()
    seen.page.get_by_label("Package", exact=True).fill("<script>globalThis")
    seen.page.locator("#_table summary").first.press("Enter")
    seen.page.wait_for_timeout(200)
    assert seen.run("globalThis.ran") is None


def test_a_script_that_got_in_would_not_run(visit: Open, tmp_path: Path, browser: Browser) -> None:
    page = render_page(arrange(CASES["no-changes"]()))
    file = tmp_path / "page.html"
    live = "<script>globalThis.ran = 1</script><img src=x onerror='globalThis.ran = 1'>"
    file.write_text(page.replace("</main>", f"{live}</main>"), encoding="utf-8")
    seen = Opened(browser, file)
    assert seen.run("globalThis.ran") is None
    assert len(seen.faults) == 3
    with pytest.raises(AssertionError):
        seen.close()
