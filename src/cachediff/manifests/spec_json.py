"""`spec-N.json`: one concrete spec in Spack's own format, beside the pages of 2021 and 2022.

The format is that of `spec.json` in a build cache, version 2: a list of nodes, the first of which is
the spec itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cachediff.manifests.claims import check_claims
from cachediff.manifests.format import UnreadableManifestError, check_hashes
from cachediff.manifests.interning import Interner
from cachediff.model.spec import Build, Spec

PATCH_LENGTH = 7
"""Characters of a patch's SHA-256 in the cache pages: `patches=5c7a3c0`."""

Parameter = bool | str | list[str]


class _Arch(msgspec.Struct):
    platform: str
    platform_os: str
    target: str | dict[str, object]


class _Compiler(msgspec.Struct):
    name: str
    version: str


class _Node(msgspec.Struct):
    name: str
    version: str
    arch: _Arch
    hash: str
    compiler: _Compiler | None = None
    parameters: dict[str, Parameter] = {}


class _Nodes(msgspec.Struct):
    nodes: list[msgspec.Raw]


class _SpecFile(msgspec.Struct):
    spec: _Nodes


_decode_file: Callable[[bytes], _SpecFile] = msgspec.json.Decoder(_SpecFile).decode
_decode_node: Callable[[msgspec.Raw], _Node] = msgspec.json.Decoder(_Node).decode


def read_spec_files(
    page: str,
    package: str,
    listed: list[tuple[str, str]],
    meta: bytes | None,
    files: Mapping[str, bytes],
    interner: Interner,
) -> tuple[list[Spec], list[tuple[str, str]]]:
    """The specs that a page lists as (spec string, file name), and its problems as (file, reason).

    These pages say nothing of stacks: they are unknown.

    Raises:
        UnreadableManifestError: a listed file is missing or cannot be understood.
    """
    missing = [name for _, name in listed if name not in files]
    if missing:
        raise UnreadableManifestError(
            page, f"{len(missing)} of {len(listed)} listed files are missing, {missing[0]} first"
        )
    specs, problems = [], []
    versions, compilers = set(), set()
    for text, name in listed:
        node = _node(name, files[name])
        check_hashes(name, [node.hash])
        if node.name != package:
            raise UnreadableManifestError(name, f"it is a spec of {node.name[:80]!r}")
        compiler = f"{node.compiler.name}@{node.compiler.version}" if node.compiler else None
        if not text.startswith(f"{package}@{node.version}%"):
            problems.append((page, f"{name} is version {node.version!r}, listed as {text[:200]!r}"))
        versions.add(node.version)
        compilers.add(compiler)
        specs.append(Spec(node.hash, _build(package, compiler, node, interner), None))
    actual = {"versions": versions, "compilers": compilers}
    return specs, problems + check_claims(page, meta, actual)


def _node(name: str, content: bytes) -> _Node:
    try:
        nodes = _decode_file(content).spec.nodes
        if not nodes:
            raise UnreadableManifestError(name, "it holds no spec")
        return _decode_node(nodes[0])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableManifestError(name, str(error)) from error


def _build(package: str, compiler: str | None, node: _Node, interner: Interner) -> Build:
    target = node.arch.target
    name = target if isinstance(target, str) else str(target.get("name", ""))
    raw = (
        node.version,
        compiler,
        node.arch.platform,
        node.arch.platform_os,
        name,
        msgspec.json.encode(_variants(node.parameters)),
    )
    return interner.builds_of(package).get(raw) or interner.build(raw)


def _variants(parameters: Mapping[str, Parameter]) -> list[str]:
    """Variants as the pages of later years spell them; empty lists (no flags) are left out."""
    variants = []
    for name, value in parameters.items():
        match value:
            case bool():
                variants.append(f"{'+' if value else '~'}{name}")
            case str():
                variants.append(f"{name}={value}")
            case []:
                pass
            case _ if name == "patches":
                variants.append(f"{name}={','.join(patch[:PATCH_LENGTH] for patch in value)}")
            case _:
                variants.append(f"{name}={','.join(value)}")
    return variants
