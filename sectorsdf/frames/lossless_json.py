"""TODO."""

from __future__ import annotations

import json
from typing import Any, Self

__all__ = ["JsonNumber", "NotANumber", "as_utf8", "decode_json", "json_text"]


class JsonNumber(float):
    """A JSON number that remembers how it was written, where `int` or `float` would not.

    A code that the API sends as a number can so become its exact text.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Parse the text as `float` does."""
        number = super().__new__(cls, text)
        number.text = text
        return number


class NotANumber(str):
    """The text of a ``NaN`` or ``Infinity`` token, so that no text column takes it for a text."""

    __slots__ = ()


def _whole(text: str) -> int | JsonNumber:
    """Parse a whole number; `int` forgets the sign of -0 and refuses thousands of digits."""
    return JsonNumber(text) if text == "-0" or len(text) > 1000 else int(text)


def _real(text: str) -> float:
    """Parse a number with a point; most are written as Python writes them, and need no text."""
    number = float(text)
    return number if repr(number) == text else JsonNumber(text)


def decode_json(body: bytes | str) -> Any:  # noqa: ANN401
    """Parse a JSON text so that no number loses its digits; ``NaN`` comes out as its text."""
    return json.loads(body, parse_int=_whole, parse_float=_real, parse_constant=NotANumber)


def as_utf8(text: str) -> str:
    """Return a text that UTF-8 can hold: a lone surrogate becomes its JSON escape."""
    return text.encode(errors="backslashreplace").decode()


def json_text(value: object) -> str:
    """Return a value as compact JSON text, with every number and character as it came."""
    # A stack of its own, because the value may lie deeper than Python's calls go.
    parts: list[str] = []
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, bytes):  # punctuation: no JSON value is bytes
            parts.append(item.decode())
        elif isinstance(item, JsonNumber):
            parts.append(item.text)
        elif isinstance(item, list | tuple):
            inner: list[Any] = [part for entry in item for part in (b", ", entry)]
            waiting.extend([b"]", *reversed(inner[1:]), b"["])
        elif isinstance(item, dict):
            inner = [part for key in item for part in (b", ", key, b": ", item[key])]
            waiting.extend([b"}", *reversed(inner[1:]), b"{"])
        else:
            parts.append(json.dumps(item, ensure_ascii=False))
    return as_utf8("".join(parts))
