"""`cachediff init` and `demo`: something to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

_DEMO_SNAPSHOTS = ["develop-*~1", "develop-*", "develop@HEAD~1", "develop"]


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write config.yaml.")
    ] = Path(),
) -> None:
    """Write a commented config.yaml for Spack's public build cache."""
    from cachediff.jobs.world import write_config

    path = write_config(folder)
    typer.echo(f"{path} is written: read it, then try cachediff list in its folder")


def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder for the demo's world.")
    ] = Path("cachediff-demo"),
) -> None:
    """Make a small world to try: an upstream, snapshots, a comparison.

    It takes a few seconds and no network. DIR can be deleted afterwards.
    """
    from cachediff.cli.options import catalogue
    from cachediff.cli.output import Format, write_report
    from cachediff.cli.store import tell_taken
    from cachediff.jobs.compare import compare
    from cachediff.jobs.snapshot import take_snapshots
    from cachediff.jobs.world import write_demo
    from cachediff.model.comparison import Selection

    config = write_demo(folder)
    typer.echo(f"An upstream of five weeks is in {folder}. Snapshots of it:\n")
    with catalogue(None, config) as names:
        for taken in take_snapshots(names, _DEMO_SNAPSHOTS, folder):
            tell_taken(taken)
        comparison = compare(names, "develop-*", "develop", Selection(), folder)
    typer.echo("\ncachediff compare 'develop-*' develop\n")
    write_report(comparison, Format.TEXT, None, everything=False)
    report = folder / "reports" / "newest-dated-to-develop.md"
    write_report(comparison, Format.MARKDOWN, report, everything=True)
    typer.echo(
        f"\nThe same as Markdown is in {report}\n\nTry next:\n"
        f"  cd {shlex.quote(str(folder))}\n"
        "  cachediff list\n"
        "  cachediff compare develop@previous develop\n"
        "  cachediff compare 'develop-*~1' 'develop-*' --stack e4s\n"
        "  cachediff compare develop@2025-03-10 develop trilinos hdf5 --all\n"
        "  cachediff compare develop-2025-03-02..develop --format json"
    )
