"""How far a call has come, on a terminal or in a notebook: on stderr, and gone when it ends."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from sectorsdf.config.options import default_progress

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Progress"]


# What takes less shows nothing.
_PATIENCE = 1.0
_PAUSE = 0.2
_WIDTH, _HEIGHT = 100, 24


def _in_notebook() -> bool:
    """Tell whether this runs in a notebook's kernel, without importing what is not there."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def _wanted(chosen: bool | None) -> bool:  # noqa: FBT001
    """Tell whether to show anything: as the call says, the process, or who is looking."""
    chosen = default_progress() if chosen is None else chosen
    if chosen is None:
        return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())
    return chosen


class Progress:
    """A bar for the time of a block, from its second second on.

    Parameters
    ----------
    name : str
        What is fetched.
    unit : str
        What is counted, such as "page".
    spent : callable
        Returns the credits spent so far.
    waiting_until : callable
        Returns the time at which requests go on, None while none waits.
    shown : bool, optional
        Whether to show it; by default as `sectorsdf.set_options` or the environment says, and
        otherwise on a terminal and in a notebook.
    """

    def __init__(
        self,
        name: str,
        unit: str,
        spent: Callable[[], int],
        waiting_until: Callable[[], float | None],
        *,
        shown: bool | None = None,
    ) -> None:
        self._name = name.replace("_", " ")
        self._unit = unit
        self._spent = spent
        self._waiting_until = waiting_until
        self._shown = _wanted(shown)
        self._done = self._of = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._shown:
            self._thread = threading.Thread(target=self._show, name="sectorsdf-progress")
            self._thread.daemon = True
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def tell(self, done: int, of: int) -> None:
        """Note how many of how many have come."""
        self._done, self._of = done, of

    def _show(self) -> None:
        """Show the bar until the block ends; a thread of its own, so that waits are told too."""
        if self._ended.wait(_PATIENCE):
            return
        bar = _bar(self._name, self._unit)
        bar.start_t -= _PATIENCE
        try:
            while True:
                bar.total = max(self._of, self._done) or None
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
        how_long = f" {left:.0f} s" if left >= 1 else ""
        return f"{words}, waiting{how_long} for the rate limit"


def _bar(name: str, unit: str) -> Any:  # noqa: ANN401 - tqdm has no types
    """Return a bar that fits where it is shown: a widget needs more than a notebook."""
    if _in_notebook() and importlib.util.find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm  # noqa: PLC0415 - only where something is shown
    else:
        from tqdm.std import tqdm  # noqa: PLC0415
    try:
        width, height = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        width = height = 0
    # Some terminals do not know their size and say 0. With a delay, because the first thing that it
    # would show is nothing.
    size = {"ncols": width or _WIDTH, "nrows": height or _HEIGHT}
    return tqdm(desc=name, unit=unit, leave=False, file=sys.stderr, delay=1e-9, **size)
