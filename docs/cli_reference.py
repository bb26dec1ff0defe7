"""Write the reference of the command line, docs/cli.md, from the commands themselves.

Run ``python docs/cli_reference.py``; a test tells when it has to be run again.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import click

from sectorsdf.cli.app import cli
from sectorsdf.cli.exit_codes import EXIT_CODES

PAGE = Path(__file__).parent / "cli.md"

HEAD = """\
# The command line

<!-- Made by docs/cli_reference.py from the commands themselves; edit those. -->

`sectorsdf` fetches, keeps and writes what the Python getters fetch: the same filters, the same
columns, the same proof that every row is there.

```console
sectorsdf login                  # once: asks for the API key, checks it for free, keeps it
sectorsdf quote licenses --province "Kalimantan Timur" --commodity Coal
sectorsdf licenses --province "Kalimantan Timur" --commodity Coal --expiring-soon -o coal.parquet
sectorsdf auctions --format csv | head
```

Without `-o` a terminal gets a table as wide as it is, which says what it leaves out; a pipe gets
CSV, byte for byte what `-o rows.csv` would hold. Progress, the one-line summary, warnings and
errors go to stderr.

**The cache is on.** Each command is a process of its own and would pay anew; so what was fetched
within the last 7 days is not paid for again, also where a narrower question can be answered from a
wider one. The summary says whether the cache has answered and how old its answer is. `--refresh`
asks anew, `--max-age 36h` is stricter, `--no-cache` does without.

**Ctrl-C loses nothing.** What was paid for is on disk; the same command within an hour goes on from
there.
"""

ENVIRONMENT = """\
## Environment

| variable | what it says |
|---|---|
| `SECTORS_API_KEY` | the API key; it goes before the one that `sectorsdf login` keeps |
| `SECTORSDF_BASE_URL` | the API's address, such as that of `sectorsdf serve` |
| `SECTORSDF_CACHE` | where frames are kept: a folder, a URL, or `off` |
| `SECTORSDF_CACHE_DIR` | the folder of the cache, of unfinished commands' paid pages, of the \
list of credits |
| `SECTORSDF_CONFIG_DIR` | the folder of the login |

The login is kept in the system's keyring where there is one (extra `keyring`), and otherwise in
`login.json` in the user's folder for settings, which only its owner can read. A key is used for the
address that it was checked with only.
"""


def page() -> str:
    """Return the whole reference."""
    parts = [HEAD, _exit_codes(), ENVIRONMENT, "## Every command\n", _options(_context(cli), cli)]
    parts += [_command(_context(cli), name) for name in cli.list_commands(_context(cli))]
    return "\n".join(parts)


def _context(command: click.Command, parent: click.Context | None = None) -> click.Context:
    name = "sectorsdf" if parent is None else command.name
    settings = command.context_settings
    return command.context_class(command, parent=parent, info_name=name, **settings)


def _exit_codes() -> str:
    rows = "".join(f"| {code} | {text.rstrip('.')} |\n" for code, text in EXIT_CODES.items())
    return f"## Exit codes\n\n| code | meaning |\n|---|---|\n{rows}"


def _command(parent: click.Context, name: str) -> str:
    command = parent.command.get_command(parent, name)
    context = _context(command, parent)
    words = " ".join([context.command_path, *_usage(command)])
    level = "###" if parent.parent is None else "####"
    parts = [f"{level} {context.command_path}\n", f"```console\n{words}\n```\n", _help(command)]
    if isinstance(command, click.Group):
        parts += [_command(context, entry) for entry in command.list_commands(context)]
    else:
        parts.append(_options(context, command))
    return "\n".join(parts)


def _usage(command: click.Command) -> list[str]:
    if isinstance(command, click.Group):
        return ["COMMAND ..."]
    words = [
        p.make_metavar(_context(command, _context(cli))) for p in command.params if _is_argument(p)
    ]
    return ["[OPTIONS]", *words]


def _is_argument(param: click.Parameter) -> bool:
    return isinstance(param, click.Argument)


def _help(command: click.Command) -> str:
    """Return a command's help, what stands in fixed lines as code."""
    blocks = []
    for block in inspect.cleandoc(command.help or "").split("\n\n"):
        lines = block.splitlines()
        if lines and lines[0].strip() == "\b":
            blocks.append("\n".join(["```console", *lines[1:], "```"]))
        else:
            blocks.append(" ".join(lines))
    return "\n\n".join(blocks) + "\n"


def _options(context: click.Context, command: click.Command) -> str:
    rows = []
    for param in command.params:
        if isinstance(param, click.Option):
            names = [*param.opts, *param.secondary_opts]
            takes = "" if param.is_flag else f" {param.make_metavar(context)}"
            text = " ".join((param.help or "").split())
            if param.show_default and not param.is_flag:
                shown = param.show_default if isinstance(param.show_default, str) else param.default
                text += f" By default {shown}."
            cells = (f"`{', '.join(names)}{takes}`", text)
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "| option | meaning |\n|---|---|\n" + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
