"""`ApiKey`: the key, where it comes from, and the header that carries it.

Owns the key's precedence (argument, environment, login) and its secrecy: no repr, message or pickle
contains it.
"""

from __future__ import annotations

import os
import re
from typing import NoReturn, Self

from sectorsdf.config.keystore import HiddenText, find_login_file, hidden, saved_key
from sectorsdf.config.settings import VISIBLE, base_url
from sectorsdf.errors import ConfigurationError, MissingKeyError

__all__ = ["KEY_VARIABLE", "ApiKey"]


KEY_VARIABLE = "SECTORS_API_KEY"
_API_KEY = re.compile(r"[0-9a-f]{64}")
_NO_KEY = (
    f"No API key. Pass Client(api_key=...), set the environment variable {KEY_VARIABLE}, or run "
    "`sectorsdf login`; a key comes from your account at https://sectors.app. To try the package "
    "without one, call `sectorsdf.use_sandbox()`, which makes the embedded sandbox with its "
    "synthetic records the default, or run `sectorsdf demo`."
)


class ApiKey:
    """An API key or token that is visible only in the header of a request.

    Parameters
    ----------
    text : str
        An API key (64 lower-case hexadecimal characters, sent as it is) or an OAuth token (sent
        as ``Bearer <token>``).
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            message = f"The API key must be a string, not {type(text).__name__}."  # type: ignore[unreachable]
            raise ConfigurationError(message)
        # The space at the end makes "Bearer" without a token count as no key.
        text = HiddenText(f"{text.strip()} ".removeprefix("Bearer ").strip())
        if not text:
            raise MissingKeyError(_NO_KEY)
        if not VISIBLE.fullmatch(text):
            message = (
                "The API key contains a space, a line break or a character outside ASCII. A key is "
                "64 lower-case hexadecimal characters; copy it again from your Sectors account."
            )
            raise ConfigurationError(message)
        self._text = text

    @classmethod
    def resolve(cls, argument: str | None, address: str | None = None) -> Self:
        """Return the argument's key, else the environment's, else the one saved by a login.

        Parameters
        ----------
        argument : str, optional
            The key passed by the caller.
        address : str, optional
            The API's URL, as `base_url` accepts it. A saved key is used only for the URL for which
            it was saved.
        """
        text = argument if argument is not None else hidden(os.environ.get(KEY_VARIABLE))
        if argument is None and not (text or "").strip():
            logins = find_login_file()
            if logins is not None and logins.exists():
                text = saved_key(base_url(address))
        return cls(text or "")

    @classmethod
    def resolve_optional(cls) -> Self:
        """Return the key of the environment or a login, or an empty one that `require` refuses."""
        try:
            return cls.resolve(None)
        except MissingKeyError:
            key = cls("none")
            key._text = HiddenText()
            return key

    def require(self) -> None:
        """Raise if there is no key.

        Raises
        ------
        MissingKeyError
            If the key is empty.
        """
        if not self._text:
            raise MissingKeyError(_NO_KEY)

    @property
    def header(self) -> str:
        """The value of the ``Authorization`` header."""
        if _API_KEY.fullmatch(self._text):
            return self._text
        return HiddenText(f"Bearer {str.__str__(self._text)}")

    def secret(self) -> str:
        """Return the key itself as plain text."""
        return str.__str__(self._text)

    def __repr__(self) -> str:
        return "<API key>"

    def __reduce__(self) -> NoReturn:
        message = "An API key is never pickled. Create a client in each process."
        raise TypeError(message)
