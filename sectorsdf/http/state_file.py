"""`StateFile`: the file through which processes share what is known of a rate limit.

Owns the file, its lock, and what happens if it cannot be used. Knows nothing of the rules: it reads
and writes a `WindowState`. Imports `filelock` for the first lock: a result in the cache needs none.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from sectorsdf.http.window_state import WindowState, parse_state

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import filelock

__all__ = ["StateFile"]


_log = logging.getLogger(__name__)
_SILENT, _PATIENCE = 1.0, 10.0  # seconds to wait for the lock without a word, and in all
# Locks of a parent process. They must not be collected, which would release them.
_inherited: list[filelock.BaseFileLock] = []


class StateFile:
    """A shared file with a `WindowState`.

    Parameters
    ----------
    path : pathlib.Path or None
        The file. Without one, or once it cannot be written, nothing is shared.
    name : str
        Distinguishes the temporary files of this process.
    """

    def __init__(self, path: Path | None, name: str) -> None:
        self.name = name
        self._path = path
        self._lock: filelock.BaseFileLock | None = None
        self._text = ""  # the content and the signature when it was last read or written
        self._signature: tuple[int, int, int] | None = None

    def renew(self, name: str) -> None:
        """Forget the lock and the content of a parent process, after a fork."""
        if self._lock is not None:
            _inherited.append(self._lock)
        self.name, self._lock, self._signature = name, None, None

    def locked(self) -> AbstractContextManager[object]:
        """Lock the file for one block; without a file, do nothing."""
        if self._path is None:
            return nullcontext()
        import filelock  # noqa: PLC0415 - see above

        try:
            if self._lock is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._lock = filelock.FileLock(f"{self._path}.lock")
            return self._acquire(self._lock)
        except filelock.Timeout:
            self._give_up("it is locked by a process that does not go on")
        except (OSError, NotImplementedError) as error:
            self._give_up(error)
        return nullcontext()

    def _acquire(self, lock: filelock.BaseFileLock) -> AbstractContextManager[object]:
        from filelock import Timeout  # noqa: PLC0415 - see above

        try:
            return lock.acquire(timeout=_SILENT, poll_interval=0.002)
        except Timeout:
            _log.info(
                "Waiting up to %.0f s for another process, which holds the lock of the rate limit's"
                " file %s",
                _PATIENCE - _SILENT,
                self._path,
            )
            return lock.acquire(timeout=_PATIENCE - _SILENT, poll_interval=0.02)

    def _give_up(self, reason: object) -> None:
        _log.info("The rate limit is not shared with other processes: %s: %s", self._path, reason)
        self._path = None

    def changed(self) -> bool:
        """Return whether another process has written the file since it was last read."""
        signature = self._sign()
        return signature is not None and signature != self._signature

    def load(self) -> WindowState | None:
        """Return the state, if another process has written it since it was last read."""
        signature = self._sign()
        if signature is None or signature == self._signature:
            return None
        state = None
        with suppress(OSError, ValueError):
            text = self._path.read_text(encoding="utf-8") if self._path else ""
            state = parse_state(text)
            self._text = _shared(state)
        self._signature = signature
        return state

    def save(self, state: WindowState) -> None:
        """Write the state, if it has changed."""
        if self._path is None:
            return
        text = _shared(state)
        if text == self._text:
            return
        temporary = self._path.with_name(f"{self._path.name}.{self.name}part")
        try:
            temporary.write_text(json.dumps(vars(state), separators=(",", ":")), encoding="utf-8")
            temporary.replace(self._path)
        except OSError as error:
            self._give_up(error)
            return
        self._text, self._signature = text, self._sign()

    def _sign(self) -> tuple[int, int, int] | None:
        try:
            stat = os.stat(self._path) if self._path is not None else None  # noqa: PTH116 - speed
        except OSError:
            return None
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size) if stat else None


def _shared(state: WindowState) -> str:
    """Return the content without what changes all the time and is not worth writing by itself."""
    return json.dumps({**vars(state), "seen": 0.0}, separators=(",", ":"))
