"""What a type allows and what was found instead, in words; by what msgspec knows of a type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import inspect

HIDDEN = "hidden"
"""In the `extra` of a type's `Meta`: what is wrong with such a value is told without it."""

_STEP = re.compile(r"\.([^.\[`]+)|\[(\d+)\]")


def closest(name: str, known: Iterable[str]) -> str:
    """A question that ends a sentence: whether the most alike of `known` was meant, if there is one."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def steps(place: str) -> Iterator[str | int]:
    """The keys and places of a path in msgspec's words: `.to[0].url`."""
    for match in _STEP.finditer(place):
        yield match[1] or int(match[2])


def bare(kind: inspect.Type) -> inspect.Type:
    """The type without None, where that leaves one."""
    if isinstance(kind, inspect.UnionType):
        kinds = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return kinds[0] if len(kinds) == 1 else kind
    return kind


def _structs(kind: inspect.Type) -> list[inspect.StructType]:
    """The structs that `kind` may be."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return [each for each in kinds if isinstance(each, inspect.StructType)]


def _struct(kind: inspect.Type, value: Any) -> inspect.StructType | None:
    """The struct that `value` is meant to be."""
    structs = _structs(kind)
    for each in structs:
        if each.tag_field and isinstance(value, dict) and value.get(each.tag_field) == each.tag:
            return each
    return structs[0] if len(structs) == 1 else None


def keys_of(kind: inspect.Type, value: Any) -> list[str]:
    """The keys that `value` may have as a `kind`."""
    struct = _struct(kind, value)
    if struct is None:
        return []
    tag = [struct.tag_field] if struct.tag_field else []
    return [*tag, *(field.encode_name for field in struct.fields)]


def inner(kind: inspect.Type, step: str | int, value: Any) -> inspect.Type:
    """The type of what stands at `step` in a value of type `kind`."""
    match kind:
        case inspect.Metadata():
            return inner(kind.type, step, value)
        case inspect.VarTupleType():
            return kind.item_type
        case inspect.TupleType() if isinstance(step, int):
            return kind.item_types[step]
    struct = _struct(kind, value)
    for field in struct.fields if struct else ():
        if field.encode_name == step:
            return field.type
    return inspect.LiteralType(tuple(str(each.tag) for each in _structs(kind)))  # the tag itself


def allowed(kind: inspect.Type) -> str:
    """What may stand where a `kind` is asked for."""
    text = "keys with values"
    match kind:
        case inspect.Metadata(extra_json_schema={"description": str(description)}):
            text = description
        case inspect.LiteralType():
            text = f"one of {', '.join(map(str, kind.values))}"
        case inspect.EnumType():
            text = f"one of {', '.join(each.value for each in kind.cls)}"
        case inspect.BoolType():
            text = "true or false"
        case inspect.DateType():
            text = "a date, such as 2026-12-31"
        case inspect.VarTupleType():
            text = f"a list, each of it {allowed(kind.item_type)}"
        case inspect.TupleType():
            text = f"a list of {len(kind.item_types)}, each of it {allowed(kind.item_types[0])}"
    return text


def found(value: Any, kind: inspect.Type | None = None) -> str:
    """What `value` is, short enough for a message; of a hidden type, no more than its form."""
    hidden = isinstance(kind, inspect.Metadata) and HIDDEN in (kind.extra or {})
    text = repr(value)
    match value:
        case None:
            text = "nothing"
        case list():
            text = f"a list of {len(value)}"
        case dict():
            text = "keys with values"
        case _ if hidden:
            text = "something else"
        case bool():
            text = str(value).lower()
        case str() if len(value) > 60:
            text = repr(f"{value[:59]}…")
    return text
