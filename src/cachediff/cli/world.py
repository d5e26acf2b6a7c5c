"""`cachediff init` and `demo`: something to begin with."""

from __future__ import annotations

import shlex
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

_NIGHTS = [datetime(2025, 3, 26, 6, tzinfo=UTC) + timedelta(days=night) for night in range(8)]
"""When the demo's nights are due; the first is only the one that the second is compared with."""
_RED = "2025-04-01"
"""The night in which a package leaves a stack."""


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
    """Make a small world to try: an upstream, a week of reports.

    The reports are those of nightly runs. It takes a few seconds and no network. DIR can be deleted
    afterwards.
    """
    from cachediff.cli.logs import LogFormat, logged
    from cachediff.cli.options import catalogue
    from cachediff.cli.output import Format, write_report
    from cachediff.cli.run import chosen_jobs, told
    from cachediff.config.resolving import resolve
    from cachediff.jobs.filing import INDEX
    from cachediff.jobs.service import Run
    from cachediff.jobs.world import write_demo
    from cachediff.queries.filed import FILES
    from cachediff.reports.reading import read_json

    config = write_demo(folder)
    typer.echo(
        f"An upstream of five weeks is in {folder}. What cachediff run does, night by night:\n"
    )
    asked_for = [(night, "nightly") for night in _NIGHTS]
    for now, job in (*asked_for, (_NIGHTS[-1], "dated"), (_NIGHTS[-1], "release")):
        with logged(LogFormat.TEXT), catalogue(None, config) as names:
            told(
                Run(
                    names=names,
                    jobs=chosen_jobs(names.settings, [job]),
                    deliveries=resolve(names.settings, {}, []),
                    now=now,
                    folder=folder,
                    sleep=time.sleep,
                )
            )
    reports = folder / "reports"
    (release,) = (reports / "release").iterdir()
    typer.echo("\nThe report of the last, cachediff run release:\n")
    comparison = read_json((release / FILES["json"]).read_bytes())
    write_report(comparison, Format.TEXT, None, everything=False)
    typer.echo(
        "\nIt is filed in every format, in a folder of its own:\n"
        f"  {release / FILES['html']}\n"
        f"  {release / FILES['markdown']}\n"
        "The mail of a night with a red gate:\n"
        f"  {reports / 'nightly' / _RED / FILES['eml']}\n"
        "All reports, and their feed, are listed in\n"
        f"  {reports / INDEX}\n\nTry next:\n"
        f"  cd {shlex.quote(str(folder))}\n"
        "  cachediff list\n"
        "  cachediff compare develop@previous develop\n"
        "  cachediff compare 'develop-*~1' 'develop-*' --stack e4s\n"
        "  cachediff compare develop@2025-03-10 develop trilinos hdf5 --all\n"
        "  cachediff bisect trilinos left e4s\n"
        "  cachediff snapshot develop --since 2025-03-01\n"
        "  cachediff log trilinos\n"
        "  cachediff trend develop --by stack\n"
        f"  cachediff render {(release / FILES['json']).relative_to(folder)} --format release-notes"
    )
