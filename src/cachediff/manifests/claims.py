"""`meta` is a claim: what the front matter says of the specs, checked against the specs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Claims = Mapping[str, Any]
"""Key of `meta` to what it says: a number, a set of names, or a number by name."""

CLAIM_TYPES: dict[str, Any] = {
    "num_specs": int,
    "num_specs_by_stack": dict[str, int],
    "compilers": frozenset[str],
    "oss": frozenset[str],
    "platforms": frozenset[str],
    "stacks": frozenset[str],
    "targets": frozenset[str],
    "versions": frozenset[str],
}

_Meta = msgspec.defstruct(
    "_Meta",
    [(name, kind | msgspec.UnsetType, msgspec.UNSET) for name, kind in CLAIM_TYPES.items()],
)
_decode_meta: Callable[[bytes], Any] = msgspec.json.Decoder(_Meta).decode


def check_claims(page: str, meta: bytes | None, actual: Claims) -> list[tuple[str, str]]:
    """Problems, as (file, reason), where `meta` does not say what the specs say.

    `meta` is the line of JSON as found, None where the page has none; `actual` holds what the specs
    themselves say, for each key that this format's `meta` has. Keys that `meta` does not have are not
    claimed, and not checked.
    """
    if meta is None:
        return [(page, "there is no meta")]
    try:
        claimed = _decode_meta(meta)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return [(page, f"meta: {error}")]
    differing = {
        key: (said, value)
        for key, value in actual.items()
        if (said := getattr(claimed, key)) is not msgspec.UNSET and said != value
    }
    return [(page, reason) for reason in _explain(differing)] if differing else []


def count_stacks(stacks: Counter[tuple[str, ...]]) -> dict[str, int]:
    """How many specs each stack has, of counted lists of stacks."""
    counts: dict[str, int] = {}
    for names, number in stacks.items():
        for name in names:
            counts[name] = counts.get(name, 0) + number
    return counts


def _explain(differing: dict[str, tuple[Any, Any]]) -> list[str]:
    """One sentence for each key that differs: what is claimed and not so, what is so and not claimed."""
    from deepdiff import DeepDiff

    reasons = []
    for key, (said, value) in sorted(differing.items()):
        if isinstance(said, int):
            reasons.append(f"meta says {key} is {said}, the specs say {value}")
            continue
        claimed, actual = (
            names if isinstance(names, dict) else dict.fromkeys(names, True)
            for names in (said, value)
        )
        diff = DeepDiff(claimed, actual, view="tree", threshold_to_diff_deeper=0)
        parts = [
            *(f"{_name(item)} is claimed" for item in diff.get("dictionary_item_removed", ())),
            *(f"{_name(item)} is not claimed" for item in diff.get("dictionary_item_added", ())),
            *(
                f"{_name(item)} is {item.t2}, claimed {item.t1}"
                for item in diff.get("values_changed", ())
            ),
        ]
        reasons.append(f"meta does not agree with the specs on {key}: {', '.join(sorted(parts))}")
    return reasons


def _name(item: Any) -> str:
    return str(item.path(output_format="list")[-1])
