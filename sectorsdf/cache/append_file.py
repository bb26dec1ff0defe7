"""A file to which threads append paid pages, and its way to the disk.

One flush serves all pages that were appended before it began. A thread of its own does it, so that
no request waits for the disk. This module must not import `client` or anything above it.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from sectorsdf.config.forks import Lock

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AppendFile", "flush"]

flush = getattr(os, "fdatasync", os.fsync)
"""Make the operating system write a file's content to the disk."""

_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
# A power cut costs at most this many pages besides those whose answers are on their way.
_MOST_WAITING = 8
_IDLE_SECONDS = 1.0


class AppendFile:
    """A file that is open for appending.

    What was appended survives the end of the process at once, and a power cut after `settle`, or
    after the flush that begins at once in the background.

    Parameters
    ----------
    path : Path
        The file; it is made if it is not there, for this user alone.
    """

    def __init__(self, path: Path) -> None:
        self._number = os.open(path, _APPEND, 0o600)
        self._writing, self._flushing = Lock(), Lock()
        self._appended = self._flushed = 0
        self._due: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._has_thread = self._closed = False

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):
            os.close(self._number)

    def append(self, content: bytes) -> int:
        """Append all of the content or nothing, and return its position.

        Raises
        ------
        OSError
            If the disk refuses it, or refuses what was appended before.
        """
        with self._writing:
            position = os.lseek(self._number, 0, os.SEEK_END)
            # One call of write: a page that a kill cuts short does not count.
            if os.write(self._number, content) < len(content):
                os.ftruncate(self._number, position)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._appended += 1
            at_once = self._closed or self._appended - self._flushed >= _MOST_WAITING
            if not at_once:
                at_once = not self._wake()
        if at_once:
            self.settle()
        return position

    def _wake(self) -> bool:
        """Let the thread flush; return whether there is one."""
        if self._due.empty():
            self._due.put(None)
        if not self._has_thread:
            try:
                threading.Thread(target=self._run, name="sectorsdf-journal", daemon=True).start()
            except RuntimeError:  # the process has too many threads, or is about to end
                return False
            self._has_thread = True
        return True

    def _run(self) -> None:
        """Flush whenever something was appended, until nothing is for a while."""
        while True:
            try:
                self._due.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._writing:
                    if self._due.empty():
                        self._has_thread = False
                        return
            # `settle` tries again, and raises the error where somebody reads it.
            with suppress(OSError):
                self.settle()
            if self._closed:
                return

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

    def close(self) -> None:
        """Wait for the disk, and end the thread; the file is closed with the last reference to it.

        Raises
        ------
        OSError
            If the disk refuses what was appended.
        """
        self._closed = True
        self._due.put(None)
        self.settle()
