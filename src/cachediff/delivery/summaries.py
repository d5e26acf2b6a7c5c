"""The job summary of GitHub Actions: a file of Markdown that every step of a job appends to."""

from __future__ import annotations

from pathlib import Path

from cachediff.errors import DeliveryError


def append_summary(path: Path, markdown: str) -> None:
    """Append Markdown to the file that `GITHUB_STEP_SUMMARY` names.

    GitHub drops a summary of more than 1 MiB; whoever calls this keeps it below.

    Raises:
        DeliveryError: the file cannot be written.
    """
    # What is there may not end its last line.
    text = f"\n{markdown.rstrip()}\n"
    try:
        with path.open("ab") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise DeliveryError(f"{path} cannot be written: {error.strerror}") from error
