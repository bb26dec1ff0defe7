"""The command line: words in, files and tables out.

Only what every run needs is imported here; a command's own module is imported when it runs.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sectorsdf._version import __version__
from sectorsdf.cli.base import State, debug_option
from sectorsdf.cli.exit_codes import INTERRUPTED, PIPE_CLOSED, exit_code, format_error

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cli", "main"]


_PROGRAM = "sectorsdf"
_FETCH = "sectorsdf.cli.fetch"
_CREDITS = "sectorsdf.cli.credits"
_CACHE = "sectorsdf.cli.cache"
_ACCOUNT = "sectorsdf.cli.account"
_SANDBOX = "sectorsdf.cli.sandbox"
# The short helps stand here too, so that `--help` needs none of the modules.
_SECTIONS = {
    "Fetch": {
        "licenses": (_FETCH, "Mining licences."),
        "auctions": (_FETCH, "Auctions of licence areas."),
        "auction": (_FETCH, "Auctions in full, by code; their phases or participants."),
        "sites": (_FETCH, "Mine sites, by reporting year and commodity."),
        "site": (_FETCH, "Mine sites in full, by slug."),
        "resources": (_FETCH, "Resources and reserves of sites, one row a figure."),
    },
    "Credits and cache": {
        "quote": (_CREDITS, "Say what a command would cost, before it is run."),
        "credits": (_CREDITS, "Show the credits spent from this machine."),
        "cache": (_CACHE, "Look at what is kept, find it, clear it."),
    },
    "Key": {
        "login": (_ACCOUNT, "Check an API key and keep it on this machine."),
        "logout": (_ACCOUNT, "Forget the key that was kept."),
    },
    "Try and set up": {
        "demo": (_SANDBOX, "Fetch everything from an embedded sandbox; needs no key."),
        "serve": (_SANDBOX, "Run the embedded API on this machine until Ctrl-C."),
        "completion": (_ACCOUNT, "Print the script that completes words in a shell."),
    },
}
_COMMANDS = {name: home for section in _SECTIONS.values() for name, home in section.items()}


class _PipeClosedError(Exception):
    """Nobody reads the output any more; of a kind that click does not deal with by itself."""


class _InterruptedError(Exception):
    """Somebody has pressed Ctrl-C; as above."""


class _Commands(click.Group):
    """The commands, each imported when it is called for."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError as error:
            raise _PipeClosedError from error

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _PipeClosedError from error
        except KeyboardInterrupt as error:
            # Click would tell an empty line first, terminal or not.
            raise _InterruptedError from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        found = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), f"{cmd_name}_command")
        assert isinstance(found, click.Command)  # noqa: S101 - the table above names commands only
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, _COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            message = f"No such command {name!r}.{hint}"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        width = max(map(len, _COMMANDS))
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                rows = [(name.ljust(width), text) for name, (_, text) in commands.items()]
                formatter.write_dl(rows)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[debug_option()],
    epilog="Exit codes: 0 done, 2 usage, 3 key, 4 not found, 5 rate, quota or credits, 6 server or "
    "connection, 7 incomplete, 130 interrupted, 1 anything else.",
)
@click.version_option(__version__, prog_name=_PROGRAM)
def cli() -> None:
    """Indonesia's mining licences, licence auctions and mine sites as typed tables."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; errors take one line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after the program's name; by default the process's own.
    """
    if f"_{_PROGRAM.upper()}_COMPLETE" in os.environ:
        importlib.import_module("sectorsdf.cli.completion").register()
    state = State()
    code: object = 1
    try:
        words = None if arguments is None else list(arguments)
        code = cli.main(words, _PROGRAM, standalone_mode=False, obj=state) or 0
        # Here and not when Python ends, where a closed pipe could no longer be dealt with.
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt, _InterruptedError):
        # Behind the ^C that a terminal shows.
        click.echo("\n" * sys.stderr.isatty() + f"Interrupted.{state.advice}", err=True)
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (_PipeClosedError, BrokenPipeError):
        code = PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets one line
        if state.debug:
            import traceback  # noqa: PLC0415 - on demand only

            traceback.print_exc()
        else:
            click.echo(f"Error: {format_error(error)}", err=True)
        code = exit_code(error)
    finally:
        state.close()
    if code == PIPE_CLOSED:
        _stop_writing()
    sys.exit(code if isinstance(code, int) else 1)


def _stop_writing() -> None:
    """Let what is still to be written vanish: nobody reads it."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        # No real file stands behind it, as in a test.
        pass
