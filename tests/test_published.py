"""The folder of reports: filed whole and once, listed in a page and a feed that are made anew from it."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date, datetime
from email import message_from_bytes, policy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import html5lib
import msgspec
import pytest

from browser import DESKTOP, PHONE, Opened, launched
from cachediff.changelog import arrange
from cachediff.config import find_settings
from cachediff.errors import ReportError, UsageError
from cachediff.files import write_folder_atomically
from cachediff.jobs import filing
from cachediff.jobs.filing import FEED, INDEX, file_report, rebuild_index
from cachediff.model.comparison import Comparison
from cachediff.model.filed import FiledReport
from cachediff.model.history import HistoryPoint
from cachediff.queries import Catalogue, history
from cachediff.queries.filed import FILES, RECORD, read_filed
from cachediff.reports import FORMATS, Layout
from cachediff.reports.feed import MOST_ENTRIES, render_feed
from cachediff.reports.index import render_index
from cachediff.reports.overview import headline
from cachediff.reports.reading import read_json
from cachediff.reports.visible import visible
from commands import cachediff, refuses, succeeds
from conftest import MakeRepository
from pages import page, record
from report_cases import CASES, HOSTILE, comparison, hostile, package, pair, side, spec

EXAMPLE = Path(__file__).parents[1] / "reports" / "example.md"
TODAY = date(2026, 1, 2)
ATOM = "{http://www.w3.org/2005/Atom}"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TAG_URI = re.compile(r"tag:[a-z0-9.-]+,\d{4}(-\d{2}-\d{2})?:[0-9A-Za-z;/?:@&=+$.\-_!~*'(),%]*")


def night(day: int, label: str = "a", hour: int = 3) -> Comparison:
    """What one night of April changed."""
    new = side("develop", committed_at=f"2025-04-{day:02}T{hour:02}:00:00Z", commit=f"{day:040}")
    return comparison(
        package("hdf5", pair("upgraded", spec(f"hdf5 {label}", "1"), spec("hdf5 z", "2"))), new=new
    )


def filed(folder: Path, job: str, whole: Comparison) -> Path:
    return file_report(folder, job, whole, Layout(), today=TODAY)


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def told(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((path / "report.json").read_bytes())
    return document


# Filing.


def test_a_report_is_filed_in_every_format(tmp_path: Path) -> None:
    whole = CASES["every-kind"]()
    path = filed(tmp_path, "nightly", whole)
    assert path == tmp_path / "nightly" / "2025-04-20"
    assert {each.name for each in path.iterdir()} == {*FILES.values(), "report.json"}
    assert FILES.keys() == FORMATS.keys()
    for form in ("json", "text", "markdown", "html", "release-notes"):
        rendered = FORMATS[form](whole, arrange, Layout())
        assert (path / FILES[form]).read_bytes().decode() == rendered, form
    assert read_json((path / "comparison.json").read_bytes()) == whole


@pytest.mark.parametrize(
    ("formats", "link", "media_type"),
    [
        (("html", "eml"), "report.html", "text/html"),
        (("release-notes", "markdown"), "report.md", "text/markdown"),
        (("text",), "report.txt", "text/plain"),
        (("release-notes",), "release-notes.md", "text/markdown"),
        (("eml",), "report.eml", "message/rfc822"),
        ((), "comparison.json", "application/json"),
    ],
)
def test_only_the_formats_that_are_asked_for_are_filed_and_linked(
    tmp_path: Path, formats: tuple[str, ...], link: str, media_type: str
) -> None:
    def file(formats: tuple[str, ...]) -> Path:
        whole = CASES["every-kind"]()
        return file_report(tmp_path, "n", whole, Layout(), today=TODAY, formats=formats)

    path = file(formats)
    names = {FILES[each] for each in (*formats, "json")}
    assert {each.name for each in path.iterdir()} == names | {RECORD}
    assert set(told(path)["formats"].values()) == names
    assert read_json((path / "comparison.json").read_bytes()) == CASES["every-kind"]()
    rebuild_index(tmp_path, None)
    links = {each for each in listed(tmp_path).links if each.startswith("n/")}
    assert links == {f"n/{path.name}/{name}" for name in names}
    (entry,) = entries(tmp_path)
    assert of(entry, "link") == f"n/{path.name}/{link}"
    assert [each.get("type") for each in entry.findall(f"{ATOM}link")] == [media_type]
    before = content(path)
    assert file(tuple(FILES)) == path, "it is the same report, whatever it is filed as"
    assert content(path) == before


def test_a_mail_that_was_not_filed_is_not_answered(tmp_path: Path) -> None:
    for day, formats in ((1, ("html",)), (2, ("eml",))):
        path = file_report(tmp_path, "nightly", night(day), Layout(), today=TODAY, formats=formats)
    assert told(path)["message_id"]
    assert "In-Reply-To" not in (path / "report.eml").read_text()


def test_what_is_known_of_a_report(tmp_path: Path) -> None:
    document = told(filed(tmp_path, "nightly", CASES["suspect-new"]()))
    assert document["schema"] == "cachediff/report/1"
    assert (document["job"], document["name"]) == ("nightly", "2025-04-20")
    assert document["updated"] == "2025-04-20T03:12:09Z"
    assert document["headline"] == headline(arrange(CASES["suspect-new"]()), visible)
    assert document["suspicions"] == ["NEW is suspect: 12 manifests where there were 1,298"]
    assert document["old"]["collection"] == "develop-2025-04-13"
    assert document["new"]["commit"] == "4f2c1d9ab07e6d5c3b2a19080f7e6d5c4b3a2918"
    assert document["formats"] == FILES


def test_the_same_comparison_is_filed_once(tmp_path: Path) -> None:
    first = filed(tmp_path, "nightly", night(1))
    before = content(tmp_path)
    stamps = [path.stat().st_mtime_ns for path in sorted(first.iterdir())]
    assert filed(tmp_path, "nightly", night(1)) == first
    # How the sides came to be read is another matter.
    again = msgspec.structs.replace(night(1), notices=("upstream not reached",))
    assert filed(tmp_path, "nightly", again) == first
    assert content(tmp_path) == before
    assert [path.stat().st_mtime_ns for path in sorted(first.iterdir())] == stamps


def test_a_report_is_never_overwritten(tmp_path: Path) -> None:
    paths = [filed(tmp_path, "nightly", night(1, label)) for label in "abc"]
    assert [path.name for path in paths] == ["2025-04-01", "2025-04-01.2", "2025-04-01.3"]
    assert len({(path / "comparison.json").read_bytes() for path in paths}) == 3
    assert [filed(tmp_path, "nightly", night(1, label)) for label in "cab"] == [
        paths[2],
        paths[0],
        paths[1],
    ]
    assert filed(tmp_path, "weekly", night(1, "c")).name == "2025-04-01"


def test_what_is_damaged_is_not_overwritten_either(tmp_path: Path) -> None:
    first = filed(tmp_path, "nightly", night(1))
    (first / "report.json").write_bytes(b"")
    before = content(first)
    assert filed(tmp_path, "nightly", night(1)).name == "2025-04-01.2"
    assert content(first) == before


def test_a_folder_without_commits_is_filed_under_the_day(tmp_path: Path) -> None:
    path = filed(tmp_path, "mine", CASES["no-commits-and-no-stacks"]())
    assert path.name == "2026-01-02"
    assert told(path)["updated"] == "2026-01-02T00:00:00Z"


def test_a_mail_answers_the_one_before_it(tmp_path: Path) -> None:
    second = filed(tmp_path, "nightly", night(2))
    other = filed(tmp_path, "weekly", night(1))
    third = filed(tmp_path, "nightly", night(3))
    same_day = filed(tmp_path, "nightly", night(3, "b", hour=5))
    first = filed(tmp_path, "nightly", night(1))

    def answers(path: Path) -> str | None:
        found = re.search(r"^In-Reply-To: +(\S+)", (path / "report.eml").read_text(), re.MULTILINE)
        return found[1] if found else None

    assert answers(first) is answers(second) is answers(other) is None
    assert answers(third) == told(second)["message_id"]
    assert answers(same_day) == told(third)["message_id"]
    assert f"Message-ID: {told(third)['message_id']}" in (third / "report.eml").read_text()


def test_reports_of_equal_counts_are_mails_of_their_own(tmp_path: Path) -> None:
    reports = [filed(tmp_path, "nightly", night(1, label)) for label in "abc"]
    assert len({told(report)["message_id"] for report in reports}) == 3


def test_a_report_that_comes_again_on_another_day_does_not_answer_itself(tmp_path: Path) -> None:
    whole = comparison(package("hdf5", pair("upgraded", spec("hdf5 a", "1"), spec("hdf5 z", "2"))))
    origin = msgspec.structs.replace(whole.new.origin, committed_at=None)
    whole = msgspec.structs.replace(whole, new=msgspec.structs.replace(whole.new, origin=origin))
    for day in (1, 2):
        path = file_report(tmp_path, "nightly", whole, Layout(), today=date(2026, 1, day))
        assert "In-Reply-To" not in (path / "report.eml").read_text()


def test_a_message_id_that_is_none_is_not_answered(tmp_path: Path) -> None:
    first = filed(tmp_path, "nightly", night(1)) / RECORD
    first.write_text(first.read_text().replace("<cachediff.", "x"))
    second = filed(tmp_path, "nightly", night(2))
    assert "In-Reply-To" not in (second / "report.eml").read_text()


def test_a_report_that_is_filed_twice_is_two_entries(tmp_path: Path) -> None:
    first = filed(tmp_path, "nightly", night(1)) / RECORD
    record_of_first = first.read_text()
    first.write_text("{")
    filed(tmp_path, "nightly", night(1))
    first.write_text(record_of_first)
    assert len({report.id for report in read_filed(tmp_path).reports}) == 2


@pytest.mark.parametrize(
    "job",
    ["", ".", "..", ".hidden", "-x", "a/b", "../a", "/a", "a b", "a\n", "a\0", "ä", "a" * 101, INDEX, FEED],
)  # fmt: skip
def test_a_job_must_be_the_name_of_a_folder(tmp_path: Path, job: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a job"):
        filed(tmp_path / "reports", job, night(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "time", ["../../x", "", "2025-13-01T00:00:00Z", "2025-4-1T0:0:0Z", HOSTILE]
)
def test_a_time_that_is_none_is_refused(tmp_path: Path, time: str) -> None:
    with pytest.raises(ReportError, match="the time of NEW is none"):
        filed(tmp_path / "reports", "nightly", comparison(new=side(committed_at=time)))
    assert list(tmp_path.iterdir()) == []


def test_hostile_values_are_filed(tmp_path: Path) -> None:
    origin = msgspec.structs.replace(hostile().new.origin, committed_at="2025-04-01T00:00:00Z")
    new = msgspec.structs.replace(hostile().new, origin=origin)
    path = filed(tmp_path, "nightly", msgspec.structs.replace(hostile(), new=new))
    assert rebuild_index(tmp_path, None) == ()
    assert told(path)["new"]["source"] == HOSTILE
    for file in (tmp_path / INDEX, tmp_path / FEED):
        text = file.read_text()
        assert all(line.isprintable() for line in text[:-1].split("\n"))
    assert len(ET.parse(tmp_path / FEED).getroot().findall(f"{ATOM}entry")) == 1
    page = Tags()
    page.feed((tmp_path / INDEX).read_text())
    assert "script" not in page.tags


def _file_one(folder: str, label: str) -> None:
    filed(Path(folder), "nightly", night(1, label))
    rebuild_index(Path(folder), None)


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    labels = "abcdef"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.starmap(_file_one, [(str(tmp_path), label) for label in labels])
    reports = read_filed(tmp_path).reports
    assert sorted(report.number for report in reports) == [1, 2, 3, 4, 5, 6]
    assert (tmp_path / INDEX).read_text().count("<article>") == 6
    assert not list(tmp_path.rglob(".*"))


def test_what_is_filed_while_the_index_is_written_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed(tmp_path, "nightly", night(1))
    write = filing._write

    def slowly(path: Path, report: str) -> None:
        filed(tmp_path, "nightly", night(2))
        write(path, report)

    monkeypatch.setattr(filing, "_write", slowly)
    rebuild_index(tmp_path, None)
    assert (tmp_path / INDEX).read_text().count("<article>") == len(entries(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "nightly").write_text("kept")
    with pytest.raises(UsageError, match="nightly"):
        filed(tmp_path, "nightly", night(1))
    with pytest.raises(UsageError, match="nightly"):
        filed(tmp_path / "nightly", "nightly", night(1))
    with pytest.raises(UsageError, match="cannot be written"):
        rebuild_index(tmp_path / "nightly", None)
    assert (tmp_path / "nightly").read_text() == "kept"


# Folders that are whole or not there.


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    class Stop(BaseException):
        pass

    class Files(dict[str, bytes]):
        def items(self) -> Iterator[tuple[str, bytes]]:  # type: ignore[override]
            yield "a", b"1"
            raise Stop

    with pytest.raises(Stop):
        write_folder_atomically(tmp_path / "x" / "y", Files())
    assert list((tmp_path / "x").iterdir()) == []
    write_folder_atomically(tmp_path / "x" / "y", {"a": b"1", "b": b"2"})
    for existing in ("y", "y/a"):
        with pytest.raises((FileExistsError, NotADirectoryError)):
            write_folder_atomically(tmp_path / "x" / existing, {"c": b"3"})
    assert content(tmp_path / "x") == {"y/a": b"1", "y/b": b"2"}


# The index page and the feed.


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.headlines: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        if self.tags[-2:] == ["h2", "a"]:
            self.headlines.append(data)


def listed(folder: Path) -> Tags:
    page = Tags()
    page.feed((folder / INDEX).read_text())
    return page


def entries(folder: Path) -> list[ET.Element]:
    return ET.parse(folder / FEED).getroot().findall(f"{ATOM}entry")


def of(entry: ET.Element, name: str) -> str:
    found = entry.find(f"{ATOM}{name}")
    assert found is not None
    return found.text or found.get("href") or ""


def test_all_reports_are_listed_newest_first(tmp_path: Path) -> None:
    filed(tmp_path, "weekly", night(2))
    for day, label in ((1, "a"), (3, "a"), (3, "b"), (2, "a")):
        filed(tmp_path, "nightly", night(day, label))
    assert rebuild_index(tmp_path, None) == ()
    order = ["nightly/2025-04-03.2", "nightly/2025-04-03", "nightly/2025-04-02"]
    order += ["weekly/2025-04-02", "nightly/2025-04-01"]
    links = [link for link in listed(tmp_path).links if link.endswith("report.md")]
    assert links == [f"{path}/report.md" for path in order]
    assert [of(entry, "link") for entry in entries(tmp_path)] == [
        f"{path}/report.html" for path in order
    ]
    for link in listed(tmp_path).links:
        assert (tmp_path / link).is_file(), link


def test_the_index_says_what_matters(tmp_path: Path) -> None:
    filed(tmp_path, "nightly", CASES["suspect-new"]())
    rebuild_index(tmp_path, None)
    page = (tmp_path / INDEX).read_text()
    assert page.index("NEW is suspect: 12 manifests") < page.index("<h2>")
    assert headline(arrange(CASES["suspect-new"]()), visible) in page
    assert "develop-2025-04-13" in page
    assert "2025-04-20 03:12:09 UTC" in page
    assert "4f2c1d9ab07e" in page
    assert {"script", "img", "iframe"}.isdisjoint(listed(tmp_path).tags)
    (entry,) = entries(tmp_path)
    assert of(entry, "summary").startswith("NEW is suspect: 12 manifests")


def test_the_index_is_html_without_an_error(tmp_path: Path) -> None:
    filed(tmp_path, "nightly", CASES["suspect-new"]())
    filed(tmp_path, "nightly", CASES["every-kind"]())
    rebuild_index(tmp_path, None)
    html5lib.HTMLParser(strict=True).parse((tmp_path / INDEX).read_text())


def test_the_index_is_accessible_and_fits_every_window(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    filed(reports, "nightly", CASES["suspect-new"]())
    filed(reports, "nightly", CASES["every-kind"]())
    filed(reports, "red", CASES["red"]())
    filed(reports, "a" * 100, night(1, "x" * 200))
    rebuild_index(reports, None)
    with launched(tmp_path / "home") as browser:
        for size in (DESKTOP, PHONE):
            for scheme in SCHEMES:
                opened = Opened(browser, reports / INDEX, size=size, scheme=scheme)
                assert opened.violations() == []
                assert opened.run("document.documentElement.scrollWidth <= innerWidth")
                opened.close()


def test_the_feed_is_atom(tmp_path: Path) -> None:
    for day in (1, 2):
        filed(tmp_path, "nightly", night(day))
    rebuild_index(tmp_path, None)
    feed = ET.parse(tmp_path / FEED).getroot()
    assert feed.tag == f"{ATOM}feed"
    # RFC 4287, 4.1.1 and 4.1.2: what must be there, once.
    for element in (feed, *feed.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert TAG_URI.fullmatch(of(element, "id"))
        datetime.fromisoformat(of(element, "updated"))
        known = {"id", "title", "updated", "author", "generator", "link", "entry"}
        known |= {"category", "summary"}
        assert {child.tag.removeprefix(ATOM) for child in element} <= known
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    relations = [link.get("rel") for link in feed.findall(f"{ATOM}link")]
    assert relations == ["self", "alternate"]
    assert of(feed, "updated") == of(entries(tmp_path)[0], "updated") == "2025-04-02T03:00:00Z"
    ids = [of(entry, "id") for entry in entries(tmp_path)]
    assert len(set(ids)) == 2
    filed(tmp_path, "nightly", night(3))
    rebuild_index(tmp_path, None)
    assert [of(entry, "id") for entry in entries(tmp_path)][1:] == ids


def test_a_feed_ends_somewhere_and_the_index_does_not() -> None:
    origin = night(1).new.origin
    reports = [
        FiledReport(
            job="nightly",
            name=f"{year}-01-01",
            updated=f"{year}-01-01T00:00:00Z",
            headline="No changes",
            suspicions=(),
            old=origin,
            new=origin,
            sha256="0" * 64,
            message_id="<a@b>",
            formats={},
        )
        for year in range(2200, 2000, -1)
    ]
    feed = ET.fromstring(render_feed(reports, templates=None))
    assert len(feed.findall(f"{ATOM}entry")) == MOST_ENTRIES
    assert of(feed.findall(f"{ATOM}entry")[0], "updated").startswith("2200")
    assert render_index(reports, templates=None).count("<article>") == 200


def test_no_report_at_all(tmp_path: Path) -> None:
    assert rebuild_index(tmp_path / "new", None) == ()
    assert "No report was filed yet." in (tmp_path / "new" / INDEX).read_text()
    assert entries(tmp_path / "new") == []


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b"\xff",
        {"schema": "cachediff/report/2"},
        {"job": "weekly"},
        {"name": "2025-04-03"},
        {"updated": "yesterday"},
        {"sha256": "../x"},
        {"headline": None},
    ],
    ids=str,
)
def test_what_is_damaged_is_passed_over_and_told(
    tmp_path: Path, damage: bytes | dict[str, Any]
) -> None:
    filed(tmp_path, "nightly", night(1))
    path = filed(tmp_path, "nightly", night(2)) / "report.json"
    if isinstance(damage, dict):
        damage = json.dumps(json.loads(path.read_bytes()) | damage).encode()
    path.write_bytes(damage)
    (notice,) = rebuild_index(tmp_path, None)
    assert notice.startswith(f"{path} was passed over: ")
    assert len(entries(tmp_path)) == 1


def test_what_was_edited_cannot_act(tmp_path: Path) -> None:
    path = filed(tmp_path, "nightly", night(1)) / "report.json"
    evil = {"html": "javascript:alert(1)", "json": "../../x"}
    document = json.loads(path.read_bytes()) | {"headline": HOSTILE, "formats": evil}
    path.write_text(json.dumps(document))
    rebuild_index(tmp_path, None)
    assert not [link for link in listed(tmp_path).links if ":" in link or ".." in link]
    assert "script" not in listed(tmp_path).tags
    assert len(entries(tmp_path)) == 1


def test_only_formats_that_are_there_are_linked(tmp_path: Path) -> None:
    path = filed(tmp_path, "nightly", night(1))
    (path / "report.eml").unlink()
    rebuild_index(tmp_path, None)
    links = listed(tmp_path).links
    assert "nightly/2025-04-01/report.html" in links
    assert "nightly/2025-04-01/report.eml" not in links


def test_nothing_else_in_the_folder_is_touched(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("kept")
    for name in ("nightly/notes", "nightly/2025-1-1", ".nightly/2025-04-01", "nightly/.x.tmp"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "nightly" / "2025-01-01").write_text("no folder")
    assert rebuild_index(tmp_path, None) == ()
    assert entries(tmp_path) == []
    assert (tmp_path / "README.md").read_text() == "kept"


def test_the_same_reports_give_the_same_bytes(tmp_path: Path) -> None:
    for number, days in enumerate([(1, 2, 3), (3, 1, 2)]):
        for day in days:
            filed(tmp_path / str(number), "nightly", night(day))
        rebuild_index(tmp_path / str(number), None)
    one, other = (tmp_path / "0", tmp_path / "1")
    for name in (INDEX, FEED):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    stamp = (one / INDEX).stat().st_mtime_ns
    rebuild_index(one, None)
    assert (one / INDEX).stat().st_mtime_ns == stamp, "nothing changed: nothing is written"


# The command.


def test_compare_publishes(make_repository: MakeRepository, tmp_path: Path) -> None:
    versions = ("1.0", "2.0")
    repository = make_repository(
        [{"_cache/develop/hdf5/specs.md": page([record(f"hdf5/{v}", v)])} for v in versions]
    )
    arguments = ("compare", "develop@HEAD~1", "develop", "--publish", "nightly")
    done = cachediff(*arguments, folder=repository)
    assert done.code == 0
    (path,) = re.findall(r"filed in (.*)", done.err)
    assert Path(path).parent == repository / "reports" / "nightly"
    assert "hdf5 upgraded" in (repository / "reports" / INDEX).read_text()
    before = content(repository / "reports")
    assert cachediff(*arguments, folder=repository).code == 0
    assert content(repository / "reports") == before
    for job in ("", "../x"):
        assert "name of a job" in refuses(*arguments[:-1], job, "-o", "out", folder=repository)
        assert not (repository / "out").exists()
    (Path(path) / RECORD).write_text("{")
    again = cachediff(*arguments[:-1], "weekly", folder=repository)
    assert f"{Path(path) / RECORD} was passed over" in again.err


def test_the_demo_ends_with_its_report(tmp_path: Path) -> None:
    out = succeeds("demo", folder=tmp_path)
    reports = tmp_path / "cachediff-demo" / "reports"
    (path,) = (reports / "release").iterdir()
    assert str(Path("cachediff-demo", "reports", INDEX)) in out
    links = listed(reports).links
    assert f"release/{path.name}/report.html" in links
    assert len({link for link in links if link.endswith("/report.html")}) == 9
    (mail,) = re.findall(r"\S+\.eml", out)
    message = message_from_bytes((tmp_path / mail).read_bytes(), policy=policy.default)
    assert message["Subject"].startswith("[cachediff] develop: RED: trilinos left e4s")
    markdown = (path / "report.md").read_bytes()
    if os.environ.get("UPDATE_GOLDEN") == "1":
        EXAMPLE.write_bytes(markdown)
    assert markdown == EXAMPLE.read_bytes()


def test_history_is_what_is_stored_and_no_newer(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    repository = make_repository(
        [
            {
                "_cache/develop/hdf5/specs.md": page(
                    [record(f"hdf5/{each}") for each in range(night)]
                )
            }
            for night in (1, 2, 3)
        ]
    )
    names = ("develop@HEAD~2", "develop@HEAD~1", "develop")
    succeeds("snapshot", *names, "--repo", repository, folder=tmp_path)
    catalogue = Catalogue(find_settings(tmp_path, repo=str(repository)), tmp_path / "cache")
    try:
        origins = [catalogue.open(name, tmp_path).origin for name in names]
        grown = history(catalogue, origins[1])
        assert [point.specs for point in grown] == [1, 2]
        assert grown[-1] == HistoryPoint(str(origins[1].committed_at), packages=1, specs=2)
        assert len(history(catalogue, origins[2])) == 3
        other = msgspec.structs.replace(origins[2], collection="other")
        assert history(catalogue, other) == ()
        assert history(catalogue, msgspec.structs.replace(other, committed_at=None)) == ()
        assert history(catalogue, msgspec.structs.replace(other, collection="a/b")) == ()
        assert catalogue.notices == []
        (receipt, *_) = (tmp_path / "snapshots").rglob("*.json")
        receipt.write_text("{}")
        assert len(history(catalogue, origins[2])) == 2
        assert "was passed over" in catalogue.notices[0]
    finally:
        catalogue.close()
