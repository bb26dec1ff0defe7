"""Completion of words by the shell, with corrections of click's completion for bash.

Must not import any other module of the package: the commands to complete are an argument.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from click.shell_completion import BashComplete, add_completion_class, get_completion_class

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

__all__ = ["SHELLS", "register", "script"]

SHELLS = ("bash", "zsh", "fish")


class _Bash(BashComplete):
    """Completion for bash, which splits a value with a space into two words unless it is quoted."""

    # Without -r, bash would remove the backslashes of the answer.
    source_template = BashComplete.source_template.replace("read type", "read -r type")

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        # Bash splits --province=Kal into three words.
        if incomplete == "=":
            incomplete = ""
        elif args and args[-1] == "=":
            args.pop()
        return args, incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        words = os.environ["COMP_WORDS"].split("\n")
        position = int(os.environ["COMP_CWORD"])
        typed = words[position] if position < len(words) else ""
        value = str(item.value)
        # After an opening quotation mark, bash itself adds the closing one.
        if item.type == "plain" and not typed.startswith(("'", '"')):
            value = "".join(c if c == "," else _escaped(c) for c in value)
        return f"{item.type},{value}"


def _escaped(character: str) -> str:
    return character if shlex.quote(character) == character else f"\\{character}"


def register() -> None:
    """Let click use the corrected completion for bash."""
    add_completion_class(_Bash)


def script(shell: str, command: click.Command) -> str:
    """Return the script with which a shell completes the words of a command."""
    register()
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 - click knows each of `SHELLS`
    return completion(command, {}, "sectorsdf", "_SECTORSDF_COMPLETE").source()
