"""Read and write JSON without changing a number or a character.

This module owns how a JSON number keeps its text. It must not import any other module of the
package.
"""

from __future__ import annotations

import json
from typing import Any, Self

__all__ = ["JsonNumber", "NotANumber", "as_utf8", "decode_json", "json_text"]


class JsonNumber(float):
    """A JSON number with its text, for numbers whose text `int` or `float` would not keep.

    With the text, a code that the API sends as a number becomes a text column without a change.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Parse the text as `float` does."""
        number = super().__new__(cls, text)
        number.text = text
        return number


class NotANumber(str):
    """The text of a ``NaN`` or ``Infinity`` token, which is not a valid value of a text column."""

    __slots__ = ()


def _parse_int(text: str) -> int | JsonNumber:
    """Parse a whole number; `int` loses the sign of -0 and refuses thousands of digits."""
    return JsonNumber(text) if text == "-0" or len(text) > 1000 else int(text)


def _parse_float(text: str) -> float:
    """Parse any other number; it needs its text only if Python would write it differently."""
    number = float(text)
    return number if repr(number) == text else JsonNumber(text)


def decode_json(body: bytes | str) -> Any:  # noqa: ANN401
    """Parse a JSON text and keep every digit of its numbers; ``NaN`` becomes a `NotANumber`."""
    return json.loads(
        body, parse_int=_parse_int, parse_float=_parse_float, parse_constant=NotANumber
    )


def as_utf8(text: str) -> str:
    """Return a text that UTF-8 can encode: a lone surrogate becomes its JSON escape."""
    return text.encode(errors="backslashreplace").decode()


def json_text(value: object) -> str:
    """Return a value as JSON text, with every number and character as it was read."""
    # An explicit stack, because the value may be nested more deeply than Python's calls can be.
    parts: list[str] = []
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, bytes):  # punctuation, because no JSON value is bytes
            parts.append(item.decode())
        elif isinstance(item, JsonNumber):
            parts.append(item.text)
        elif isinstance(item, list | tuple):
            inner: list[Any] = [part for entry in item for part in (b", ", entry)]
            stack.extend([b"]", *reversed(inner[1:]), b"["])
        elif isinstance(item, dict):
            inner = [part for key in item for part in (b", ", key, b": ", item[key])]
            stack.extend([b"}", *reversed(inner[1:]), b"{"])
        else:
            parts.append(json.dumps(item, ensure_ascii=False))
    return as_utf8("".join(parts))
