"""Clocks: a steady one beside the wall clock, and times in words.

Owns what the package knows of the machine's clocks. Imports nothing else of the package.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

__all__ = ["boot_name", "clock_time", "duration_in_words", "steady_clock"]


# Unlike time.monotonic, these go on while the machine is asleep. Linux has the first one, and macOS
# only the second.
_SLEEPLESS: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def steady_clock() -> float:
    """Return seconds that no user can set, and that go on while the machine is suspended."""
    if _SLEEPLESS is None:
        return time.monotonic()
    return time.clock_gettime(_SLEEPLESS)


@cache
def boot_name() -> str:
    """Return what names the clock of `steady_clock` for all its processes; empty if unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def clock_time(at: float) -> str:
    """Return a time of the wall clock in words, in local time, with the day if it is not today."""
    try:
        local = datetime.fromtimestamp(at, UTC).astimezone()
        today = datetime.now(UTC).astimezone().date()
    except (OverflowError, OSError, ValueError):
        return "a time beyond the calendar"
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M:%S %z}"


def duration_in_words(seconds: float) -> str:
    """Return a duration in at most two units."""
    seconds = round(seconds) if seconds >= 10 else round(seconds, 1)
    if seconds < 120:
        return f"{seconds:g} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"
