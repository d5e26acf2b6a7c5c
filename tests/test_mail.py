"""Mail: parsed back as any mail program parses it, whatever stands in the data."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import msgspec
import pytest

from cachediff.changelog import arrange
from cachediff.errors import ReportError
from cachediff.model.comparison import Comparison, CoverageTotals
from cachediff.model.envelope import Envelope
from cachediff.model.history import HistoryPoint
from cachediff.model.selection import Selection
from cachediff.reports import mail
from cachediff.reports.mail import message_id, render_mail, subject
from cachediff.reports.mail.body import LARGEST
from cachediff.reports.mail.message import POLICY
from cachediff.reports.plots import MISSING
from hostile_strings import HOSTILE_STRINGS, comparison_of
from report_cases import (
    CASES,
    HOSTILE,
    OLD,
    added,
    comparison,
    hostile,
    package,
    pair,
    removed,
    side,
    spec,
)

HISTORY = tuple(
    HistoryPoint(f"2025-04-{day:02}T03:12:09Z", packages=1200 + day, specs=60_000 - 7 * day)
    for day in range(1, 21)
)
ENVELOPE = Envelope(
    job="nightly",
    sender="Cache Diff <ci@example.org>",
    recipients=("ada@example.org", "Bob B. <bob@example.com>"),
    previous="<cachediff.00@example.org>",
)
HTML = "{http://www.w3.org/1999/xhtml}"
NAMES = {
    *("From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "List-Id"),
    *("Auto-Submitted", "MIME-Version", "Content-Type"),
}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "code", "span"),
    *("table", "tbody", "tr", "td", "br", "img"),
}
BATCHES = [HOSTILE_STRINGS[n : n + 25] for n in range(0, 500, 25)]


def mail_of(told: Comparison, envelope: Envelope = ENVELOPE, templates: Path | None = None) -> str:
    return render_mail(arrange(told), envelope=envelope, history=HISTORY, templates=templates)


def parsed(message: str) -> EmailMessage:
    """The message as a program has it; fails at what is not ASCII, CRLF or MIME."""
    assert re.search(r"(?<!\r)\n|\r(?!\n)", message) is None
    assert max(map(len, message.split("\r\n"))) <= 998
    read = message_from_bytes(message.encode("ascii"), policy=default)
    assert isinstance(read, EmailMessage)
    for part in read.walk():
        assert not part.defects
        for value in part.values():
            assert not value.defects or value.name == "List-Id"
    return read


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def document(html: str) -> Element:
    read = html5lib.HTMLParser(strict=True).parse(html)
    assert isinstance(read, Element)
    return read


def types(message: MIMEPart) -> Any:
    """The tree of parts by type."""
    if message.is_multipart():
        return {message.get_content_subtype(): [types(part) for part in message.iter_parts()]}
    return message.get_content_type()


def check_html(message: EmailMessage) -> Element:
    """What is in the HTML part: nothing live, nothing to load, every picture there, small enough."""
    html = html_of(message)
    assert len(html.encode()) <= 100_000  # with CRLF; Gmail cuts at 102 kB
    root = document(html)
    names = {each.tag.removeprefix(HTML) for each in root.iter() if isinstance(each.tag, str)}
    assert names <= ELEMENTS
    pictures = {part["Content-ID"] for part in message.walk() if part["Content-ID"]}
    sources = {f"<{each.attrib['src'].removeprefix('cid:')}>" for each in root.iter(f"{HTML}img")}
    assert sources == pictures
    for each in root.iter():
        assert not {"href", "background", "srcset"} & set(each.attrib)
        assert not [name for name in each.attrib if name.startswith("on")]
        assert "url(" not in each.get("style", "")
        assert each.tag != f"{HTML}img" or each.attrib["alt"]
    for style in root.iter(f"{HTML}style"):
        assert not re.search(r"url\(|@import|expression", style.text or "")
    return root


def test_its_parts() -> None:
    message = parsed(mail_of(CASES["every-kind"]()))
    assert types(message) == {
        "mixed": [
            {
                "alternative": [
                    "text/plain",
                    {"related": ["text/html", "image/png", "image/png", "image/png"]},
                ]
            },
            "text/html",
        ]
    }
    check_html(message)
    assert "py-nose removed" in text_of(message)
    (page,) = message.iter_attachments()
    assert page.get_filename() == "develop-2025-04-20.html"
    assert page.get_content_charset() == "utf-8"
    assert page.get_content_disposition() == "attachment"
    assert page.get_content().startswith("<!DOCTYPE html>")
    for part in message.walk():
        if part.get_content_type() == "image/png":
            assert part.get_content().startswith(b"\x89PNG")
            assert part.get_content_disposition() == "inline"


def test_its_headers() -> None:
    told = CASES["every-kind"]()
    message = parsed(mail_of(told))
    assert {name: str(value) for name, value in message.items() if name != "Content-Type"} == {
        "From": "Cache Diff <ci@example.org>",
        "To": 'ada@example.org, "Bob B." <bob@example.com>',
        "Subject": "[cachediff] develop-2025-04-20: bzip2 left radiuss, py-nose removed, "
        "zlib lost versions, ...",
        "Date": "Sun, 20 Apr 2025 03:12:09 +0000",
        "Message-ID": message_id(told, ENVELOPE),
        "In-Reply-To": "<cachediff.00@example.org>",
        "References": "<cachediff.00@example.org>",
        "List-Id": "<nightly.cachediff.example.org>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
    }


def test_what_there_is_without_plots_commits_and_recipients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "lets_plot", None)
    message = parsed(mail_of(CASES["no-commits-and-no-stacks"](), envelope=Envelope()))
    assert types(message) == {"mixed": [{"alternative": ["text/plain", "text/html"]}, "text/html"]}
    assert MISSING in html_of(message)
    assert str(message["To"]) == "undisclosed-recipients:;"
    assert {"Date", "In-Reply-To", "References"} & set(message.keys()) == set()
    assert [part.get_filename() for part in message.iter_attachments()] == ["new.html"]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (comparison(), "develop-2025-04-20: no changes"),
        (CASES["selection-of-nothing"](), "develop-2025-04-20 (selected): no selected changes"),
        (CASES["problems"](), "develop: hdf5 and zlib could not be compared, curl rebuilt"),
        (
            CASES["suspect-new"](),
            "develop-2025-04-20: SUSPECT: 12 manifests where there were 1,298, ...",
        ),
        (
            CASES["suspect-old"](),
            "develop-2025-04-20: SUSPECT: OLD: no manifest is left, curl removed, ...",
        ),
        (
            comparison(
                *(
                    package(
                        f"p{n}",
                        pair("upgraded", spec(f"p{n} a", "1.0"), spec(f"p{n} b", "1.1")),
                        removed(spec(f"p{n} c", stacks=("x",))),
                        left=("x",),
                        kept=("1.0",),
                    )
                    for n in range(41)
                ),
                new=side("develop"),
                stacks={
                    "x": CoverageTotals((41, 0), (41, 0), (), tuple(f"p{n}" for n in range(41)))
                },
            ),
            "develop: 41 packages left x, 41 lost builds, 41 upgraded",
        ),
    ],
)
def test_the_subject_says_the_news(told: Comparison, line: str) -> None:
    assert subject(arrange(told)) == f"[cachediff] {line}"
    assert parsed(mail_of(told))["Subject"] == f"[cachediff] {line}"


@pytest.mark.parametrize(
    "value", ["é" * 300, "développement", "x" * 300, "开发", "=?utf-8?q?=0AX:_y?="]
)
def test_any_name_makes_a_subject(value: str) -> None:
    told = comparison(package(value, added(spec("a", package=value))), new=side(value))
    message = parsed(mail_of(told))
    assert message["Subject"] == subject(arrange(told))
    assert len(message["Subject"]) <= 101
    assert "X" not in message


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_a_mail(case: str) -> None:
    check_html(parsed(mail_of(CASES[case]())))


def test_what_could_not_be_read_is_said_first() -> None:
    html = html_of(parsed(mail_of(CASES["problems"]())))
    text = " ".join("".join(document(html).itertext()).split())
    warning = text.index("2 of 1,300 manifests of NEW could not be read")
    assert warning < text.index("hdf5 and zlib could not be compared")


@pytest.mark.parametrize("values", BATCHES)
def test_hostile_names_are_words(values: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lets_plot", None)  # plots have a test of their own
    message = parsed(mail_of(comparison_of(values)))
    assert set(message.keys()) <= NAMES
    assert message["From"] == "Cache Diff <ci@example.org>"
    assert message["To"] == 'ada@example.org, "Bob B." <bob@example.com>'
    check_html(message)
    assert "".join(text_of(message).split("\r\n")).isprintable()


@pytest.mark.parametrize("values", BATCHES)
def test_no_name_adds_a_header(values: tuple[str, ...]) -> None:
    for value in values:
        line = subject(arrange(hostile(value)))
        assert line.isprintable()
        assert len(line) <= 110
        header = EmailMessage(POLICY)
        header["Subject"] = line
        read = message_from_bytes(header.as_bytes(), policy=default)
        assert read.items() == [("Subject", line)]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nobody",
        "@example.org",
        "a@",
        "a@b@c.org",
        "a@example.org, b@example.org",
        "a@example.org\r\nBcc: b@example.org",
        "A\r\nBcc: b@example.org <a@example.org>",
        "A <a@example.org> <b@example.org>",
        "=?utf-8?q?=0D=0ABcc:_b=40example.org?= <a@example.org>",
        "é@example.org",
        "a@exämple.org",
        "a@[127.0.0.1]",
        '"a b"@example.org',
        "a@example.org ",
        "a@-x.org",
        "a" * 250 + "@example.org",
        HOSTILE,
    ],
)
def test_what_is_no_address_is_refused(bad: str) -> None:
    changelog = arrange(comparison())
    for envelope in (
        Envelope(sender=bad),
        Envelope(recipients=("a@example.org", bad)),
    ):
        with pytest.raises(ReportError, match="is not an address"):
            render_mail(changelog, envelope=envelope)


def test_hostile_envelopes_are_refused() -> None:
    changelog = arrange(comparison())
    for value in HOSTILE_STRINGS:
        for envelope in (
            Envelope(sender=value),
            Envelope(sender=f"{value} <a@example.org>\r\n"),
            Envelope(recipients=(value,)),
            Envelope(previous=value),
            Envelope(previous=f"<a@b>{value}"),
        ):
            with pytest.raises(ReportError):
                render_mail(changelog, envelope=envelope)


@pytest.mark.parametrize("job", [*HOSTILE_STRINGS[::50], HOSTILE, "", "é", "x" * 300])
def test_any_job_makes_a_list(job: str) -> None:
    message = parsed(mail_of(comparison(), envelope=Envelope(job=job)))
    assert re.fullmatch(r"<[A-Za-z0-9-]{1,63}\.cachediff\.localhost>", message["List-Id"])


def test_long_identifiers_are_not_folded() -> None:
    domain = "very-long-name.of-a-department.of-some-university.example.edu"
    envelope = Envelope(sender=f"ci@{domain}", previous=f"<cachediff.{'0' * 32}@{domain}>")
    message = mail_of(comparison(), envelope=envelope)
    assert f"\r\nIn-Reply-To: {envelope.previous}\r\n" in message
    assert f"\r\nReferences: {envelope.previous}\r\n" in message
    assert f"\r\nList-Id: <compare.cachediff.{domain}>\r\n" in message
    assert f"\r\nMessage-ID: {message_id(comparison(), envelope)}\r\n" in message


def test_the_message_id_is_that_of_the_report() -> None:
    told = CASES["every-kind"]()
    this = message_id(told, ENVELOPE)
    assert re.fullmatch(r"<cachediff\.[0-9a-f]{32}@example\.org>", this)
    others = Envelope(job="nightly", sender="ci@example.org")
    assert message_id(told, others) == this
    differing = [
        message_id(told, msgspec.structs.replace(ENVELOPE, job="weekly")),
        message_id(told, msgspec.structs.replace(ENVELOPE, sender="ci@example.com")),
        message_id(msgspec.structs.replace(told, old=told.new, new=told.old), ENVELOPE),
        message_id(msgspec.structs.replace(told, old=side("develop")), ENVELOPE),
        message_id(msgspec.structs.replace(told, selection=Selection(specs=("hdf5",))), ENVELOPE),
        message_id(comparison(), ENVELOPE),
        message_id(comparison(new=side(commit="0" * 40)), ENVELOPE),
    ]
    assert len({this, *differing}) == 1 + len(differing)
    assert re.fullmatch(r"<[\x21-\x7e]+>", message_id(hostile(), ENVELOPE))


def test_a_huge_comparison_makes_a_small_body() -> None:
    """Every group with more rows than are told, each with the longest of values."""
    long = "\U000e0001" * 200
    packages = []
    for n in range(40):
        names = [f"{n:02}{kind}{long}" for kind in "abcdef"]
        one, two = (
            spec(x, "1", compiler=f"{x}{long}", os=f"{x}{long}", target=f"{x}{long}") for x in "xy"
        )
        packages += [
            package(names[0], removed(spec("a", f"{long}", package=names[0])), status="removed"),
            package(names[1], added(spec("b", f"{long}", package=names[1])), status="added"),
            package(
                names[2],
                pair("upgraded", one, two),
                removed(spec("e", "3", package=names[2])),
                left=(long,),
                joined=(f"{long}j",),
            ),
            package(names[3], pair("downgraded", two, one)),
            package(names[4], pair("changed", one, two)),
            package(names[5], status="unknown"),
        ]
    told = comparison(
        *packages,
        old=msgspec.structs.replace(OLD, suspect=long),
        stacks={f"{n}{long}": CoverageTotals((1, 2), (1, 1), (long,), (long,)) for n in range(40)},
        selection=Selection(specs=(long,) * 200, kinds=("added", "removed")),
    )
    message = parsed(mail_of(told))
    root = check_html(message)
    said = " ".join("".join(root.itertext()).split())
    assert len(html_of(message).encode()) > LARGEST * 0.9
    # What matters least is cut whole, what matters most is told as far as the first rows go.
    assert re.search(r"Unknown: 40 packages .*? … and 15 more, left out of this mail", said)
    assert re.search(r"Joined a stack: 40 packages[^…]* … and 40 more, left out of this mail", said)


def test_a_page_that_is_too_large_is_not_attached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "LARGEST_ATTACHMENT", 100_000)
    message = parsed(mail_of(CASES["every-kind"]()))
    assert not list(message.iter_attachments()) or types(message).get("alternative")
    for body in (text_of(message), html_of(message)):
        words = " ".join(body.split())
        assert "The whole report is too large to attach (0." in words
        assert "cachediff compare --format json" in words


@pytest.mark.parametrize(
    ("collection", "committed_at", "name"),
    [
        ("develop", "2025-04-02T03:12:09Z", "develop-2025-04-02.html"),
        ("develop-2025-04-02", "2025-04-02T03:12:09Z", "develop-2025-04-02.html"),
        ("develop", None, "develop.html"),
        ("../../etc/passwd", None, "etc-passwd.html"),
        ("\r\nX: y", "nonsense", "X-y.html"),
        ("é\u202e", None, "report.html"),
        ("x" * 300, None, "x" * 60 + ".html"),
    ],
)
def test_the_name_of_the_attachment(collection: str, committed_at: str | None, name: str) -> None:
    told = comparison(new=side(collection, committed_at=committed_at))
    message = parsed(mail_of(told))
    assert [part.get_filename() for part in message.iter_attachments()] == [name]


def test_a_template_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mail.html.j2").write_text(
        '{% extends "original/mail.html.j2" %}{% block footer %}<p>Ask {{ attached }}</p>{% endblock %}'
    )
    html = html_of(parsed(mail_of(comparison(), templates=tmp_path)))
    assert "Ask The attached page tells all of it." in html
    (tmp_path / "mail.html.j2").write_text("x" * (LARGEST + 1))
    with pytest.raises(ReportError, match="does not fit in 95,000 bytes"):
        mail_of(comparison(), templates=tmp_path)


def test_it_is_the_same_in_another_place(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom test_mail import *\n"
        "for case in ('every-kind', 'hostile'): sys.stdout.write(mail_of(CASES[case]()))"
    )
    environment = {
        "PYTHONPATH": str(Path(__file__).parent),
        "PATH": os.environ["PATH"],
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "de_DE.UTF-8",
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "7",
        "HOME": str(tmp_path),
    }
    there = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    ).stdout
    here = "".join(mail_of(CASES[case]()) for case in ("every-kind", "hostile"))
    assert there == here.encode("ascii")
