"""The program: the group of commands, `main`, and what it does about errors and interrupts.

Imports only what every run needs, and the rest when it is used. Must not import the declarations at
import time: `fetch_table` lists the commands that are made from them.
"""

from __future__ import annotations

import atexit
import difflib
import gc
import importlib
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sectorsdf._version import __version__
from sectorsdf.cli.base import INTERRUPTED, PIPE_CLOSED, State, debug_option
from sectorsdf.cli.fetch_table import FETCH_COMMANDS
from sectorsdf.cli.streams import discard, flush, say, usable_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cli", "main"]


_PROGRAM = "sectorsdf"
# Modules and short helps, so that `sectorsdf --help` imports none of the commands.
_SECTIONS = {
    "Fetch": {name: ("fetch", summary) for name, summary in FETCH_COMMANDS.items()},
    "Companies and owners": {
        "link": ("link", "Link licences to companies and to their listed owners."),
        "cover": (
            "cover",
            "Show under which licences listed companies produce, and when these end.",
        ),
    },
    "Over time": {
        "snapshot": ("snapshots", "Fetch whole tables, and keep them as dated snapshots."),
        "changes": ("snapshots", "Show what has changed from each snapshot to the next."),
        "diff": ("snapshots", "Show what has changed between two Parquet files of one dataset."),
    },
    "Credits and cache": {
        "quote": ("credits", "Show what a command would cost, before it is run."),
        "credits": ("credits", "Show the credits spent from this machine."),
        "cache": ("cache", "Show what is cached, find it, clear it."),
    },
    "Key": {
        "login": ("account", "Check an API key and store it on this machine."),
        "logout": ("account", "Remove the stored key from this machine."),
    },
    "Try and set up": {
        "demo": ("sandbox", "Fetch whole tables from an embedded sandbox; needs no key."),
        "serve": ("sandbox", "Run the embedded API on this machine until Ctrl-C."),
        "describe": ("describe", "Show the columns of a dataset, with their types and units."),
        "completion": ("account", "Print the script that completes words in a shell."),
        "doctor": ("doctor", "Check this machine, and print a report to share."),
    },
}
_COMMANDS = {name: entry for section in _SECTIONS.values() for name, entry in section.items()}


class _PipeClosedError(Exception):
    """The reader of the output has closed the pipe; click does not handle this type itself."""


class _InterruptedError(Exception):
    """The user has pressed Ctrl-C; click does not handle this type itself."""


class _Commands(click.Group):
    """The commands, each imported when it is used."""

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
            # Click would print an empty line first, also without a terminal.
            raise _InterruptedError from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"sectorsdf.cli.{_COMMANDS[cmd_name][0]}")
        if cmd_name in FETCH_COMMANDS:
            command = module.COMMANDS[cmd_name].command()
        else:
            command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)  # noqa: S101 - see `_SECTIONS`
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            similar = difflib.get_close_matches(name, _COMMANDS, n=1)
            hint = f" Did you mean {similar[0]!r}?" if similar else ""
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
    epilog="Exit codes: 0 success, 2 usage, 3 key, 4 not found, 5 rate, quota or credits, 6 server "
    "or connection, 7 incomplete, 130 interrupted, 1 any other error.",
)
@click.version_option(__version__, prog_name=_PROGRAM)
def cli() -> None:
    """Fetch Indonesia's mining data as typed tables.

    Licences, licence auctions and sites; companies with their owners, financials, performance,
    contracts and sales destinations; prices, production, exports and other countries; resources and
    reserves of sites, companies and provinces.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its exit code; an error prints one line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after the program's name; by default those of the process.
    """
    # When Python exits, it looks for cycles in all objects. With pandas this takes 70 ms.
    atexit.register(gc.freeze)
    with usable_streams():
        code = _run(arguments)
        if code == PIPE_CLOSED:
            discard(sys.stdout)
        # Here and not when Python exits, where a failure could not be handled.
        unwritten = flush(sys.stdout)
        if unwritten is not None and code == 0:
            code = PIPE_CLOSED if isinstance(unwritten, BrokenPipeError) else 1
            if code != PIPE_CLOSED:
                say(f"Error: standard output cannot be written: {unwritten.strerror}")
        flush(sys.stderr)
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    """Run the command line, print any error, and return the exit code."""
    if f"_{_PROGRAM.upper()}_COMPLETE" in os.environ:
        importlib.import_module("sectorsdf.cli.completion").register()
    state = State()
    try:
        words = None if arguments is None else list(arguments)
        code: object = cli.main(words, _PROGRAM, standalone_mode=False, obj=state) or 0
    except (click.Abort, KeyboardInterrupt, _InterruptedError):
        # On a new line, after the ^C that a terminal shows.
        say("\n" * sys.stderr.isatty() + f"Interrupted.{state.advice}")
        return INTERRUPTED
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return error.exit_code
    except (_PipeClosedError, BrokenPipeError):
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - every error prints one line
        from sectorsdf.cli.exit_codes import exit_code, format_error  # noqa: PLC0415 - see above

        if state.debug:
            import traceback  # noqa: PLC0415 - slow, and needed here only

            with suppress(OSError):
                traceback.print_exc()
        else:
            say(f"Error: {format_error(error, state.options)}")
        return exit_code(error)
    finally:
        state.close()
    return code if isinstance(code, int) else 1
