"""Which package a hash is of, out of what is stored."""

from __future__ import annotations

import msgspec

from cachediff.errors import NameNotFoundError, UsageError
from cachediff.model.bisection import Statement
from cachediff.model.snapshot import Origin
from cachediff.queries.catalogue import Catalogue
from cachediff.queries.homes import some_of


def with_package(
    names: Catalogue, statement: Statement, where: Origin, *, named: bool
) -> Statement:
    """A statement about the beginning of a hash, with the package and the whole hash.

    They are those seen in the collection of `where`. If that was `named` by who asks, the package of a
    hash that was seen in others only may be looked for in it as well.

    Raises:
        NameNotFoundError: no stored snapshot has it, or nothing is stored.
        UsageError: it is the beginning of several, or several packages list it, or it was only seen in
            other collections, and none was named.
    """
    from cachediff.queries.lives import open_index

    prefix = str(statement.hash)
    hint = f"say of which package it is: PACKAGE/{prefix} {statement.verb}"
    with open_index(names) as index:
        lives = index.lives(prefix)
    if not lives:
        raise NameNotFoundError(f"no stored snapshot has a hash that begins with {prefix}", hint)
    here = [
        life for life in lives if (life.source, life.collection) == (where.source, where.collection)
    ]
    if not here and not named:
        seen = {f"{life.source}:{life.collection}" for life in lives}
        raise UsageError(
            f"/{prefix} was not seen in {where.source}:{where.collection}",
            f"it is or was in {some_of(sorted(seen))}: say which with --collection",
        )
    found = dict.fromkeys((life.package, life.hash) for life in here or lives)
    check_one(sorted({hash_ for _, hash_ in found}), prefix)
    if len(found) > 1:
        packages = ", ".join(sorted(package for package, _ in found))
        raise UsageError(f"/{prefix} is listed by several packages: {packages}", hint)
    ((package, hash_),) = found
    return msgspec.structs.replace(statement, package=package, hash=hash_)


def check_one(hashes: list[str], prefix: str) -> None:
    """Refuse the beginning of several of `hashes`, which are sorted.

    Raises:
        UsageError: there is more than one.
    """
    if len(hashes) > 1:
        shown = ", ".join(hashes[:4]) + (f" and {len(hashes) - 4:,} more" * (len(hashes) > 4))
        raise UsageError(f"several hashes begin with {prefix}", f"give more of it: {shown}")
