"""What gates found, in words: one true sentence each, in every report, and harmless in each."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import html5lib
import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from cachediff.changelog import arrange
from cachediff.errors import ReportError
from cachediff.jobs.filing import FEED, INDEX, file_report, rebuild_index
from cachediff.model.change import ChangeKind
from cachediff.model.comparison import Comparison
from cachediff.model.envelope import Envelope
from cachediff.model.gates import (
    SUSPECT_GATE,
    Acceptance,
    CollectionMissing,
    Evidence,
    Finding,
    Gate,
    Kind,
    LeftStack,
    NewestCollection,
    NoCollection,
    PackageEvidence,
    PackageRemoved,
    ReadingEvidence,
    Rule,
    SideEvidence,
    StackEvidence,
    StackShrank,
    Unreadable,
    VersionRemoved,
)
from cachediff.model.version import Version
from cachediff.queries.filed import RECORD, read_filed
from cachediff.reports import FORMATS, Layout, overview
from cachediff.reports.json import render_json
from cachediff.reports.mail import LONGEST_SUBJECT, subject
from cachediff.reports.reading import read_json
from cachediff.reports.visible import visible
from hostile_strings import HOSTILE_STRINGS
from report_cases import CASES, comparison, package, pair, side, spec

SINCE = datetime(2025, 4, 1, 3, 0, tzinfo=UTC)
LEFT = PackageEvidence("trilinos", 3, ("e4s",))


def packages(*names: str, stacks: tuple[str, ...] = ("e4s",)) -> tuple[PackageEvidence, ...]:
    return tuple(PackageEvidence(name, 2, stacks) for name in names)


def versions(name: str, *texts: str) -> PackageEvidence:
    return PackageEvidence(name, 2, ("e4s",), tuple(map(Version, texts)))


def of_kind(name: str, kind: str, specs: int = 2) -> PackageEvidence:
    return PackageEvidence(name, specs, ("e4s",), kind=ChangeKind(kind))


SENTENCES: list[tuple[Rule, tuple[Evidence, ...], str]] = [
    (LeftStack(), (LEFT,), "trilinos left e4s"),
    (LeftStack(), packages("a", "b", "c"), "a, b and c left e4s"),
    (
        LeftStack(),
        packages("a", "b") + packages("a", stacks=("hep",)),
        "a and b left e4s; a left hep",
    ),
    (LeftStack(), packages(*"abcdefg"), "a, b, c and 4 more left e4s"),
    (
        LeftStack(),
        tuple(PackageEvidence("a", 1, (f"s{n}",)) for n in range(6)),
        "a left s0; a left s1; a left s2; a left s3; and 2 more",
    ),
    (VersionRemoved(), (versions("hdf5", "1.12.3"),), "hdf5 lost version 1.12.3"),
    (VersionRemoved(), (versions("hdf5", "1.10", "1.12"),), "hdf5 lost versions 1.10 and 1.12"),
    (PackageRemoved(), packages("a", "b"), "a and b removed"),
    (
        StackShrank(percent=3),
        (StackEvidence("e4s", (676, 645), (90, 90)),),
        "e4s lost 31 of 676 specs (limit 3%)",
    ),
    (
        StackShrank(percent=2.5),
        (StackEvidence("e4s", (1676, 1600), (90, 1)),),
        "e4s lost 76 of 1,676 specs and 89 of 90 packages (limit 2.5%)",
    ),
    (
        Unreadable(),
        (ReadingEvidence(1, 1300, ("hdf5",)),),
        "1 of 1,300 manifests of NEW could not be read (limit 0): hdf5",
    ),
    (
        Unreadable(allowed=2),
        (ReadingEvidence(3, 1300),),
        "3 of 1,300 manifests of NEW could not be read (limit 2)",
    ),
    (SUSPECT_GATE.rule, (SideEvidence("new", "12 manifests"),), "NEW is suspect: 12 manifests"),
    (SUSPECT_GATE.rule, (SideEvidence("old", "no specs"),), "OLD is suspect: no specs"),
    (Kind(("downgraded",)), (of_kind("hdf5", "downgraded", 1),), "1 spec of hdf5 downgraded"),
    (
        Kind(("*",)),
        (of_kind("a", "removed"), of_kind("b", "removed"), of_kind("a", "rebuilt")),
        "4 specs of a and b removed; 2 specs of a rebuilt",
    ),
    (
        CollectionMissing("develop-*", 8),
        (NewestCollection("develop-2025-04-01", SINCE),),
        "the newest collection of develop-* is develop-2025-04-01, since 2025-04-01 (limit 8 days)",
    ),
    (CollectionMissing("v*", 8), (NoCollection(),), "there is no collection v*"),
]


@pytest.mark.parametrize(("rule", "evidence", "said"), SENTENCES)
def test_sentences(rule: Rule, evidence: tuple[Evidence, ...], said: str) -> None:
    found = replace(CASES["no-changes"](), findings=(Finding(Gate("g", rule), evidence),))
    assert overview.red(found, visible) + overview.accepted(found, visible) == [f"gate g: {said}"]
    # What is said is all in the JSON, which is read back as it was.
    assert read_json(render_json(found).encode()) == found


RED = Finding(Gate("left-e4s", LeftStack()), (LEFT,))
ACCEPTED = Finding(
    Gate("shrank", StackShrank(percent=3)),
    (StackEvidence("e4s", (676, 645), (90, 90)),),
    Acceptance("shrank", date(2025, 5, 1), "it is being moved"),
)
SAID_RED = "RED: gate left-e4s: trilinos left e4s"
SAID_ACCEPTED = (
    "Accepted until 2025-05-01 (it is being moved): "
    "gate shrank: e4s lost 31 of 676 specs (limit 3%)"
)


def night(*findings: Finding, case: str = "no-changes") -> Comparison:
    return replace(CASES[case](), findings=findings)


def html_of(mail: str) -> str:
    message = message_from_string(mail, policy=default)
    assert isinstance(message, EmailMessage)
    assert "\n" not in message["Subject"]
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def plain(told: Comparison, form: str) -> str:
    """What a person reads: a report without markup."""
    report = FORMATS[form](told, arrange, Layout())
    if form == "eml":
        report = html_of(report)
    if form in ("html", "eml"):
        root = html5lib.parse(report, namespaceHTMLElements=False)
        report = "\n".join(" ".join(each.itertext()) for each in root.iter("p"))
    return re.sub(r"\s+", " ", report.replace("`", "")).replace(" :", ":")


def words(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("form", ["text", "markdown", "html", "eml"])
def test_red_stands_before_the_headline_and_accepted_behind_it(form: str) -> None:
    told = words(plain(night(ACCEPTED, RED), form))
    red, headline, accepted = (
        told.index(words(each)) for each in (SAID_RED, "No changes", SAID_ACCEPTED)
    )
    assert red < headline < accepted
    assert told.count("RED") == 1


@pytest.mark.parametrize("form", ["text", "markdown", "html", "eml", "release-notes"])
def test_nothing_is_said_of_gates_where_nothing_was_found(form: str) -> None:
    told = plain(night(), form)
    assert "RED" not in told
    assert " gate " not in told
    assert "Accepted" not in plain(night(RED), form)


def test_release_notes_tell_no_findings() -> None:
    told = [FORMATS["release-notes"](each, arrange, Layout()) for each in (night(), night(RED))]
    assert told[0] == told[1]


def test_text_is_bold_and_red() -> None:
    coloured = FORMATS["text"](night(RED), arrange, Layout(colour=True))
    assert coloured.startswith(f"\x1b[1;31m{SAID_RED}\x1b[0m\n")


def test_markdown_has_a_box() -> None:
    told = FORMATS["markdown"](night(RED), arrange, Layout())
    assert "\n> [!CAUTION]\n> RED: gate `left-e4s`: `trilinos` left `e4s`\n\n**No changes" in told


@pytest.mark.parametrize(
    ("told", "first"),
    [
        (night(RED, case="suspect-new"), "NEW is suspect: 12 manifests where there were 1,298"),
        (replace(night(RED), notices=("upstream not reached",)), "Note: upstream not reached"),
        (night(case="problems"), r".*could not be compared"),
    ],
)
def test_what_is_not_to_be_believed_stays_in_the_first_line(told: Comparison, first: str) -> None:
    assert re.match(first, FORMATS["text"](told, arrange, Layout()).split("\n")[0])


UPGRADED = comparison(
    package("hdf5", pair("upgraded", spec("hdf5 1", "1"), spec("hdf5 2", "2"))),
    new=side("develop"),
)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (replace(UPGRADED, findings=(RED,)), "[cachediff] develop: RED: hdf5 upgraded"),
        (replace(UPGRADED, findings=(ACCEPTED,)), "[cachediff] develop: hdf5 upgraded"),
        (
            replace(UPGRADED, findings=(RED,), new=side("develop", suspect="few")),
            "[cachediff] develop: SUSPECT: RED: few, hdf5 upgraded",
        ),
        (
            replace(
                UPGRADED, findings=(RED,), packages=(), notices=("upstream not reached: timeout",)
            ),
            "[cachediff] develop: RED: upstream not reached: timeout, no changes",
        ),
    ],
)
def test_subjects(told: Comparison, expected: str) -> None:
    assert subject(arrange(told)) == expected
    nightly = expected.replace("develop", "develop 2025-04-21")
    assert subject(arrange(told), date(2025, 4, 21)) == nightly


def test_a_long_subject_is_still_red() -> None:
    long = side("x" * 300, suspect="y" * 300)
    told = subject(arrange(replace(UPGRADED, old=long, new=long, findings=(RED,))))
    assert "SUSPECT: RED: " in told
    assert len(told) <= LONGEST_SUBJECT


def test_a_filed_report_is_red_and_an_old_one_is_not(tmp_path: Path) -> None:
    paths = [
        file_report(tmp_path, job, told, Layout(), today=date(2025, 4, 20))
        for job, told in (("a", night(RED)), ("b", night(ACCEPTED)), ("c", night(RED)))
    ]
    document = json.loads((paths[2] / RECORD).read_bytes())
    assert document.pop("red") is True
    (paths[2] / RECORD).write_text(json.dumps(document))
    assert {each.job: each.red for each in read_filed(tmp_path).reports} == {
        "a": True,
        "b": False,
        "c": False,
    }
    rebuild_index(tmp_path, None)
    index, feed = ((tmp_path / name).read_text() for name in (INDEX, FEED))
    assert index.count('<p class="red">') == 1
    assert feed.count(">RED: develop") == 1


def test_json_without_findings_is_of_a_time_before_them() -> None:
    document = json.loads(render_json(night()))
    assert document.pop("findings") == []
    assert read_json(json.dumps(document).encode()) == night()
    document["findings"] = [{"gate": {"name": "x", "rule": {"rule": "bogus"}}, "evidence": []}]
    with pytest.raises(ReportError, match="bogus"):
        read_json(json.dumps(document).encode())


# What no value from data may do.


def hostile(value: str) -> Comparison:
    """Every kind of evidence, with this value wherever one can stand."""
    evil = (
        (LeftStack(), (PackageEvidence(value, 1, (value,)),)),
        (VersionRemoved(), (PackageEvidence(value, 1, (value,), (Version(value),)),)),
        (PackageRemoved(), (PackageEvidence(value, 1, (value,)),)),
        (StackShrank(), (StackEvidence(value, (9, 1), (9, 1)),)),
        (Unreadable(), (ReadingEvidence(1, 2, (value,)),)),
        (SUSPECT_GATE.rule, (SideEvidence("new", value),)),
        (Kind((value,)), (PackageEvidence(value, 1, kind=ChangeKind.REMOVED),)),
        (CollectionMissing(value, 1), (NewestCollection(value, SINCE),)),
        (CollectionMissing(value, 1), (NoCollection(),)),
    )
    accepted = Acceptance(value, date(2025, 5, 1), value)
    return night(
        *(
            Finding(Gate(value, rule), evidence, acceptance)
            for rule, evidence in evil
            for acceptance in (None, accepted)
        )
    )


def skeleton(told: str, form: str) -> list[str]:
    """What a report is made of, without its texts."""
    if form == "markdown":
        parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        return [
            token.type + token.tag
            for block in parser.parse(told)
            for token in (block, *(block.children or ()))
            if token.type not in ("text", "code_inline")
        ]
    if form == "text":
        return [str(line.isprintable()) for line in told.split("\n")]
    root = html5lib.parse(told, namespaceHTMLElements=False)
    return [f"{each.tag} {sorted(each.attrib)}" for each in root.iter()]


def report(value: str, form: str) -> str:
    layout = Layout(envelope=Envelope(night=date(2025, 4, 20)))
    told = FORMATS[form](hostile(value), arrange, layout)
    return html_of(told) if form == "eml" else told


SOME = {"text": 1, "markdown": 5, "html": 20, "eml": 25}
"""Of the hostile strings, every so many: a page takes a while."""


@pytest.mark.parametrize("form", SOME)
def test_hostile_values_are_only_text(form: str) -> None:
    expected = skeleton(report("plain", form), form)
    for value in HOSTILE_STRINGS[:: SOME[form]]:
        assert skeleton(report(value, form), form) == expected, value
    assert set(skeleton(report("plain", "text"), "text")) == {"True"}


def test_hostile_values_are_whole_in_json() -> None:
    for value in HOSTILE_STRINGS:
        told = render_json(hostile(value))
        assert told.isascii()
        assert json.loads(told)["findings"][0]["evidence"][0]["package"] == value
