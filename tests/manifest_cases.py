"""Reading manifests in tests: from text, and from the folders of `golden/manifests`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cachediff.manifests import Interner, parse
from cachediff.model.snapshot import Manifest, PackageFiles
from cachediff.model.spec import Spec
from pages import dag_hash

GOLDEN = Path(__file__).parent / "golden" / "manifests"
CASES = sorted(folder.name for folder in GOLDEN.iterdir())

Content = bytes | str


def read(
    files: Mapping[str, Content] | Content,
    package: str = "hdf5",
    interner: Interner | None = None,
    unreadable: tuple[tuple[str, str], ...] = (),
) -> Manifest:
    """What the files of a package say; a text alone is its `specs.md`."""
    named = files if isinstance(files, Mapping) else {"specs.md": files}
    raw = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in named.items()
    }
    return parse(PackageFiles(package, raw, unreadable), interner or Interner())


def problems(manifest: Manifest) -> list[str]:
    """The problems, `<manifest>: <reason>`."""
    return [f"{problem.manifest}: {problem.reason}" for problem in manifest.problems]


def refused(manifest: Manifest) -> str:
    """Why a manifest is unreadable, which it must be, for one reason."""
    assert not manifest.readable
    assert manifest.specs == ()
    (problem,) = problems(manifest)
    return problem


def told(spec: Spec) -> list[Any]:
    """All that a spec says, as JSON has it."""
    stacks = None if spec.stacks is None else list(spec.stacks)
    return [
        spec.hash,
        spec.version.text,
        spec.compiler,
        spec.platform,
        spec.os,
        spec.target,
        list(spec.variants),
        stacks,
    ]


def golden_files(case: str) -> tuple[str, dict[str, bytes]]:
    """The package of a golden case, and its files."""
    (folder,) = (path for path in (GOLDEN / case).iterdir() if path.is_dir())
    return folder.name, {path.name: path.read_bytes() for path in folder.iterdir()}


def spec_json(
    seed: str,
    package: str = "zlib",
    version: str = "1.2.12",
    compiler: tuple[str, str] = ("gcc", "9.3.0"),
    arch: tuple[str, str, str] = ("linux", "ubuntu20.04", "x86_64"),
    parameters: Mapping[str, Any] | None = None,
) -> str:
    """A `spec-N.json` as the pages of 2021 and 2022 had them; `seed` makes its hash."""
    flags = ("cflags", "cppflags", "cxxflags", "fflags", "ldflags", "ldlibs")
    node = {
        "name": package,
        "version": version,
        "arch": dict(zip(("platform", "platform_os", "target"), arch, strict=True)),
        "compiler": dict(zip(("name", "version"), compiler, strict=True)),
        "namespace": "builtin",
        "parameters": {flag: [] for flag in flags} | dict(parameters or {}),
        "hash": dag_hash(seed),
        "full_hash": dag_hash(f"full {seed}"),
    }
    return json.dumps({"spec": {"_meta": {"version": 2}, "nodes": [node]}}, indent=4)
