"""Bisection: a statement about a package, and the commit at which it became true."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cachediff.model.lives import PackageStep, Point


class Verb(StrEnum):
    """What a statement says became of its subject."""

    ADDED = "added"
    REMOVED = "removed"
    JOINED = "joined"
    LEFT = "left"
    UNREADABLE = "unreadable"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of a package at some commits of a collection, and not at others.

    `text` is as it was asked. The subject is the package, one version of it or the spec whose hash
    begins with `hash`; `package` is None as long as only a hash is known. `stack` is that of `joined`
    and `left`.
    """

    text: str
    package: str | None
    verb: Verb
    version: str | None = None
    hash: str | None = None
    stack: str | None = None


class Outcome(StrEnum):
    """What a search came to.

    `found`: it became true; `always`: it was true wherever it is known, and never became it; `not-true`:
    it is not true at the end; `unknown`: nothing that could be read says whether it is.
    """

    FOUND = "found"
    ALWAYS = "always"
    NOT_TRUE = "not-true"
    UNKNOWN = "unknown"


class Unknown(StrEnum):
    """Why it is not known whether a statement is true at a commit.

    `unreadable`: its manifest cannot be read, or is not there to be read; `away`: the collection is not
    there; `untold`: the manifest does not tell the stacks.
    """

    UNREADABLE = "unreadable"
    AWAY = "away"
    UNTOLD = "untold"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a statement became true.

    `commit` is the first at which it is known to be true. `before` is the last one before it that
    changed the package, or at which the search began, and at which it is known not to be. `unknown`
    counts the commits in between, at none of which it is known: it became true in one of them, or in
    `commit`; where it is 0, in `commit`. `reasons` says why, and of how many. `suspect` says why what is
    missing at `commit` is not to be believed, as of a `Side`.
    """

    commit: Point
    before: Point
    unknown: int
    reasons: dict[Unknown, int] = {}
    suspect: str | None = None


class Bisection(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and how it was looked for.

    `since` and `until` are the ends of the search. `turn` is the last time that it became true (or one
    of several, where not everything was read), `others` are those before it, oldest first; with
    `not-true` there may be others only. `change` is what became of the package from `turn.before` to
    `turn.commit`. `known` is the end at which the statement was last known to be true or not: the
    beginning for `always`, the end for `not-true`. `last_known` is the newest commit at which it is
    known, whatever the outcome.

    `commits` counts those that changed the package, `read` the distinct manifests that were read,
    `unread` the commits whose manifest was read and could not be understood, or is not there to be
    read, with those at which the collection is not there; `reasons` counts the commits at which it is
    not known, as far as they were looked at. `whole` is whether every manifest was.
    """

    statement: Statement
    source: str
    collection: str
    since: Point
    until: Point
    outcome: Outcome
    turn: Turn | None = None
    others: tuple[Turn, ...] = ()
    change: PackageStep | None = None
    known: Point | None = None
    last_known: Point | None = None
    commits: int = 0
    read: int = 0
    unread: int = 0
    reasons: dict[Unknown, int] = {}
    whole: bool = True
