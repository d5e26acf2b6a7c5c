"""Canonical values: the one spelling of what Spack has spelled in several ways over the years.

Spelling is not change, so specs are compared by these values. Every function here is idempotent and
takes any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from types import MappingProxyType

COMPILER_NAMES = MappingProxyType(
    {
        "arm": "acfl",
        "clang": "llvm",
        "intel": "intel-oneapi-compilers-classic",
        "oneapi": "intel-oneapi-compilers",
        "rocmcc": "llvm-amdgpu",
    }
)
"""Compilers by their names before Spack 1.0: the name of the package that each has been since."""

FLAGS = frozenset({"cflags", "cppflags", "cxxflags", "fflags", "ldflags", "ldlibs"})
"""Compiler flags, which Spack lists among the variants. Their order means something."""

# Spack's sigils: `+x`, `~x` and `x=y` set a variant, `++x`, `~~x` and `x==y` propagate it to the
# dependencies. Since Spack 1.0, `:=` says that a list is complete: in a concrete spec it always is.
_SWITCHED_OFF = re.compile(r"(--?)([A-Za-z0-9_][A-Za-z0-9_.-]*)")
_ASSIGNMENT = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*):?(==?)(.*)", re.DOTALL)

# A quote or a space makes a value one text, which may well contain commas. A member that begins
# with `=` would, sorted to the front, read as part of the operator.
_LIST = re.compile(r"""[^\s'",=][^\s'",]*(?:,[^\s'",=][^\s'",]*)+""")


def canonical_compiler(text: str | None) -> str | None:
    """Compiler of a spec, `gcc@11.4.0` from `gcc@=11.4.0`, by the name that it has since Spack 1.0.

    None where the compiler is unknown: None, an empty text, or the `none` of the cache pages.
    """
    compiler = (text or "").strip()
    if compiler.lower() in {"", "none"}:
        return None
    name, at, version = compiler.partition("@")
    return COMPILER_NAMES.get(name, name) + at + version.lstrip("=")


def canonical_variants(values: Iterable[str]) -> tuple[str, ...]:
    """Variants of a spec, each in its canonical spelling, sorted, each once.

    `x:=y` is `x=y`; `-x` is `~x`; a comma list is sorted, each member once (`patches=b,a` is
    `patches=a,b`). Quoted values and compiler flags are left as found. Propagation (`x==y`, `++x`)
    is kept: it is another variant.
    """
    return tuple(sorted({_canonical_variant(value) for value in values}))


def canonical_stacks(values: Iterable[str]) -> tuple[str, ...]:
    """Names of stacks, sorted, each once; `root` is kept."""
    return tuple(sorted(set(values)))


# A collection repeats some thousand variants some hundred thousand times.
@lru_cache(maxsize=1 << 14)
def _canonical_variant(text: str) -> str:
    if off := _SWITCHED_OFF.fullmatch(text):
        return "~" * len(off[1]) + off[2]
    if assignment := _ASSIGNMENT.fullmatch(text):
        name, operator, value = assignment.groups()
        if name not in FLAGS and _LIST.fullmatch(value):
            value = ",".join(sorted(set(value.split(","))))
        return f"{name}{operator}{value}"
    return text
