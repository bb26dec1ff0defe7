"""Read and write JSON without changing a number or a character, at any depth.

This module owns how a JSON number keeps its text, and what becomes of a field that comes twice. It
must not import any other module of this folder.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from sectorsdf.config.deep_json import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "JsonNumber",
    "NoValue",
    "NotANumber",
    "RepeatedField",
    "as_utf8",
    "decode_json",
    "json_text",
]

# Python lets a program limit `int` to as few as 640 digits.
_MAX_DIGITS = 600


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


class NoValue(str):
    """The text of something in an answer that is not a valid value of any column."""

    __slots__ = ()
    reason = ""


class NotANumber(NoValue):
    """The text of a ``NaN`` or ``Infinity`` token."""

    __slots__ = ()
    reason = "not a JSON value"


class RepeatedField(NoValue):
    """The different values of a field that comes more than once in one object, as JSON."""

    __slots__ = ("values",)
    reason = "the field comes more than once, with different values"
    values: Sequence[Any]

    def __new__(cls, values: Sequence[Any]) -> Self:
        """Keep the values, and their texts as the text."""
        field = super().__new__(cls, ", ".join(map(json_text, values)))
        field.values = values
        return field

    def __reduce__(self) -> tuple[Any, ...]:
        return RepeatedField, (self.values,)


def _parse_int(text: str) -> int | JsonNumber:
    """Parse a whole number; `int` loses the sign of -0 and refuses thousands of digits."""
    return JsonNumber(text) if text == "-0" or len(text) > _MAX_DIGITS else int(text)


def _parse_float(text: str) -> float:
    """Parse any other number; it needs its text only if Python would write it differently."""
    number = float(text)
    return number if repr(number) == text else JsonNumber(text)


def _make_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        # A dict keeps the last of several values, and no reader could see that there were others.
        for name in made:
            values = {json_text(value): value for key, value in pairs if key == name}
            if len(values) > 1:
                made[name] = RepeatedField([*values.values()])
    return made


_DECODER = json.JSONDecoder(
    parse_int=_parse_int,
    parse_float=_parse_float,
    parse_constant=NotANumber,
    object_pairs_hook=_make_object,
)


def decode_json(body: bytes | str) -> Any:  # noqa: ANN401
    """Parse a JSON text and keep every digit of its numbers, however deeply it is nested.

    A ``NaN`` becomes a `NotANumber`, and a field with several values a `RepeatedField`.
    """
    text = body if isinstance(body, str) else _as_text(body)
    with suppress(RecursionError):
        return _DECODER.decode(text)
    return parse(text, _DECODER, _make_object)


def _as_text(body: bytes) -> str:
    return body.decode(json.detect_encoding(body), "surrogatepass")


_PLAIN = frozenset({str, int, float, bool, type(None)})


def as_utf8(text: str) -> str:
    """Return a text that UTF-8 can encode: a lone surrogate becomes its JSON escape."""
    return text.encode(errors="backslashreplace").decode()


def json_text(value: object) -> str:
    """Return a value as JSON text, with every number and character as it was read."""
    if _is_plain(value):
        with suppress(RecursionError):
            return as_utf8(json.dumps(value, ensure_ascii=False))
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
            inner = [
                part
                for key in item
                for entry in _values(item[key])
                for part in (b", ", key, b": ", entry)
            ]
            stack.extend([b"}", *reversed(inner[1:]), b"{"])
        else:
            parts.append(json.dumps(item, ensure_ascii=False))
    return as_utf8("".join(parts))


def _is_plain(value: object) -> bool:
    """Return whether Python's own encoder writes a value as it was read."""
    found: list[Any] = [value]
    for item in found:
        kind = type(item)
        if kind is dict:
            found.extend(item.values())
        elif kind is list:
            found.extend(item)
        elif kind not in _PLAIN:
            return False
    return True


def _values(item: object) -> Sequence[Any]:
    return item.values if isinstance(item, RepeatedField) else (item,)
