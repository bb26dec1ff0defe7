"""What came back for a request, and the error that its status means: the one map."""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from sectorsdf import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RawResponse", "error_for", "redact", "retry_after"]


_WORDS = 300
# Of a key that a server tells in part, so much may be seen.
_PART = 16


@dataclass
class RawResponse:
    """What came back for one request, as far as it came.

    Attributes
    ----------
    url : str
        The address that was asked.
    status : int or None
        The HTTP status; None where no answer came.
    headers : mapping
        The answer's headers.
    body : bytes
        The answer's body.
    problem : str or None
        What went wrong on the way, in words.
    """

    url: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    problem: str | None = None

    @property
    def good(self) -> bool:
        """Whether the status is a 2xx."""
        return self.status is not None and 200 <= self.status < 300


def error_for(reply: RawResponse, secret: str) -> errors.APIError:
    """Return the error that stands for an answer whose status is no 2xx.

    Parameters
    ----------
    reply : RawResponse
        The answer, or None for its status where none came.
    secret : str
        The key, which the error must not hold even if the server echoes it.
    """
    status, url = reply.status, reply.url
    if status is None:
        return errors.ConnectionFailedError(f"No answer: {reply.problem}.", url=url)
    words = redact(secret, _words(reply.body))[:_WORDS]
    if status in {401, 403}:
        message = (
            f"{status}: the server does not accept this key ({words}). Check SECTORS_API_KEY "
            "or api_key; a key is 64 lower-case hexadecimal characters."
        )
        return errors.AuthenticationError(message, url=url, status=status)
    if status == 404:
        return errors.NotFoundError(f"404: {words}", url=url)
    if 400 <= status < 500:
        return errors.BadRequestError(f"{status}: {words}", url=url, status=status)
    if status >= 500:
        return errors.ServerError(f"{status}: {words}", url=url, status=status)
    message = f"The server answered {status}: {reply.problem or 'that says nothing here'}."
    error = errors.ResponseError(message, url=url, status=status)
    error.retryable = False
    return error


def _words(body: bytes) -> str:
    """Return what the server says in an error, in one line."""
    try:
        said = json.loads(body)
        if isinstance(said, dict):
            named = [said[name] for name in ("error", "message", "detail") if said.get(name)]
            text = ": ".join(map(_text, named)) or _text(said)
        else:
            text = _text(said)
    except (ValueError, RecursionError):
        return "no words, but a page" if body.strip() else "no words"
    return " ".join(text.split())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def redact(secret: str, text: str) -> str:
    """Return a server's words without the key or a long part of it, also as JSON writes it."""
    forms = {secret, json.dumps(secret)[1:-1]}
    parts = {form[i : i + _PART] for form in forms for i in range(len(form) - _PART + 1)}
    longest_first = sorted(forms | parts, key=len, reverse=True)
    echo = f"(?:{'|'.join(map(re.escape, longest_first))})+"
    return re.sub(echo, "<API key>", text, flags=re.IGNORECASE)


def retry_after(text: str | None) -> float | None:
    """Return a `Retry-After` in seconds; a date is told by the wall clock."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
