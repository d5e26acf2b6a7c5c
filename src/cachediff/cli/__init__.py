"""The command line: arguments in, text and an exit code out. Nothing is decided here."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from typing import NoReturn, TextIO

import typer

from cachediff.cli.bisect import BISECT_EPILOG, bisect
from cachediff.cli.compare import EXAMPLES, compare
from cachediff.cli.config import config_app
from cachediff.cli.log import EXAMPLES as LOG_EXAMPLES
from cachediff.cli.log import log
from cachediff.cli.options import say
from cachediff.cli.outbox import outbox
from cachediff.cli.reindex import reindex
from cachediff.cli.render import render
from cachediff.cli.run import run as run_command
from cachediff.cli.schedule import schedule
from cachediff.cli.served import SERVED_EPILOG, served
from cachediff.cli.status import status
from cachediff.cli.store import list_, snapshot, verify
from cachediff.cli.trend import EXAMPLES as TREND_EXAMPLES
from cachediff.cli.trend import trend
from cachediff.cli.world import demo, init
from cachediff.errors import CachediffError

_EPILOG = "How snapshots are named, and examples: cachediff compare --help"

app = typer.Typer(
    name="cachediff",
    help="What changed in a Spack binary cache.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # it would take [@WHEN] for markup and lay examples out anew
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=EXAMPLES)(compare)
app.command()(render)
app.command("list")(list_)
app.command(epilog=LOG_EXAMPLES)(log)
app.command(epilog=TREND_EXAMPLES)(trend)
app.command(epilog=SERVED_EPILOG)(served)
app.command(epilog=BISECT_EPILOG)(bisect)
app.command()(snapshot)
app.command()(reindex)
app.command()(verify)
app.add_typer(outbox)
app.command("run")(run_command)
app.command()(schedule)
app.command()(status)
app.add_typer(config_app, name="config")
app.command()(init)
app.command()(demo)

# Which repository is read is said by --repo, by config.yaml or by the working folder, never by what
# git sets for the hook or alias that this may be run from (`git rev-parse --local-env-vars`).
_GIT_VARIABLES = ("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY")

_ENDED_BY_SIGPIPE = 128 + 13


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"cachediff {version('cachediff')}")
        raise typer.Exit


@app.callback()
def _root(
    _: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        help="Print the version and exit.",
    ),
) -> None:
    pass


def _utf8(stream: TextIO) -> TextIO:
    """The same stream in UTF-8, whatever the locale; a report is written whole, or that is an error.

    Python's own may be unbuffered (PYTHONUNBUFFERED), and then forgets what a pipe or disk does not
    take at once.
    """
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    number = stream.fileno()
    return open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def _stop(number: int, _frame: object) -> NoReturn:
    """End as Python ends, so that whatever is half done is undone; being asked again does not hurry it."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def run() -> int:
    """Run the command line that this process was given; the exit code comes back."""
    signal.signal(signal.SIGTERM, _stop)
    signal.pthread_sigmask(
        signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT}
    )  # `schedule` blocks them
    gc.disable()  # a command is over before looking for cycles, of which there are none, would pay
    sys.stdout, sys.stderr = _utf8(sys.stdout), _utf8(sys.stderr)
    for variable in _GIT_VARIABLES:
        os.environ.pop(variable, None)
    try:
        app(prog_name="cachediff")
    except CachediffError as error:
        say(f"cachediff: {error.message}")
        if error.hint:
            say(f"  {error.hint}")
        return 2
    except OSError as error:  # a full disk, a folder that must not be written
        sys.stdout = io.StringIO()  # the rest would fail again, as Python ends
        say(f"cachediff: {f'{error.filename}: ' if error.filename else ''}{error.strerror}")
        return 2
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # whoever was reading has read enough
            return _ENDED_BY_SIGPIPE
        return end.code if isinstance(end.code, int) else 0
    finally:
        gc.freeze()  # nor would looking for them once more as Python ends
    return 0
