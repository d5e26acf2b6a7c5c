"""Homes: which collection is meant where a package is named, and what to say where none has it."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cachediff.errors import NameNotFoundError, SourceError, UsageError
from cachediff.queries.lives import nothing_stored

if TYPE_CHECKING:
    from cachediff.index import Index
    from cachediff.model.lives import Collection
    from cachediff.queries.catalogue import Catalogue

DEVELOP = "develop"
"""The collection that is meant where none is named: by a log if it has what is asked for."""

_HASH = re.compile(r"[a-z2-7]{1,32}")
SHORTEST = 7
"""Characters of a hash from which on a word may be one, and as many as are shown of one."""


def is_hash(word: str) -> bool:
    """Whether a word can be the beginning of a hash."""
    return bool(_HASH.fullmatch(word))


def is_long(word: str) -> bool:
    """Whether it is enough of a hash to be taken for one; what is less may be a misspelt package."""
    return len(word) >= SHORTEST


def collections_of(names: Catalogue, index: Index, asked: str | None = None) -> list[Collection]:
    """The collections that `asked`, `[SOURCE:]COLLECTION`, may mean: those of its source.

    Where it has none: those of the sources that are set, by `--repo` or by `config.yaml`, or else all.

    Raises:
        NameNotFoundError: nothing is stored, or nothing of these sources.
        SourceError: what `--repo` names is no repository.
    """
    known = index.collections()
    stored = sorted({source for source, _ in known})
    if not stored:
        raise nothing_stored(names)
    wanted = _sources(names, asked)
    found = [each for each in known if wanted is None or each[0] in wanted]
    if wanted and not found:
        several = "s" if len(wanted) > 1 else ""
        repo = f" --repo {shlex.quote(names.settings.repo)}" if names.settings.repo else ""
        raise NameNotFoundError(
            f"nothing is stored of the source{several} {', '.join(map(repr, wanted))}",
            f"stored are: {', '.join(stored)}; more is taken by: cachediff snapshot{repo}",
        )
    return found


def _sources(names: Catalogue, asked: str | None) -> list[str] | None:
    """The sources meant, None for any."""
    of = None
    if asked is not None:
        from cachediff.sources.names import parse_name

        of = parse_name(asked).source
    if names.settings.repo is not None:
        name = names.source().name
        if of not in (None, name):
            raise UsageError(f"{asked!r} is not of --repo, whose source is {name}")
        return [name]
    if of is not None:
        return [of]
    return [name for name in names.settings.sources if name is not None] or None


def _source(names: Catalogue, collections: Sequence[Collection]) -> str:
    """The source meant, of those of `collections`, which may be: the one set first, or the only one."""
    sources = sorted({source for source, _ in collections})
    if len(sources) == 1:
        return sources[0]
    first = next(iter(names.settings.sources))
    if first is None:
        with contextlib.suppress(SourceError):  # the clone that this is run in, if it is one
            first = names.source().name
    if first not in sources:
        raise UsageError(
            f"snapshots of several sources are stored: {', '.join(sources)}",
            f"name the collection with its source, such as {sources[0]}:{DEVELOP}",
        )
    return first


def named_home(
    names: Catalogue, collections: Sequence[Collection], text: str, what: str
) -> Collection:
    """The one of `collections`, which may be meant, that `text` names, of which `what` is asked for.

    A glob means its newest match. Errors as for `home`, and `UsageError` for the name of one snapshot.
    """
    from cachediff.sources.names import choose, parse_name

    name = parse_name(text)
    if name.when is not None:
        raise UsageError(
            f"{text!r} is one snapshot, and a {what} is of many",
            f"name the collection, and the time with --since and --until: {name.collection}",
        )
    source = _source(names, collections)
    return source, choose(name, [each for of, each in collections if of == source], "the store")


def home(names: Catalogue, collections: Sequence[Collection], asked: str | None) -> Collection:
    """The collection asked for; where none is, `develop`, or the only one that there is.

    Raises:
        NameNotFoundError: there is no such collection.
        UsageError: more than one may be meant.
    """
    if asked is not None:
        return named_home(names, collections, asked, "log")
    source = _source(names, collections)
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
    develop = _source(names, collections), DEVELOP
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
    from cachediff.sources.names import newest_few

    shown = newest_few(values)
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
    elif is_hash(package) and index.has_hash(package):
        hints.append(f"as the beginning of a hash it is /{package}")
    return NameNotFoundError(
        f"no {what} {package!r} was ever in {where}", "; ".join(filter(None, hints))
    )
