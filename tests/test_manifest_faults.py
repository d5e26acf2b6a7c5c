"""What is wrong with a manifest is told exactly: which file, which record, which field.

A manifest that cannot be read for certain has no specs: never some of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from manifest_cases import Content, problems, read, refused, spec_json
from pages import Record, dag_hash, page, record

ONE, TWO = record("one"), record("two", "2.0", variants=["+mpi"])
DEEP = "[" * 100_000 + "]" * 100_000


def second(changes: Record) -> str:
    """A page of which the second record is changed."""
    details = json.dumps([ONE, TWO | changes])
    return page([ONE, TWO]).replace(json.dumps([ONE, TWO]), details)


def without(field: str) -> str:
    whole = json.dumps([ONE, TWO])
    cut = [ONE, {key: value for key, value in TWO.items() if key != field}]
    return page([ONE, TWO]).replace(whole, json.dumps(cut))


def raw(field: str, value: str) -> str:
    """A page of which one field of the second record is written as `value`."""
    return second({field: "@"}).replace('"@"', value)


def front(*lines: str) -> str:
    return "\n".join(["---", *lines, "---"])


FRONT_MATTER = {
    "": "the file is empty",
    " \n\t\r\n \n": "the file is empty",
    "\n" + page([ONE]): "no front matter: the first line is not '---'",
    "\ufeff" + page([ONE]): "no front matter: the first line is not '---'",
    "<h1>Not found</h1>": "no front matter: the first line is not '---'",
    '{"spec_details": []}': "no front matter: the first line is not '---'",
    "---": "cut short: the front matter does not end with '---'",
    page([ONE])[:-1]: "a line of the front matter is not 'key: value'",
    page([ONE])[:-3]: "cut short: the front matter does not end with '---'",
    page([ONE])[:-4]: "cut short: the front matter does not end with '---'",
    page([ONE]).replace("\nmeta", "\n<<<<<<< HEAD\nmeta"): (
        "a line of the front matter is not 'key: value'"
    ),
    front("spec_details: []", "spec_details: []"): "'spec_details' stands twice",
    front("spec_details: []", 'title: "x"', "meta: {}", "meta: {}"): "'meta' stands twice",
    front("spec_details: []", "\x1b[31m\n: a", "\x1b[31m: b"): (
        "a line of the front matter is not 'key: value'"
    ),
    front("\x1b[31m: a", "\x1b[31m: b"): r"'\x1b[31m' stands twice",
    front("k" * 500 + ":", "k" * 500 + ":"): f"'{'k' * 80}' stands twice",
    front("title: x", "meta: {}"): "a layout that is not known: no spec_details, no spec_files",
    front("spec_files:", " - spec-0.json"): (
        "a layout that is not known: no spec_details, no spec_files"
    ),
    front(" spec_details: []"): "a layout that is not known: no spec_details, no spec_files",
}


@pytest.mark.parametrize("content", FRONT_MATTER, ids=range(len(FRONT_MATTER)))
def test_front_matter(content: str) -> None:
    assert refused(read(content)) == f"hdf5/specs.md: {FRONT_MATTER[content]}"


KINDS = {"hash": "str", "compiler": "str | null", "os": "str", "platform": "str", "target": "str"}
KINDS |= {"versions": "array", "variants": "array", "stacks": "array"}
VALUES = {"int": "5", "bool": "true", "float": "1.5", "null": "null", "object": "{}"}
VALUES |= {"array": "[]", "str": '"x"'}


@pytest.mark.parametrize(
    ("field", "found"),
    [
        (field, found)
        for field in KINDS
        for found in VALUES
        if found not in KINDS[field].split(" | ")
    ],
)
def test_wrong_types(field: str, found: str) -> None:
    reason = f"record 2: {field}: Expected `{KINDS[field]}`, got `{found}`"
    assert refused(read(raw(field, VALUES[found]))) == f"hdf5/specs.md: {reason}"


@pytest.mark.parametrize("field", ["hash", "compiler", "versions", "os", "platform", "target"])
def test_missing_field(field: str) -> None:
    reason = f"record 2: Object missing required field `{field}`"
    assert refused(read(without(field))) == f"hdf5/specs.md: {reason}"


RECORDS = {
    raw("versions", "[]"): "record 2: versions: Expected `array` of length 1",
    raw("versions", '["1", "2"]'): "record 2: versions: Expected `array` of length 1",
    raw("versions", "[5]"): "record 2: versions[0]: Expected `str`, got `int`",
    raw("variants", '["+a", 5]'): "record 2: variants[1]: Expected `str`, got `int`",
    raw("variants", '["+a", ["+b"]]'): "record 2: variants[1]: Expected `str`, got `array`",
    raw("stacks", "[null]"): "record 2: stacks[0]: Expected `str`, got `null`",
    front("spec_details: {}"): "spec_details: Expected `array`, got `object`",
    front("spec_details: null"): "spec_details: Expected `array`, got `null`",
    front("spec_details:"): "spec_details: Input data was truncated",
    front("spec_details: [[]]"): "record 1: Expected `object`, got `array`",
    front("spec_details: ['x']"): "spec_details: JSON is malformed: invalid character (byte 2)",
    front("spec_details: [] x"): ("spec_details: JSON is malformed: trailing characters (byte 5)"),
    second({}).replace("}]\n---", "}\n---"): "spec_details: Input data was truncated",
    second({}).replace('"2.0"]}]\n---', '"2.\n---'): (
        "spec_details: JSON is malformed: invalid character (byte 430)"
    ),
    raw("os", '"a\tb"'): "spec_details: JSON is malformed: invalid character (byte 295)",
    raw("os", r'"\ud800"'): (
        "spec_details: JSON is malformed: unexpected end of escaped utf-16 surrogate pair (byte 300)"
    ),
}


@pytest.mark.parametrize("content", RECORDS, ids=range(len(RECORDS)))
def test_records(content: str) -> None:
    assert refused(read(content)) == f"hdf5/specs.md: {RECORDS[content]}"


GOOD_HASH = dag_hash("two")


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD_HASH[1:],
        f"{GOOD_HASH}a",
        f"{GOOD_HASH[1:]}\n",
        f"{GOOD_HASH}\n",
        GOOD_HASH.upper(),
        GOOD_HASH[:-1] + GOOD_HASH[-1:].upper().replace("7", "A"),
        *(GOOD_HASH[:-1] + digit for digit in "0189"),
        *(GOOD_HASH[:-1] + letter for letter in "\u00e9\u0430\uff41\u0131\u0663\x00 =\U0001f984"),
        "\u00e9" * 32,
        "a" * 1000,
    ],
)
def test_hash_of_the_wrong_shape(text: str) -> None:
    reason = f"record 2: hash: {text[:80]!r} is not 32 characters of a-z and 2-7"
    assert refused(read(second({"hash": text}))) == f"hdf5/specs.md: {reason}"


def test_hashes_of_wrong_lengths_that_add_up() -> None:
    one, two = (ONE | {"hash": dag_hash("one")[1:]}), TWO | {"hash": f"{GOOD_HASH}a"}
    reason = f"record 1: hash: {one['hash']!r} is not 32 characters of a-z and 2-7"
    assert refused(read(page([one, two]))) == f"hdf5/specs.md: {reason}"


def test_duplicate_hash() -> None:
    other_order = ONE | {"variants": ["+b", "+a"]}
    again = ONE | {"variants": ["+a", "+b"], "compiler": "gcc@=11.4.0"}
    manifest = read(page([other_order, TWO, again, again]))
    assert problems(manifest) == [f"hdf5/specs.md: hash {ONE['hash']} is listed 3 times"]
    assert manifest == read(page([again, other_order, again, TWO]))
    assert [spec.hash for spec in manifest.specs] == sorted([ONE["hash"], TWO["hash"]])


@pytest.mark.parametrize(
    "changes",
    [
        {"versions": ["1.1"]},
        {"versions": ["1_0"]},  # an equal version: which of the two spellings it is, nobody knows
        {"compiler": "none"},
        {"os": "rhel8"},
        {"platform": "cray"},
        {"target": "zen4"},
        {"variants": ["+mpi"]},
        {"stacks": ["root"]},
    ],
)
def test_duplicate_hash_that_conflicts(changes: Record) -> None:
    reason = f"hdf5/specs.md: hash {ONE['hash']} stands for two different specs"
    for records in ([ONE, TWO, ONE | changes], [ONE | changes, ONE, TWO, ONE]):
        assert refused(read(page(records))) == reason


@pytest.mark.parametrize(
    "field", ["hash", "compiler", "versions", "os", "platform", "target", "variants", "stacks"]
)
def test_not_utf8(field: str) -> None:
    listed = field in {"versions", "variants", "stacks"}
    text = raw(field, '["a@b"]' if listed else '"a@b"').encode().replace(b"a@b", b"a\xff")
    found = "'a\ufffd'"
    if field in {"hash", "compiler", "versions", "os", "platform", "target"}:
        found = "'[\"a\ufffd\"]'" if listed else "'\"a\ufffd\"'"
    assert refused(read(text)) == f"hdf5/specs.md: record 2: {field}: {found} is not UTF-8"


def test_not_utf8_before_more_faults() -> None:
    broken = raw("os", '"a@b"').encode().replace(b"a@b", b"a\xff").replace(b"}]\n", b"}\n")
    assert refused(read(broken)) == "hdf5/specs.md: spec_details: 'a\ufffd' is not UTF-8"


def test_not_utf8_where_nothing_is_read() -> None:
    text = page([ONE | {"tarball": "@"}]).encode().replace(b'"@"', b'"\xff"')
    assert read(text.replace(b"title", b"t\xfftle")) == read(page([ONE]))


NESTED = {
    front(f"spec_details: {DEEP}"): "record 1: Expected `object`, got `array`",
    front("spec_details: [" + '{"a":' * 100_000): "spec_details: it is nested too deeply",
    raw("variants", DEEP): "spec_details: it is nested too deeply",
    raw("stacks", DEEP): "spec_details: it is nested too deeply",
    raw("versions", DEEP): "record 2: versions[0]: Expected `str`, got `array`",
    raw("os", DEEP): "record 2: os: Expected `str`, got `array`",
    raw("size", DEEP): "spec_details: it is nested too deeply",
    raw("tarball", DEEP.replace("[", '{"a":[').replace("]", "]}")): (
        "spec_details: it is nested too deeply"
    ),
    "[" * 100_000: "no front matter: the first line is not '---'",
}


@pytest.mark.parametrize("content", NESTED, ids=range(len(NESTED)))
def test_100_000_brackets(content: str) -> None:
    assert refused(read(content)) == f"hdf5/specs.md: {NESTED[content]}"


LONG = b"x" * 100_000_000


@pytest.mark.parametrize("field", ["size", "stacks"])
def test_a_line_of_100_mb(field: str) -> None:
    one = ONE | {field: ["$"] if field == "stacks" else "$"}
    text = front("meta: {}", f"spec_details: {json.dumps([one])}").encode()
    (spec,) = read(text.replace(b"$", LONG)).specs
    assert "".join(spec.stacks or ()).encode() == (LONG if field == "stacks" else b"e4sroot")


@pytest.mark.parametrize("before", [b"", b"---\n", b"---\n%b: \n" % LONG])
def test_100_mb_that_are_no_manifest(before: bytes) -> None:
    assert len(refused(read(before + LONG))) < 100


def test_a_million_lines() -> None:
    manifest = read(page([ONE]).replace("\nmeta", "\n x" * 1_000_000 + "\nmeta"))
    assert manifest == read(page([ONE]))


CLAIMS: list[tuple[str, Any, str]] = [
    (
        "num_specs_by_stack",
        {"e4s": 3, "hep": 1},
        "'e4s' is 2, claimed 3, 'hep' is claimed, 'root' is not claimed",
    ),
    (
        "stacks",
        ["__all", "hep", "root"],
        "'__all' is claimed, 'e4s' is not claimed, 'hep' is claimed",
    ),
    ("versions", ["1.0", "3.0"], "'2.0' is not claimed, '3.0' is claimed"),
    ("compilers", [], "'gcc@11.4.0' is not claimed"),
    ("compilers", ["none", "gcc@11.4.0"], "'none' is claimed"),
    ("platforms", ["cray"], "'cray' is claimed, 'linux' is not claimed"),
    ("oss", ["ubuntu22.04", "\x1b[31m\n"], r"'\x1b[31m\n' is claimed"),
    ("oss", ["ubuntu22.04", "'\"]["], r"""'\'"][' is claimed"""),
    ("targets", ["x86_64_v3", "x" * 200], f"'{'x' * 80}' is claimed"),
    (
        "targets",
        ["x86_64_v3", *(f"t{number:06}" for number in range(200_000))],
        ", ".join(f"'t{number:06}' is claimed" for number in range(10)) + ", and 199,990 more",
    ),
]


@pytest.mark.parametrize(("key", "claim", "differences"), CLAIMS, ids=range(len(CLAIMS)))
def test_meta_that_does_not_agree(key: str, claim: Any, differences: str) -> None:
    manifest = read(page([ONE, TWO], **{key: claim}))
    reason = f"meta does not agree with the specs on {key}: {differences}"
    assert problems(manifest) == [f"hdf5/specs.md: {reason}"]
    assert (manifest.specs, manifest.readable) == (read(page([ONE, TWO])).specs, True)


@pytest.mark.parametrize("number", [0, 1, 3, -1, 10**30])
def test_meta_that_counts_otherwise(number: int) -> None:
    manifest = read(page([ONE, TWO], num_specs=number))
    reason = f"meta says num_specs is {number}, the specs say 2"
    assert problems(manifest) == [f"hdf5/specs.md: {reason}"]
    assert (manifest.specs, manifest.readable) == (read(page([ONE, TWO])).specs, True)


def test_meta_that_does_not_agree_on_several_keys() -> None:
    manifest = read(page([ONE, TWO], num_specs=3, versions=["1.0"], oss=["rhel8"]))
    assert [reason.split(": ")[1] for reason in problems(manifest)] == [
        "meta says num_specs is 3, the specs say 2",
        "meta does not agree with the specs on versions",
        "meta does not agree with the specs on oss",
    ]


@pytest.mark.parametrize(
    "claims",
    [
        {"compilers": ["gcc@=11.4.0"]},
        {"versions": ["2.0", "1.0", "2.0"]},
        {"targets": ["x86_64_v3", "x86_64_v3"]},
        {"anything": [{}], "size": None},
    ],
)
def test_meta_that_agrees(claims: Record) -> None:
    assert problems(read(page([ONE, TWO], **claims))) == []


def test_meta_claims_every_spelling_of_a_version() -> None:
    records = [ONE, ONE | {"hash": dag_hash("three"), "versions": ["1_0"]}]
    assert problems(read(page(records))) == []
    for claimed, missing in (("1.0", "1_0"), ("1_0", "1.0")):
        manifest = read(page(records, versions=[claimed]))
        reason = f"meta does not agree with the specs on versions: {missing!r} is not claimed"
        assert problems(manifest) == [f"hdf5/specs.md: {reason}"]


def test_meta_claims_what_it_has() -> None:
    text = page([ONE, TWO])
    for meta in ("{}", '{"num_specs": 2}'):
        line = next(line for line in text.splitlines() if line.startswith("meta"))
        assert read(text.replace(line, f"meta: {meta}")) == read(text)


META = {
    "": "meta: Input data was truncated",
    '{"num_specs": 2': "meta: Input data was truncated",
    "[]": "meta: Expected `object`, got `array`",
    "[nobody]": "meta: Expected `object`, got `array`",
    '{"num_specs": 2, nobody}': "meta: JSON is malformed: object keys must be strings (byte 18)",
    '{"num_specs": "2"}': "meta.num_specs: Expected `int`, got `str`",
    '{"num_specs": 2.0}': "meta.num_specs: Expected `int`, got `float`",
    '{"num_specs": null}': "meta.num_specs: Expected `int`, got `null`",
    '{"num_specs": ' + "9" * 5000 + "}": "meta.num_specs: Integer value out of range",
    '{"stacks": "e4s"}': "meta.stacks: Expected `array`, got `str`",
    '{"versions": [1.0]}': "meta.versions[0]: Expected `str`, got `float`",
    '{"num_specs_by_stack": {"e4s": "2"}}': (
        "meta.num_specs_by_stack[...]: Expected `int`, got `str`"
    ),
    '{"oss": ["\xff"]}': "meta: '\ufffd' is not UTF-8",
    '{"anything": ' + DEEP + "}": "meta: it is nested too deeply",
    '{"oss": ' + DEEP + "}": "meta.oss[0]: Expected `str`, got `array`",
}


@pytest.mark.parametrize("meta", META, ids=range(len(META)))
def test_broken_meta(meta: str) -> None:
    text = page([ONE, TWO]).encode()
    start, end = text.index(b"meta: "), text.index(b"spec_details")
    manifest = read(text[:start] + f"meta: {meta}\n".encode("latin-1") + text[end:])
    assert problems(manifest) == [f"hdf5/specs.md: {META[meta]}"]
    assert manifest.specs == read(text).specs


def test_no_meta() -> None:
    text = page([ONE, TWO])
    manifest = read(text.replace("meta: ", "mate: "))
    assert problems(manifest) == ["hdf5/specs.md: there is no meta"]
    assert manifest.specs == read(text).specs


@pytest.mark.parametrize("name", ["", "specs.md", "index.md", "spec-0.json", "spec-17.json"])
def test_files_that_could_not_be_given(name: str) -> None:
    manifest = read(page([ONE]), unreadable=((name, "it is a symbolic link"),))
    assert refused(manifest) == f"{'hdf5/' if name else 'hdf5'}{name}: it is a symbolic link"


def test_each_file_that_could_not_be_given_is_told() -> None:
    found = (("specs.md", "it is too large"), ("README", "it is a submodule"), ("", "it is a link"))
    manifest = read({}, unreadable=found)
    assert problems(manifest) == ["hdf5/specs.md: it is too large", "hdf5: it is a link"]
    assert not manifest.readable


@pytest.mark.parametrize("name", ["README.md", "specs.md.orig", "xspec-1.json", "spec-x.json"])
def test_files_that_are_not_needed(name: str) -> None:
    manifest = read(page([ONE]), unreadable=((name, "it is a symbolic link"),))
    assert manifest == read(page([ONE]))


@pytest.mark.parametrize("files", [{}, {"README.md": page([ONE])}, {"spec-0.json": spec_json("0")}])
def test_no_page(files: Mapping[str, Content]) -> None:
    assert refused(read(files)) == "hdf5: no manifest here: neither specs.md nor index.md"
