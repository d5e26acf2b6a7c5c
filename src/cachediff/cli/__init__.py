"""The command line: arguments in, text and an exit code out. Nothing is decided here."""

from __future__ import annotations

import os

import typer

from cachediff.cli.compare import EXAMPLES, compare
from cachediff.cli.options import say
from cachediff.cli.store import list_, snapshot, verify
from cachediff.cli.world import demo, init
from cachediff.errors import CachediffError

_EPILOG = "Snapshots are named [SOURCE:]COLLECTION[@WHEN]; `cachediff compare --help` has examples."

app = typer.Typer(
    name="cachediff",
    help="What changed in a Spack binary cache.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=EXAMPLES)(compare)
app.command("list")(list_)
app.command()(snapshot)
app.command()(verify)
app.command()(init)
app.command()(demo)

# Which repository is read is said by --repo, by config.yaml or by the working folder, never by what
# git sets for the hook or alias that this may be run from (`git rev-parse --local-env-vars`).
_GIT_VARIABLES = ("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY")


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"cachediff {version_of('cachediff')}")
        raise typer.Exit


def run() -> int:
    """Run the command line that this process was given; the exit code comes back."""
    for variable in _GIT_VARIABLES:
        os.environ.pop(variable, None)
    try:
        app()
    except CachediffError as error:
        say(f"cachediff: {error.message}")
        if error.hint:
            say(f"  {error.hint}")
        return 2
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
