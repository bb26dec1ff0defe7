"""One tree of exceptions, each with fields that a program can read.

Texts never hold the API key: `url` is always free of it, because the key travels in a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = [
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "CacheWarning",
    "ConfigurationError",
    "ConnectionFailedError",
    "CreditLimitError",
    "DataError",
    "DataWarning",
    "FilterError",
    "IncompleteSweepError",
    "MissingExtraError",
    "MissingKeyError",
    "NotCachedError",
    "NotFoundError",
    "QuotaExhaustedError",
    "RateLimitError",
    "ResponseError",
    "SectorsdfError",
    "ServerError",
    "UnitError",
]


class SectorsdfError(Exception):
    """Base of every error that this package raises on purpose."""


class DataWarning(UserWarning):
    """The data differs from its declaration: an unknown field, a missing one, a bad value."""


class CacheWarning(UserWarning):
    """A cached file cannot be used, or a result cannot be kept; the frame itself is right."""


class ConfigurationError(SectorsdfError, ValueError):
    """A setting (argument or environment variable) cannot be used as it is."""


class MissingExtraError(ConfigurationError, ImportError):
    """A feature needs a library that is not installed; the message says what to install."""


class MissingKeyError(ConfigurationError):
    """No API key was given, none stands in the environment, and nobody has logged in."""


class FilterError(SectorsdfError, ValueError):
    """A filter was refused before any request was sent, so no credit was spent.

    Attributes
    ----------
    name : str
        The filter, as the getter calls it.
    value : object
        What was given.
    suggestions : tuple of str
        The allowed values that come nearest.
    """

    def __init__(
        self, message: str, *, name: str, value: object, suggestions: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.name = name
        self.value = value
        self.suggestions = tuple(suggestions)


class NotCachedError(SectorsdfError, LookupError):
    """With ``offline=True``: what was asked for is not in the cache, and nobody was asked.

    Attributes
    ----------
    dataset : str
        What was asked for.
    available : list of str
        What the cache holds of that dataset.
    """

    def __init__(self, message: str, *, dataset: str, available: Sequence[str]) -> None:
        super().__init__(message)
        self.dataset = dataset
        self.available = list(available)


class UnitError(SectorsdfError, ValueError):
    """A conversion between units that is not exact by definition was refused."""


class DataError(SectorsdfError, ValueError):
    """With ``strict=True``: the data does not fit its declaration.

    Attributes
    ----------
    problems : list of dict
        One entry a value or field: ``column``, ``key``, ``raw``, ``reason``.
    frame : pandas.DataFrame or None
        The frame as it would have come out without ``strict``.
    """

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[Mapping[str, Any]],
        frame: pd.DataFrame | None = None,
    ) -> None:
        super().__init__(message)
        self.problems = [dict(problem) for problem in problems]
        self.frame = frame


class APIError(SectorsdfError):
    """A request did not bring a usable answer.

    Attributes
    ----------
    status : int or None
        The HTTP status; None where no answer came.
    url : str
        The address that was asked, without the key.
    retryable : bool
        Whether the same request may succeed later.
    """

    retryable = False

    def __init__(self, message: str, *, url: str, status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status


class AuthenticationError(APIError):
    """401 or 403: the key is missing, wrong, or not allowed to ask this."""


class BadRequestError(APIError):
    """Another 4xx: the server refused the request; its own words stand in the message."""


class NotFoundError(APIError):
    """404: the addressed site or auction does not exist. The API bills this answer.

    Attributes
    ----------
    missing : tuple of str
        The slugs or codes that were not found.
    frame : pandas.DataFrame or None
        The rows that were found, where several were asked for at once.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str,
        status: int | None = 404,
        missing: Sequence[str] = (),
        frame: pd.DataFrame | None = None,
    ) -> None:
        super().__init__(message, url=url, status=status)
        self.missing = tuple(missing)
        self.frame = frame


class RateLimitError(APIError):
    """429: too many requests in the rate window.

    Attributes
    ----------
    retry_after : float or None
        Seconds to wait, where the server said so.
    """

    retryable = True

    def __init__(
        self, message: str, *, url: str, status: int | None = 429, retry_after: float | None = None
    ) -> None:
        super().__init__(message, url=url, status=status)
        self.retry_after = retry_after


class QuotaExhaustedError(APIError):
    """429 for longer than a full rate window: the plan's credits are used up."""


class ServerError(APIError):
    """5xx: the server or its gateway failed. Not billed."""

    retryable = True


class ConnectionFailedError(APIError):
    """No answer: refused, reset, timed out or unreachable."""

    retryable = True


class ResponseError(APIError):
    """An answer came but could not be understood: cut short, not JSON, or of another shape.

    Attributes
    ----------
    billed : bool
        Whether the API counts the answer as paid (its status was 2xx or 404).
    """

    retryable = True

    def __init__(
        self, message: str, *, url: str, status: int | None = None, billed: bool = False
    ) -> None:
        super().__init__(message, url=url, status=status)
        self.billed = billed


class CreditLimitError(SectorsdfError):
    """A call would cost more credits than it was allowed; nothing was spent beyond them.

    Attributes
    ----------
    need, have : int
        Credits that the call still needs, and what is left of its allowance.
    """

    def __init__(self, message: str, *, need: int, have: int) -> None:
        super().__init__(message)
        self.need = need
        self.have = have


class IncompleteSweepError(SectorsdfError):
    """The pages that came cannot be shown to be every row.

    Attributes
    ----------
    frame : pandas.DataFrame or None
        All distinct rows that did come.
    missing : int
        How many rows are known to be missing.
    report : dict
        The certificate as far as it got.
    """

    def __init__(
        self,
        message: str,
        *,
        missing: int,
        report: Mapping[str, Any],
        frame: pd.DataFrame | None = None,
    ) -> None:
        super().__init__(message)
        self.missing = missing
        self.report = dict(report)
        self.frame = frame
