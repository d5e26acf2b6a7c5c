"""`cachediff compare`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cachediff.cli.options import Config, Repo, catalogue, complete_name, say
from cachediff.cli.output import (
    WITH_PLOTS,
    Everything,
    Format,
    FormatOption,
    MaxSize,
    Output,
    Templates,
    choose_format,
    write_report,
)
from cachediff.cli.steps import STEP_FORMATS, write_steps
from cachediff.errors import UsageError

EXAMPLES = """\
\b
Examples:
  # a dated collection against what is served today
  cachediff compare develop-2025-04-20 develop
\b
  # the newest dated collection against the one before it
  cachediff compare 'develop-*~1' 'develop-*'
\b
  # one collection, then and now
  cachediff compare develop@2025-04-20..develop
\b
  # last night's commit: only Python packages
  cachediff compare develop@HEAD~1 develop 'py-*'
\b
  # did e4s change since the snapshot before the newest? exit with 1 if so
  cachediff compare develop@previous develop --stack e4s --exit-code
\b
  # what happened which night, since the beginning of April
  cachediff compare develop@2025-04-01 develop --steps
\b
  # two checkouts, as Markdown for an issue
  cachediff compare old/_cache/develop new/_cache/develop -o changes.md
"""

Globs = list[str] | None


def compare(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="The snapshot to start from, or OLD..NEW.",
            autocompletion=complete_name,
        ),
    ],
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW",
            help="The snapshot to compare it with.",
            autocompletion=complete_name,
        ),
    ] = None,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPEC",
            help="Only these specs: globs of PACKAGE or PACKAGE@VERSION, or /HASH.",
        ),
    ] = None,
    repo: Repo = None,
    config: Config = None,
    format_: FormatOption = None,
    output: Output = None,
    stack: Annotated[Globs, typer.Option(metavar="GLOB", help="Only this stack.")] = None,
    os: Annotated[Globs, typer.Option(metavar="GLOB", help="Only this operating system.")] = None,
    target: Annotated[Globs, typer.Option(metavar="GLOB", help="Only this target.")] = None,
    compiler: Annotated[
        Globs, typer.Option(metavar="GLOB", help="Only this compiler: gcc, gcc@11.4.0, none.")
    ] = None,
    kind: Annotated[
        Globs,
        typer.Option(
            metavar="GLOB",
            help="Only added, removed, rebuilt, upgraded, downgraded, changed or restacked.",
        ),
    ] = None,
    everything: Everything = False,
    max_size: MaxSize = None,
    templates: Templates = None,
    publish: Annotated[
        str | None,
        typer.Option(
            metavar="JOB",
            help="Also file the report, in every format, under JOB in the folder of reports.",
        ),
    ] = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="Names mean stored snapshots; no source is read.")
    ] = False,
    steps: Annotated[
        bool,
        typer.Option(
            "--steps",
            help="Tell the same span commit by commit: what happened in each that changed the "
            "collection (with --stored: in each that is stored).",
        ),
    ] = False,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="Exit with 1 if anything changed or is unknown."),
    ] = False,
) -> None:
    """Tell what changed from one snapshot to another.

    A snapshot is [SOURCE:]COLLECTION[@WHEN]. COLLECTION may be a glob, which means its newest match
    (develop-*), with ~N for the N-th before it (develop-*~1). WHEN is anything git resolves, an ISO
    date or time in UTC (the last commit at or before it), or previous (the stored snapshot before the
    newest). The path of a folder of manifests, or of a stored snapshot, works too.

    Options that take a GLOB can be given several times, and tell of what matches any of them.

    With --steps, OLD and NEW are of one collection. What happened while a manifest could not be read
    is told in the step in which it can be read again, so that the steps add up to the whole.

    The exit code is 0, 1 (see --exit-code), or 2 for any error.
    """
    from cachediff.jobs.compare import compare as compare_by_name
    from cachediff.model.selection import Selection
    from cachediff.queries import history

    sides, wanted = _sides(old, [*([] if new is None else [new]), *(specs or [])])
    chosen = choose_format(Format, format_, output)
    selection = Selection(
        specs=tuple(wanted),
        stacks=tuple(stack or ()),
        oss=tuple(os or ()),
        targets=tuple(target or ()),
        compilers=tuple(compiler or ()),
        kinds=tuple(kind or ()),
    )
    if steps:
        _check_for_steps(chosen, max_size, publish, templates)
    if publish is not None:
        from cachediff.jobs.filing import check_job

        check_job(publish)
    with catalogue(repo, config, stored_only=stored) as names:
        own = templates or names.settings.templates
        if own is not None:
            from cachediff.reports.templating import check_templates

            check_templates(own)
        if steps:
            differs = write_steps(names, sides, selection, chosen, output, everything=everything)
            raise typer.Exit(int(exit_code and differs))
        comparison = compare_by_name(names, *sides, selection, Path.cwd())
        grown = history(names, comparison.new.origin) if chosen in WITH_PLOTS else ()
        write_report(
            comparison,
            chosen,
            output,
            everything=everything,
            max_size=max_size,
            templates=own,
            history=grown,
        )
        if chosen is Format.TEXT and output is None:
            names.notices.clear()  # the report has told them
        if publish is not None:
            from cachediff.jobs.publish import publish_report

            today = datetime.now(UTC).date()
            path = publish_report(names, publish, comparison, templates=own, today=today)
            say(f"filed in {path}")
    if exit_code and comparison.differs:
        raise typer.Exit(1)


def _check_for_steps(
    format_: Format, max_size: int | None, publish: str | None, templates: Path | None
) -> None:
    """Refuse what cannot be had of steps.

    Raises:
        UsageError: the format, or another option, is of one comparison.
    """
    hint = "leave --steps out, or name the two snapshots of one step"
    if format_ not in STEP_FORMATS:
        formats = ", ".join(STEP_FORMATS)
        raise UsageError(f"--steps can be told as {formats}, not as {format_}", hint)
    for option, value in (
        ("--max-size", max_size),
        ("--publish", publish),
        ("--templates", templates),
    ):
        if value is not None:
            raise UsageError(f"{option} is for one comparison, not for --steps", hint)


def _sides(old: str, rest: list[str]) -> tuple[tuple[str, str], list[str]]:
    """The two names, and what is left of the arguments; OLD may be both: OLD..NEW."""
    first, dots, second = old.partition("..")
    if dots and first and second and not Path(old).exists():
        return (first, second), rest
    if not rest:
        raise UsageError(
            f"compare {old} with what?", f"name two snapshots, such as: {old}@HEAD~1 {old}"
        )
    return (old, rest[0]), rest[1:]
