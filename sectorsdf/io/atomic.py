"""Write files that appear whole or not at all.

This module owns temporary names, flushing to disk and renaming. It knows no file format and must
not import any other module of the package.
"""

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

__all__ = ["atomic_file", "file_exists_error", "flush_to_disk", "staged_file"]


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file that replaces `path` when the block ends without an error.

    Readers see the old file or the whole new one, never a part.
    """
    # `tempfile` would make the file readable by its owner only, whatever the umask allows.
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}.part")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        flush_to_disk(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def staged_file(target: Path, suffix: str, *, overwrite: bool) -> Iterator[Path]:
    """Yield a path to write to; the file becomes `target` when the block ends without an error.

    Parameters
    ----------
    target : Path
        The final name.
    suffix : str
        The suffix of the path to write to, for libraries that choose a format by it.
    overwrite : bool
        Replace a file that another process writes to `target` in the meantime.

    Raises
    ------
    FileExistsError
        Without `overwrite`, if there is a file at `target` at the end.
    """
    # Some libraries write helper files beside their own; the folder removes those as well.
    with (
        atomic_file(target) as temporary,
        TemporaryDirectory(".part", f".{target.name}-", target.parent) as folder,
    ):
        staged = Path(folder) / f"data{suffix}"
        yield staged
        staged.replace(temporary)
        if not overwrite:
            _link_to_new_name(temporary, target)


def _link_to_new_name(temporary: Path, target: Path) -> None:
    """Give a file its final name, or raise FileExistsError if another process was faster."""
    flush_to_disk(temporary)
    try:
        # Unlike a rename, a hard link never replaces a file.
        target.hardlink_to(temporary)
    except FileExistsError:
        raise file_exists_error(target) from None
    except OSError:
        # Not every file system has hard links.
        if os.path.lexists(target):
            raise file_exists_error(target) from None


def file_exists_error(target: Path) -> FileExistsError:
    """Return the error for a target that exists and must not be replaced."""
    message = "there is a file or folder with this name; overwrite=True replaces it"
    return FileExistsError(errno.EEXIST, message, str(target))


def flush_to_disk(path: Path) -> None:
    """Make the operating system write a file's content to the disk."""
    # Some systems refuse to flush a file that is open for reading only.
    with path.open("r+b") as file:
        os.fsync(file.fileno())
