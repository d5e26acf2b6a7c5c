"""The manifest listing of a stored snapshot: all that is known of its manifests but their specs.

And a step: what becomes of the listing, and of the rows, from one snapshot to another.
"""

from __future__ import annotations

from operator import lt

import msgspec

from cachediff.model.coverage import Coverage, stack_counts
from cachediff.model.snapshot import Manifest, ManifestSummary, Problem, Snapshot


class ListedManifest(msgspec.Struct, frozen=True):
    """What the listing says of one manifest.

    `object_id` is git's id of its folder, `specs` its number of specs, `stacks` how many of them
    each stack lists (`root` left out), by name.
    """

    package: str
    object_id: str
    readable: bool
    specs: int
    stacks: dict[str, int]
    problems: tuple[Problem, ...]

    def summary(self, coverage: Coverage) -> ManifestSummary:
        """The same, as the totals need it; `coverage` is what the specs cover, all these stacks apart."""
        stacks = coverage["stack"].copy()
        stacks.update((name, number) for name, number in self.stacks.items())
        coverage = {**coverage, "stack": stacks}
        problems = tuple(problem.within(self.package) for problem in self.problems)
        return ManifestSummary(self.specs, coverage, problems, self.readable)


class Base(msgspec.Struct, frozen=True):
    """The file that a step was written on: its name, beside that of the step, and its SHA-256."""

    name: str
    sha256: str


class Step(msgspec.Struct, frozen=True):
    """What a snapshot has that its base has not.

    `manifests` is the listing of what is new or has changed, by package; `removed` names the packages
    that are there no more. `kept` has a bit for each spec that the base has of the packages of
    `manifests`, in the order of their rows there: whether its row is still the same.
    """

    manifests: tuple[ListedManifest, ...]
    removed: tuple[str, ...]
    kept: bytes


def listing_of(snapshot: Snapshot) -> tuple[ListedManifest, ...]:
    """The manifest listing of a snapshot, by package.

    Raises `ValueError` for a snapshot that is not as `Snapshot`, `Manifest` and `Spec` say, which
    could be stored but not told back.
    """
    if [manifest.package for manifest in snapshot.manifests] != sorted(snapshot.object_ids):
        raise ValueError("the manifests of a snapshot are not those of its object ids, in order")
    return tuple(
        _listed(manifest, snapshot.object_ids[manifest.package]) for manifest in snapshot.manifests
    )


def _listed(manifest: Manifest, object_id: str) -> ListedManifest:
    hashes = [spec.hash for spec in manifest.specs]
    if not all(map(lt, hashes, hashes[1:])):
        raise ValueError(f"the specs of {manifest.package} are not in hash order, each once")
    if {spec.build.package for spec in manifest.specs} - {manifest.package}:
        raise ValueError(f"the manifest of {manifest.package} has specs of another package")
    if manifest.specs and not manifest.readable:
        raise ValueError(f"the manifest of {manifest.package} is unreadable and has specs")
    return ListedManifest(
        package=manifest.package,
        object_id=object_id,
        readable=manifest.readable,
        specs=len(manifest.specs),
        stacks=stack_counts(spec.stacks for spec in manifest.specs),
        problems=manifest.problems,
    )
