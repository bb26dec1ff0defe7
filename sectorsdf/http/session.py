"""Parts of `requests` adapted to this package: authentication, sessions, pools, TLS, a deadline.

Owns how the key enters a request, how connections are made, and the end of a request that takes too
long. Decides neither when a request is sent nor what its response means.
"""

from __future__ import annotations

import http.client
import io
import ssl
import threading
import time
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from requests.auth import AuthBase
from urllib3.util.ssl_ import create_urllib3_context

from sectorsdf.config.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorsdf.config.api_key import ApiKey

__all__ = [
    "BundleError",
    "KeyAuth",
    "PooledAdapter",
    "Session",
    "deadline",
    "normalize_url",
    "ssl_context",
]


class BundleError(OSError):
    """The certificates to trust cannot be loaded; the text says why."""


class KeyAuth(AuthBase):
    """Add the key to a request's header.

    An auth object, because `requests` lets a `.netrc` replace a header that is set directly.
    """

    def __init__(self, key: ApiKey) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key if the request goes to an https host or to this machine."""
        parts = urlsplit(request.url or "")
        if parts.scheme == "https" or is_loopback(parts.hostname):
            request.headers["Authorization"] = self._key.header
        return request


class Session(requests.Session):
    """A session that leaves redirects to the transport.

    `requests` parses the target of a redirect even if it may not follow it, and an invalid target
    would make it raise.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: there is no redirect for `requests` to follow."""


_request = threading.local()


@contextmanager
def deadline(seconds: float) -> Iterator[float]:
    """Limit how long the requests of this thread in the block may take to receive their bytes.

    The timeouts of `requests` limit each single wait only, so a server that sends a byte a second,
    in its headers or its body, would never reach them.

    Yields
    ------
    float
        The time on the monotonic clock at which the next read raises a `TimeoutError`.
    """
    _request.until = time.monotonic() + seconds
    try:
        yield _request.until
    finally:
        _request.until = None


class _TimedReader(io.RawIOBase):
    """The bytes from a socket, until the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: Any) -> None:  # noqa: ANN401 - plain or TLS
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401
        until = getattr(_request, "until", None)
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left if self._timeout is None else min(left, self._timeout))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """A response that is read until the deadline."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock))


@cache
def _timed(connection: type) -> type:
    """Return a class of connections whose responses are read until the deadline."""
    return type(connection.__name__, (connection,), {"response_class": _TimedResponse})


class PooledAdapter(HTTPAdapter):
    """An adapter for one host, whose connection pool it looks up only once.

    The lookup for each request would take as long as writing the request.

    Parameters
    ----------
    context : ssl.SSLContext or None
        Verifies the host; None leaves that to `requests`.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._pool: Any = None
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Make all connections use the same TLS context."""
        if self._context is not None:
            kwargs["ssl_context"] = self._context
        super().init_poolmanager(*args, **kwargs)

    def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Set up verification, without reading the certificates again for each connection."""
        super().cert_verify(conn, *args, **kwargs)  # type: ignore[no-untyped-call]
        if self._context is not None and conn.conn_kw.get("ssl_context") is self._context:
            conn.ca_certs = conn.ca_cert_dir = None

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Return the pool of this adapter's host."""
        if self._pool is None:
            self._pool = _with_deadline(super().get_connection_with_tls_context(*args, **kwargs))
        return self._pool

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Return the pool, as the requests before 2.32 look it up."""
        return _with_deadline(super().get_connection(*args, **kwargs))

    def close(self) -> None:
        """Close the connections; the next request looks up a new pool."""
        self._pool = None
        super().close()


def _with_deadline(pool: Any) -> Any:  # noqa: ANN401
    if getattr(pool.ConnectionCls, "response_class", None) is not _TimedResponse:
        pool.ConnectionCls = _timed(pool.ConnectionCls)
    return pool


@lru_cache(maxsize=64)
def normalize_url(url: str) -> str:
    """Return a URL without a query in the form in which `requests` sends it."""
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return str(request.url)


def ssl_context(verify: str | bool) -> ssl.SSLContext:  # noqa: FBT001
    """Return a TLS context that trusts the same certificates as `requests` would.

    Parameters
    ----------
    verify : str or bool
        A file or folder of certificates; True means the bundle of `requests`.

    Raises
    ------
    BundleError
        The file or folder cannot be used.
    """
    bundle = Path(verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    locations = {"capath": str(bundle)} if bundle.is_dir() else {"cafile": str(bundle)}
    try:
        context.load_verify_locations(**locations)
    except FileNotFoundError:
        raise BundleError("does not exist") from None
    except ssl.SSLError:
        raise BundleError("has no certificates") from None
    except OSError as error:
        raise BundleError(f"cannot be read ({error.strerror})") from None
    return context
