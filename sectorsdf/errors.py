"""Exceptions and warnings of the package, with attributes that a program can use.

No message or URL contains the API key, which is sent in a header only, and no control character
that a server sent: `printable` replaces them. The module imports nothing else of `sectorsdf`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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
    "IncompleteWarning",
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

_MOST_LISTED = 5


def printable(text: str) -> str:
    """Return a text from outside as one line that a terminal and a log file can show.

    Control characters, among them those that set a terminal's title or color or reverse the order
    of letters, become the replacement character, and line breaks and tabs become spaces.
    """
    if text.isprintable():
        return text
    replaced = (
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return "".join(replaced)


def listed(values: Iterable[object], *, show: Callable[[object], str] = repr) -> str:
    """Return the first values, as a message shows them, and the number of the others.

    The number of values can be that of the caller's rows, and a message has one line.

    Parameters
    ----------
    values : iterable
        The values.
    show : callable
        Makes the text of a value; by default `repr`.
    """
    texts = [show(value) for value in values]
    further = len(texts) - _MOST_LISTED
    if further <= 0:
        return ", ".join(texts)
    return f"{', '.join(texts[:_MOST_LISTED])} and {further:,} more"


class SectorsdfError(Exception):
    """Base class of all exceptions that this package raises on purpose."""

    def __str__(self) -> str:
        return printable(super().__str__())


class DataWarning(UserWarning):
    """The data differs from its declaration, or a filter that takes any text has matched no row."""


class IncompleteWarning(DataWarning):
    """Rows or declared fields are missing, or the rows cannot be shown to be complete.

    The caller has accepted this, for example with ``allow_partial=True`` or ``missing="skip"``.
    """


class CacheWarning(UserWarning):
    """A cached file cannot be read, or a result cannot be cached; the frame itself is correct."""


class ConfigurationError(SectorsdfError, ValueError):
    """An argument or environment variable has a value that cannot be used."""


class MissingExtraError(ConfigurationError, ImportError):
    """A feature needs a library that is not installed; the message names what to install."""


class MissingKeyError(ConfigurationError):
    """There is no API key: no argument, no environment variable and no saved login."""


class FilterError(SectorsdfError, ValueError):
    """A filter is not valid; no request was sent, so no credit was spent.

    Attributes
    ----------
    name : str
        The filter's name as an argument of the getter.
    value : object
        The value that was passed.
    suggestions : tuple of str
        The closest allowed values.
    """

    def __init__(
        self, message: str, *, name: str, value: object, suggestions: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.name = name
        self.value = value
        self.suggestions = tuple(suggestions)


class NotCachedError(SectorsdfError, LookupError):
    """The result is not in the cache, and ``offline=True`` forbids a request.

    Attributes
    ----------
    dataset : str
        The name of the dataset.
    available : list of str
        Descriptions of the cached results of that dataset.
    """

    def __init__(self, message: str, *, dataset: str, available: Sequence[str]) -> None:
        super().__init__(message)
        self.dataset = dataset
        self.available = list(available)


class UnitError(SectorsdfError, ValueError):
    """A conversion between two units is not possible, or not exact by definition."""


class DataError(SectorsdfError, ValueError):
    """The data does not match its declaration, and ``strict=True`` was passed.

    Attributes
    ----------
    problems : list of dict
        One entry per value or field: ``column``, ``key``, ``raw``, ``reason``.
    frame : pandas.DataFrame or None
        The frame that would have been returned without ``strict``.
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
    """A request did not return a usable response.

    Attributes
    ----------
    status : int or None
        The HTTP status; None if no response arrived.
    url : str
        The URL that was requested; it never contains the key.
    retryable : bool
        Whether the same request may succeed later.
    """

    retryable = False

    def __init__(self, message: str, *, url: str, status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status


class AuthenticationError(APIError):
    """401 or 403 of the API: the key is missing, wrong, or not allowed to make this request."""


class BadRequestError(APIError):
    """Another 4xx of the API: it refused the request; the message includes the API's."""


class NotFoundError(APIError):
    """404 of the API: the requested site or auction does not exist. The API bills this response.

    Attributes
    ----------
    missing : tuple of str
        The slugs or codes that were not found.
    frame : pandas.DataFrame or None
        The rows that were found, if several were requested at once.
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
    """429: the rate limit, or the server's Retry-After, asks for a longer wait than ``max_wait``.

    Attributes
    ----------
    retry_after : float or None
        The seconds to wait.
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
    """5xx: the server or its gateway failed. The API does not bill this response."""

    retryable = True


class ConnectionFailedError(APIError):
    """No response: the connection was refused or reset, timed out, or could not be made.

    If the same request would fail again in the same way, `retryable` is False, and the message
    names the cause: an unknown host, a certificate that is not trusted, or a proxy that wants a
    password.
    """

    retryable = True


class ResponseError(APIError):
    """A response cannot be used.

    It is cut short, too large, not JSON, or of an unexpected shape or status, or a proxy or gateway
    sent it in place of the API; or it does not answer what was asked.

    Attributes
    ----------
    billed : bool
        Whether the API bills the response (a status of 2xx or 404 of the API itself).
    """

    retryable = True

    def __init__(
        self, message: str, *, url: str, status: int | None = None, billed: bool = False
    ) -> None:
        super().__init__(message, url=url, status=status)
        self.billed = billed


class CreditLimitError(SectorsdfError):
    """A call would cost more credits than its limit allows; nothing was spent beyond the limit.

    Attributes
    ----------
    need, have : int
        The credits that the call still needs, and those that are left.
    """

    def __init__(self, message: str, *, need: int, have: int) -> None:
        super().__init__(message)
        self.need = need
        self.have = have


class IncompleteSweepError(SectorsdfError):
    """The fetched pages cannot be proved to contain every row.

    Attributes
    ----------
    frame : pandas.DataFrame or None
        All distinct rows that were fetched.
    missing : int
        The number of rows known to be missing.
    report : dict
        The incomplete certificate.
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
