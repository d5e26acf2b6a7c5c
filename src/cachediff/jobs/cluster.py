"""The workers of a Dask cluster, on any number of machines."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from cachediff.errors import SourceError
from cachediff.jobs.chunks import Chunk
from cachediff.jobs.stepping import Place, take_chunk
from cachediff.jobs.workers import Answer


class Cluster:
    """The workers of a Dask scheduler, however many come and go."""

    died: tuple[type[BaseException], ...]

    def __init__(self, address: str, chunks: int) -> None:
        """Connect to the scheduler at `address`; `chunks` says how many there are, given out at once.

        Raises:
            SourceError: Dask is not installed, or there is no scheduler.
        """
        try:
            distributed: Any = import_module("distributed")
        except ImportError as error:
            raise SourceError(
                "Dask is not installed", "pip install 'cachediff[dask]', here and for the workers"
            ) from error
        # That a worker died is no warning: its chunk is done again, and what is not done is told.
        logging.getLogger("distributed.client").setLevel(logging.ERROR)
        try:
            # How long it tries is for Dask's own configuration to say.
            self._client = distributed.Client(address, set_as_default=False)
        except (OSError, ValueError) as error:
            raise SourceError(
                f"there is no Dask scheduler at {address}",
                "dask scheduler starts one, and says its address: tcp://host:8786",
            ) from error
        self._address = address
        self.lanes = chunks
        self.died = (distributed.KilledWorker, CancelledError)
        # Not pure: a chunk that is given out again is to be done again.
        self._executor = self._client.get_executor(pure=False)

    def submit(self, place: Place, chunk: Chunk) -> Answer:
        """Give a chunk to the scheduler."""
        answer: Answer = self._executor.submit(take_chunk_apart, place, chunk, _release())
        return answer

    def check(self) -> None:
        """Raise `SourceError` if the scheduler is gone for good."""
        if self._client.status == "closed":
            raise SourceError(
                f"the Dask scheduler at {self._address} is gone",
                "what is stored stays: run this again when there is one",
            )

    def renew(self) -> None:
        """Nothing is to be done: Dask's nannies start others."""

    def stop(self) -> None:
        """Take back what nobody has begun yet."""
        if self._client.status != "closed":
            self._executor.shutdown(wait=False)

    def close(self) -> None:
        """Leave the scheduler."""
        self._client.close()


def take_chunk_apart(place: Place, chunk: Chunk, release: tuple[str, ...]) -> list[str]:
    """What a worker of Dask does: take a chunk, with a mirror of its own, if it is of our release.

    Others may write other bytes.
    """
    if (own := _release()) != release:
        theirs = f"a worker has {', '.join(own)}, and not {', '.join(release)}"
        return [f"{chunk.origins[0].collection}: {theirs}"]
    mine = Path(import_module("distributed").get_worker().local_directory) / "cachediff"
    return take_chunk(msgspec.structs.replace(place, cache=mine, is_fetched=False), chunk)


def _release() -> tuple[str, ...]:
    """What the bytes of a snapshot depend on, beside the snapshot."""
    from importlib.metadata import version

    return tuple(f"{name} {version(name)}" for name in ("cachediff", "pyarrow"))
