"""`Connections`: the sessions of one key and host, each lent to one thread at a time.

Owns what every request has in common: its headers, its timeouts and its TLS context. Decides
neither when a request is sent nor what its response means.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import requests

from sectorsdf._version import __version__
from sectorsdf.config.forks import Lock, renew_in_child
from sectorsdf.config.settings import is_loopback
from sectorsdf.http.body import ACCEPTED_ENCODINGS
from sectorsdf.http.session import KeyAuth, PooledAdapter, Session, ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from sectorsdf.config.api_key import ApiKey

__all__ = ["Connections", "PreparedSession"]


class PreparedSession(NamedTuple):
    """A session with a prepared request and the settings with which to send it."""

    session: requests.Session
    request: requests.PreparedRequest
    settings: dict[str, Any]


class Connections:
    """The sessions of one key and host; safe to share between threads and with forked processes.

    Parameters
    ----------
    key : ApiKey
        The key.
    base_url : str
        The API's URL.
    timeout : tuple of float
        Seconds to connect, to wait for each part of a response, and for all of it.
    """

    def __init__(self, key: ApiKey, base_url: str, timeout: tuple[float, float, float]) -> None:
        self._key = key
        self._base_url = base_url
        self._timeout = timeout
        self._tls: tuple[str | bool, ssl.SSLContext] | None = None
        self._tls_lock = Lock()
        # The threads of a call end with it; their sessions stay here for the next call's threads.
        self._idle: list[PreparedSession] = []
        renew_in_child(self)

    def _after_fork(self) -> None:
        # The sockets are shared with the parent, so the child opens its own.
        self._idle = []

    @contextmanager
    def borrow(self) -> Iterator[PreparedSession]:
        """Lend a session to one thread at a time.

        Sessions are reused, because preparing the headers takes as long as the rest of a request.
        """
        idle = self._idle
        try:
            prepared = idle.pop()
        except IndexError:
            prepared = self._new_session()
        try:
            yield prepared
        finally:
            if idle is self._idle:
                idle.append(prepared)
            else:
                prepared.session.close()

    def _new_session(self) -> PreparedSession:
        session = Session()
        session.headers["User-Agent"] = f"sectorsdf/{__version__}"
        session.headers["Accept"] = "application/json"
        session.headers["Accept-Encoding"] = ACCEPTED_ENCODINGS
        auth = KeyAuth(self._key)
        request = session.prepare_request(requests.Request("GET", self._base_url, auth=auth))
        settings = dict(session.merge_environment_settings(self._base_url, {}, None, None, None))
        session.mount(self._base_url, PooledAdapter(self._ssl_context(settings["verify"])))
        connect, read, total = self._timeout
        timeout = (min(connect, total), min(read, total))
        settings.update(stream=True, allow_redirects=False, timeout=timeout)
        if is_loopback(urlsplit(self._base_url).hostname):
            # A key for a server on this machine must not be sent through a proxy.
            settings["proxies"] = {}
        return PreparedSession(session, request, settings)

    def _ssl_context(self, verify: object) -> ssl.SSLContext | None:
        """Return the TLS context of all sessions: reading the certificates takes long."""
        if urlsplit(self._base_url).scheme != "https" or not isinstance(verify, str | bool):
            return None
        with self._tls_lock:
            if self._tls is None or self._tls[0] != verify:
                self._tls = (verify, ssl_context(verify))
            return self._tls[1]

    def close(self) -> None:
        """Close the connections; one in use is closed when its request has finished."""
        idle, self._idle = self._idle, []
        with suppress(IndexError):
            while True:
                idle.pop().session.close()
