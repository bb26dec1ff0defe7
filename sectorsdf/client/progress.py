"""Show how far a call has come: a bar on stderr, on a terminal or in a notebook.

The bar disappears when the call ends. This module must not import a module that fetches.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from sectorsdf.http.clock import clock_time

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Progress", "WaitProgress", "in_notebook"]


# A call that takes less time shows nothing.
_PATIENCE = 1.0
_PAUSE = 0.2
# Seconds that the end of a call waits for its bar to disappear.
_LONGEST_END = 5.0
_WIDTH, _HEIGHT = 100, 24


def in_notebook() -> bool:
    """Return whether this runs in a notebook's kernel, without importing IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


class Progress:
    """A progress bar for one block, which appears after a second.

    Parameters
    ----------
    name : str
        What is fetched.
    unit : str
        What is counted, such as "page".
    spent : callable
        Returns the credits spent so far.
    waiting_until : callable
        Returns the time at which requests continue, or None while no request waits.
    shown : bool
        Whether to show the bar.
    """

    def __init__(
        self,
        name: str,
        unit: str,
        spent: Callable[[], int],
        waiting_until: Callable[[], float | None],
        *,
        shown: bool,
    ) -> None:
        self._name = name.replace("_", " ")
        self._unit = unit
        self._spent = spent
        self._waiting_until = waiting_until
        self._shown = shown
        self._done = self._due = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._shown:
            thread = threading.Thread(target=self._show, name="sectorsdf-progress", daemon=True)
            # Without a bar, if the system allows no other thread.
            with suppress(RuntimeError):
                thread.start()
                self._thread = thread
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        if self._thread is not None:
            # A terminal that was stopped must not stop the program.
            self._thread.join(_LONGEST_END)

    def update(self, done: int, due: int) -> None:
        """Set how many pages or records have arrived, and how many are due."""
        self._done, self._due = done, due

    def _show(self) -> None:
        """Show the bar until the block ends, in its own thread, so that it also shows waits."""
        if self._ended.wait(_PATIENCE):
            return
        bar = _bar(self._name, self._unit)
        bar.start_t -= _PATIENCE
        try:
            while True:
                bar.total = max(self._due, self._done) or None
                bar.n = self._done
                bar.set_postfix_str(self._words(), refresh=False)
                bar.refresh()
                if self._ended.wait(_PAUSE):
                    break
        finally:
            bar.close()

    def _words(self) -> str:
        spent = self._spent()
        words = f"{spent} credit{'' if spent == 1 else 's'}"
        until = self._waiting_until()
        if until is None:
            return words
        left = until - time.time()
        if left < 1:
            return f"{words}, waiting for the rate limit"
        return f"{words}, waiting {left:.0f} s for the rate limit, until {clock_time(until)}"


class WaitProgress(Progress):
    """A bar for a call that waits for another one before it asks the API itself.

    Parameters
    ----------
    reason : callable
        Returns for what it waits, in words.
    shown : bool
        Whether to show the bar.
    """

    def __init__(self, reason: Callable[[], str], *, shown: bool) -> None:
        super().__init__("sectorsdf", "page", lambda: 0, lambda: None, shown=shown)
        self._reason = reason

    def _words(self) -> str:
        return f"waiting for {self._reason()}"


def _bar(name: str, unit: str) -> Any:  # noqa: ANN401 - tqdm has no types
    """Return a bar for a notebook with ipywidgets, or for a terminal."""
    if in_notebook() and importlib.util.find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm  # noqa: PLC0415 - only where something is shown
    else:
        from tqdm.std import tqdm  # noqa: PLC0415
    try:
        width, height = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        width = height = 0
    # Some terminals report a size of 0. The delay keeps tqdm from drawing an empty bar first.
    size = {"ncols": width or _WIDTH, "nrows": height or _HEIGHT}
    return tqdm(desc=name, unit=unit, leave=False, file=sys.stderr, delay=1e-9, **size)
