"""What every run needs: options in sections, the state of one run, two exit codes.

Must not import any other module of the package.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["INTERRUPTED", "PIPE_CLOSED", "Command", "Option", "State", "debug_option"]


INTERRUPTED = 130
PIPE_CLOSED = 141
_LAST_SECTION = "Other"
_ONLY_SECTION = "Options"


@dataclass
class State:
    """The state of one run of the command line.

    Attributes
    ----------
    debug : bool
        Whether requests are logged, and errors printed with their traceback.
    advice : str
        What to print after an interrupt.
    options : frozenset of str or None
        The options of the command that runs, such as "--refresh"; None before one does.
    """

    debug: bool = False
    advice: str = ""
    options: frozenset[str] | None = None
    _handler: logging.Handler | None = None

    def enable_debug(self) -> None:
        """Log each request on stderr from now on; no message contains the key."""
        if self._handler is None:
            self.debug = True
            self._handler = logging.StreamHandler(sys.stderr)
            self._handler.setFormatter(logging.Formatter("%(relativeCreated)6d ms  %(message)s"))
            logger = logging.getLogger("sectorsdf")
            logger.addHandler(self._handler)
            logger.setLevel(logging.DEBUG)

    def close(self) -> None:
        """Restore the process's logging."""
        if self._handler is not None:
            logger = logging.getLogger("sectorsdf")
            logger.removeHandler(self._handler)
            logger.setLevel(logging.NOTSET)
            self._handler = None


class Option(click.Option):
    """An option with a section of its command's help."""

    def __init__(self, *args: Any, section: str = _LAST_SECTION, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.section = section


class Command(click.Command):
    """A command whose help lists its options in sections."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.params.append(debug_option())

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Run the command, and let messages know which options it has."""
        names = (name for param in self.params for name in (*param.opts, *param.secondary_opts))
        ctx.ensure_object(State).options = frozenset(name for name in names if name[0] == "-")
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        for title, options in self.sections(ctx).items():
            rows = [row for option in options if (row := option.get_help_record(ctx)) is not None]
            with formatter.section(title):
                formatter.write_dl(rows)

    def sections(self, ctx: click.Context) -> Mapping[str, list[click.Option]]:
        """Return the options of each section, in their order."""
        sections: dict[str, list[click.Option]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option):
                sections.setdefault(getattr(param, "section", _LAST_SECTION), []).append(param)
        last = sections.pop(_LAST_SECTION, [])
        return {**sections, (_LAST_SECTION if sections else _ONLY_SECTION): last}


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        ctx.ensure_object(State).enable_debug()


def debug_option() -> Option:
    """Return the option that every command has."""
    return Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_debug,
        help="Log each request on stderr, and print errors with their traceback.",
    )
