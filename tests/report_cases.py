"""Comparisons written by hand, one for each golden folder in `tests/golden/reports`."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from datetime import date

from msgspec.structs import replace

from cachediff.model.change import Change, ChangeKind
from cachediff.model.comparison import (
    Comparison,
    CoverageTotals,
    Merge,
    PackageComparison,
    PackageCounts,
    PackageStatus,
    Side,
    SpecCounts,
)
from cachediff.model.gates import (
    Acceptance,
    Finding,
    Gate,
    LeftStack,
    PackageEvidence,
    StackEvidence,
    StackShrank,
)
from cachediff.model.selection import Selection
from cachediff.model.snapshot import Origin, Problem
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version

COVERED = ("platform", "os", "target", "compiler")
E4S = ("e4s", "root")
BOTH = ("e4s", "radiuss", "root")


def hash_of(label: str) -> str:
    """32 characters of base32, as Spack's are, the same for the same label."""
    return base64.b32encode(hashlib.sha256(label.encode()).digest()).decode().lower()[:32]


def spec(
    label: str,
    version: str = "1.0",
    *,
    package: str = "",
    compiler: str | None = "gcc@11.4.0",
    platform: str = "linux",
    os: str = "ubuntu22.04",
    target: str = "x86_64_v3",
    variants: tuple[str, ...] = ("build_system=autotools", "+shared"),
    stacks: tuple[str, ...] | None = E4S,
) -> Spec:
    """A spec of the package that its label begins with, up to the first blank."""
    build = Build(
        package=package or label.partition(" ")[0],
        version=Version(version),
        compiler=compiler,
        platform=platform,
        os=os,
        target=target,
        variants=tuple(sorted(variants)),
    )
    return Spec(hash=hash_of(label), build=build, stacks=stacks)


def added(new: Spec) -> Change:
    return Change(kind=ChangeKind.ADDED, fields=(), old=None, new=new)


def removed(old: Spec) -> Change:
    return Change(kind=ChangeKind.REMOVED, fields=(), old=old, new=None)


def pair(kind: str, old: Spec, new: Spec) -> Change:
    """A pair, with the fields that differ and are known on both sides."""
    differing = [
        field
        for field in ("compiler", "os", "platform", "stacks", "target", "variants", "version")
        if getattr(old, field) != getattr(new, field)
        and None not in (getattr(old, field), getattr(new, field))
    ]
    return Change(kind=ChangeKind(kind), fields=tuple(differing), old=old, new=new)


def package(
    name: str,
    *changes: Change,
    kept: tuple[str, ...] = (),
    status: str = "changed",
    joined: tuple[str, ...] = (),
    left: tuple[str, ...] = (),
    merged: tuple[Merge, ...] = (),
    split: tuple[Merge, ...] = (),
) -> PackageComparison:
    """What changed in one package; the versions that no build keeps follow from the changes."""
    staying = {Version(text) for text in kept}
    before = {change.old.version for change in changes if change.old} | staying
    after = {change.new.version for change in changes if change.new} | staying
    return PackageComparison(
        package=name,
        status=PackageStatus(status),
        versions_added=tuple(sorted(after - before)),
        versions_removed=tuple(sorted(before - after)),
        versions_kept=tuple(sorted(before & after)),
        stacks_joined=joined,
        stacks_left=left,
        changes=changes,
        merged=merged,
        split=split,
    )


def side(
    collection: str = "develop-2025-04-20",
    *,
    source: str = "https://github.com/spack/cache",
    commit: str | None = "4f2c1d9ab07e6d5c3b2a19080f7e6d5c4b3a2918",
    committed_at: str | None = "2025-04-20T03:12:09Z",
    manifests: int = 1300,
    unreadable: int = 0,
    specs: int = 60264,
    problems: tuple[Problem, ...] = (),
    suspect: str | None = None,
) -> Side:
    origin = Origin(
        source=source,
        collection=collection,
        commit=commit,
        committed_at=committed_at,
        tree=hash_of(collection)[:20] * 2 if commit else None,
    )
    return Side(
        origin=origin,
        manifests=manifests,
        unreadable=unreadable,
        packages=manifests - unreadable,
        specs=specs,
        problems=problems,
        suspect=suspect,
    )


OLD = side(
    "develop-2025-04-13",
    commit="9be07d1cc5a24f11f0d3e8b76a5c4d3e2f1a0b9c",
    committed_at="2025-04-13T03:11:58Z",
    manifests=1298,
    specs=60101,
)


def comparison(
    *packages: PackageComparison,
    old: Side = OLD,
    new: Side | None = None,
    stacks: dict[str, CoverageTotals] | None = None,
    coverage: dict[str, dict[str, CoverageTotals]] | None = None,
    stacks_untold: tuple[int, int] = (0, 0),
    selection: Selection | None = None,
    left_out: int = 0,
    unknown_specs: tuple[int, int] = (0, 0),
) -> Comparison:
    """A comparison of these packages, its counts taken from them."""
    statuses = Counter(each.status for each in packages)
    kinds = Counter(change.kind for each in packages for change in each.changes)
    return Comparison(
        old=old,
        new=new or side(),
        package_counts=PackageCounts(
            **{status.value: statuses[status] for status in PackageStatus}, unchanged=1240
        ),
        spec_counts=SpecCounts(
            **{kind.value: kinds[kind] for kind in ChangeKind},
            unchanged=59871,
            unknown=unknown_specs,
        ),
        stacks=stacks or {},
        coverage={field: {} for field in COVERED} | (coverage or {}),
        stacks_untold=stacks_untold,
        packages=tuple(sorted(packages, key=lambda each: each.package)),
        selection=selection or Selection(),
        left_out=left_out,
    )


def every_kind() -> Comparison:
    hdf5 = [
        pair(
            "upgraded",
            spec(f"hdf5 old {n}", "1.14.3", stacks=BOTH),
            spec(f"hdf5 new {n}", "1.14.5", stacks=BOTH),
        )
        for n in range(12)
    ]
    cuda = ("~cuda", "build_system=cmake", "+shared")
    rocm = ("+cuda", "build_system=cmake", "cuda_arch=80", "+shared")
    return comparison(
        package("hdf5", *hdf5),
        package(
            "py-numpy",
            pair("upgraded", spec("py-numpy a", "1.26.4"), spec("py-numpy b", "2.2.4")),
            pair(
                "upgraded",
                spec("py-numpy c", "1.26.4"),
                spec("py-numpy d", "2.2.4", compiler="gcc@12.3.0"),
            ),
            kept=("1.26.4",),
        ),
        package(
            "openmpi",
            pair("downgraded", spec("openmpi a", "5.0.7"), spec("openmpi b", "5.0.6")),
        ),
        package(
            "amrex",
            added(spec("amrex a", "25.04", stacks=BOTH)),
            added(spec("amrex b", "25.03")),
            status="added",
            joined=("e4s", "radiuss"),
        ),
        package(
            "py-nose",
            removed(spec("py-nose a", "1.3.7")),
            removed(spec("py-nose b", "1.3.7", os="ubuntu24.04")),
            removed(spec("py-nose c", "1.3.6")),
            status="removed",
            left=("e4s",),
        ),
        package(
            "zlib",
            removed(spec("zlib a", "1.2.13")),
            removed(spec("zlib b", "1.3.1", compiler="gcc@12.3.0", target="aarch64")),
            added(spec("zlib c", "1.3.2")),
            kept=("1.3.1",),
        ),
        package(
            "cmake",
            added(spec("cmake a", "3.31.6", compiler=None, os="ubuntu24.04")),
            pair(
                "changed",
                spec("cmake b", "3.31.6"),
                spec("cmake c", "3.31.6", compiler="gcc@12.3.0"),
            ),
            pair(
                "changed",
                spec("cmake d", "3.31.6"),
                spec("cmake e", "3.31.6", compiler="gcc@12.3.0"),
            ),
        ),
        package(
            "kokkos",
            pair(
                "changed",
                spec("kokkos a", "4.6.0", variants=cuda),
                spec("kokkos b", "4.6.0", variants=rocm),
            ),
            pair(
                "changed",
                spec("kokkos c", "4.6.0", os="ubuntu22.04", target="x86_64_v3"),
                spec("kokkos d", "4.6.0", os="ubuntu24.04", target="x86_64_v4"),
            ),
        ),
        package(
            "adios2",
            *[
                pair(
                    "rebuilt",
                    spec(f"adios2 old {n}", "2.10.2"),
                    # Unknown is not a value: a rebuild, and nothing to say of the compiler.
                    spec(f"adios2 new {n}", "2.10.2", compiler=None),
                )
                for n in range(31)
            ],
        ),
        package(
            "curl",
            pair("rebuilt", spec("curl a", "8.11.1"), spec("curl b", "8.11.1", stacks=BOTH)),
            joined=("radiuss",),
        ),
        package(
            "bzip2",
            pair(
                "restacked",
                spec("bzip2 a", "1.0.8", stacks=BOTH),
                spec("bzip2 a", "1.0.8", stacks=("e4s", "hep", "root")),
            ),
            joined=("hep",),
            left=("radiuss",),
        ),
        stacks={
            "e4s": CoverageTotals((12_034, 12_029), (702, 702), ("amrex",), ("py-nose",)),
            "hep": CoverageTotals((512, 513), (88, 89), ("bzip2",), ()),
            "radiuss": CoverageTotals((804, 806), (121, 122), ("amrex", "curl"), ("bzip2",)),
            "tutorial": CoverageTotals((91, 91), (30, 30)),
        },
        coverage={
            "platform": {"linux": CoverageTotals((60_101, 60_264), (1_298, 1_298))},
            "os": {
                "ubuntu22.04": CoverageTotals(
                    (48_201, 48_119), (1_290, 1_290), ("amrex",), ("py-nose",)
                ),
                "ubuntu24.04": CoverageTotals(
                    (11_900, 12_145), (988, 989), ("cmake", "kokkos"), ("py-nose",)
                ),
            },
            "target": {
                "aarch64": CoverageTotals((6_120, 6_119), (840, 839), (), ("zlib",)),
                "x86_64_v3": CoverageTotals(
                    (53_981, 54_144), (1_298, 1_298), ("amrex",), ("py-nose",)
                ),
                "x86_64_v4": CoverageTotals((0, 1), (0, 1), ("kokkos",)),
            },
            "compiler": {
                "gcc@11.4.0": CoverageTotals(
                    (60_101, 60_229), (1_298, 1_298), ("amrex",), ("py-nose",)
                ),
                "gcc@12.3.0": CoverageTotals((0, 3), (0, 2), ("py-numpy",)),
                "none": CoverageTotals((0, 32), (0, 2)),
            },
        },
    )


def no_changes() -> Comparison:
    return comparison(stacks={"e4s": CoverageTotals((12_034, 12_034), (702, 702))})


def problems() -> Comparison:
    return comparison(
        package("hdf5", status="unknown"),
        package("zlib", status="unknown"),
        package("curl", pair("rebuilt", spec("curl a"), spec("curl b"))),
        old=side(
            "develop",
            unreadable=1,
            problems=(Problem("zlib/specs.md", "`spec_details` is not JSON: line 1, column 5012"),),
        ),
        new=side(
            "develop",
            commit="0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e",
            committed_at="2025-04-21T03:12:40Z",
            unreadable=2,
            problems=(
                Problem("cmake/specs.md", "`num_specs` is 41 but there are 40 specs"),
                Problem("hdf5/specs.md", "record 12: the hash has 31 characters"),
                Problem("hdf5/specs.md", "record 13: the hash has 31 characters"),
                Problem("hdf5/specs.md", "record 14: the hash has 31 characters"),
                Problem("zlib/specs.md", "the file is empty"),
            ),
        ),
        unknown_specs=(56, 0),
    )


def suspect_new() -> Comparison:
    return comparison(
        package("hdf5", removed(spec("hdf5 a")), removed(spec("hdf5 b")), status="removed"),
        package("zlib", removed(spec("zlib a")), kept=("1.0",), left=("e4s",)),
        package("curl", pair("upgraded", spec("curl a", "8.11.1"), spec("curl b", "8.12.0"))),
        new=side(manifests=12, specs=310, suspect="12 manifests where there were 1,298"),
        stacks={"e4s": CoverageTotals((12_034, 40), (12, 10), (), ("hdf5", "zlib"))},
    )


def suspect_old() -> Comparison:
    return comparison(
        package("hdf5", added(spec("hdf5 a")), added(spec("hdf5 b")), status="added"),
        package("curl", removed(spec("curl a")), status="removed"),
        old=side("develop-2025-04-13", manifests=2, specs=8, suspect="no manifest is left"),
        stacks={"e4s": CoverageTotals((8, 12_034), (2, 2), ("hdf5",), ("curl",))},
    )


def suspect_asked_for() -> Comparison:
    return comparison(
        package("hdf5", removed(spec("hdf5 a")), removed(spec("hdf5 b")), status="removed"),
        new=side(manifests=12, specs=310, suspect="12 manifests where there were 1,298"),
        selection=Selection(kinds=("removed",)),
        left_out=7,
    )


def selection() -> Comparison:
    return comparison(
        package("hdf5", pair("upgraded", spec("hdf5 a", "1.14.3"), spec("hdf5 b", "1.14.5"))),
        selection=Selection(specs=("hdf5@1.14*", "py-*"), stacks=("e4s",), kinds=("upgraded",)),
        left_out=1_842,
    )


def selection_of_nothing() -> Comparison:
    return comparison(selection=Selection(specs=("hdf6",)), left_out=1)


def merge() -> Comparison:
    def build(label: str, **fields: str | None) -> Spec:
        return spec(f"bison {label}", "3.8.2", **fields)  # type: ignore[arg-type]

    return comparison(
        package(
            "bison",
            pair("rebuilt", build("gcc11"), build("one", compiler=None)),
            removed(build("gcc12", compiler="gcc@12.3.0")),
            removed(build("plain")),
            pair("rebuilt", build("two", compiler=None), build("gcc13", compiler="gcc@13.2.0")),
            added(build("gcc14", compiler="gcc@14.1.0")),
            added(build("llvm", compiler="llvm@18.1.3")),
            merged=(Merge(hash_of("bison one"), (hash_of("bison gcc11"), hash_of("bison gcc12"))),),
            split=(
                Merge(
                    hash_of("bison two"),
                    (hash_of("bison gcc13"), hash_of("bison gcc14"), hash_of("bison llvm")),
                ),
            ),
        ),
    )


def long() -> Comparison:
    stacks = tuple(sorted(f"ml-linux-x86_64-{name}" for name in ("cpu", "cuda", "rocm", "tpu")))
    return comparison(
        *[
            package(
                f"py-plugin-{n:02}",
                pair(
                    "upgraded",
                    spec(f"py-plugin-{n:02} a", f"1.{n}.0", stacks=("e4s", "hep", *stacks)),
                    spec(f"py-plugin-{n:02} b", f"1.{n}.1", stacks=("e4s", "hep", *stacks)),
                ),
            )
            for n in range(25)
        ],
        new=side(problems=tuple(Problem(f"p{n}/specs.md", "no `meta`") for n in range(22))),
        stacks={
            f"stack-{n:02}": CoverageTotals((10, 11 + n), (4, 5), (f"p{n}",)) for n in range(22)
        },
    )


def no_commits_and_no_stacks() -> Comparison:
    """Folders of manifests, in a format that does not tell stacks."""

    def folder(name: str) -> Side:
        return side(name, source="/srv/cache", commit=None, committed_at=None, manifests=3, specs=9)

    return comparison(
        package(
            "m4",
            pair(
                "upgraded",
                spec("m4 a", "1.4.18", stacks=None),
                spec("m4 b", "1.4.19", stacks=None),
            ),
        ),
        old=folder("old"),
        new=folder("new"),
        stacks_untold=(9, 9),
    )


HOSTILE = "\x1b[1m\x9b2J\r\n\n|<b>&lt;`` `**b** _i_ ~~s~~ [l](u) @all #1 \\|\u202e\u200b\ud800{{ 7 }}[red]"


def hostile(value: str = HOSTILE) -> Comparison:
    """The same value in every field that a source, a manifest or a person fills."""

    def evil(label: str, other: str = "") -> Spec:
        return Spec(
            hash=f"{label}{value}",
            build=Build(
                package=value,
                version=Version(value + other),
                compiler=value + other,
                platform=value + other,
                os=value + other,
                target=value + other,
                variants=(value + other,),
            ),
            stacks=(value + other,),
        )

    def evil_side(suspect: str | None = None) -> Side:
        return Side(
            origin=Origin(value, value, value, value, value),
            manifests=1,
            unreadable=1,
            packages=0,
            specs=0,
            problems=(Problem(f"{value}/specs.md", value), Problem("x/specs.md", value)),
            suspect=suspect,
        )

    other = "!"
    return comparison(
        package(value, *[removed(evil("a"))], status="removed"),
        package(value, added(evil("b")), status="added"),
        package("x", status="unknown"),
        package(
            value,
            pair("upgraded", evil("c"), evil("d", other)),
            pair("downgraded", evil("e", other), evil("f")),
            pair("restacked", evil("g"), Spec(evil("g").hash, evil("g").build, ("other",))),
            pair("rebuilt", evil("h"), evil("i")),
            pair("changed", evil("j"), evil("k", other)),
            removed(evil("l")),
            kept=(value,),
            joined=(value,),
            left=(value,),
        ),
        old=evil_side(),
        new=evil_side(suspect=value),
        stacks={value: CoverageTotals((1, 2), (1, 1), (value,), (value,))},
        coverage={
            field: {value: CoverageTotals((1, 2), (1, 1), (value,), (value,))} for field in COVERED
        },
        selection=Selection((value,), (value,), (value,), (value,), (value,), ("removed",)),
        left_out=1,
    )


def red() -> Comparison:
    """A night with two findings, one of them accepted."""
    gone = package("trilinos", removed(spec("trilinos 1", "13.4.1")), status="removed")
    return replace(
        comparison(gone, stacks={"e4s": CoverageTotals((676, 675), (90, 89), (), ("trilinos",))}),
        findings=(
            Finding(
                Gate("left-e4s", LeftStack(stacks=("e4s",))),
                (PackageEvidence("trilinos", 1, ("e4s",)),),
            ),
            Finding(
                Gate("shrank", StackShrank(percent=0.1)),
                (StackEvidence("e4s", (676, 675), (90, 89)),),
                Acceptance("shrank", date(2025, 5, 1), "trilinos is being moved"),
            ),
        ),
    )


CASES = {
    "every-kind": every_kind,
    "hostile": hostile,
    "long": long,
    "merge": merge,
    "no-changes": no_changes,
    "no-commits-and-no-stacks": no_commits_and_no_stacks,
    "problems": problems,
    "red": red,
    "selection": selection,
    "selection-of-nothing": selection_of_nothing,
    "suspect-asked-for": suspect_asked_for,
    "suspect-new": suspect_new,
    "suspect-old": suspect_old,
}
