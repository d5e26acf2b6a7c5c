"""Homes: which collection is meant where a package is named, and what to say where none has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cachediff.errors import NameNotFoundError, SourceError, UsageError

if TYPE_CHECKING:
    from cachediff.index import Index
    from cachediff.model.lives import Collection
    from cachediff.queries.catalogue import Catalogue

DEVELOP = "develop"
"""The collection that is meant where none is named: by a log if it has what is asked for."""

_HASH = re.compile(r"[a-z2-7]{1,32}")
_SHORTEST = 7


def is_hash(word: str) -> bool:
    """Whether a word can be the beginning of a hash."""
    return bool(_HASH.fullmatch(word))


def is_long(word: str) -> bool:
    """Whether it is enough of a hash to be taken for one; what is less may be a misspelt package."""
    return len(word) >= _SHORTEST


def _source(names: Catalogue, collections: Sequence[Collection], asked: str | None) -> str:
    """The source meant, of those that have snapshots: the one asked for, or else the first one set."""
    stored = sorted({source for source, _ in collections})
    wanted = asked or next(iter(names.settings.sources))
    if wanted is None and len(stored) > 1:
        try:
            wanted = names.source().name
        except SourceError:
            raise UsageError(
                f"snapshots of several sources are stored: {', '.join(stored)}",
                f"name the collection with its source, such as {stored[0]}:{DEVELOP}",
            ) from None
    if wanted is None:
        return stored[0]
    if wanted not in stored:
        raise NameNotFoundError(
            f"no snapshot of the source {wanted!r} is stored", f"there are {', '.join(stored)}"
        )
    return wanted


def named_home(
    names: Catalogue, collections: Sequence[Collection], text: str, what: str
) -> Collection:
    """The collection that is named, of which `what` is asked for: `[SOURCE:]COLLECTION`, or a glob.

    A glob means its newest match. Errors as for `home`, and `UsageError` for the name of one snapshot.
    """
    from cachediff.sources.names import choose, parse_name

    name = parse_name(text)
    if name.when is not None:
        raise UsageError(
            f"{text!r} is one snapshot, and a {what} is of many",
            f"name the collection, and the time with --since and --until: {name.collection}",
        )
    source = _source(names, collections, name.source)
    return source, choose(name, [each for of, each in collections if of == source], "the store")


def home(names: Catalogue, collections: Sequence[Collection], asked: str | None) -> Collection:
    """The collection asked for; where none is, `develop`, or the only one that there is.

    Raises:
        NameNotFoundError: there is no such collection.
        UsageError: more than one may be meant.
    """
    if asked is not None:
        return named_home(names, collections, asked, "log")
    source = _source(names, collections, None)
    known = [collection for of, collection in collections if of == source]
    if DEVELOP not in known and len(known) > 1:
        raise UsageError(
            f"which collection is meant? snapshots of {len(known):,} are stored",
            f"say it with --collection: {some_of(known)}",
        )
    return source, DEVELOP if DEVELOP in known else known[0]


def home_of_package(
    names: Catalogue,
    index: Index,
    collections: Sequence[Collection],
    package: str,
    asked: str | None,
) -> Collection | None:
    """The collection whose package is meant: the one asked for, `develop`, or the only one with it.

    None where no collection that may be meant ever had it; errors as for `home`.
    """
    if asked is not None:
        chosen = home(names, collections, asked)
        return chosen if _has(index, chosen, package) else None
    develop = _source(names, collections, None), DEVELOP
    if _has(index, develop, package):
        return develop
    homes = [each for each in collections if _has(index, each, package)]
    if len(homes) > 1:
        raise UsageError(
            f"{package} is in {len(homes):,} collections, and not in {DEVELOP}",
            f"say which with --collection: {some_of([':'.join(each) for each in homes])}",
        )
    return homes[0] if homes else None


def _has(index: Index, collection: Collection, package: str) -> bool:
    """Whether a package was ever in a collection; to list all that were takes ten times as long."""
    return bool(index.package_steps(*collection, package))


def some_of(values: Sequence[str]) -> str:
    """The newest few of `values`, and how many more there are."""
    from cachediff.sources.names import newest_first

    shown = newest_first(values)[:5]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def no_package(
    names: Catalogue,
    index: Index,
    collections: Sequence[Collection],
    package: str,
    asked: str | None,
) -> NameNotFoundError:
    """What to say of a word that means nothing, with close names."""
    from cachediff.sources.names import close_names

    if asked is not None:
        source, collection = home(names, collections, asked)
        where = f"{source}:{collection}"
        known = index.packages(source, collection)
        elsewhere = [":".join(each) for each in collections if _has(index, each, package)]
        if elsewhere:
            return NameNotFoundError(
                f"{package!r} was never in {where}", f"it is or was in {some_of(elsewhere)}"
            )
    else:
        sources = sorted({source for source, _ in collections})
        where = "any stored snapshot"
        known = sorted({name for source in sources for name in index.packages(source)})
    hints = [close_names(package, known)]
    what = "package"
    if is_hash(package) and is_long(package):
        what = "hash or package"
    elif is_hash(package) and index.lives(package):
        hints.append(f"as the beginning of a hash it is /{package}")
    return NameNotFoundError(
        f"no {what} {package!r} was ever in {where}", "; ".join(filter(None, hints))
    )
