"""Statements about packages: read as they are typed, and whether they are true of a manifest."""

from __future__ import annotations

import difflib
import re

from cachediff.errors import UsageError
from cachediff.model.bisection import Statement, Verb
from cachediff.model.snapshot import Manifest
from cachediff.model.spec import ROOT_STACK, Spec
from cachediff.model.version import Version

GRAMMAR = (
    "PACKAGE joined STACK, PACKAGE left STACK, PACKAGE added, PACKAGE removed, "
    "PACKAGE@VERSION added, PACKAGE@VERSION removed, PACKAGE/HASH added, PACKAGE/HASH removed, "
    "PACKAGE unreadable"
)

_SUBJECT = re.compile(
    r"(?P<package>[A-Za-z0-9_][^\s@/:*?\[\]]*)?(?:@=?(?P<version>[^\s@/]+)|\s*/(?P<hash>\S+))?"
)
_HASH = re.compile("[a-z2-7]{1,32}")
_OF_A_STACK = (Verb.JOINED, Verb.LEFT)


def parse_statement(text: str) -> Statement:
    """Read a statement, such as `hdf5 left e4s`.

    Raises:
        UsageError: it is none; the hint says what is.
    """
    words = text.split()
    verb = next((Verb(word) for word in words if word in list(Verb)), None)
    if verb is None:
        raise _refused(f"{text!r} says nothing of a package", _close_verb(words))
    place = words.index(verb)
    subject, rest = " ".join(words[:place]), words[place + 1 :]
    match = _SUBJECT.fullmatch(subject)
    if not match or not subject:
        raise _refused(
            f"{subject!r} is no package, version or hash"
            if subject
            else f"what is it that was {verb}?"
        )
    package, version, hash_ = match["package"], match["version"], match["hash"]
    if hash_ is not None and not _HASH.fullmatch(hash_):
        raise _refused(f"{hash_!r} is no hash, nor the beginning of one: up to 32 of a-z and 2-7")
    if package is None and hash_ is None:
        raise _refused(f"{subject!r} does not say of which package")
    if verb in _OF_A_STACK:
        if len(rest) != 1:
            raise _refused(f"{verb} which stack?" if not rest else f"{text!r}: a stack is one word")
        if rest[0] == ROOT_STACK:
            hint = "say: PACKAGE added, PACKAGE removed"
            raise UsageError(
                "root is the union of all stacks, and is joined and left with them", hint
            )
    elif rest:
        raise _refused(f"{text!r}: nothing can follow {verb}")
    if (version or hash_) and verb not in (Verb.ADDED, Verb.REMOVED):
        raise _refused(f"a version or a hash is added or removed, not {verb}")
    return Statement(
        text=" ".join(words),
        package=package,
        verb=verb,
        version=version,
        hash=hash_,
        stack=rest[0] if rest else None,
    )


def is_true(statement: Statement, manifest: Manifest | None) -> bool | None:
    """Whether a statement is true where this is the manifest of its package; None where that is unknown.

    No manifest is a package that is not there. One that cannot be read says nothing, but that it is
    unreadable. Stacks that are not told (before 2023) leave open whether a package is in one.
    """
    if statement.verb is Verb.UNREADABLE:
        return manifest is not None and not manifest.readable
    if manifest is not None and not manifest.readable:
        return None
    specs = manifest.specs if manifest else ()
    if statement.stack is not None:
        there = _in_stack(specs, statement.stack)
    elif statement.version is not None:
        wanted = Version(statement.version)
        there = any(spec.version == wanted for spec in specs)
    else:
        there = any(spec.hash.startswith(statement.hash or "") for spec in specs)
    if there is None:
        return None
    return there == (statement.verb in (Verb.ADDED, Verb.JOINED))


def _in_stack(specs: tuple[Spec, ...], stack: str) -> bool | None:
    if any(stack in (spec.stacks or ()) for spec in specs):
        return True
    return None if any(spec.stacks is None for spec in specs) else False


def _close_verb(words: list[str]) -> str:
    close = [verb for word in words for verb in difflib.get_close_matches(word, list(Verb), 1, 0.7)]
    return f"did you mean {close[0]}? " if close else ""


def _refused(reason: str, hint: str = "") -> UsageError:
    return UsageError(reason, f"{hint}statements are: {GRAMMAR}")
