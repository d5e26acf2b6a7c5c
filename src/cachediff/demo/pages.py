"""A package's specs as the bytes of a manifest, in the two layouts between which the demo changes.

Key order, order of the counts, the missing last line break: all as in the repository behind
cache.spack.io. `Record`s hold the newer spelling; the older one is derived from it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec


class Build(msgspec.Struct, frozen=True, gc=False):
    """What records share that differ in nothing but hash and stacks. `compiler` may be `none`."""

    version: str
    compiler: str
    platform: str
    os: str
    target: str
    variants: tuple[str, ...]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One spec as upstream knows it. The order of `stacks` shows in the 2024 layout only."""

    hash: str
    build: Build
    stacks: tuple[str, ...]


Layout = Callable[[str, str, Sequence[Record]], bytes]
"""Takes a collection's name, a package's name and its records; returns the manifest."""

_MULTI_VALUED = ("amdgpu_target=", "cuda_arch=", "fabrics=", "languages=", "patches=")


def page_2024(collection: str, package: str, records: Sequence[Record]) -> bytes:
    """Write the layout of 2023-24: records and stacks in the order given, each with a tarball."""
    compilers = [_compiler_2024(record.build.compiler) for record in records]
    details = [
        {
            "hash": record.hash,
            "compiler": compiler,
            "versions": [record.build.version],
            "os": record.build.os,
            "platform": record.build.platform,
            "target": record.build.target,
            "variants": record.build.variants,
            "stacks": record.stacks,
            "size": "-",
            "tarball": _tarball(collection, package, compiler, record),
        }
        for record, compiler in zip(records, compilers, strict=True)
    ]
    meta = {
        "versions": _distinct(record.build.version for record in records),
        "compilers": _distinct(compilers),
        "oss": _distinct(record.build.os for record in records),
        "platforms": _distinct(record.build.platform for record in records),
        "targets": _distinct(record.build.target for record in records),
        "stacks": _distinct(stack for record in records for stack in record.stacks),
        "num_specs": len(records),
        "num_specs_by_stack": Counter(stack for record in records for stack in record.stacks),
    }
    return _front_matter(collection, package, meta, details)


def page_2025(collection: str, package: str, records: Sequence[Record]) -> bytes:
    """Write the layout from 2025-03-30 on: everything sorted, no tarball."""
    records = sorted(records, key=lambda record: record.hash)
    by_stack = Counter(stack for record in records for stack in record.stacks)
    details = [
        {
            "compiler": record.build.compiler,
            "hash": record.hash,
            "os": record.build.os,
            "platform": record.build.platform,
            "size": "-",
            "stacks": sorted(record.stacks),
            "target": record.build.target,
            "variants": [_variant_2025(variant) for variant in record.build.variants],
            "versions": [record.build.version],
        }
        for record in records
    ]
    meta = {
        "compilers": _distinct(record.build.compiler for record in records),
        "num_specs": len(records),
        "num_specs_by_stack": dict(sorted(by_stack.items())),
        "oss": _distinct(record.build.os for record in records),
        "platforms": _distinct(record.build.platform for record in records),
        "stacks": sorted(by_stack),
        "targets": _distinct(record.build.target for record in records),
        "versions": _distinct(record.build.version for record in records),
    }
    return _front_matter(collection, package, meta, details)


def _front_matter(collection: str, package: str, meta: object, details: object) -> bytes:
    return (
        f'---\ntitle: "{package}"\nlayout: cache\ncategories: [package, {collection}]\n'
        f"meta: {json.dumps(meta)}\nspec_details: {json.dumps(details)}\n---"
    ).encode()


def _distinct(values: Iterable[str]) -> list[str]:
    return sorted(set(values))


def _compiler_2024(compiler: str) -> str:
    name, version = compiler.split("@")
    return f"{'oneapi' if name == 'intel-oneapi-compilers' else name}@={version}"


def _variant_2025(variant: str) -> str:
    return variant.replace("=", ":=", 1) if variant.startswith(_MULTI_VALUED) else variant


def _tarball(collection: str, package: str, compiler: str, record: Record) -> str:
    build = record.build
    architecture = f"{build.platform}-{build.os}-{build.target}"
    compiler = compiler.replace("@=", "-")
    name = f"{package}-{build.version}"
    return (
        f"https://binaries.spack.io/{collection}/build_cache/{architecture}/{compiler}/{name}/"
        f"{architecture}-{compiler}-{name}-{record.hash}.spack"
    )
