"""What upstream's build cache holds, and what can become of it from one night to the next."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

from cachediff.demo.packages import Package
from cachediff.demo.pages import Build, Record
from cachediff.demo.stacks import ROOT, Environment


class World:
    """The records of every package, and what happens to them; all chance comes from the seed.

    It begins with exactly `specs` records, at least one a package, spread as unevenly as upstream:
    some packages have hundreds, and many records differ in nothing but hash. The newest version of
    a package is left for later. `records` maps a package's name to its records.
    """

    def __init__(
        self,
        packages: Sequence[Package],
        specs: int,
        environments: Sequence[Environment],
        seed: int,
    ) -> None:
        if not 0 < len(packages) <= specs:
            raise ValueError(f"{specs} specs cannot be spread over {len(packages)} packages")
        self._rng = random.Random(seed)  # noqa: S311
        self._environments = environments
        self._stacks = {environment: environment.stack_choices() for environment in environments}
        self._packages: dict[str, Package] = {}
        self.records: dict[str, list[Record]] = {}
        self._changed: set[str] = set()
        for package, size in zip(packages, self._sizes(len(packages), specs), strict=True):
            self.add_package(package, size)

    def take_changed(self) -> list[str]:
        """Return the names of the packages touched since this was asked last, sorted."""
        changed = sorted(self._changed)
        self._changed.clear()
        return changed

    def add_package(
        self, package: Package, specs: int, environments: Sequence[Environment] | None = None
    ) -> None:
        """Build a new package, in some environments or in all that are given."""
        rng = self._rng
        if environments is None:
            some = min(len(self._environments), 1 + specs // 8)
            environments = rng.sample(self._environments, some)
        # About two builds for every five specs, as many in each environment.
        builds = [
            (environment, self._build(package, environment))
            for _ in range(max(1, 2 * specs // (5 * len(environments))))
            for environment in environments
        ]
        chosen = [*builds[:specs], *rng.choices(builds, k=max(0, specs - len(builds)))]
        self._packages[package.name] = package
        self._put(
            package.name,
            [
                Record(self._hash(), build, rng.choice(self._stacks[environment]))
                for environment, build in chosen
            ],
        )

    def remove_package(self, name: str) -> None:
        """Remove a package and all its specs."""
        del self.records[name], self._packages[name]
        self._changed.add(name)

    def rebuild(self, name: str) -> None:
        """Give every spec a new hash, and change nothing else."""
        self._replace(name, lambda _: True, lambda build: build)

    def move_version(self, name: str, old: str, new: str) -> None:
        """Build every spec of one version at another."""
        self._replace(
            name,
            lambda build: build.version == old,
            lambda build: msgspec.structs.replace(build, version=new),
        )

    def set_variant(self, name: str, old: str, new: str) -> None:
        """Build every spec that has one variant with another in its place."""
        self._replace(
            name,
            lambda build: old in build.variants,
            lambda build: _with_variant(build, old, new),
        )

    def forget_compiler(self, name: str) -> None:
        """Drop the compiler: specs that differ in nothing else become one, in all their stacks."""
        stacks: dict[Build, set[str]] = {}
        for record in self.records[name]:
            build = msgspec.structs.replace(record.build, compiler="none")
            stacks.setdefault(build, set()).update(record.stacks)
        self._put(
            name,
            [Record(self._hash(), build, tuple(sorted(names))) for build, names in stacks.items()],
        )

    def leave_stack(self, name: str, stack: str) -> None:
        """Take a package out of a stack: specs in no other go, the rest keep their hash."""
        kept = [
            Record(record.hash, record.build, tuple(s for s in record.stacks if s != stack))
            for record in self.records[name]
        ]
        self._put(name, [record for record in kept if set(record.stacks) != {ROOT}])

    def join_stack(self, name: str, stack: str, beside: str) -> None:
        """Put every spec of a package that is in the stack `beside` into `stack` too."""
        self._put(
            name,
            [
                Record(record.hash, record.build, (*record.stacks, stack))
                if beside in record.stacks and stack not in record.stacks
                else record
                for record in self.records[name]
            ],
        )

    def churn(self, name: str) -> None:
        """Let a night pass: half of the specs are rebuilt, a few upgraded, added, removed.

        At least one spec changes, and at least one is left.
        """
        old = self.records[name]
        new: list[Record] = []
        for record in old:
            fate = self._rng.random()
            if fate < 0.45:
                new.append(self._rebuilt(record, record.build))
            elif fate < 0.48:
                new.append(self._rebuilt(record, self._upgraded(name, record.build)))
            elif fate < 0.50:
                new += (record, self._rebuilt(record, record.build))
            elif fate >= 0.52:
                new.append(record)
        if not new or new == old:
            new = [self._rebuilt(old[0], old[0].build), *old[1:]]
        self._put(name, new)

    def _put(self, name: str, records: list[Record]) -> None:
        self.records[name] = records
        self._changed.add(name)

    def _replace(
        self, name: str, applies: Callable[[Build], bool], then: Callable[[Build], Build]
    ) -> None:
        records = self.records[name]
        self._put(
            name,
            [
                self._rebuilt(record, then(record.build)) if applies(record.build) else record
                for record in records
            ],
        )

    def _rebuilt(self, record: Record, build: Build) -> Record:
        return Record(self._hash(), build, record.stacks)

    def _upgraded(self, name: str, build: Build) -> Build:
        following = dict(pairwise(self._packages[name].versions))
        return msgspec.structs.replace(build, version=following.get(build.version, build.version))

    def _hash(self) -> str:
        return base64.b32encode(self._rng.randbytes(20)).decode().lower()

    def _build(self, package: Package, environment: Environment) -> Build:
        rng = self._rng
        versions = package.versions[:-1] or package.versions
        build = Build(
            version=rng.choice((*versions[-3:], versions[-1], versions[-1])),
            compiler=environment.compiler,
            platform=environment.platform,
            os=environment.os,
            target=environment.target,
            variants=package.variants,
        )
        switches = [variant for variant in package.variants if variant[0] in "+~"]
        if switches and rng.random() < 0.3:
            switch = rng.choice(switches)
            build = _with_variant(build, switch, "+~"[switch[0] == "+"] + switch[1:])
        return build

    def _sizes(self, packages: int, specs: int) -> list[int]:
        # Only exact arithmetic: logarithms and powers differ in the last bit between C libraries.
        weights = [self._rng.randrange(1, 10_000) for _ in range(packages)]
        weights = [10**6 * weight // (10_400 - weight) for weight in weights]
        total, spare = sum(weights), specs - packages
        sizes = [1 + spare * weight // total for weight in weights]
        for index in range(specs - sum(sizes)):
            sizes[index] += 1
        return sizes


def _with_variant(build: Build, old: str, new: str) -> Build:
    variants = tuple(new if variant == old else variant for variant in build.variants)
    return msgspec.structs.replace(build, variants=variants)
