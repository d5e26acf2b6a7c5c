"""`meta` is a claim: what the front matter says of the specs, checked against the specs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from cachediff.manifests.format import DECODING_ERRORS, fault, quoted
from cachediff.manifests.interning import Interner
from cachediff.model.spec import Spec

_Names = frozenset[str]
_CLAIMS: dict[str, Any] = {
    "num_specs": int,
    "num_specs_by_stack": dict[str, int],
    "stacks": _Names,
    "versions": _Names,
    "compilers": _Names,
    "platforms": _Names,
    "oss": _Names,
    "targets": _Names,
}
_Meta = msgspec.defstruct(
    "_Meta", [(key, kind | msgspec.UnsetType, msgspec.UNSET) for key, kind in _CLAIMS.items()]
)
_decode: Callable[[bytes], Any] = msgspec.json.Decoder(_Meta).decode
_stacks = attrgetter("stacks")

_MOST_TOLD = 10
"""Names told of those that differ on one key."""


def check_claims(
    page: str, meta: bytes | None, specs: Sequence[Spec], interner: Interner
) -> list[tuple[str, str]]:
    """Problems, as (file, reason), where `meta` does not say what the specs say.

    `meta` is the line of JSON as found, None where the page has none. It may spell compilers otherwise.
    Keys that it does not have (most of them, before 2023) are not claimed, and not checked.
    """
    if meta is None:
        return [(page, "there is no meta")]
    try:
        claimed = _decode(meta)
    except DECODING_ERRORS as error:
        return [(page, fault("meta", error))]
    problems = []
    for key, actual in _actual(specs).items():
        said = getattr(claimed, key)
        if said is msgspec.UNSET:
            continue
        if key == "compilers":
            said = {interner.compiler(text) for text in said}
        if said != actual:
            problems.append((page, _explain(key, said, actual)))
    return problems


def _actual(specs: Sequence[Spec]) -> dict[str, Any]:
    """What the specs themselves say, for each key of `meta`."""
    # By identity: equal builds may spell their version differently, and each spelling is claimed.
    builds = {id(spec.build): spec.build for spec in specs}.values()
    by_stack: dict[str, int] = {}
    for stacks, number in Counter(map(_stacks, specs)).items():
        for stack in stacks or ():
            by_stack[stack] = by_stack.get(stack, 0) + number
    return {
        "num_specs": len(specs),
        "num_specs_by_stack": by_stack,
        "stacks": by_stack.keys(),
        "versions": {build.version.text for build in builds},
        "compilers": {build.compiler for build in builds},
        "platforms": {build.platform for build in builds},
        "oss": {build.os for build in builds},
        "targets": {build.target for build in builds},
    }


def _explain(key: str, said: Any, actual: Any) -> str:
    """What is claimed and not so, and what is so and not claimed."""
    from deepdiff import DeepDiff

    if isinstance(said, int):
        return f"meta says {key} is {said}, the specs say {actual}"
    claimed, true = _by_name(said), _by_name(actual)
    names = sorted(name for name in claimed | true if claimed.get(name) != true.get(name))
    told = names[:_MOST_TOLD]
    diff = DeepDiff(
        {name: claimed[name] for name in told if name in claimed},
        {name: true[name] for name in told if name in true},
        view="tree",
        threshold_to_diff_deeper=0,
        ignore_private_variables=False,
    )
    parts = sorted(
        [
            *(f"{_name(item)} is claimed" for item in diff.get("dictionary_item_removed", ())),
            *(f"{_name(item)} is not claimed" for item in diff.get("dictionary_item_added", ())),
            *(
                f"{_name(item)} is {item.t2}, claimed {item.t1}"
                for item in diff.get("values_changed", ())
            ),
        ]
    )
    if len(names) > len(told):
        parts.append(f"and {len(names) - len(told):,} more")
    return f"meta does not agree with the specs on {key}: {', '.join(parts)}"


def _by_name(names: Any) -> dict[str, Any]:
    """Names, or numbers by name, as a dictionary; an unknown compiler has the name `none`."""
    if isinstance(names, dict):
        return names
    return dict.fromkeys(("none" if name is None else name for name in names), True)


def _name(item: Any) -> str:
    return quoted(item.path(output_format="list")[-1])
