"""The key that `sectorsdf login` keeps: in the system's keyring or a file of its owner alone."""

from __future__ import annotations

import json
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import platformdirs

from sectorsdf.errors import ConfigurationError

__all__ = [
    "CONFIG_DIR_VARIABLE",
    "HiddenText",
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
    """A text that shows itself in no repr of what holds it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'<API key>'"


def hidden(text: str | None) -> str | None:
    """Return the same text, which shows itself no more in a traceback that tells local names."""
    return HiddenText(text) if isinstance(text, str) else text


def login_file() -> Path:
    """Return the file that says where keys are kept; it need not be there.

    It lies in ``SECTORSDF_CONFIG_DIR`` or the user's folder for settings.
    """
    chosen = os.environ.get(CONFIG_DIR_VARIABLE)
    folder = Path(chosen).expanduser() if chosen else platformdirs.user_config_path("sectorsdf")
    return folder / "login.json"


def saved_key(address: str) -> str | None:
    """Return the key that was kept for the API at an address.

    Parameters
    ----------
    address : str
        The API's address: a key is never taken to another than that it was checked with.

    Returns
    -------
    str or None
        None where nobody has logged in.

    Raises
    ------
    ConfigurationError
        The file can be read by others, or is damaged; or the keyring does not give the key out.
    """
    entry = _read().get(address)
    if entry is None:
        return None
    if not entry.get(_KEYRING):
        return entry.get("key")
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import

        key = hidden(keyring.get_password(_SERVICE, address))
    except Exception as error:  # noqa: BLE001 - each backend has errors of its own
        message = (
            f"The system's keyring does not give the API key out ({type(error).__name__}). Unlock "
            "it, or log in again with `sectorsdf login --store file`."
        )
        raise ConfigurationError(message) from None
    if key is None:
        message = (
            "The API key is gone from the system's keyring. Log in again: `sectorsdf login`, or "
            "forget it: `sectorsdf logout`."
        )
        raise ConfigurationError(message)
    return key


def save_key(key: str, address: str, *, store: Literal["auto", "keyring", "file"] = "auto") -> str:
    """Keep a key for the API at an address, in place of one that was kept before.

    Parameters
    ----------
    key : str
        The key.
    address : str
        The API's address.
    store : {"auto", "keyring", "file"}
        Where; ``"auto"`` takes the keyring where there is one, and the file otherwise.

    Returns
    -------
    str
        Where it is kept, in words.

    Raises
    ------
    ConfigurationError
        There is no keyring, and none but it will do; or the file cannot be used.
    """
    entries = _read()
    if store != "file" and _put_into_keyring(key, address):
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
        _take_from_keyring(address)
    entries[address] = {"key": hidden(key)}
    _write(entries)
    return str(login_file())


def forget_key(address: str) -> bool:
    """Forget the key of the API at an address.

    Returns
    -------
    bool
        Whether there was one.

    Raises
    ------
    ConfigurationError
        The file is damaged.
    """
    # Whoever can read the file has read it: removing the key from it is right all the same.
    entries = _read(whoever=True)
    entry = entries.pop(address, None)
    if entry is None:
        return False
    if entry.get(_KEYRING):
        _take_from_keyring(address)
    if entries:
        _write(entries)
    else:
        login_file().unlink(missing_ok=True)
    return True


def _put_into_keyring(key: str, address: str) -> bool:
    """Put a key into the keyring, if there is a safe one; tell whether it is there."""
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import

        # Backends below 1 are those that keyring itself does not recommend: none, or plain text.
        if keyring.get_keyring().priority < 1:
            return False
        keyring.set_password(_SERVICE, address, str.__str__(key))
        return bool(keyring.get_password(_SERVICE, address) == key)
    except Exception:  # noqa: BLE001 - each backend has errors of its own
        return False


def _take_from_keyring(address: str) -> None:
    # A key that somebody has removed already is as good as forgotten.
    with suppress(Exception):
        import keyring  # noqa: PLC0415 - optional, and slow to import

        keyring.delete_password(_SERVICE, address)


def _read(*, whoever: bool = False) -> dict[str, dict[str, Any]]:
    """Return what is kept, by address; keys are hidden from tracebacks."""
    path = login_file()
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077 and not whoever:
                message = (
                    f"{path} holds your API key and can be used by others (mode {mode:04o}). "
                    f"Run `chmod 600 {path}`; if others may have read it, get a new key."
                )
                raise ConfigurationError(message)
            return _parsed(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ConfigurationError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no JSON of ours"
        message = (
            f"{path} cannot be read ({reason}). Remove it and log in again: `sectorsdf login`."
        )
    # Here and not above: what could not be parsed may hold the key.
    raise ConfigurationError(message)


def _parsed(content: bytes) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = {}
    for address, entry in json.loads(content)["logins"].items():
        if entry.get(_KEYRING):
            kept[str(address)] = {_KEYRING: True}
        else:
            kept[str(address)] = {"key": HiddenText(entry["key"])}
    return kept


def _write(entries: dict[str, dict[str, Any]]) -> None:
    path = login_file()
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never readable by others, not even while it is written.
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
    message = (
        f"{path} cannot be written ({reason}). Set {CONFIG_DIR_VARIABLE} to a folder that can be."
    )
    raise ConfigurationError(message)
