"""Raw responses, and the exception for each HTTP status.

Owns the only mapping from a status to an exception, the descriptions of network problems, and the
removal of the API key from texts of the server. Sends nothing itself.
"""

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

__all__ = ["RawResponse", "describe", "error_for", "parse_retry_after", "redact"]


_MAX_MESSAGE = 300
# Fragments of the key that are shorter than this may remain in a text.
_MIN_FRAGMENT = 16


@dataclass
class RawResponse:
    """What was received for one request, however incomplete.

    Attributes
    ----------
    url : str
        The URL that was requested.
    status : int or None
        The HTTP status; None if no response arrived.
    headers : mapping
        The response's headers.
    body : bytes
        The response's body.
    problem : str or None
        What failed on the network or while the body was read.
    """

    url: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300


_PROBLEMS = {
    "ConnectTimeout": "the connection timed out",
    "ReadTimeout": "the server did not respond in time",
    "Timeout": "the server did not respond in time",
    "ConnectionError": "the connection failed or was reset",
    "ProxyError": "the proxy failed",
    "SSLError": "the TLS connection failed",
    "ChunkedEncodingError": "the connection ended early",
    "ContentDecodingError": "the compressed body is damaged",
    "InvalidURL": "the URL is not valid",
    "OSError": "the connection could not be set up; check the path of the TLS certificates",
}


def describe(error: Exception) -> str:
    """Describe an exception of `requests` without its message, which may hold the request."""
    return _PROBLEMS.get(type(error).__name__, type(error).__name__)


def error_for(response: RawResponse, secret: str) -> errors.APIError:
    """Return the exception for a response whose status is not 2xx.

    Parameters
    ----------
    response : RawResponse
        The response; its status is None if none arrived.
    secret : str
        The API key, which is removed from the message in case the server echoes it.
    """
    status, url = response.status, response.url
    if status is None:
        return errors.ConnectionFailedError(f"No response: {response.problem}.", url=url)
    message = redact(secret, _server_message(response.body))[:_MAX_MESSAGE]
    if status in {401, 403}:
        message = (
            f"{status}: the server does not accept this key ({message}). Check SECTORS_API_KEY "
            "or api_key; a key is 64 lower-case hexadecimal characters."
        )
        return errors.AuthenticationError(message, url=url, status=status)
    if status == 404:
        return errors.NotFoundError(f"404: {message}", url=url)
    if 400 <= status < 500:
        return errors.BadRequestError(f"{status}: {message}", url=url, status=status)
    if status >= 500:
        return errors.ServerError(f"{status}: {message}", url=url, status=status)
    message = f"The server returned {status}: {response.problem or 'an unexpected status'}."
    error = errors.ResponseError(message, url=url, status=status)
    error.retryable = False
    return error


def _server_message(body: bytes) -> str:
    """Return the message in an error's body, on one line."""
    try:
        content = json.loads(body)
        if isinstance(content, dict):
            parts = [content[name] for name in ("error", "message", "detail") if content.get(name)]
            text = ": ".join(map(_to_text, parts)) or _to_text(content)
        else:
            text = _to_text(content)
    except (ValueError, RecursionError):
        return "the body is not JSON" if body.strip() else "the body is empty"
    return " ".join(text.split())


def _to_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def redact(secret: str, text: str) -> str:
    """Replace the key, and any long fragment of it, in a text from a server.

    Also finds the key where it is written with the escapes of JSON.
    """
    forms = {secret, json.dumps(secret)[1:-1]}
    fragments = {
        form[i : i + _MIN_FRAGMENT] for form in forms for i in range(len(form) - _MIN_FRAGMENT + 1)
    }
    longest_first = sorted(forms | fragments, key=len, reverse=True)
    echo = f"(?:{'|'.join(map(re.escape, longest_first))})+"
    return re.sub(echo, "<API key>", text, flags=re.IGNORECASE)


def parse_retry_after(text: str | None) -> float | None:
    """Return a `Retry-After` header in seconds from now, or None if it cannot be parsed."""
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
