"""A selection: which changes are told."""

from __future__ import annotations

import msgspec


class Selection(msgspec.Struct, frozen=True):
    """Which changes are told; globs, any of them; an empty tuple lets everything pass.

    `specs` are `PACKAGE[@VERSION]` globs or `/HASH` prefixes, `kinds` names of `ChangeKind`.
    """

    specs: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    oss: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    compilers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(
            (self.specs, self.stacks, self.oss, self.targets, self.compilers, self.kinds),
        )
