"""Every manifest format that the history of the cache pages holds, read whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cachediff.manifests import Interner
from cachediff.model.snapshot import Manifest
from manifest_cases import CASES, GOLDEN, golden_files, problems, read, refused, spec_json, told
from pages import dag_hash, page, record

# Manifests of the upstream repository, release by release; they are not part of the project.
REAL = Path(__file__).parents[2] / "shared" / "real" / "cache-site"
needs_real = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real manifests are not beside the project: ../shared/real"
)


def folders(*patterns: str) -> list[Any]:
    found = sorted({path.parent for pattern in patterns for path in REAL.glob(pattern)})
    named = [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in found]
    return named or [pytest.param(REAL, marks=needs_real)]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    package, files = golden_files(case)
    manifest = read(files, package)
    assert json.loads((GOLDEN / case / "expected.json").read_text()) == {
        "readable": manifest.readable,
        "problems": problems(manifest),
        "specs": [told(spec) for spec in manifest.specs],
    }


def test_golden_cases_expect_something() -> None:
    assert len(CASES) >= 9
    for case in CASES:
        assert len(json.loads((GOLDEN / case / "expected.json").read_text())["specs"]) > 1, case


@pytest.mark.parametrize(
    "layout", ["2024-06-unsorted", "2025-03-sorted-with-tarball", "2025-03-no-tarball"]
)
def test_layouts_of_the_same_specs_are_the_same(layout: str) -> None:
    package, files = golden_files(layout)
    _, other = golden_files("2025-03-no-tarball")
    interner = Interner()
    assert read(files, package, interner) == read(other, package, interner)


def plainly(value: dict[str, Any]) -> list[Any]:
    """A record of the real manifests, by the few spellings that they are known to hold."""
    compiler = value["compiler"].replace("@=", "@")
    for old, new in {"oneapi@": "intel-oneapi-compilers@", "rocmcc@": "llvm-amdgpu@"}.items():
        compiler = re.sub(f"^{old}", new, compiler)
    return [
        value["hash"],
        *value["versions"],
        None if compiler == "none" else compiler,
        value["platform"],
        value["os"],
        value["target"],
        sorted(variant.replace(":=", "=") for variant in value["variants"]),
        sorted(value["stacks"]),
    ]


@needs_real
@pytest.mark.parametrize("folder", folders("develop*/*/specs.md"))
def test_real_pages(folder: Path) -> None:
    files = files_of(folder)
    text = files["specs.md"].decode()
    records = json.loads(re.findall(r"(?m)^spec_details: (.*)$", text)[0])
    manifest = read(files, folder.name)
    assert manifest.readable
    assert problems(manifest) == []
    assert [told(spec) for spec in manifest.specs] == sorted(plainly(value) for value in records)


@needs_real
@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("legacy@a083123abf/libsigsegv", "/index.md: 60 of 61 listed files are missing"),
        ("legacy@84edadc456/zlib", "/specs.md: 54 of 54 listed files are missing"),
        ("legacy@695e510dcf/zlib", "/specs.md: 4 of 7 listed files are missing"),
        ("legacy@695e510dcf/libsigsegv", ": no manifest here: neither specs.md nor index.md"),
        ("legacy@67ef50047f/zlib", ": no manifest here: neither specs.md nor index.md"),
        ("legacy@a083123abf/zlib", ": no manifest here: neither specs.md nor index.md"),
    ],
)
def test_real_pages_without_their_spec_files(folder: str, reason: str) -> None:
    path = REAL / folder
    assert refused(read(files_of(path), path.name)).startswith(path.name + reason)


SPEC_STRING = re.compile(
    r"(?P<package>[^@]+)@(?P<version>[^%]+)%(?P<compiler>[^@]+)@(?P<release>[\d.]+)(?P<rest>.*) "
    r"arch=(?P<platform>[^-]+)-(?P<os>[^-]+)-(?P<target>\S+)"
)


def written_out(text: str, seed: str) -> tuple[str, list[Any]]:
    """The `spec-N.json` that a spec string stands for, and what is to be read from it."""
    match = SPEC_STRING.fullmatch(text)
    assert match
    parameters: dict[str, Any] = dict.fromkeys(re.findall(r"\+(\w+)", match["rest"]), True)
    variants = [f"+{name}" for name in parameters]
    for name, value in re.findall(r'(\w+)="([^"]*)"', match["rest"]):
        parameters[name] = value.split()
        variants.append(f"{name}={value}")
    for patch in re.findall(r"patches=(\w+)", match["rest"]):
        parameters["patches"] = [patch.ljust(64, "0")]
        variants.append(f"patches={patch}")
    arch = match["platform"], match["os"], match["target"]
    compiler = match["compiler"], match["release"]
    content = spec_json(seed, match["package"], match["version"], compiler, arch, parameters)
    name = {"clang": "llvm", "intel": "intel-oneapi-compilers-classic"}.get(*compiler[:1] * 2)
    spelled = f"{name}@{match['release']}"
    return content, [dag_hash(seed), match["version"], spelled, *arch, sorted(variants), None]


@needs_real
@pytest.mark.parametrize(
    ("folder", "listed", "count"),
    [
        ("legacy@a083123abf/libsigsegv", r'(?m)^ - "(.*)": spec-\d+\.json$', 61),
        ("legacy@84edadc456/zlib", r"(?m)^ - '(.*)'$", 54),
        ("legacy@695e510dcf/zlib", r"(?m)^ - '(.*)'$", 7),
    ],
)
def test_real_pages_with_all_their_spec_files(folder: str, listed: str, count: int) -> None:
    (path,) = (REAL / folder).glob("*.md")
    strings = re.findall(listed, path.read_text())
    assert len(strings) == count
    written = [written_out(text, f"{folder} {n}") for n, text in enumerate(strings)]
    files: dict[str, bytes | str] = {f"spec-{n}.json": w[0] for n, w in enumerate(written)}
    manifest = read(files | {path.name: path.read_bytes()}, path.parent.name)
    assert problems(manifest) == []
    assert [told(spec) for spec in manifest.specs] == sorted(expected for _, expected in written)


@needs_real
def test_real_spec_files() -> None:
    text = "zlib@1.2.12%clang@7.0.0+optimize+pic+shared patches=0d38234 arch=linux-u-x"
    front = f"---\nmeta: {{}}\nspec_files:\n - spec-4.json\nspec_names:\n - '{text}'\n---"
    real = (REAL / "legacy@695e510dcf/zlib/spec-4.json").read_bytes()
    (spec,) = read({"specs.md": front, "spec-4.json": real}, "zlib").specs
    variants = ["+optimize", "+pic", "+shared", "patches=0d38234"]
    arch = ["linux", "ubuntu18.04", "x86_64"]
    hash_ = "3svypjaie5farii5zcgm6yfu43la2ixs"
    assert told(spec) == [hash_, "1.2.12", "llvm@7.0.0", *arch, variants, None]


PLAIN = page([record("one", variants=["+mpi", "api=default"]), record("two", "2.0")])


@pytest.mark.parametrize(
    "rewritten",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text + "\n",
        lambda text: text + "\r\n\r\n",
        lambda text: text.replace("---\ntitle", "---  \n\ntitle").replace("\nmeta", "\n\n\nmeta"),
        lambda text: text.replace(": ", ":").replace('", "', '","'),
        lambda text: text.replace(": [{", ": \t [ { ").replace("}]", " } ] \t"),
        lambda text: text.replace(": [{", ":\n  [\n  {").replace("}, {", "},\r\n\t{"),
        lambda text: text.replace("\nmeta", "\nmeta_of: nobody\nmeta"),
        lambda text: text + "\n\nA page may go on below: of this, nothing is read.\n---\n",
    ],
    ids=["crlf", "newline", "more", "blank", "tight", "loose", "lines", "other-key", "body"],
)
def test_layout_that_does_not_matter(rewritten: Callable[[str], str]) -> None:
    assert rewritten(PLAIN) != PLAIN
    assert read(rewritten(PLAIN)) == read(PLAIN)
    assert len(read(PLAIN).specs) == 2


@pytest.mark.parametrize("case", ["2021-index", "2022-two-lists"])
def test_line_ends_do_not_matter_to_lists(case: str) -> None:
    package, files = golden_files(case)
    rewritten = {name: content.replace(b"\n", b"\r\n") for name, content in files.items()}
    assert rewritten != files
    assert read(rewritten, package) == read(files, package)


def test_no_specs_is_readable() -> None:
    assert read(page([])) == Manifest("hdf5", ())


def test_stacks_of_some_records_only() -> None:
    one, two = record("one"), record("two")
    del two["stacks"]
    text = page([one]).replace(json.dumps([one]), json.dumps([one, two]))
    manifest = read(text.replace('"num_specs": 1', '"num_specs": 2'))
    assert problems(manifest) == []
    assert {spec.hash: spec.stacks for spec in manifest.specs} == {
        dag_hash("one"): ("e4s", "root"),
        dag_hash("two"): None,
    }


# Whatever may stand in a text; U+2028 and the like break lines for some readers.
HOSTILE = (
    "\x00\x01\x1b[31mred\x1b[0m\x1b]8;;http://x\x07\x7f\x9b\u2028\u2029\u202e\x85"
    "<script>alert(1)</script>&amp;'\"`|\n\r\t\\ \U0001f984\ufffd"
)


@pytest.mark.parametrize(
    ("field", "place"),
    [("versions", 1), ("compiler", 2), ("platform", 3), ("os", 4), ("target", 5), ("stacks", 7)],
)
def test_hostile_text_is_data(field: str, place: int) -> None:
    hostile = {"versions": [HOSTILE], "stacks": [HOSTILE, "root"]}.get(field, HOSTILE)
    manifest = read(page([record("one") | {field: hostile}]))
    assert problems(manifest) == []
    assert told(manifest.specs[0])[place] == (HOSTILE if field == "versions" else hostile)


@pytest.mark.parametrize("text", [HOSTILE, f"comment={HOSTILE}", f"+{HOSTILE}", f"x:={HOSTILE}"])
def test_hostile_variants_are_data(text: str) -> None:
    manifest = read(page([record("one", variants=[text])]))
    assert problems(manifest) == []
    assert manifest.specs[0].variants == (text.replace(":=", "="),)


@pytest.mark.parametrize("case", ["2021-index", "2022-two-lists"])
def test_hostile_spec_strings_are_read_over(case: str) -> None:
    package, files = golden_files(case)
    name = "index.md" if case == "2021-index" else "specs.md"
    hostile = HOSTILE.replace("\n", "")
    for text in (hostile.encode(), b"\xff\xfe"):
        changed = files[name].replace(b"+pic~shared", text)
        assert read(files | {name: changed}, package) == read(files, package)


def test_all_hostile_at_once_keeps_specs_apart() -> None:
    pairs = [(HOSTILE, f"{HOSTILE} "), ("a\x00b", "a"), ("e\u0301", "\u00e9")]
    records = [record(repr(os), os=os) for pair in pairs for os in pair]
    assert len({spec.os for spec in read(page(records)).specs}) == len(records)
