"""The command `cachediff`, and `python -m cachediff`."""

from __future__ import annotations

import sys

INTERRUPTED = 128 + 2
"""The exit code that a shell gives to what Ctrl-C ended."""


def main() -> None:
    """Run the command line: exit with 0, with 1 where what was asked for was found, 2 on an error."""
    try:
        from cachediff.cli import run

        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
