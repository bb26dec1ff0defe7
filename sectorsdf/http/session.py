"""Parts of `requests` adapted to this package: authentication, sessions, pools and TLS.

Owns how the key enters a request and how connections are made. Decides neither when a request is
sent nor what its response means.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from requests.auth import AuthBase
from urllib3.util.ssl_ import create_urllib3_context

from sectorsdf.config.settings import is_loopback

if TYPE_CHECKING:
    from sectorsdf.config.api_key import ApiKey

__all__ = ["KeyAuth", "PooledAdapter", "Session", "normalize_url", "ssl_context"]


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
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def close(self) -> None:
        """Close the connections; the next request looks up a new pool."""
        self._pool = None
        super().close()


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
    OSError
        The file or folder does not exist.
    """
    bundle = Path(verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    locations = {"capath": str(bundle)} if bundle.is_dir() else {"cafile": str(bundle)}
    context.load_verify_locations(**locations)
    return context
