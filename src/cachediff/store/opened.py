"""A stored snapshot, opened: what its listing says, and its specs as they are asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, islice
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from cachediff.errors import DamagedSnapshotError
from cachediff.model.coverage import COVERED, Coverage, stack_counts
from cachediff.model.snapshot import Manifest, ManifestSummary, Origin
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version
from cachediff.store.listing import ListedManifest
from cachediff.store.parquet import strings, tuples
from cachediff.store.receipts import stored_as
from cachediff.store.rows import Composed, rows_of
from cachediff.store.steps import Carried

if TYPE_CHECKING:
    import pyarrow as pa

_COUNTED = ("platform", "os", "target", "compiler")
_COUNT: list[tuple[list[str], str]] = [([], "count_all")]

_Names: TypeAlias = tuple[str, ...]
_Row: TypeAlias = tuple[str, str, str | None, str, str, str, _Names, _Names | None]


class OpenedSnapshot:
    """A stored snapshot whose bytes are those that were written; they are in memory, compressed.

    `origin` says where it comes from, `stored` what is known of its file, `parser` the version of the
    parsers that read it; `listing` is by package, in order, and `entries` maps each package to the
    object id of its manifest. `composed` is for whoever opens the step that follows.
    """

    origin: Origin
    entries: dict[str, str]

    def __init__(self, path: PurePath, data: bytes, composed: Composed) -> None:
        """`composed` is what the file at `path`, whose bytes are `data`, comes to with its bases."""
        files = [layer.file for layer in reversed(composed.layers)]
        bases = tuple(file.base for file in files if file.base)
        self.origin = files[0].origin
        self.parser = files[0].parser
        self.stored = stored_as(
            path,
            self.origin,
            composed.listing.values(),
            data,
            tuple(base.name for base in bases),
            bases[0].sha256 if bases else "",
        )
        self.entries = {package: each.object_id for package, each in composed.listing.items()}
        self.listing = composed.listing
        self.composed = composed
        self._listing = tuple(composed.listing.values())
        self._sizes = [file.size for file in files]

    @cached_property
    def summaries(self) -> dict[str, ManifestSummary]:
        """The summary of each manifest, by package; errors as for `read`."""
        coverage = self._coverage()
        return {
            listed.package: listed.summary(coverage[listed.package]) for listed in self._listing
        }

    def read(self, packages: Collection[str] | None = None) -> Iterator[Manifest]:
        """The manifests of `packages` (None: of all), by package; those it has not are passed over.

        Ask at once for all that are needed: each call decompresses the whole file before it picks
        rows. Builds that are alike are one object. Raises `DamagedSnapshotError` if pyarrow cannot
        read the rows, which it wrote.
        """
        chosen: Sequence[ListedManifest] = self._listing
        if packages is None:
            table = self._rows()
        else:
            wanted = frozenset(packages)
            chosen = [listed for listed in self._listing if listed.package in wanted]
            table = self._rows(packages=[listed.package for listed in chosen])
        texts = strings(table["version"])
        versions = {text: Version(text) for text in set(texts)}
        rows: Iterator[_Row] = zip(
            table["hash"].to_pylist(),
            texts,
            strings(table["compiler"]),
            strings(table["platform"]),
            strings(table["os"]),
            strings(table["target"]),
            tuples(table["variants"]),
            tuples(table["stacks"]),
            strict=True,
        )
        for listed in chosen:
            specs = tuple(_specs(listed.package, islice(rows, listed.specs), versions))
            yield Manifest(listed.package, specs, listed.problems, listed.readable)

    def carry(self, packages: Collection[str] | None = None) -> Carried:
        """The same in memory, with the manifests of `packages` (None: all), for a step on it."""
        return Carried(
            stored=self.stored,
            listing=self.listing,
            manifests={manifest.package: manifest for manifest in self.read(packages)},
            parser=self.parser,
            whole=self._sizes[-1],
            steps=sum(self._sizes[:-1]),
        )

    def listed(self) -> list[tuple[str, str]]:
        """Every hash, with the package that lists it."""
        table = self._rows(["hash", "package"])
        return list(zip(table["hash"].to_pylist(), strings(table["package"]), strict=True))

    def disagreements(self, before: OpenedSnapshot | None = None) -> list[str]:
        """Where the rows are not those that the listing says, by package and hash, each once.

        Where this was opened as a step on `before`, of which nothing was found, only what is not the same
        as there is looked at.
        """
        known = before.listing if before else {}
        chosen = [listed for listed in self._listing if known.get(listed.package) is not listed]
        reasons = []
        table = self._rows(packages=[listed.package for listed in chosen] if before else None)
        counted = [listed.package for listed in chosen for _ in range(listed.specs)]
        if strings(table["package"]) != counted:
            reasons.append("the packages of the rows are not those of the manifest listing")
        hashes: list[str] = table["hash"].to_pylist()
        stacks = tuples(table["stacks"])
        starts = accumulate((listed.specs for listed in chosen), initial=0)
        for listed, start in zip(chosen, starts, strict=False):
            rows = slice(start, start + listed.specs)
            if hashes[rows] != sorted(set(hashes[rows])):
                reasons.append(f"the hashes of {listed.package} are not in order, each once")
            if stack_counts(stacks[rows]) != listed.stacks:
                reasons.append(f"the stacks of {listed.package} are not those of the listing")
            if listed.specs and not listed.readable:
                reasons.append(f"{listed.package} has specs, but is listed as unreadable")
        return reasons

    def _coverage(self) -> defaultdict[str, Coverage]:
        """What the specs of each package cover, all stacks that are told apart."""
        table = self._rows(["package", *_COUNTED, "stacks"]).unify_dictionaries()
        coverage: defaultdict[str, Coverage] = defaultdict(lambda: {field: {} for field in COVERED})
        for field in _COUNTED:
            counts = table.group_by(["package", field], use_threads=False).aggregate(_COUNT)
            for package, value, number in zip(
                strings(counts["package"]),
                strings(counts[field]),
                counts["count_all"].to_pylist(),
                strict=True,
            ):
                coverage[package][field][value] = number
        untold = table.filter(table["stacks"].is_null())
        for package, number in Counter(strings(untold["package"])).items():
            coverage[package]["stack"][None] = number
        return coverage

    def _rows(
        self, columns: Sequence[str] | None = None, packages: Sequence[str] | None = None
    ) -> pa.Table:
        """The rows, with some of their columns or all, of some packages or all."""
        import pyarrow as pa

        try:
            return rows_of(self.composed, columns, packages)
        except (pa.ArrowException, OSError) as error:
            raise DamagedSnapshotError(
                f"the rows of {self.origin.collection} at {self.origin.commit} cannot be read: {error}"
            ) from error


def _specs(package: str, rows: Iterable[_Row], versions: Mapping[str, Version]) -> Iterator[Spec]:
    """The specs of one package."""
    builds: dict[tuple[object, ...], Build] = {}
    for hash_, version, compiler, platform, os, target, variants, stacks in rows:
        # By the text of its version: versions that are equal may be spelled differently.
        key = (version, compiler, platform, os, target, variants)
        build = builds.get(key)
        if build is None:
            build = builds[key] = Build(
                package, versions[version], compiler, platform, os, target, variants
            )
        yield Spec(hash_, build, stacks)
