"""Where settings come from: the argument, then the environment, then the login or the default."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import NoReturn, Self
from urllib.parse import urlsplit

import platformdirs

from sectorsdf.errors import ConfigurationError, MissingKeyError
from sectorsdf.login import HiddenText, hidden, login_file, saved_key

__all__ = [
    "BASE_URL",
    "BASE_URL_VARIABLE",
    "CACHE_DIR_VARIABLE",
    "KEY_VARIABLE",
    "ApiKey",
    "base_url",
    "cache_dir",
    "hidden",
    "is_loopback",
    "login_file",
]

BASE_URL = "https://api.sectors.app"
KEY_VARIABLE = "SECTORS_API_KEY"
BASE_URL_VARIABLE = "SECTORSDF_BASE_URL"
CACHE_DIR_VARIABLE = "SECTORSDF_CACHE_DIR"

_API_KEY = re.compile(r"[0-9a-f]{64}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class ApiKey:
    """The key, which shows itself nowhere but in the header of a request.

    Parameters
    ----------
    text : str
        An API key (64 lower-case hexadecimal characters, sent as it is) or an OAuth token (sent
        as ``Bearer <token>``).
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            message = f"The API key must be a text, not {type(text).__name__}."  # type: ignore[unreachable]
            raise ConfigurationError(message)
        # The space at the end lets a lone "Bearer" count as no key.
        text = HiddenText(f"{text.strip()} ".removeprefix("Bearer ").strip())
        if not text:
            raise MissingKeyError(_NO_KEY)
        if not _VISIBLE.fullmatch(text):
            message = (
                "The API key holds a space, a line break or a character outside ASCII. A key is "
                "64 lower-case hexadecimal characters; copy it again from your Sectors account."
            )
            raise ConfigurationError(message)
        self._text = text

    @classmethod
    def resolve(cls, argument: str | None, address: str | None = None) -> Self:
        """Return the argument's key or, without one, the environment's, or the one of a login.

        Parameters
        ----------
        argument : str, optional
            The key, where the caller has one.
        address : str, optional
            The API's address, as `base_url` takes it. A login counts for the address that it was
            made with only.
        """
        text = argument if argument is not None else hidden(os.environ.get(KEY_VARIABLE))
        if argument is None and not (text or "").strip() and login_file().exists():
            text = saved_key(base_url(address))
        return cls(text or "")

    @classmethod
    def perhaps(cls) -> Self:
        """Return the key that there is, or one that is refused once it is needed."""
        try:
            return cls.resolve(None)
        except MissingKeyError:
            key = cls("none")
            key._text = HiddenText()
            return key

    def require(self) -> None:
        """Refuse to go on without a key.

        Raises
        ------
        MissingKeyError
            If there is none.
        """
        if not self._text:
            raise MissingKeyError(_NO_KEY)

    @property
    def header(self) -> str:
        """The value of the `Authorization` header."""
        if _API_KEY.fullmatch(self._text):
            return self._text
        return HiddenText(f"Bearer {str.__str__(self._text)}")

    def secret(self) -> str:
        """Return the key itself, for fingerprints only."""
        return str.__str__(self._text)

    def __repr__(self) -> str:
        return "<API key>"

    def __reduce__(self) -> NoReturn:
        message = "An API key is never pickled; make a new client in the other process."
        raise TypeError(message)


_NO_KEY = (
    f"No API key. Pass Client(api_key=...), set the environment variable {KEY_VARIABLE}, or run "
    "`sectorsdf login`; a key comes from your account at https://sectors.app. To try the package "
    "without one, use the embedded sandbox: `with sectorsdf.sandbox.running() as client:` and pass "
    "`client=client`, or run `sectorsdf demo`."
)


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
    if parts.netloc.lower() != plain or not _VISIBLE.fullmatch(text) or "\\" in text:
        # Another parser could read another host in it than the one that was just judged.
        message = "The base URL must hold a plain host and port, and no space or backslash."
        raise ConfigurationError(message)
    return text.rstrip("/")


def cache_dir(argument: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder for journals, ledgers and learnt rates; it is not made here."""
    chosen = argument or os.environ.get(CACHE_DIR_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("sectorsdf")
