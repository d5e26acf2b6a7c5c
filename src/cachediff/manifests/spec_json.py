"""`spec-N.json`: one concrete spec in Spack's own format, beside the pages of 2021 and 2022.

The format is that of `spec.json` in a build cache, version 2: a list of nodes, the first of which is
the spec itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cachediff.manifests.format import (
    DECODING_ERRORS,
    UnreadableManifestError,
    check_hashes,
    fault,
    quoted,
)
from cachediff.manifests.interning import Interner
from cachediff.model.canonical import FLAGS
from cachediff.model.spec import Build, Spec

PATCH_LENGTH = 7
"""Characters of a patch's SHA-256 in the cache pages: `patches=5c7a3c0`."""

_Parameter = bool | str | list[str]


class _Target(msgspec.Struct):
    name: str


class _Arch(msgspec.Struct):
    platform: str
    platform_os: str
    target: str | _Target


class _Compiler(msgspec.Struct):
    name: str
    version: str


class _Node(msgspec.Struct):
    name: str
    version: str
    arch: _Arch
    hash: str
    compiler: _Compiler | None = None
    parameters: dict[str, _Parameter] = {}


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
        first = quoted(missing[0])
        raise UnreadableManifestError(
            page, f"{len(missing)} of {len(listed)} listed files are missing, {first} first"
        )
    specs, problems = [], []
    names = {name for _, name in listed}
    if unlisted := sorted(name for name in files.keys() - names if name.endswith(".json")):
        reason = f"files that are not listed: {len(unlisted)}, {quoted(unlisted[0])} first"
        problems.append((page, reason))
    for text, name in listed:
        node = _node(name, files[name])
        check_hashes(name, [node.hash])
        if node.name != package:
            raise UnreadableManifestError(name, f"it is a spec of {quoted(node.name)}")
        if not text.startswith(f"{package}@{node.version}%"):
            reason = f"{name} is version {quoted(node.version)}, listed as {quoted(text)}"
            problems.append((page, reason))
        specs.append(Spec(node.hash, _build(package, node, interner), None))
    return specs, problems


def _node(name: str, content: bytes) -> _Node:
    where = ""
    try:
        nodes = _decode_file(content).spec.nodes
        if not nodes:
            raise UnreadableManifestError(name, "it holds no spec")
        where = "spec.nodes[0]"
        return _decode_node(nodes[0])
    except DECODING_ERRORS as error:
        raise UnreadableManifestError(name, fault(where, error)) from error


def _build(package: str, node: _Node, interner: Interner) -> Build:
    compiler, target = node.compiler, node.arch.target
    raw = (
        node.version,
        f"{compiler.name}@{compiler.version}" if compiler else None,
        node.arch.platform,
        node.arch.platform_os,
        target if isinstance(target, str) else target.name,
        msgspec.json.encode(_variants(node.parameters)),
    )
    return interner.builds_of(package).get(raw) or interner.build(raw)


def _variants(parameters: Mapping[str, _Parameter]) -> list[str]:
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
            case _ if name in FLAGS:
                variants.append(f"{name}={' '.join(value)}")
            case _:
                variants.append(f"{name}={','.join(value)}")
    return variants
