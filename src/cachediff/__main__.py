"""The command `cachediff`, and `python -m cachediff`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line: exit with 0, with 1 where what was asked for was found, 2 on an error."""
    from cachediff.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
