"""Manifests: the raw files of a package to specs. One file per format, one line here for each."""

from __future__ import annotations

import re

from cachediff.manifests.claims import check_claims
from cachediff.manifests.format import (
    ManifestFormat,
    UnreadableManifestError,
    each_hash_once,
    front_matter,
)
from cachediff.manifests.interning import Interner
from cachediff.manifests.spec_details import SpecDetails
from cachediff.manifests.spec_index import SpecIndex
from cachediff.manifests.spec_names import SpecNames
from cachediff.model.snapshot import Manifest, PackageFiles, Problem
from cachediff.model.spec import Spec

__all__ = ["FORMATS", "PARSER_VERSION", "Interner", "ManifestFormat", "parse"]

FORMATS: tuple[ManifestFormat, ...] = (
    SpecDetails(),
    SpecNames(),
    SpecIndex(),
)

PARSER_VERSION = 3
"""To be raised when a parser comes to read the same bytes as other specs or other problems, and when
a summary comes to tell something else of the same specs."""

_NEEDED = re.compile(r"|specs\.md|index\.md|spec-[0-9]+\.json")
"""Files of which one that cannot be given makes a manifest unreadable; empty is the whole folder."""

PAGES = tuple(dict.fromkeys(format_.page for format_ in FORMATS))


def parse(files: PackageFiles, interner: Interner) -> Manifest:
    """What the manifest of one package says.

    Whatever is wrong with the files comes back as problems, never as an exception: a manifest that
    cannot be read for certain has `readable` False and no specs.
    """
    package = files.package
    blocking = tuple(item for item in files.unreadable if _NEEDED.fullmatch(item[0]))
    if blocking:
        problems = tuple(Problem.of(package, *item) for item in blocking)
        return Manifest(package, (), problems, readable=False)
    try:
        specs, found = _read(files, interner)
    except UnreadableManifestError as error:
        problem = Problem.of(package, error.file, error.reason)
        return Manifest(package, (), (problem,), readable=False)
    return Manifest(package, specs, tuple(Problem.of(package, *item) for item in found))


def _read(
    files: PackageFiles, interner: Interner
) -> tuple[tuple[Spec, ...], list[tuple[str, str]]]:
    page = next((page for page in PAGES if page in files.files), None)
    if page is None:
        raise UnreadableManifestError("", f"no manifest here: neither {' nor '.join(PAGES)}")
    fields = front_matter(page, files.files[page])
    for format_ in FORMATS:
        if format_.page == page and format_.recognises(fields):
            specs, problems = format_.read(files.package, fields, files.files, interner)
            problems += check_claims(page, fields.get(b"meta"), specs, interner)
            unique, repeated = each_hash_once(page, specs)
            return unique, problems + repeated
    raise UnreadableManifestError(
        page, "a layout that is not known: no spec_details, no spec_files"
    )
