"""Completion of words by the shell, with what click leaves open in bash."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from click.shell_completion import BashComplete, add_completion_class

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["SHELLS", "register", "script"]

SHELLS = ("bash", "zsh", "fish")


class _Bash(BashComplete):
    """Bash, which takes a value with a space for two words unless somebody quotes it."""

    # Click's own script would read the backslashes away.
    source_template = BashComplete.source_template.replace("read type", "read -r type")

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        # Bash parts --province=Kal into three words.
        if incomplete == "=":
            incomplete = ""
        elif args and args[-1] == "=":
            args.pop()
        return args, incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        words = os.environ["COMP_WORDS"].split("\n")
        place = int(os.environ["COMP_CWORD"])
        begun = words[place] if place < len(words) else ""
        value = str(item.value)
        # Where a quotation mark stands open already, bash closes it.
        if item.type == "plain" and not begun.startswith(("'", '"')):
            value = "".join(c if c == "," else _escaped(c) for c in value)
        return f"{item.type},{value}"


def _escaped(character: str) -> str:
    return character if shlex.quote(character) == character else f"\\{character}"


def register() -> None:
    """Let click complete with what stands here."""
    add_completion_class(_Bash)


def script(shell: str) -> str:
    """Return the script that a shell has to read once."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - after `register`

    from sectorsdf.cli.app import cli  # noqa: PLC0415 - which imports this module's users

    register()
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - `SHELLS` names those that click knows
    return found(cli, {}, "sectorsdf", "_SECTORSDF_COMPLETE").source()
