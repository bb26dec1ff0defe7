"""What the commands are made of: options in sections, and what one run remembers."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Command", "Option", "State", "debug_option"]


_LAST = "Other"
_ONLY = "Options"


@dataclass
class State:
    """What one run of the command line remembers.

    Attributes
    ----------
    debug : bool
        Whether errors are told with their traceback, and requests as they go.
    advice : str
        What to say after an interrupt.
    """

    debug: bool = False
    advice: str = ""
    _handler: logging.Handler | None = None

    def tell_all(self) -> None:
        """Tell each request on stderr from now on; the key is in none of it."""
        if self._handler is None:
            self.debug = True
            self._handler = logging.StreamHandler(sys.stderr)
            self._handler.setFormatter(logging.Formatter("%(relativeCreated)6d ms  %(message)s"))
            logger = logging.getLogger("sectorsdf")
            logger.addHandler(self._handler)
            logger.setLevel(logging.DEBUG)

    def close(self) -> None:
        """Leave the process's logging as it was."""
        if self._handler is not None:
            logger = logging.getLogger("sectorsdf")
            logger.removeHandler(self._handler)
            logger.setLevel(logging.NOTSET)
            self._handler = None


class Option(click.Option):
    """An option that stands in a section of its command's help."""

    def __init__(self, *args: Any, section: str = _LAST, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.section = section


class Command(click.Command):
    """A command whose help has its options in sections."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.params.append(debug_option())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, a section each."""
        for title, options in self.sections(ctx).items():
            rows = [row for option in options if (row := option.get_help_record(ctx)) is not None]
            with formatter.section(title):
                formatter.write_dl(rows)

    def sections(self, ctx: click.Context) -> Mapping[str, list[click.Parameter]]:
        """Return the options by section, in their order."""
        found: dict[str, list[click.Parameter]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option):
                found.setdefault(getattr(param, "section", _LAST), []).append(param)
        last = found.pop(_LAST, [])
        return {**found, (_LAST if found else _ONLY): last}


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        ctx.ensure_object(State).tell_all()


def debug_option() -> Option:
    """Return the option that every command has."""
    return Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_debug,
        help="Tell each request on stderr, and errors with their traceback.",
    )
