"""Write what is made from the commands: docs/cli.md and sectorsdf/cli/fetch_table.py.

Run ``python docs/cli_reference.py``; a test fails if one of them is out of date.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sectorsdf.cli.app import cli
from sectorsdf.cli.exit_codes import EXIT_CODES
from sectorsdf.cli.fetch import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).parent / "cli.md"
TABLE = Path(__file__).parents[1] / "sectorsdf" / "cli" / "fetch_table.py"
# Sections of options that all commands that fetch have in common.
SHARED = ("Fetching", "Cache", "Output", "Other")

TABLE_HEAD = '''\
"""The commands that fetch and their short helps, for `sectorsdf --help`.

Made by docs/cli_reference.py from the declarations in `sectorsdf.datasets`; edit those. This copy
exists because `sectorsdf --help` would be slower if it imported all of them.
"""

from __future__ import annotations

__all__ = ["FETCH_COMMANDS"]

FETCH_COMMANDS = {
'''

HEAD = """\
# The command line

<!-- Made by docs/cli_reference.py from the commands themselves; edit those. -->

`sectorsdf` fetches, caches and writes the same data as the Python getters: with the same filters,
the same columns, and the same proof that every row is there.

```console
sectorsdf login                  # once: asks for the API key, checks it for free, stores it
sectorsdf quote licenses --province "Kalimantan Timur" --commodity Coal
sectorsdf licenses --province "Kalimantan Timur" --commodity Coal --expiring-soon -o coal.parquet
sectorsdf auctions --format csv | head
```

Without `-o`, a terminal shows a table that fits its width and says what it leaves out; a pipe gets
CSV, byte for byte what `-o rows.csv` would write. Progress, the one-line summary, warnings and
errors go to stderr.

**The cache is on.** Each command is a process of its own and would pay again. So what was fetched
within the last 7 days is not paid for again; a cached table also answers a narrower query. The
summary says whether the answer comes from the cache and how old it is. `--refresh` asks the API
again, `--max-age 36h` accepts younger answers only, and `--no-cache` does not use the cache.

**Ctrl-C loses nothing.** The pages that were paid for are on disk; the same command within an hour
continues from there.
"""

ENVIRONMENT = """\
## Environment

| variable | meaning |
|---|---|
| `SECTORS_API_KEY` | the API key; it takes precedence over the key of `sectorsdf login` |
| `SECTORSDF_BASE_URL` | the API's address, such as that of `sectorsdf serve` |
| `SECTORSDF_CACHE` | the cache: a folder, a URL, or `off` |
| `SECTORSDF_CACHE_DIR` | the folder of the cache, the paid pages of unfinished commands, and the \
list of credits |
| `SECTORSDF_CONFIG_DIR` | the folder of the login |

The key of a login is stored in the system's keyring if there is one (extra `keyring`), and
otherwise in `login.json` in the user's folder for settings, which only its owner can read. A key is
used only for the address that it was stored for.
"""


QUOTE = """\
Each takes the arguments and filters of the command, and `--sandbox`, `--cache`, `--no-cache`,
`--max-age`, `--refresh`, `--offline` and `--format`.
"""


def page() -> str:
    """Return the whole reference."""
    context = _context(cli)
    shared = next(iter(COMMANDS.values())).command()
    parts = [
        HEAD,
        _exit_codes(),
        ENVIRONMENT,
        "## Options of every command that fetches\n",
        _options(context, [option for option in shared.params if _section(option) in SHARED]),
        "Every command has `--debug` and `--help`; `sectorsdf --version` shows the version.\n",
        "## Every command\n",
        *(_command(context, name) for name in cli.list_commands(context)),
    ]
    return "\n".join(parts)


def table() -> str:
    """Return the module with the table of the commands that fetch."""
    lines = (
        f"    {json.dumps(name)}: {json.dumps(command.dataset.summary, ensure_ascii=False)},\n"
        for name, command in COMMANDS.items()
    )
    return f"{TABLE_HEAD}{''.join(lines)}}}\n"


def _context(command: click.Command, parent: click.Context | None = None) -> click.Context:
    name = "sectorsdf" if parent is None else command.name
    settings = command.context_settings
    return command.context_class(command, parent=parent, info_name=name, **settings)


def _exit_codes() -> str:
    rows = "".join(f"| {code} | {text} |\n" for code, text in EXIT_CODES.items())
    return f"## Exit codes\n\n| code | meaning |\n|---|---|\n{rows}"


def _command(parent: click.Context, name: str) -> str:
    command = parent.command.get_command(parent, name)
    context = _context(command, parent)
    level = "###" if parent.parent is None else "####"
    parts = [f"{level} {context.command_path}\n", _console(_usage(context)), _help(command)]
    if name == "quote":
        each = [_context(entry, context) for entry in command.commands.values()]
        parts.append(_console("\n".join(_usage(entry) for entry in each)))
        parts.append(QUOTE)
    elif isinstance(command, click.Group):
        parts += [_command(context, entry) for entry in command.list_commands(context)]
    else:
        left_out = SHARED if name in COMMANDS else ()
        options = [
            param
            for param in command.params
            if _section(param) not in left_out and param.name != "debug"
        ]
        parts.append(_options(context, options))
    return "\n".join(filter(None, parts))


def _section(param: click.Parameter) -> str | None:
    return getattr(param, "section", None)


def _usage(context: click.Context) -> str:
    command = context.command
    if isinstance(command, click.Group):
        return f"{context.command_path} COMMAND ..."
    arguments = [
        param.make_metavar(context) for param in command.params if isinstance(param, click.Argument)
    ]
    return " ".join([context.command_path, "[OPTIONS]", *arguments])


def _console(text: str) -> str:
    return f"```console\n{text}\n```\n"


def _help(command: click.Command) -> str:
    """Return a command's help, with the lines that click does not wrap as code."""
    blocks = []
    for block in inspect.cleandoc(command.help or "").split("\n\n"):
        lines = block.splitlines()
        if lines and lines[0].strip() == "\b":
            blocks.append("\n".join(["```console", *lines[1:], "```"]))
        else:
            blocks.append(" ".join(lines))
    return "\n\n".join(blocks) + "\n"


def _options(context: click.Context, params: Sequence[click.Parameter]) -> str:
    """Return a table of the options among some parameters; nothing if there are none."""
    rows = []
    for param in params:
        if isinstance(param, click.Option):
            names = ", ".join([*param.opts, *param.secondary_opts])
            value = "" if param.is_flag else f" {param.make_metavar(context)}"
            text = " ".join((param.help or "").split())
            if param.show_default and not param.is_flag:
                shown = param.show_default if isinstance(param.show_default, str) else param.default
                text += f" By default {shown}."
            cells = (f"`{names}{value}`", text)
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "| option | meaning |\n|---|---|\n" + "".join(rows) if rows else ""


if __name__ == "__main__":
    if TABLE.read_text(encoding="utf-8") != table():
        TABLE.write_text(table(), encoding="utf-8")
        # The commands above were made with the old table.
        os.execv(sys.executable, [sys.executable, __file__])  # noqa: S606 - this script again
    PAGE.write_text(page(), encoding="utf-8")
