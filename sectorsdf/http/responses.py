"""Raw responses: whether the API itself sent one, and the exception for each HTTP status.

Owns the only mapping from a status to an exception, what tells an answer of the API from one of a
proxy or gateway, and the removal of the API key from texts of the server. Sends nothing itself.
"""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sectorsdf import errors
from sectorsdf.errors import printable
from sectorsdf.http.credits import price

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RawResponse", "error_for", "parse_retry_after", "redact"]


_MAX_MESSAGE = 300
_MAX_TITLE = 80
# Fragments of the key that are shorter than this may remain in a text.
_MIN_FRAGMENT = 16
_NOT_THE_API = "a proxy or gateway answered, not the API"
_BLANK = b" \t\r\n\xef\xbb\xbf"
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|title|center|h1)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
# Fields that the frameworks of gateways put into their errors, and the API does not.
_GATEWAY_FIELDS = frozenset({"path", "status", "statusCode", "timestamp", "title", "type"})
# Statuses whose error decides about a record or about the key.
_DECISIVE = frozenset({401, 403, 404})


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
    permanent : bool
        Whether the same request would have the same problem again.
    cut : bool
        Whether the body ended early.
    overdue : bool
        Whether it took longer than a request may take.
    """

    url: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    problem: str | None = None
    permanent: bool = False
    cut: bool = False
    overdue: bool = False

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def price(self) -> int:
        """The credits that the API charges; 0 if the API did not send the response."""
        return price(self.status or 0) if self.foreign is None else 0

    @property
    def foreign(self) -> str | None:
        """What the body is, if a proxy or gateway sent it; None for a response of the API.

        An error of the API is a JSON object with a text ``error``. Damaged JSON of a 2xx response,
        and an error that starts as JSON and ends early, are the API's too.
        """
        if self.status is None or 300 <= self.status < 400:
            return None
        start = self.body.strip(_BLANK)[:1]
        kind = self.headers.get("Content-Type", "").lower()
        if self.status == 429 and start in {b"", b"{", b"["}:
            # Whichever server counts the requests, they have to wait.
            return None
        if start in {b"{", b"["} or (not start and "json" in kind):
            damaged = self.ok or self.cut
            known = damaged or _is_error_of_api(self.status, _decode(self.body))
            return None if known else self._body_in_words(kind)
        if self.ok and start != b"<" and not kind.startswith("text/"):
            return None
        return self._body_in_words(kind)

    def _body_in_words(self, kind: str) -> str:
        if not self.body.strip(_BLANK):
            return "an empty body"
        if _HTML.search(self.body[:1024]) or "html" in kind:
            return "an HTML page"
        if _decode(self.body) is not _NOT_JSON:
            return "JSON that is not the API's"
        return "a text that is not JSON"

    @property
    def title(self) -> str:
        """The title of an HTML page, or the beginning of a text; empty if there is none."""
        text = self.body[:4096].decode(errors="replace")
        if "<" in text:
            found = _TITLE.search(text)
            text = found[1] if found else ""
        return "" if "\N{REPLACEMENT CHARACTER}" in text else " ".join(printable(text).split())


def error_for(response: RawResponse, secret: str) -> errors.APIError:
    """Return the exception for a response whose status is not 2xx, or that the API did not send.

    Parameters
    ----------
    response : RawResponse
        The response; its status is None if none arrived.
    secret : str
        The API key, which is removed from the message in case the server echoes it.
    """
    status, url = response.status, response.url
    if status is None:
        failure = errors.ConnectionFailedError(f"No response: {response.problem}.", url=url)
        failure.retryable = not response.permanent
        return failure
    if response.foreign is not None:
        return _foreign_error(response, status, secret)
    if status < 400:
        message = f"The server returned {status}: {response.problem or 'an unexpected status'}."
        error = errors.ResponseError(message, url=url, status=status)
        error.retryable = False
        return error
    return _error_of_api(response, status, secret)


def _error_of_api(response: RawResponse, status: int, secret: str) -> errors.APIError:
    """Return the exception for an error that the API itself sent."""
    message, url = redact(secret, _server_message(response))[:_MAX_MESSAGE], response.url
    if response.cut and status in _DECISIVE:
        # It may decide about a record or the key, so it has to be read whole.
        message = f"{status}: {message}"
        return errors.ResponseError(message, url=url, status=status, billed=response.price > 0)
    if status in {401, 403}:
        message = (
            f"{status}: the server does not accept this key ({message}). Check SECTORS_API_KEY "
            "or api_key; a key is 64 lower-case hexadecimal characters."
        )
        return errors.AuthenticationError(message, url=url, status=status)
    if status == 404:
        return errors.NotFoundError(f"404: {message}", url=url)
    kind = errors.ServerError if status >= 500 else errors.BadRequestError
    return kind(f"{status}: {message}", url=url, status=status)


def _foreign_error(response: RawResponse, status: int, secret: str) -> errors.APIError:
    """Return the exception for a response of a proxy or gateway, which may pass."""
    message = f"{status} with {response.foreign}: {_NOT_THE_API}."
    title = redact(secret, response.title)[:_MAX_TITLE]
    if title:
        message += f' It says "{title}".'
    if status >= 500:
        return errors.ServerError(message, url=response.url, status=status)
    error = errors.ResponseError(message, url=response.url, status=status)
    # A proxy that wants a password will want it again.
    error.retryable = status != 407 and not response.permanent
    return error


_NOT_JSON = object()


def _decode(body: bytes) -> Any:  # noqa: ANN401
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _is_error_of_api(status: int, content: object) -> bool:
    """Return whether the JSON of an error response has the shape of the API's errors."""
    if not isinstance(content, dict) or content.keys() & _GATEWAY_FIELDS:
        return False
    if status == 404:
        # The API bills it, and it decides that a record does not exist.
        return _is_text(content.get("error"))
    if status in _DECISIVE:
        return _is_text(content.get("error")) or _is_text(content.get("detail"))
    if status >= 500:
        return True
    names_parameters = content and all(isinstance(item, list) for item in content.values())
    return bool(content.get("error") or content.get("detail") or names_parameters)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _server_message(response: RawResponse) -> str:
    """Return the message in the body of an error of the API, on one line."""
    content = _decode(response.body)
    if content is _NOT_JSON:
        return "the body ended early" if response.cut else "the body is not JSON"
    parts = []
    if isinstance(content, dict):
        parts = [content[name] for name in ("error", "message", "detail") if content.get(name)]
    text = ": ".join(map(_to_text, parts)) or _to_text(content)
    return " ".join(printable(text).split())


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
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - hardly ever needed

        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
