"""What the transport puts between itself and `requests`: the key, pools, and trust in the host."""

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
    """Puts the key into the header; an auth object, so that a `.netrc` cannot replace it."""

    def __init__(self, key: ApiKey) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key into a request to a host that may have it."""
        parts = urlsplit(request.url or "")
        if parts.scheme == "https" or is_loopback(parts.hostname):
            request.headers["Authorization"] = self._key.header
        return request


class Session(requests.Session):
    """Leaves redirects to the transport, even in thought: an odd one fails there."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return nothing to follow."""


class PooledAdapter(HTTPAdapter):
    """Looks its one host's pool up once: finding it anew costs as much as writing the request.

    Parameters
    ----------
    context : ssl.SSLContext or None
        What to verify the host with; None leaves that to `requests`.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._pool: Any = None
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Let all connections verify the host with the same context."""
        if self._context is not None:
            kwargs["ssl_context"] = self._context
        super().init_poolmanager(*args, **kwargs)

    def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Have the certificates read for each connection anew only where they are not yet."""
        super().cert_verify(conn, *args, **kwargs)  # type: ignore[no-untyped-call]
        if self._context is not None and conn.conn_kw.get("ssl_context") is self._context:
            conn.ca_certs = conn.ca_cert_dir = None

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Return the pool of the host that this adapter serves alone."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def close(self) -> None:
        """Close the connections, and look for a pool again when a request comes."""
        self._pool = None
        super().close()


@lru_cache(maxsize=64)
def normalize_url(url: str) -> str:
    """Return an address without a query as `requests` sends it."""
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return str(request.url)


def ssl_context(verify: str | bool) -> ssl.SSLContext:  # noqa: FBT001
    """Return a context that trusts what `requests` would.

    Parameters
    ----------
    verify : str or bool
        A file or folder of certificates; True is the bundle of `requests`.

    Raises
    ------
    OSError
        There is no such file or folder.
    """
    bundle = Path(verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    where = {"capath": str(bundle)} if bundle.is_dir() else {"cafile": str(bundle)}
    context.load_verify_locations(**where)
    return context
