"""The standard streams of a run: a missing one, a full one, and one that lacks characters.

Must not import any other module of the package.
"""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

__all__ = ["discard", "flush", "say", "usable_streams"]

_HANDLER = "sectorsdf-substitute"
_NAMES = {"stdin": "r", "stdout": "w", "stderr": "w"}
_OVERRIDDEN = {"strict", "surrogateescape"}
_SUBSTITUTES = {"─": "-", "…": "~"}


@contextmanager
def usable_streams() -> Iterator[None]:
    """Provide three streams until the block ends, and let each print any character."""
    _occupy_descriptors()
    with ExitStack() as stack:
        for name, mode in _NAMES.items():
            stream = getattr(sys, name)
            if stream is None:
                null = stack.enter_context(Path(os.devnull).open(mode, encoding="utf-8"))
                stack.callback(setattr, sys, name, None)
                setattr(sys, name, null)
            elif mode == "w" and getattr(stream, "errors", None) in _OVERRIDDEN:
                stack.callback(_set_errors, stream, stream.errors)
                _set_errors(stream, _HANDLER)
        yield


def _occupy_descriptors() -> None:
    """Open the null device as each standard descriptor that is closed.

    Otherwise, the next file that is opened gets the number of standard output or standard error,
    and what a library prints there ends up in it.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def _set_errors(stream: io.TextIOWrapper, errors: str) -> None:
    # Streams of other classes have no such method.
    with suppress(AttributeError, OSError, ValueError):
        stream.reconfigure(errors=errors)


def _substitute(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what is printed for a character that the encoding of a stream does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    end = error.start + 1
    if "\udc80" <= character <= "\udcff":
        # A byte of a file's name that could not be decoded.
        return bytes([ord(character) - 0xDC00]), end
    # As wide as the character, so that the columns of a table stay in line.
    width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
    blank = unicodedata.combining(character)
    return _SUBSTITUTES.get(character, "" if blank else "?" * width), end


codecs.register_error(_HANDLER, _substitute)


def say(message: str) -> None:
    """Print a message on stderr; what was done does not fail because nobody can read it."""
    try:
        click.echo(message, err=True)
    except (OSError, ValueError):
        discard(sys.stderr)


def flush(stream: TextIO) -> OSError | None:
    """Write what a stream still has to write; return the error if that is not possible."""
    try:
        stream.flush()
    except OSError as error:
        discard(stream)
        return error
    except ValueError:
        # The stream is closed.
        pass
    return None


def discard(stream: TextIO) -> None:
    """Send the rest of a stream to the null device, so that Python can flush it on exit."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        # The stream has no file descriptor, as in a test.
        pass
