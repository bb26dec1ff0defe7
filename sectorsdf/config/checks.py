"""Checks of the values of options, so that a wrong one is refused before anything is paid.

Imports nothing of the package but its errors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sectorsdf.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import TypeGuard

__all__ = ["flag", "is_number", "positive", "seconds"]


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is an int or a float, and no flag."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def flag(name: str, value: object) -> bool:
    """Return True or False.

    Raises
    ------
    ConfigurationError
        If it is anything else.
    """
    # NumPy's is called bool_ or bool.
    if type(value).__name__ not in {"bool", "bool_"}:
        message = f"{name}={value!r}: give True or False."
        raise ConfigurationError(message)
    return bool(value)


def positive(name: str, value: object, least: int = 1) -> int:
    """Return a whole number of at least 1, or of another least.

    Raises
    ------
    ConfigurationError
        If it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        message = f"{name}={value!r}: give a whole number from {least}."
        raise ConfigurationError(message)
    return value


def seconds(name: str, value: object, *, least: float = 0.0) -> float:
    """Return a finite number of seconds from 0, or from another least.

    Raises
    ------
    ConfigurationError
        If it is anything else.
    """
    if not is_number(value) or not math.isfinite(value) or value < least:
        message = f"{name}={value!r}: give a number of seconds from {least:g}, such as 3600."
        raise ConfigurationError(message)
    return float(value)
