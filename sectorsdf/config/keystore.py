"""The key saved by ``sectorsdf login``: in the system's keyring, or in a file of its owner.

Owns ``login.json`` and its permissions. Checks no key and opens no connection to the API.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import platformdirs

from sectorsdf.config.settings import user_folder
from sectorsdf.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CONFIG_DIR_VARIABLE",
    "HiddenText",
    "find_login_file",
    "forget_key",
    "hidden",
    "login_file",
    "save_key",
    "saved_key",
]


CONFIG_DIR_VARIABLE = "SECTORSDF_CONFIG_DIR"
_SERVICE = "sectorsdf"
_KEYRING = "keyring"


class HiddenText(str):
    """A string whose repr does not show it, and so neither does the repr of a container."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'<API key>'"


def hidden(text: str | None) -> str | None:
    """Return the text as `HiddenText`, so that tracebacks with local variables do not show it."""
    return HiddenText(text) if isinstance(text, str) else text


def login_file() -> Path:
    """Return the path of the file of saved logins, which need not exist.

    It is in ``SECTORSDF_CONFIG_DIR`` or the user's configuration folder.

    Raises
    ------
    ConfigurationError
        If the variable's value is not a path of this machine, or this user has no such folder.
    """
    file = find_login_file()
    if file is None:
        message = (
            "This user has no home folder, so there is no folder for the file of saved logins. "
            f"Set the environment variable {CONFIG_DIR_VARIABLE}."
        )
        raise ConfigurationError(message)
    return file


def find_login_file() -> Path | None:
    """Return the path of `login_file`, or None if this user has no home folder."""
    folder = user_folder(CONFIG_DIR_VARIABLE, platformdirs.user_config_path)
    return None if folder is None else folder / "login.json"


def saved_key(address: str) -> str | None:
    """Return the key that was saved for an API.

    Parameters
    ----------
    address : str
        The API's URL: a key is used only for the URL for which it was saved.

    Returns
    -------
    str or None
        None if there is no login for this URL.

    Raises
    ------
    ConfigurationError
        Other users can read the file, it is damaged, or the keyring does not return the key.
    """
    entry = _read().get(address)
    if entry is None:
        return None
    if not entry.get(_KEYRING):
        return entry.get("key")
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import

        key = hidden(keyring.get_password(_SERVICE, address))
    except Exception as error:  # noqa: BLE001 - each backend has its own exceptions
        message = (
            f"The system's keyring did not return the API key ({type(error).__name__}). Unlock it, "
            "or log in again with `sectorsdf login --store file`."
        )
        raise ConfigurationError(message) from None
    if key is None:
        message = (
            "The system's keyring no longer contains the API key. Log in again with `sectorsdf "
            "login`, or remove the login with `sectorsdf logout`."
        )
        raise ConfigurationError(message)
    return key


def save_key(key: str, address: str, *, store: Literal["auto", "keyring", "file"] = "auto") -> str:
    """Save a key for an API, replacing the one that was saved before.

    Parameters
    ----------
    key : str
        The key.
    address : str
        The API's URL.
    store : {"auto", "keyring", "file"}
        Where to save it; ``"auto"`` uses the keyring if there is one, and otherwise the file.

    Returns
    -------
    str
        A description of where it was saved.

    Raises
    ------
    ConfigurationError
        `store` is ``"keyring"`` and there is none, or the file cannot be used.
    """
    entries = _read()
    if store != "file" and _add_to_keyring(key, address):
        entries[address] = {_KEYRING: True}
        _write(entries)
        return "the system's keyring"
    if store == "keyring":
        message = (
            'There is no system keyring to use. Install one with pip install "sectorsdf[keyring]", '
            "or use --store file."
        )
        raise ConfigurationError(message)
    if entries.get(address, {}).get(_KEYRING):
        _remove_from_keyring(address)
    entries[address] = {"key": hidden(key)}
    _write(entries)
    return str(login_file())


def forget_key(address: str) -> bool:
    """Remove the key that was saved for an API.

    Returns
    -------
    bool
        Whether there was one.

    Raises
    ------
    ConfigurationError
        The file is damaged.
    """
    # Wrong permissions are no reason to leave the key in the file.
    entries = _read(check_mode=False)
    entry = entries.pop(address, None)
    if entry is None:
        return False
    if entry.get(_KEYRING):
        _remove_from_keyring(address)
    if entries:
        _write(entries)
    else:
        login_file().unlink(missing_ok=True)
    return True


def _add_to_keyring(key: str, address: str) -> bool:
    """Save a key in the keyring, if there is a safe one; return whether it was saved."""
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import

        # keyring itself does not recommend backends with a priority below 1: none, or plain text.
        if keyring.get_keyring().priority < 1:
            return False
        keyring.set_password(_SERVICE, address, str.__str__(key))
        return bool(keyring.get_password(_SERVICE, address) == key)
    except Exception:  # noqa: BLE001 - each backend has its own exceptions
        return False


def _remove_from_keyring(address: str) -> None:
    # An error is ignored: the user may have removed the key from the keyring already.
    with suppress(Exception):
        import keyring  # noqa: PLC0415 - optional, and slow to import

        keyring.delete_password(_SERVICE, address)


def _read(*, check_mode: bool = True) -> dict[str, dict[str, Any]]:
    """Return the saved logins by URL, with keys as `HiddenText`."""
    path = login_file()
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077 and check_mode:
                message = (
                    f"{path} contains your API key, and other users can access it (mode "
                    f"{mode:04o}). Run `chmod 600 {path}`; if others may have read it, get a new "
                    "key."
                )
                raise ConfigurationError(message)
            return _parse(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ConfigurationError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a file of logins"
        message = (
            f"{path} cannot be read ({reason}). Remove it and log in again with `sectorsdf login`."
        )
    # Raised here, outside the handler: the original exception may hold the key.
    raise ConfigurationError(message)


def _parse(content: bytes) -> dict[str, dict[str, Any]]:
    logins: dict[str, dict[str, Any]] = {}
    for address, entry in json.loads(content)["logins"].items():
        if entry.get(_KEYRING):
            logins[str(address)] = {_KEYRING: True}
        else:
            logins[str(address)] = {"key": HiddenText(entry["key"])}
    return logins


def _write(entries: dict[str, dict[str, Any]]) -> None:
    path = login_file()
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Other users can never read the file, not even while it is written.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(temporary, flags, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps({"logins": entries}, indent=1).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror
    else:
        return
    # Raised here, outside the handler: the frames of the original exception hold the key.
    message = f"{path} cannot be written ({reason}). Set {CONFIG_DIR_VARIABLE} to another folder."
    raise ConfigurationError(message)
