"""Lock files: the hashes that a `spack.lock`, or a list of hashes, pins.

A binary cache is keyed by the DAG hash, `hash`: it is in the name of every tarball, and in the manifests.
In a `spack.lock` it stands in other places over the years (the docstring of `spack.environment` in Spack,
"spack.lock format"):

- version 1 (Spack 0.12 to 0.14): the key of `concrete_specs`; the specs themselves have none;
- 2 and 3 (0.15 to 0.17): the `hash` of the spec. The key is its build hash, which takes in build
  dependencies. Several specs may have one DAG hash, of which Spack could install only one;
- 4 to 7 (from 0.18 on): the key and the `hash` of the spec alike. The DAG hash takes in build dependencies.

Up to version 2 a spec is keyed by its name in turn. `roots` names specs by their key. From version 5 on
`include_concrete` may hold the roots and specs of other environments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from cachediff.errors import UsageError
from cachediff.model.served import PinnedSpec, Pins

MAX_SIZE = 64 << 20
"""Bytes of the largest file that is read; a lock file of a thousand specs has two million."""

_KNOWN = range(1, 8)
_KEYED_BY_NAME = range(1, 3)
_HASH = re.compile("[a-z2-7]{32}")
_LISTED = re.compile(r"(?:(?P<name>[^\s@/]+)(?:@=?(?P<version>[^\s/]+))?)?/?(?P<hash>[a-z2-7]{32})")
_MOST_SHOWN = 60
_HINT = "give it a spack.lock, or hashes, one a line: HASH, /HASH or PACKAGE/HASH"


class _Meta(msgspec.Struct, rename="kebab"):
    lockfile_version: int


class _Root(msgspec.Struct):
    hash: str


class _Environment(msgspec.Struct):
    roots: list[_Root]
    concrete_specs: dict[str, dict[str, Any]]


class _Lock(_Environment, rename={"meta": "_meta"}):
    meta: _Meta
    include_concrete: dict[str, _Environment] = {}


class _Version(msgspec.Struct, rename={"meta": "_meta"}):
    meta: _Meta


def read_pins(file: str, content: bytes) -> Pins:
    """The specs that `content` pins; `file` is what to call it.

    Raises:
        UsageError: it is neither a lock file nor a list of hashes, too large or empty; of a version of
            the format that is not known.
    """
    if len(content) > MAX_SIZE:
        raise UsageError(f"{file} is too large: more than {MAX_SIZE:,} bytes", _HINT)
    if not content.strip():
        raise UsageError(f"{file} is empty", _HINT)
    version = None
    if content.lstrip().startswith(b"{"):
        version, specs = _read_lock(file, content)
    else:
        specs = list(_read_list(file, content))
    if not specs:
        raise UsageError(f"there is no spec in {file}", _HINT)
    once: dict[str, PinnedSpec] = {}
    for spec in sorted(specs, key=lambda spec: not spec.root):
        once.setdefault(spec.hash, spec)
    return Pins(file, version, tuple(once.values()))


def _read_lock(file: str, content: bytes) -> tuple[int, list[PinnedSpec]]:
    try:
        version = msgspec.json.decode(content, type=_Version).meta.lockfile_version
        if version not in _KNOWN:
            raise UsageError(
                f"{file} is of version {version} of the format, which is not known",
                f"known are {_KNOWN.start} to {_KNOWN.stop - 1}",
            )
        lock = msgspec.json.decode(content, type=_Lock)
        parts = [lock, *lock.include_concrete.values()]
        return version, [spec for part in parts for spec in _specs(part, version)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{file} is no spack.lock: {reason}", _HINT) from error


def _specs(part: _Environment, version: int) -> Iterator[PinnedSpec]:
    roots = {root.hash for root in part.roots}
    for key, keyed in part.concrete_specs.items():
        name: Any = keyed.get("name")
        spec: Any = keyed
        if version in _KEYED_BY_NAME:
            name, spec = next(iter(keyed.items()), (None, None))
        if not isinstance(spec, dict) or not isinstance(name, str):
            raise msgspec.ValidationError(f"the spec {key[:_MOST_SHOWN]!r} has no name")
        hash_ = key if version == 1 else spec.get("hash", key)
        if not isinstance(hash_, str) or not _HASH.fullmatch(hash_):
            raise msgspec.ValidationError(
                f"the spec {key[:_MOST_SHOWN]!r} has no DAG hash: 32 characters of a-z and 2-7"
            )
        number = spec.get("version")
        yield PinnedSpec(
            hash=hash_,
            name=name,
            version=number if isinstance(number, str) else None,
            root=key in roots,
            external=bool(spec.get("external")),
        )


def _read_list(file: str, content: bytes) -> Iterable[PinnedSpec]:
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not text", _HINT) from None
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _LISTED.fullmatch(text)
        if not match:
            raise UsageError(
                f"{file}, line {number}: {text[:_MOST_SHOWN]!r} is no hash of 32 characters",
                _HINT + "; spack find --format '{name}/{hash}' prints them",
            )
        yield PinnedSpec(match["hash"], match["name"], match["version"])
