"""Read and write deep JSON, for which the functions of Python raise RecursionError.

Imports nothing of the package.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["canonical", "dumps", "loads", "parse"]

_BLANK = re.compile(r"[ \t\n\r]*")
_CLOSING = {"[": "]", "{": "}"}
# No value is as deep, and each level takes a hundred bytes.
_MAX_DEPTH = 100_000


def loads(text: str) -> Any:  # noqa: ANN401
    """Parse a JSON text, also a deep one."""
    with suppress(RecursionError):
        return json.loads(text)
    return parse(text, json.JSONDecoder(), dict)


def dumps(value: object, *, ensure_ascii: bool = True) -> str:
    """Return a value as JSON text, also a deep one."""
    with suppress(RecursionError):
        return json.dumps(value, ensure_ascii=ensure_ascii)
    return _write(value, lambda item: json.dumps(item, ensure_ascii=ensure_ascii))


def canonical(value: object) -> str:
    """Return a value as JSON text that depends neither on its depth nor on the order of fields."""
    with suppress(RecursionError):
        return _encode(value)
    return _write(value, _encode, comma=b",", colon=b":", sort=True)


_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def _write(
    value: object,
    encode: Callable[[object], str],
    *,
    comma: bytes = b", ",
    colon: bytes = b": ",
    sort: bool = False,
) -> str:
    parts: list[str] = []
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        inner: list[Any]
        if isinstance(item, bytes):  # punctuation, because no JSON value is bytes
            parts.append(item.decode())
        elif isinstance(item, list | tuple):
            inner = [part for entry in item for part in (comma, entry)]
            stack.extend([b"]", *reversed(inner[1:]), b"["])
        elif isinstance(item, dict):
            keys = sorted(item) if sort else item
            inner = [part for key in keys for part in (comma, key, colon, item[key])]
            stack.extend([b"}", *reversed(inner[1:]), b"{"])
        else:
            parts.append(encode(item))
    return "".join(parts)


class _Container:
    """A list or an object whose closing bracket has not been read."""

    __slots__ = ("closing", "items", "key")

    def __init__(self, opening: str) -> None:
        self.closing = _CLOSING[opening]
        self.items: list[Any] = []
        self.key = ""

    def add(self, value: object) -> None:
        self.items.append((self.key, value) if self.closing == "}" else value)


def parse(
    text: str,
    decoder: json.JSONDecoder,
    make_object: Callable[[Sequence[tuple[str, Any]]], Any],
) -> Any:  # noqa: ANN401
    """Parse a JSON text of up to 100,000 levels, without recursion.

    Parameters
    ----------
    text : str
        The text.
    decoder : json.JSONDecoder
        Parses the texts and numbers.
    make_object : callable
        Makes an object of its pairs of key and value.

    Raises
    ------
    json.JSONDecodeError
        It is not JSON, or is deeper.
    """
    open_ones: list[_Container] = []
    at = _skip(text, 0)
    while True:
        # A value starts here.
        if text[at : at + 1] in _CLOSING:
            if len(open_ones) == _MAX_DEPTH:
                message = f"Nested more deeply than {_MAX_DEPTH:,} levels"
                raise json.JSONDecodeError(message, text, at)
            container = _Container(text[at])
            open_ones.append(container)
            at = _skip(text, at + 1)
            if text[at : at + 1] != container.closing:
                at = _read_key(text, at, container)
                continue
        else:
            value, at = decoder.raw_decode(text, at)
            at = _skip(text, at)
            if not open_ones:
                break
            open_ones[-1].add(value)
        # A value or an empty container has been read, so a comma or a closing bracket follows.
        while open_ones and text[at : at + 1] == open_ones[-1].closing:
            closed = open_ones.pop()
            value = make_object(closed.items) if closed.closing == "}" else closed.items
            at = _skip(text, at + 1)
            if open_ones:
                open_ones[-1].add(value)
        if not open_ones:
            break
        if text[at : at + 1] != ",":
            message = "Expecting ',' delimiter"
            raise json.JSONDecodeError(message, text, at)
        at = _read_key(text, _skip(text, at + 1), open_ones[-1])
    if at != len(text):
        message = "Extra data"
        raise json.JSONDecodeError(message, text, at)
    return value


def _skip(text: str, at: int) -> int:
    """Return the position after white space."""
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


def _read_key(text: str, at: int, container: _Container) -> int:
    """Read the key of an object's next member, and return where its value starts."""
    if container.closing == "]":
        return at
    if text[at : at + 1] != '"':
        message = "Expecting property name enclosed in double quotes"
        raise json.JSONDecodeError(message, text, at)
    container.key, at = json.decoder.scanstring(text, at + 1)  # type: ignore[attr-defined]
    at = _skip(text, at)
    if text[at : at + 1] != ":":
        message = "Expecting ':' delimiter"
        raise json.JSONDecodeError(message, text, at)
    return _skip(text, at + 1)
