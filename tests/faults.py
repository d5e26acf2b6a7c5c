"""Faults: a run of the command in which one chosen call fails, or of which all processes are killed."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

SHIM = Path(__file__).with_name("faults.c")

NEEDED = "needs Linux with glibc and a C compiler (cc), to make calls fail"
"""Why there are no faults elsewhere."""

Do: TypeAlias = Literal["eio", "full", "before", "after"]
"""What becomes of the chosen call: see `faults.c`."""

KILLS: tuple[Do, ...] = ("before", "after")
FAILURES: tuple[Do, ...] = ("eio", "full")


class Fault(NamedTuple):
    """The chosen call, numbered from 1 on, and what becomes of it."""

    at: int
    do: Do


NO_FAULT = Fault(0, "eio")


def can_fault() -> bool:
    return platform.libc_ver()[0] == "glibc" and shutil.which("cc") is not None


def build_shim(folder: Path) -> Path:
    """The library to preload, made in `folder`."""
    built = folder / "faults.so"
    options = ["-std=gnu11", "-U_FORTIFY_SOURCE", "-shared", "-fPIC"]
    subprocess.run(["cc", *options, str(SHIM), "-o", str(built), "-ldl"], check=True)
    return built


class Counted:
    """The calls that a run makes below `folder`, each of which can be made to fail.

    What it needs for that lies in `notes`, a folder that is not below the other.
    """

    def __init__(self, shim: Path, folder: Path, notes: Path) -> None:
        self._shim = shim
        self._folder = folder
        self._counter = notes / "counter"
        self._log = notes / "log"

    def environment(self, fault: Fault) -> dict[str, str]:
        """What is added to the environment of a run; counting begins anew."""
        self._counter.write_bytes(bytes(8))
        self._log.write_bytes(b"")
        return {
            "LD_PRELOAD": str(self._shim),
            "FAULTS_BELOW": os.path.realpath(self._folder),
            "FAULTS_COUNTER": str(self._counter),
            "FAULTS_AT": str(fault.at),
            "FAULTS_DO": fault.do,
            "FAULTS_LOG": str(self._log),
        }

    @property
    def calls(self) -> int:
        """How many there were so far."""
        return int.from_bytes(self._counter.read_bytes(), sys.byteorder)

    @property
    def log(self) -> list[str]:
        """Them all, in order: `rename snapshots/ledger.sqlite`."""
        lines = self._log.read_text(errors="backslashreplace").splitlines()
        numbered = sorted((int(line.split()[0]), line.partition(" ")[2]) for line in lines)
        return [call for _, call in numbered]
