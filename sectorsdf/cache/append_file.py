"""A file to which threads append paid pages, and its way to the disk.

A thread that appends does not wait for the disk. The thread that uses the pages does, before it
takes another one: `settle` flushes at once all that has arrived meanwhile. This module must not
import `client` or anything above it.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sectorsdf.config.forks import Lock

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AppendFile", "flush"]

flush = getattr(os, "fdatasync", os.fsync)
"""Make the operating system write a file's content to the disk."""

_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class AppendFile:
    """A file that is open for appending.

    What was appended survives the end of the process at once, and a power cut after `settle`.

    Parameters
    ----------
    path : Path
        The file; it is made if it is not there, for this user alone.
    """

    def __init__(self, path: Path) -> None:
        self._number = os.open(path, _APPEND, 0o600)
        self._writing, self._flushing = Lock(), Lock()
        self._appended = self._flushed = 0

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):
            os.close(self._number)

    def append(self, content: bytes) -> int:
        """Append all of the content or nothing, and return its position.

        Raises
        ------
        OSError
            If the disk refuses it.
        """
        with self._writing:
            position = os.lseek(self._number, 0, os.SEEK_END)
            # One call of write: a page that a kill cuts short does not count.
            if os.write(self._number, content) < len(content):
                os.ftruncate(self._number, position)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._appended += 1
        return position

    def settle(self) -> None:
        """Return once everything that was appended is on the disk.

        Raises
        ------
        OSError
            If the disk refuses it.
        """
        with self._flushing:
            appended = self._appended
            if self._flushed < appended:
                flush(self._number)
                self._flushed = appended

    def truncate(self) -> None:
        """Remove everything."""
        with self._writing:
            os.ftruncate(self._number, 0)
            self._flushed = self._appended

    @property
    def is_removed(self) -> bool:
        """Whether the file has been removed from its folder."""
        return os.fstat(self._number).st_nlink == 0
