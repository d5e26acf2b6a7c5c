"""Stacks, and the environment that each of them builds in."""

from __future__ import annotations

from itertools import combinations

import msgspec

ROOT = "root"


class Environment(msgspec.Struct, frozen=True):
    """What a spec is built for, and the stacks that build for it, so that they can share specs."""

    compiler: str
    platform: str
    os: str
    target: str
    stacks: tuple[str, ...]

    def stack_choices(self) -> list[tuple[str, ...]]:
        """List every way to be in one to three of the stacks and in `root`, first or last."""
        groups = [group for size in (1, 2, 3) for group in combinations(self.stacks, size)]
        return [listed for group in groups for listed in ((*group, ROOT), (ROOT, *group))]


E4S = Environment("gcc@11.4.0", "linux", "ubuntu22.04", "x86_64_v3", ("e4s", "hep"))
E4S_ONEAPI = Environment(
    "intel-oneapi-compilers@2024.2.1", "linux", "ubuntu22.04", "x86_64_v3", ("e4s-oneapi",)
)
ML_CUDA = Environment("gcc@13.2.0", "linux", "ubuntu24.04", "x86_64_v3", ("ml-linux-x86_64-cuda",))

DEMO = (E4S, E4S_ONEAPI, ML_CUDA)
"""The four stacks of the demo."""

_ML_X86 = ("ml-linux-x86_64-cpu", "ml-linux-x86_64-cuda", "ml-linux-x86_64-rocm")
_ML_ARM = ("ml-linux-aarch64-cpu", "ml-linux-aarch64-cuda")

UPSTREAM = (
    Environment(
        "gcc@11.4.0",
        "linux",
        "ubuntu22.04",
        "x86_64_v3",
        ("e4s", "e4s-rocm-external", "hep", "tutorial"),
    ),
    Environment("none", "linux", "ubuntu22.04", "x86_64_v3", ("e4s", "e4s-oneapi", "hep")),
    E4S_ONEAPI,
    Environment("gcc@13.2.0", "linux", "ubuntu24.04", "x86_64_v3", _ML_X86),
    Environment("none", "linux", "ubuntu24.04", "x86_64_v3", _ML_X86),
    Environment("gcc@13.2.0", "linux", "ubuntu24.04", "aarch64", _ML_ARM),
    Environment("apple-clang@16.0.0", "darwin", "sequoia", "aarch64", ("ml-darwin-aarch64-mps",)),
    Environment("gcc@11.4.0", "linux", "ubuntu22.04", "neoverse_v2", ("e4s-neoverse-v2",)),
    Environment("cce@18.0.0", "linux", "rhel8", "x86_64_v3", ("e4s-cray-rhel",)),
    Environment("gcc@7.5.0", "linux", "ubuntu18.04", "x86_64_v3", ("developer-tools", "radiuss")),
    Environment(
        "gcc@10.5.0", "linux", "centos7", "x86_64_v3", ("developer-tools-x86_64_v3-linux-gnu",)
    ),
    Environment("gcc@13.3.0", "linux", "rhel8", "aarch64", ("developer-tools-aarch64-linux-gnu",)),
    Environment("gcc@12.4.0", "linux", "amzn2", "neoverse_v1", ("aws-pcluster-neoverse_v1",)),
)
"""The stacks of the cache behind cache.spack.io in spring 2025."""
