"""The program: the group of commands, `main`, and what it does about errors and interrupts.

Imports only what every run needs, and the rest when it is used. Must not import the declarations at
import time: `fetch_table` lists the commands that are made from them.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sectorsdf._version import __version__
from sectorsdf.cli.base import INTERRUPTED, PIPE_CLOSED, State, debug_option
from sectorsdf.cli.fetch_table import FETCH_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cli", "main"]


_PROGRAM = "sectorsdf"
# Modules and short helps, so that `sectorsdf --help` imports none of the commands.
_SECTIONS = {
    "Fetch": {name: ("fetch", summary) for name, summary in FETCH_COMMANDS.items()},
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
        "demo": ("sandbox", "Fetch every list from an embedded sandbox; needs no key."),
        "serve": ("sandbox", "Run the embedded API on this machine until Ctrl-C."),
        "completion": ("account", "Print the script that completes words in a shell."),
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
    """Indonesia's mining licences, licence auctions and mine sites as typed tables."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its exit code; an error prints one line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after the program's name; by default those of the process.
    """
    if f"_{_PROGRAM.upper()}_COMPLETE" in os.environ:
        importlib.import_module("sectorsdf.cli.completion").register()
    state = State()
    code: object = 1
    try:
        words = None if arguments is None else list(arguments)
        code = cli.main(words, _PROGRAM, standalone_mode=False, obj=state) or 0
        # Here and not when Python exits: a closed pipe could not be handled there.
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt, _InterruptedError):
        # On a new line, after the ^C that a terminal shows.
        click.echo("\n" * sys.stderr.isatty() + f"Interrupted.{state.advice}", err=True)
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (_PipeClosedError, BrokenPipeError):
        code = PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - every error prints one line
        from sectorsdf.cli.exit_codes import exit_code, format_error  # noqa: PLC0415 - see above

        if state.debug:
            import traceback  # noqa: PLC0415 - slow, and needed here only

            traceback.print_exc()
        else:
            click.echo(f"Error: {format_error(error)}", err=True)
        code = exit_code(error)
    finally:
        state.close()
    if code == PIPE_CLOSED:
        _discard_output()
    sys.exit(code if isinstance(code, int) else 1)


def _discard_output() -> None:
    """Send the rest of the output to the null device, so that Python can flush it on exit."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError):
        # Standard output has no file descriptor, as in a test.
        pass
