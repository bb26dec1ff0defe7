"""The API's URL and the cache folder: an argument, else the environment, else the default.

Owns the check of which URLs may receive the key, and the decision whether a value is a folder or a
URL. Knows nothing of the key itself.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import platformdirs

from sectorsdf.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BASE_URL",
    "BASE_URL_VARIABLE",
    "CACHE_DIR_VARIABLE",
    "NO_FOLDER",
    "VISIBLE",
    "base_url",
    "cache_dir",
    "find_cache_dir",
    "is_loopback",
    "local_path",
    "location",
    "user_folder",
    "without_password",
]


BASE_URL = "https://api.sectors.app"
BASE_URL_VARIABLE = "SECTORSDF_BASE_URL"
CACHE_DIR_VARIABLE = "SECTORSDF_CACHE_DIR"
VISIBLE = re.compile(r"[\x21-\x7e]+")
_EXAMPLES = f"Use {BASE_URL} or, for example, http://127.0.0.1:8000."
# A scheme of one letter is a Windows drive. fsspec chains protocols with two colons.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+(?:::[A-Za-z][A-Za-z0-9+.-]*)*):(/+)")
_USER = re.compile(r"(:/+)[^/]*@")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
NO_FOLDER = (
    "This user has no home folder, so there is no folder to keep files in. Set the environment "
    f"variable {CACHE_DIR_VARIABLE}, or pass Client(cache_folder=...)."
)
_PathLike: TypeAlias = "str | os.PathLike[str]"


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
    if argument is not None and not isinstance(argument, str):
        message = f"The base URL must be a string, not {type(argument).__name__}. {_EXAMPLES}"  # type: ignore[unreachable]
        raise ConfigurationError(message)
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


def without_password(url: str) -> str:
    """Return a URL without the user and password in it."""
    return _USER.sub(r"\1", url, count=1)


def location(value: _PathLike, name: str) -> Path | str:
    """Return a folder or file as a path, and a URL as text.

    This function alone decides which of the two a value is. A URL begins with a scheme of at least
    two characters and ``://``; everything else is a path, even if its names have colons. A
    ``file:`` URL becomes the path that it names.

    Parameters
    ----------
    value : str or path-like
        The value as the user gave it.
    name : str
        The option or variable that it is the value of, for error messages.

    Raises
    ------
    ConfigurationError
        If it is neither a path that this system can use nor a URL.
    """
    try:
        text: object = os.fspath(value)
    except TypeError:
        text = None
    if not isinstance(text, str) or not text:
        raise _unusable(name, repr(value), "It is neither a path nor a URL.")
    shown = repr(without_password(text))
    if "\0" in text:
        raise _unusable(name, shown, "A path cannot contain a NUL character.")
    found = _SCHEME.match(text)
    if found is None:
        return _path(text, name, shown)
    scheme, rest = found[1].lower(), text[found.end(1) + 1 :]
    is_file = scheme == "file"
    if isinstance(value, str) and is_file:
        return _path_of_file_url(rest, name, shown)
    if not isinstance(value, str) or len(found[2]) == 1:
        # pathlib makes one slash of two.
        url = without_password(f"{scheme}://{rest.strip('/')}")
        why = f"Give a URL as a string, such as {url!r}; an absolute path is never taken for one."
        raise _unusable(name, shown, why)
    return f"{scheme}:{rest}"


def _unusable(name: str, shown: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{name}={shown} cannot be used. {why}")


def _path(text: str, name: str, shown: str) -> Path:
    if os.name != "nt" and _DRIVE.match(text):
        raise _unusable(name, shown, "It is a path of Windows, and this system is another one.")
    if text.lower().startswith("file:"):
        raise _unusable(name, shown, "A file URL has an absolute path, such as file:///data.")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        why = "The home folder that ~ means is not known here. Give an absolute path."
        raise _unusable(name, shown, why) from None


def _path_of_file_url(rest: str, name: str, shown: str) -> Path:
    """Return the path in a file URL, given what follows its ``file:``."""
    from urllib.request import url2pathname  # noqa: PLC0415 - slow to import, hardly ever needed

    host, path = "", rest
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        path = slash + path
    if host.lower() not in {"", "localhost"}:
        if os.name != "nt":
            why = f"It names the machine {host!r}; a path of this machine is file:///... ."
            raise _unusable(name, shown, why)
        path = f"//{host}{path}"
    if not path:
        raise _unusable(name, shown, "A file URL has an absolute path, such as file:///data.")
    return Path(url2pathname(path))


def local_path(value: _PathLike, name: str) -> Path:
    """Return a path of this machine, as `location` reads it.

    Raises
    ------
    ConfigurationError
        If it is a URL of another place, or no path at all.
    """
    found = location(value, name)
    if isinstance(found, str):
        why = "It has to be on this machine; a URL of another place cannot be used here."
        raise _unusable(name, repr(without_password(found)), why)
    return found


def user_folder(variable: str, default: Callable[[str], Path]) -> Path | None:
    """Return the folder that an environment variable names, else the default for this user.

    Returns
    -------
    Path or None
        None if nothing names it: the variable is not set, and the user has no home folder.
    """
    value = os.environ.get(variable)
    if value:
        return local_path(value, variable)
    try:
        folder = default("sectorsdf")
    except RuntimeError:
        return None
    # Without a home folder, some versions of platformdirs return "~/.cache" as it is.
    return folder if folder.is_absolute() else None


def find_cache_dir(argument: _PathLike | None = None) -> Path | None:
    """Return the folder of `cache_dir`, or None if this user has none."""
    if argument is not None:
        return local_path(argument, "cache_folder")
    return user_folder(CACHE_DIR_VARIABLE, platformdirs.user_cache_path)


def cache_dir(argument: _PathLike | None = None) -> Path:
    """Return the folder of journals, the ledger and learnt rates, without creating it.

    Raises
    ------
    ConfigurationError
        If the value is not a path of this machine, or this user has no such folder.
    """
    folder = find_cache_dir(argument)
    if folder is None:
        raise ConfigurationError(NO_FOLDER)
    return folder
