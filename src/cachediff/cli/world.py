"""`cachediff init` and `demo`: something to begin with."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

_NIGHTS = 7
_DEMO_SNAPSHOTS = [
    "develop-*~1",
    "develop-*",
    *(f"develop@HEAD~{night}" for night in range(_NIGHTS - 1, 0, -1)),
    "develop",
]


def init(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Where to write: here, or the folder templates."),
    ] = None,
    templates: Annotated[
        bool,
        typer.Option("--templates", help="Write the templates of reports instead, to be changed."),
    ] = False,
) -> None:
    """Write a commented config.yaml for Spack's public build cache."""
    from cachediff.jobs.world import write_config, write_templates

    if templates:
        folder = folder or Path("templates")
        for path in write_templates(folder):
            typer.echo(path)
        typer.echo(
            "Delete those that you leave as they are. What to do with the others is in"
            f" docs/templates.md; they are used with --templates {shlex.quote(str(folder))}"
        )
        return
    path = write_config(folder or Path())
    typer.echo(f"{path} is written: read it, then try cachediff list in its folder")


def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder for the demo's world.")
    ] = Path("cachediff-demo"),
) -> None:
    """Make a small world to try: an upstream, snapshots, a report.

    It takes a few seconds and no network. DIR can be deleted afterwards.
    """
    from cachediff.cli.options import catalogue
    from cachediff.cli.output import Format, write_report
    from cachediff.cli.store import tell_taken
    from cachediff.jobs.compare import compare
    from cachediff.jobs.filing import INDEX
    from cachediff.jobs.publish import publish_report
    from cachediff.jobs.snapshot import take_snapshots
    from cachediff.jobs.world import write_demo
    from cachediff.model.selection import Selection
    from cachediff.queries.filed import FILES

    config = write_demo(folder)
    typer.echo(f"An upstream of five weeks is in {folder}. Snapshots of it:\n")
    with catalogue(None, config) as names:
        for taken in take_snapshots(names, _DEMO_SNAPSHOTS, folder):
            tell_taken(taken)
        comparison = compare(names, "develop-*", "develop", Selection(), folder)
        today = datetime.now(UTC).date()
        filed = publish_report(names, "demo", comparison, templates=None, today=today)
        reports = folder / names.settings.reports.name
        filed = reports / filed.relative_to(names.settings.reports)
    typer.echo("\ncachediff compare 'develop-*' develop\n")
    write_report(comparison, Format.TEXT, None, everything=False)
    typer.echo(
        "\nThe same is filed in every format, in a folder of its own:\n"
        f"  {filed / FILES['html']}\n"
        f"  {filed / FILES['markdown']}\n"
        "All reports, and their feed, are listed in\n"
        f"  {reports / INDEX}\n\nTry next:\n"
        f"  cd {shlex.quote(str(folder))}\n"
        "  cachediff list\n"
        "  cachediff compare develop@previous develop\n"
        "  cachediff compare 'develop-*~1' 'develop-*' --stack e4s\n"
        "  cachediff compare develop@2025-03-10 develop trilinos hdf5 --all\n"
        "  cachediff compare develop-2025-03-02..develop --format json\n"
        f"  cachediff render {(filed / FILES['json']).relative_to(folder)} --format release-notes"
    )
