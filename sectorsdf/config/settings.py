"""Where settings come from: the argument, then the environment, then the login or the default."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from sectorsdf.config.keystore import hidden, login_file
from sectorsdf.errors import ConfigurationError

__all__ = [
    "BASE_URL",
    "BASE_URL_VARIABLE",
    "CACHE_DIR_VARIABLE",
    "base_url",
    "cache_dir",
    "hidden",
    "is_loopback",
    "login_file",
]


BASE_URL = "https://api.sectors.app"
BASE_URL_VARIABLE = "SECTORSDF_BASE_URL"
CACHE_DIR_VARIABLE = "SECTORSDF_CACHE_DIR"
VISIBLE = re.compile(r"[\x21-\x7e]+")


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or address is this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(argument: str | None) -> str:
    """Return the API's address: the argument's, the environment's, or the provider's own.

    Raises
    ------
    ConfigurationError
        If it is not an https address (or http on loopback), or holds a user, query or fragment.
    """
    text = (argument or os.environ.get(BASE_URL_VARIABLE) or BASE_URL).strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # Without its cause: the parser's own words can hold a password.
        message = (
            f"The base URL cannot be read. Right would be {BASE_URL} or http://127.0.0.1:8000."
        )
        raise ConfigurationError(message) from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not parts.hostname or not secure:
        message = (
            f"The base URL {parts.scheme}://{parts.hostname or ''} cannot be used: the key goes to "
            f"https hosts only (http on loopback). Right would be {BASE_URL} or "
            "http://127.0.0.1:8000."
        )
        raise ConfigurationError(message)
    if parts.username is not None or parts.password is not None or "?" in text or "#" in text:
        message = "The base URL must hold no user, password, query or fragment."
        raise ConfigurationError(message)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    plain = host if port is None else f"{host}:{port}"
    if parts.netloc.lower() != plain or not VISIBLE.fullmatch(text) or "\\" in text:
        # Another parser could read another host in it than the one that was just judged.
        message = "The base URL must hold a plain host and port, and no space or backslash."
        raise ConfigurationError(message)
    return text.rstrip("/")


def cache_dir(argument: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder for journals, ledgers and learnt rates; it is not made here."""
    chosen = argument or os.environ.get(CACHE_DIR_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("sectorsdf")
