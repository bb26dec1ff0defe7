"""Network problems: what an exception of `requests` means, and whether to try again.

Owns the descriptions, which name the cause and the variable to change. They never quote the
exception, which may hold the request or the password of a proxy. Sends nothing itself.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from requests.utils import select_proxy

from sectorsdf.errors import printable
from sectorsdf.http.session import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["NetworkProblem", "diagnose"]


class NetworkProblem(NamedTuple):
    """A network problem in words.

    Attributes
    ----------
    text : str
        What failed and, where the user can do something about it, what.
    permanent : bool
        Whether the same request would fail again in the same way.
    """

    text: str
    permanent: bool = False


_TEMPORARY = {
    "ConnectTimeout": "the connection timed out",
    "ReadTimeout": "the server did not respond in time",
    "ReadTimeoutError": "the server did not respond in time",
    "Timeout": "the server did not respond in time",
    "ConnectionError": "the connection failed or was reset",
    "ProtocolError": "the connection ended early",
    "SSLError": "the TLS connection failed",
    "OSError": "the connection could not be set up",
}
_PERMANENT = {
    "InvalidURL": "the URL is not valid",
    "LocationParseError": "the URL is not valid",
    "UnicodeError": "the URL is not valid",
}
_UNKNOWN_HOST = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "HTTPS_PROXY_REQUEST"}
_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
# Statuses of a proxy that may be others a moment later.
_BUSY_PROXY = {408, 425, 429}


def diagnose(error: Exception, url: str, proxies: Mapping[str, str]) -> NetworkProblem:
    """Return what an exception of `requests` means.

    Parameters
    ----------
    error : Exception
        The exception.
    url : str
        The URL that was requested.
    proxies : mapping
        The proxies of the session.
    """
    causes = _causes(error)
    proxy = select_proxy(url, dict(proxies))
    host = _host_of(url) or "the server"
    return (
        (_of_proxy(causes, proxy) if proxy else None)
        or _of_tls(causes, host)
        or _of_host(causes, host)
        or _by_type(error)
    )


def _host_of(url: str) -> str:
    try:
        return printable(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def _by_type(error: Exception) -> NetworkProblem:
    for kind in type(error).__mro__:
        if kind.__name__ in _PERMANENT:
            return NetworkProblem(_PERMANENT[kind.__name__], permanent=True)
        if kind.__name__ in _TEMPORARY:
            return NetworkProblem(_TEMPORARY[kind.__name__])
    return NetworkProblem(type(error).__name__)


def _causes(error: BaseException) -> Sequence[BaseException]:
    """Return an exception and all that led to it, from the outside in."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            inner = (getattr(cause, "reason", None), *cause.args)
            waiting += [*inner, cause.__cause__, cause.__context__]
    return found


def _of_proxy(causes: Sequence[BaseException], proxy: str) -> NetworkProblem | None:
    """Return a problem of the proxy, or None if the proxy is not to blame."""
    variable = _proxy_variable(proxy)
    names = {type(cause).__name__ for cause in causes}
    for cause in causes:
        found = _TUNNEL.search(str(cause)) if isinstance(cause, OSError) else None
        if found is not None:
            return _of_tunnel(int(found[1]), variable, has_user="@" in proxy)
    if names & {"InvalidProxyURL", "ProxySchemeUnknown", "InvalidSchema", "LocationParseError"}:
        text = (
            f"the address of the proxy in {variable} cannot be used; write it as "
            "http://host:port (socks5:// needs the package requests[socks])"
        )
        return NetworkProblem(text, permanent=True)
    if "ProxyError" not in names:
        return None
    whose = f"the proxy {_host_of(proxy)} ({variable})"
    return (
        _of_tls(causes, whose)
        or _of_host(causes, whose)
        or NetworkProblem(f"the connection to {whose} failed")
    )


def _of_tunnel(status: int, variable: str, *, has_user: bool) -> NetworkProblem:
    """Return what the status means with which a proxy refuses to connect to the API."""
    if status == 407 and has_user:
        text = f"the proxy does not accept the user name and password in {variable} (407)"
    elif status == 407:
        text = (
            f"the proxy wants a user name and password (407); write them into {variable} as "
            "http://user:password@host:port"
        )
    elif 400 <= status < 500 and status not in _BUSY_PROXY:
        text = f"the proxy in {variable} refuses to connect to the API ({status})"
    else:
        return NetworkProblem(f"the proxy in {variable} failed ({status})")
    return NetworkProblem(text, permanent=True)


def _of_tls(causes: Sequence[BaseException], whose: str) -> NetworkProblem | None:
    """Return a problem of certificates or of the protocol, or None if it may be temporary."""
    for cause in causes:
        if isinstance(cause, BundleError):
            text = f"the file of TLS certificates that {_bundle_variable()} names {cause}"
            return NetworkProblem(text, permanent=True)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _not_trusted(cause.verify_message or "verification failed", whose)
        if type(cause).__name__ == "CertificateError":  # of urllib3 before 2.0
            return _not_trusted("hostname mismatch", whose)
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
            text = f"{whose} does not speak TLS; check the address, its port and its http or https"
            return NetworkProblem(text, permanent=True)
    return None


def _of_host(causes: Sequence[BaseException], whose: str) -> NetworkProblem | None:
    """Return a problem of the host, or None if there is nothing to add to its type."""
    for cause in causes:
        if isinstance(cause, socket.gaierror) and cause.errno in _UNKNOWN_HOST:
            text = f"the host name of {whose} is unknown; check the address and the network's DNS"
            return NetworkProblem(text, permanent=True)
        if isinstance(cause, http.client.LineTooLong) or "more than 100 headers" in str(cause):
            return NetworkProblem("the headers of the response are too long")
    return None


def _not_trusted(reason: str, whose: str) -> NetworkProblem:
    reason = printable(reason).rstrip(".")
    text = f"the TLS certificate of {whose} is not trusted ({reason})"
    if any(map(os.environ.get, _BUNDLE_VARIABLES)):
        text += f"; {_bundle_variable()} names a file that does not have its authority"
    else:
        text += (
            "; if your network signs certificates with an authority of its own, set "
            "REQUESTS_CA_BUNDLE to the file of that authority"
        )
    return NetworkProblem(text, permanent=True)


def _proxy_variable(proxy: str) -> str:
    """Return the name of the variable that a proxy comes from."""
    for name in _PROXY_VARIABLES:
        value = os.environ.get(name)
        if value and value.rpartition("://")[2] == proxy.rpartition("://")[2]:
            return name
    return "the system's settings (HTTPS_PROXY replaces it)"


def _bundle_variable() -> str:
    return next((name for name in _BUNDLE_VARIABLES if os.environ.get(name)), "REQUESTS_CA_BUNDLE")
