"""What holds of every manifest, whatever its bytes: it is read whole, or not at all."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediff.manifests import Interner
from cachediff.model.snapshot import Manifest
from manifest_cases import CASES, golden_files, problems, read, told
from pages import Record, dag_hash, page, record

GOLDEN = {case: golden_files(case) for case in CASES}
DETAILS = [case for case in CASES if b"spec_details" in GOLDEN[case][1].get("specs.md", b"")]
INTACT = {case: read(files, package) for case, (package, files) in GOLDEN.items()}


def check(manifest: Manifest) -> None:
    """What every manifest promises, however it came about."""
    if not manifest.readable:
        assert manifest.specs == ()
        assert manifest.problems
    hashes = [spec.hash for spec in manifest.specs]
    assert hashes == sorted(set(hashes))
    # All that was read can be written again.
    json.dumps([told(spec) for spec in manifest.specs], ensure_ascii=False).encode()
    json.dumps(problems(manifest), ensure_ascii=False).encode()
    assert all("\n" not in problem for problem in problems(manifest))


def nothing_lost(manifest: Manifest, intact: Manifest) -> None:
    """No spec is missing without a word."""
    check(manifest)
    assert manifest.problems or len(manifest.specs) >= len(intact.specs)


@pytest.mark.parametrize("case", CASES)
def test_cut_anywhere(case: str) -> None:
    package, files = GOLDEN[case]
    (name,) = (name for name in files if name.endswith(".md"))
    content = files[name]
    # Every place in a small page and near the end of each, every second or third elsewhere.
    step = 1 + len(content) // 3000
    places = {*range(0, len(content), step), *range(len(content) - 100, len(content))}
    for place in places:
        manifest = read(files | {name: content[:place]}, package)
        check(manifest)
        assert not manifest.readable


@pytest.mark.parametrize("case", ["2021-index", "2022-two-lists"])
def test_spec_files_cut_anywhere(case: str) -> None:
    package, files = GOLDEN[case]
    content = files["spec-1.json"]
    for place in range(len(content)):
        assert not read(files | {"spec-1.json": content[:place]}, package).readable


@given(st.dictionaries(st.sampled_from(["specs.md", "index.md", "spec-0.json"]), st.binary()))
def test_any_bytes(files: dict[str, bytes]) -> None:
    check(read(files))


LINES = st.sampled_from(
    [
        *(f"{key}: ".encode() for key in ("spec_details", "meta", "title", "")),
        *(
            b"spec_files:\n - spec-0.json\n",
            b"spec_names:\n - 'a'\n",
            b'spec_files:\n - "a": spec-0.json',
        ),
        *(b"[]", b"{}", b"[{", b"}]", b"\n", b"---", b"\n---\n", b" ", b"\r\n", b"\xff"),
    ]
)


@given(st.sampled_from(["specs.md", "index.md"]), st.lists(LINES | st.binary(max_size=9)))
def test_any_lines(name: str, lines: list[bytes]) -> None:
    content = b"---\n" + b"".join(lines) + b"\n---"
    check(read({name: content, "spec-0.json": b"{}"}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*record("x"), "num_specs", "nodes", "spec"]), inner)
    ),
    max_leaves=8,
)


@given(JSON, st.lists(JSON, max_size=3), st.dictionaries(st.sampled_from(list(record("x"))), JSON))
def test_any_json(meta: Any, details: list[Any], changes: dict[str, Any]) -> None:
    for listed in (details, [record("x"), record("y") | changes]):
        check(read(f"---\nmeta: {json.dumps(meta)}\nspec_details: {json.dumps(listed)}\n---"))


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "insert", "delete", "repeat"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 255),
        st.sampled_from([b"\n", b"---\n", b"\n---\n", b":", b'"', b"]", b"}, {", b"\xff", b" - "]),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    for edit, share, number, text in edits:
        at = int(share * len(content))
        before, after = content[:at], content[at:]
        match edit:
            case "flip":
                content = before + bytes([after[0] ^ number]) + after[1:] if after else content
            case "insert":
                content = before + text + after
            case "delete":
                content = before + after[number:]
            case "repeat":
                content = before + after[:number] * 2 + after[number:]
    return content


@given(st.sampled_from(DETAILS), EDITS)
def test_damaged_details(case: str, edits: list[tuple[str, float, int, bytes]]) -> None:
    package, files = GOLDEN[case]
    damaged = edited(files["specs.md"], edits)
    nothing_lost(read({"specs.md": damaged}, package), INTACT[case])


@given(st.sampled_from(["2021-index", "2022-two-lists"]), st.data(), EDITS)
def test_damaged_lists(
    case: str, data: st.DataObject, edits: list[tuple[str, float, int, bytes]]
) -> None:
    package, files = GOLDEN[case]
    name = data.draw(st.sampled_from(sorted(files)))
    damaged = edited(files[name], edits)
    nothing_lost(read(files | {name: damaged}, package), INTACT[case])


TEXT = st.text(max_size=6)
VARIANTS = ["+mpi", "~cuda", "build_type=Release", "patches=a,b", "languages=c,c++,fortran"]
RECORDS = st.builds(
    record,
    st.text(min_size=1),
    st.sampled_from(["1.0", "1_0", "develop", "2.0rc1"]) | TEXT,
    compiler=st.sampled_from(["none", "gcc@11.4.0", "gcc@=11.4.0", "oneapi@=2024.2.1"]) | TEXT,
    os=TEXT,
    variants=st.lists(st.sampled_from(VARIANTS) | TEXT, unique=True, max_size=4),
    stacks=st.lists(st.sampled_from(["e4s", "hep", "root"]) | TEXT, unique=True),
)
PAGES = st.lists(RECORDS, unique_by=lambda one: str(one["hash"]), max_size=5)


@given(PAGES)
def test_every_record_is_one_spec(records: list[Record]) -> None:
    manifest = read(page(records))
    assert problems(manifest) == []
    assert [
        (spec.hash, spec.version.text, spec.os, set(spec.stacks or ())) for spec in manifest.specs
    ] == sorted((r["hash"], r["versions"][0], r["os"], set(r["stacks"])) for r in records)


@given(PAGES, st.randoms(use_true_random=False))
def test_order_does_not_matter(records: list[Record], rng: random.Random) -> None:
    def shuffled(value: Any) -> Any:
        match value:
            case dict():
                pairs = [(key, shuffled(inner)) for key, inner in value.items()]
                return dict(rng.sample(pairs, len(pairs)))
            case list():
                return [shuffled(inner) for inner in rng.sample(value, len(value))]
        return value

    text = page(records)
    head, meta, details, tail = (
        text.partition("meta: ")[0],
        json.loads(text.partition("meta: ")[2].partition("\n")[0]),
        records,
        "\n---",
    )
    other = (
        f"{head}spec_details: {json.dumps(shuffled(details))}\n"
        f"meta: {json.dumps(shuffled(meta))}{tail}"
    )
    interner = Interner()
    one, two = read(text, interner=interner), read(other, interner=interner)
    assert one == two
    assert all(a.build is b.build for a, b in zip(one.specs, two.specs, strict=True))


SPELLINGS: list[tuple[Record, Record]] = [
    ({"compiler": "gcc@=11.4.0"}, {"compiler": "gcc@11.4.0"}),
    ({"compiler": "oneapi@=2024.2.1"}, {"compiler": "intel-oneapi-compilers@2024.2.1"}),
    ({"compiler": "rocmcc@6.3"}, {"compiler": "llvm-amdgpu@=6.3"}),
    ({"compiler": "clang@=19.1.0"}, {"compiler": "llvm@19.1.0"}),
    ({"compiler": "none"}, {"compiler": None}),
    ({"variants": ["patches:=5c7a3c0"]}, {"variants": ["patches=5c7a3c0"]}),
    ({"variants": ["a=y,x", "+b"]}, {"variants": ["+b", "a:=x,y"]}),
    ({"stacks": ["root", "e4s"]}, {"stacks": ["e4s", "root", "e4s"]}),
]


@pytest.mark.parametrize(("left", "right"), SPELLINGS)
def test_spelling_is_not_read(left: Record, right: Record) -> None:
    interner = Interner()
    one, two = (
        read(
            f"---\nmeta: {{}}\nspec_details: {json.dumps([record('one') | changes])}\n---",
            interner=interner,
        )
        for changes in (left, right)
    )
    assert problems(one) == problems(two) == []
    assert one == two
    assert one.specs[0].build is two.specs[0].build


@given(st.permutations(["1.0", "1_0", "1.00", "01.0", "1.0"]))
def test_each_version_keeps_its_spelling(spellings: list[str]) -> None:
    interner = Interner()
    for page_of in (spellings[:3], spellings[3:], spellings):
        records = [record(f"{n} {text}", text) for n, text in enumerate(page_of)]
        found = {spec.hash: spec.version.text for spec in read(page(records), "x", interner).specs}
        assert found == {dag_hash(f"{n} {text}"): text for n, text in enumerate(page_of)}


def test_equal_builds_are_one_object() -> None:
    interner = Interner()
    first = read(page([record("one"), record("two"), record("three", "1_0")]), "a", interner)
    second = read(page([record("four", compiler="gcc@=11.4.0")]), "a", interner)
    builds = {spec.hash: spec.build for spec in (*first.specs, *second.specs)}
    one, two, three, four = (builds[dag_hash(seed)] for seed in ("one", "two", "three", "four"))
    assert one is two is four
    assert three == one
    assert three is not one


def test_builds_of_other_packages_are_others() -> None:
    interner = Interner()
    for package in ("a", "b", "a"):
        (spec,) = read(page([record("one")]), package, interner).specs
        assert spec.package == package


def test_what_could_not_be_read_leaves_nothing_behind() -> None:
    interner = Interner()
    good, bad = record("one", variants=["+a"]), record("two", variants=["+b"])
    text = page([good, bad]).encode()
    for broken in (text.replace(b'"+b"', b'"\xff"'), text.replace(b'["+b"]', b"[5]   ")):
        assert not read(broken, interner=interner).readable
    assert read(text, interner=interner) == read(text)
