"""TODO."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["already_there", "atomic_file", "flush", "staged_file"]


@contextmanager
def staged_file(target: Path, suffix: str, *, overwrite: bool) -> Iterator[Path]:
    """Give a place to write a file to, which gets its name when all went well."""
    # Some libraries write helper files beside theirs: all of it goes with this folder.
    with (
        atomic_file(target) as temporary,
        TemporaryDirectory(".part", f".{target.name}-", target.parent) as folder,
    ):
        made = Path(folder) / f"data{suffix}"
        yield made
        made.replace(temporary)
        if not overwrite:
            _claim(temporary, target)


def _claim(temporary: Path, target: Path) -> None:
    """Give a file its name, unless somebody was faster."""
    flush(temporary)
    try:
        # A second name for the same file: unlike renaming, this replaces nothing.
        target.hardlink_to(temporary)
    except FileExistsError:
        raise already_there(target) from None
    except OSError:
        # Not every file system has second names.
        if os.path.lexists(target):
            raise already_there(target) from None


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path` that takes its place when all went well.

    Readers see the old file or the whole new one, never a part.
    """
    # Not by `tempfile`, whose files nobody else may read whatever the umask says.
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}.part")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        # For writing, because some systems refuse to flush what was opened for reading.
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def already_there(target: Path) -> FileExistsError:
    """Return the error that says that a place is taken."""
    message = "something is there already, and overwrite=True would replace it"
    return FileExistsError(errno.EEXIST, message, str(target))


def flush(path: Path) -> None:
    """Have the disk keep what was written to a file."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
