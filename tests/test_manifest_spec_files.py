"""What is wrong with the pages of 2021 and 2022, which list files beside them, is told exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from manifest_cases import golden_files, problems, read, refused, spec_json
from pages import dag_hash

DEEP = "[" * 100_000 + "]" * 100_000
INDEX, NAMES = "2021-index", "2022-two-lists"
PAGES = {INDEX: "index.md", NAMES: "specs.md"}
LAYOUTS = pytest.mark.parametrize("case", PAGES)


def changed(case: str, name: str, old: str, new: str) -> dict[str, bytes]:
    _, files = golden_files(case)
    assert old.encode() in files[name]
    return files | {name: files[name].replace(old.encode(), new.encode("latin-1"), 1)}


@LAYOUTS
@pytest.mark.parametrize("name", ["spec-0.json", "spec-3.json"])
def test_missing_spec_file(case: str, name: str) -> None:
    package, files = golden_files(case)
    del files[name]
    reason = f"1 of 4 listed files are missing, '{name}' first"
    assert refused(read(files, package)) == f"zlib/{PAGES[case]}: {reason}"


PATHS = ["../spec-0.json", "/etc/passwd", "a/../spec-0.json", "spec-0.json\x00", "", "spec-0.JSON"]


@LAYOUTS
@pytest.mark.parametrize("path", PATHS)
def test_paths(case: str, path: str) -> None:
    reason = f"1 of 4 listed files are missing, {path!r} first"
    if case == INDEX:
        _, files = golden_files(case)
        item = next(line for line in files["index.md"].decode().splitlines() if "-0.json" in line)
        item = item.removeprefix(" - ").replace("spec-0.json", path).strip()
        reason = f"spec_files: not a spec and its file: {item[:80]!r}"
    elif not path:
        reason = "spec_files: not a list item: '-'"
    files = changed(case, PAGES[case], "spec-0.json", path)
    assert refused(read(files, "zlib")) == f"zlib/{PAGES[case]}: {reason}"


@LAYOUTS
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (" - ", " * ", "spec_files: not a list item: "),
        ("spec_files: \n", "spec_files: []\n", "spec_files: not a list item: '[]'"),
        ("spec_files: \n", "spec_files: \n nothing\n", "spec_files: not a list item: 'nothing'"),
    ],
)
def test_lists(case: str, old: str, new: str, reason: str) -> None:
    found = refused(read(changed(case, PAGES[case], old, new), "zlib"))
    assert found.startswith(f"zlib/{PAGES[case]}: {reason}")


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        (b" - spec-2.json", "3 spec_files, but 4 spec_names"),
        (b"%xl@16.1", "4 spec_files, but 3 spec_names"),
    ],
)
def test_lists_of_different_lengths(left_out: bytes, reason: str) -> None:
    package, files = golden_files(NAMES)
    lines = files["specs.md"].splitlines(keepends=True)
    shorter = b"".join(line for line in lines if left_out not in line)
    assert refused(read(files | {"specs.md": shorter}, package)) == f"zlib/specs.md: {reason}"


@LAYOUTS
def test_file_that_is_not_listed(case: str) -> None:
    package, files = golden_files(case)
    whole = read(files, package)
    more = files | {"spec-4.json": b"", "spec-5.json": b"", "README.md": b""}
    manifest = read(more, package)
    reason = "files that are not listed: 2, 'spec-4.json' first"
    assert problems(manifest) == [f"zlib/{PAGES[case]}: {reason}"]
    assert manifest.specs == whole.specs


@LAYOUTS
def test_file_that_is_listed_twice(case: str) -> None:
    manifest = read(changed(case, PAGES[case], "spec-2.json", "spec-1.json"), "zlib")
    twice = json.loads(golden_files(case)[1]["spec-1.json"])["spec"]["nodes"][0]["hash"]
    assert problems(manifest) == [
        f"zlib/{PAGES[case]}: files that are not listed: 1, 'spec-2.json' first",
        f"zlib/{PAGES[case]}: hash {twice} is listed 2 times",
    ]
    assert len(manifest.specs) == 3


@LAYOUTS
def test_file_that_is_of_another_version_than_listed(case: str) -> None:
    files = changed(case, PAGES[case], "zlib@1.2.12%", "zlib@1.2.13%")
    text = 'zlib@1.2.13%xl@16.1 fflags="-qzerosize -O2" +optimize+pic~shared patches=0d38234'
    reason = f"spec-3.json is version '1.2.12', listed as {text[:80]!r}"
    manifest = read(files, "zlib")
    assert problems(manifest) == [f"zlib/{PAGES[case]}: {reason}"]
    assert len(manifest.specs) == 4


@LAYOUTS
def test_meta_of_lists(case: str) -> None:
    manifest = read(changed(case, PAGES[case], '"1.2.12", ', '"1.2.8", '), "zlib")
    reason = "meta does not agree with the specs on versions"
    differing = "'1.2.12' is not claimed, '1.2.8' is claimed"
    assert problems(manifest) == [f"zlib/{PAGES[case]}: {reason}: {differing}"]
    assert len(manifest.specs) == 4


def node(**changes: Any) -> str:
    """A `spec-N.json` of which the first node is changed; a value of None leaves the field out."""
    content = json.loads(spec_json("0"))
    first = content["spec"]["nodes"][0] | changes
    content["spec"]["nodes"] = [{k: v for k, v in first.items() if v is not None}]
    return json.dumps(content)


ARCH = {"platform": "linux", "platform_os": "rhel8", "target": "zen4"}
WHERE = "spec.nodes[0]"
SPEC_FILES = {
    "": "Input data was truncated",
    spec_json("0")[:-1]: "Input data was truncated",
    "[]": "Expected `object`, got `array`",
    "{}": "Object missing required field `spec`",
    # The format before `nodes`: a list of one-key maps, without the hash of today.
    '{"spec": [{"zlib": {"version": "1.2.11"}}]}': "spec: Expected `object`, got `array`",
    '{"spec": {"_meta": {"version": 2}}}': "spec: Object missing required field `nodes`",
    '{"spec": {"nodes": []}}': "it holds no spec",
    '{"spec": {"nodes": {}}}': "spec.nodes: Expected `array`, got `object`",
    '{"spec": {"nodes": [[]]}}': f"{WHERE}: Expected `object`, got `array`",
    node(name="zlib-ng"): "it is a spec of 'zlib-ng'",
    node(name="x" * 200): f"it is a spec of '{'x' * 80}'",
    node(hash=None): f"{WHERE}: Object missing required field `hash`",
    node(hash="A" * 32): f"record 1: hash: '{'A' * 32}' is not 32 characters of a-z and 2-7",
    node(version=None): f"{WHERE}: Object missing required field `version`",
    node(version=1.2): f"{WHERE}.version: Expected `str`, got `float`",
    node(arch=None): f"{WHERE}: Object missing required field `arch`",
    node(arch="linux-rhel8-zen4"): f"{WHERE}.arch: Expected `object`, got `str`",
    node(arch=ARCH | {"platform": 1}): f"{WHERE}.arch.platform: Expected `str`, got `int`",
    node(arch=ARCH | {"target": {}}): f"{WHERE}.arch.target: Object missing required field `name`",
    node(arch=ARCH | {"target": 1}): f"{WHERE}.arch.target: Expected `str | object`, got `int`",
    node(compiler="gcc"): f"{WHERE}.compiler: Expected `object | null`, got `str`",
    node(compiler={"name": "gcc"}): f"{WHERE}.compiler: Object missing required field `version`",
    node(parameters=[]): f"{WHERE}.parameters: Expected `object`, got `array`",
    node(parameters={"a": 1}): (
        f"{WHERE}.parameters[...]: Expected `bool | str | array`, got `int`"
    ),
    node(parameters={"a": [1]}): f"{WHERE}.parameters[...][0]: Expected `str`, got `int`",
    node(version="@").replace("@", "\xff"): f"{WHERE}: '\ufffd' is not UTF-8",
    DEEP: "Expected `object`, got `array`",
    f'{{"spec": {DEEP}}}': "spec: Expected `object`, got `array`",
    f'{{"spec": {{"nodes": {DEEP}}}}}': "it is nested too deeply",
    node(parameters="@").replace('"@"', DEEP): "it is nested too deeply",
    node(package_hash="@").replace('"@"', DEEP): "it is nested too deeply",
}


@LAYOUTS
@pytest.mark.parametrize("content", SPEC_FILES, ids=range(len(SPEC_FILES)))
def test_spec_file(case: str, content: str) -> None:
    package, files = golden_files(case)
    manifest = read(files | {"spec-0.json": content.encode("latin-1")}, package)
    assert refused(manifest) == f"zlib/spec-0.json: {SPEC_FILES[content]}"


def test_spec_file_in_other_spellings() -> None:
    _, files = golden_files(INDEX)
    target = {"name": "zen4", "vendor": "AuthenticAMD", "features": ["abm"]}
    content = node(version="1.2.11", compiler=None, arch=ARCH | {"target": target}, parameters=None)
    manifest = read(files | {"spec-0.json": content}, "zlib")
    (spec,) = (spec for spec in manifest.specs if spec.hash == dag_hash("0"))
    assert (spec.compiler, spec.target, spec.variants) == (None, "zen4", ())
