"""A stored snapshot, opened: what its listing says, and its specs as they are asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, islice
from typing import TYPE_CHECKING, TypeAlias

from cachediff.errors import DamagedSnapshotError
from cachediff.model.coverage import COVERED, Coverage, stack_counts
from cachediff.model.snapshot import Manifest, ManifestSummary, Origin
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version
from cachediff.store.listing import ListedManifest
from cachediff.store.parquet import strings, tuples

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_COUNTED = ("platform", "os", "target", "compiler")
_COUNT: list[tuple[list[str], str]] = [([], "count_all")]

_Names: TypeAlias = tuple[str, ...]
_Row: TypeAlias = tuple[str, str, str | None, str, str, str, _Names, _Names | None]


class OpenedSnapshot:
    """A stored snapshot whose bytes are those that were written; they are in memory, compressed.

    `origin` says where it comes from; `entries` maps each package to the object id of its manifest.
    """

    origin: Origin
    entries: dict[str, str]

    def __init__(
        self, file: pq.ParquetFile, origin: Origin, listing: Sequence[ListedManifest]
    ) -> None:
        self.origin = origin
        self.entries = {listed.package: listed.object_id for listed in listing}
        self._file = file
        self._listing = listing

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
        import pyarrow as pa

        table = self._rows()
        chosen = self._listing
        if packages is not None:
            wanted = frozenset(packages)
            chosen = [listed for listed in self._listing if listed.package in wanted]
            starts = self._starts()
            slices = [table.slice(starts[listed.package], listed.specs) for listed in chosen]
            table = pa.concat_tables([table.slice(0, 0), *slices])
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

    def listed(self) -> list[tuple[str, str]]:
        """Every hash, with the package that lists it."""
        table = self._rows(["hash", "package"])
        return list(zip(table["hash"].to_pylist(), strings(table["package"]), strict=True))

    def disagreements(self) -> list[str]:
        """Where the rows are not those that the listing says, by package and hash, each once."""
        if [listed.package for listed in self._listing] != sorted(self.entries):
            return ["the packages of the manifest listing are not in order, each once"]
        reasons = []
        table = self._rows()
        counted = [listed.package for listed in self._listing for _ in range(listed.specs)]
        if strings(table["package"]) != counted:
            reasons.append("the packages of the rows are not those of the manifest listing")
        hashes: list[str] = table["hash"].to_pylist()
        stacks = tuples(table["stacks"])
        for listed, start in zip(self._listing, self._starts().values(), strict=True):
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

    def _rows(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows, with some of their columns or all."""
        import pyarrow as pa

        try:
            # Without threads: those of Arrow may outlive the interpreter, and then abort the process.
            return self._file.read(columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise DamagedSnapshotError(
                f"the rows of {self.origin.collection} at {self.origin.commit} cannot be read: {error}"
            ) from error

    def _starts(self) -> dict[str, int]:
        """The first row of each package."""
        rows = accumulate((listed.specs for listed in self._listing), initial=0)
        return dict(zip(self.entries, rows, strict=False))


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
