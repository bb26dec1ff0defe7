"""The API's URL and the cache folder: an argument, else the environment, else the default.

Owns the check of which URLs may receive the key. Knows nothing of the key itself.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from sectorsdf.errors import ConfigurationError

__all__ = [
    "BASE_URL",
    "BASE_URL_VARIABLE",
    "CACHE_DIR_VARIABLE",
    "VISIBLE",
    "base_url",
    "cache_dir",
    "is_loopback",
]


BASE_URL = "https://api.sectors.app"
BASE_URL_VARIABLE = "SECTORSDF_BASE_URL"
CACHE_DIR_VARIABLE = "SECTORSDF_CACHE_DIR"
VISIBLE = re.compile(r"[\x21-\x7e]+")
_EXAMPLES = f"Use {BASE_URL} or, for example, http://127.0.0.1:8000."


def is_loopback(host: str | None) -> bool:
    """Return whether a host name or address is this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(argument: str | None) -> str:
    """Return the API's URL: the argument, else the environment's, else the provider's.

    Raises
    ------
    ConfigurationError
        If it is not https (or http on loopback), or contains a user, query or fragment.
    """
    text = (argument or os.environ.get(BASE_URL_VARIABLE) or BASE_URL).strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # Without the cause, because the parser's message can contain a password.
        raise ConfigurationError(f"The base URL cannot be parsed. {_EXAMPLES}") from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not parts.hostname or not secure:
        message = (
            f"The base URL {parts.scheme}://{parts.hostname or ''} cannot be used: the key is sent "
            f"to https hosts only (http on loopback). {_EXAMPLES}"
        )
        raise ConfigurationError(message)
    if parts.username is not None or parts.password is not None or "?" in text or "#" in text:
        message = "The base URL must not contain a user, a password, a query or a fragment."
        raise ConfigurationError(message)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = host if port is None else f"{host}:{port}"
    if parts.netloc.lower() != netloc or not VISIBLE.fullmatch(text) or "\\" in text:
        # Another parser could find a different host in it than the one checked above.
        message = (
            "The base URL must contain a plain host and an optional port, and no space or "
            "backslash."
        )
        raise ConfigurationError(message)
    return text.rstrip("/")


def cache_dir(argument: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of journals, the ledger and learnt rates, without creating it."""
    folder = argument or os.environ.get(CACHE_DIR_VARIABLE)
    return Path(folder).expanduser() if folder else platformdirs.user_cache_path("sectorsdf")
