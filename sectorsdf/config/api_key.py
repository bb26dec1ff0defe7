"""TODO."""

from __future__ import annotations

import os
import re
from typing import NoReturn, Self

from sectorsdf.config.keystore import HiddenText, hidden, login_file, saved_key
from sectorsdf.config.settings import VISIBLE, base_url
from sectorsdf.errors import ConfigurationError, MissingKeyError

__all__ = ["KEY_VARIABLE", "ApiKey"]


KEY_VARIABLE = "SECTORS_API_KEY"
_API_KEY = re.compile(r"[0-9a-f]{64}")


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
        if not VISIBLE.fullmatch(text):
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
