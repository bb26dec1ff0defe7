"""Read the body of a response: in pieces, up to a size limit, compressed or not.

Owns the limit and the decompression, so that a small body that unpacks to gigabytes never gets into
memory. Sends nothing, and does not look at what the body says.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import requests

__all__ = ["ACCEPTED_ENCODINGS", "BodyError", "read_body"]


ACCEPTED_ENCODINGS = "gzip, deflate"
_PIECE = 64 * 1024
_GZIP, _ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_MEMBER = b"\x1f"
_WINDOW_BITS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


class BodyError(ValueError):
    """A body that cannot be used.

    Attributes
    ----------
    permanent : bool
        Whether the same request would get such a body again.
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


def read_body(
    received: requests.Response, limit: int, parts: list[bytes], *, whole: bool = True
) -> None:
    """Read a body and append its pieces; if it fails, the pieces before that are there.

    Parameters
    ----------
    received : requests.Response
        A response whose body has not been read.
    limit : int
        The most bytes, both as sent and unpacked.
    parts : list of bytes
        Where the pieces go.
    whole : bool
        Whether only the whole body is of use, so that a larger one need not be read at all.

    Raises
    ------
    BodyError
        The body is larger, or its encoding is damaged or unknown.
    """
    size = received.headers.get("Content-Length", "")
    if whole and size.isascii() and size.isdigit() and (len(size) > 18 or int(size) > limit):
        raise _too_large(limit)
    named = received.headers.get("Content-Encoding", "").lower().split(",")
    encodings = [name for entry in named if (name := entry.strip()) not in {"", "identity"}]
    pieces = _limited(received.raw.stream(_PIECE, decode_content=False), limit)
    if encodings:
        if len(encodings) > 1 or encodings[0] not in _WINDOW_BITS:
            message = "its encoding is none of those that were asked for"
            raise BodyError(message, permanent=True)
        pieces = _limited(_unpacked(pieces, _WINDOW_BITS[encodings[0]]), limit)
    parts.extend(pieces)


def _too_large(limit: int) -> BodyError:
    return BodyError(
        f"it is larger than {limit / 1e6:g} MB, the limit that max_body_bytes sets", permanent=True
    )


def _limited(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        yield piece


def _unpacked(pieces: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
    """Yield the unpacked bytes, a limited number at a time."""
    inflater = zlib.decompressobj(window_bits)
    fresh, ended = True, False
    try:
        for piece in pieces:
            data = piece
            while data and not ended:
                if inflater.eof:
                    # A gzip body may have several members, and anything after the last one.
                    inflater = zlib.decompressobj(window_bits)
                    ended = not data.startswith(_MEMBER)
                    continue
                try:
                    unpacked = inflater.decompress(data, _PIECE)
                except zlib.error:
                    if not fresh or window_bits != _ZLIB:
                        raise
                    # Some servers send "deflate" without the header of zlib.
                    inflater = zlib.decompressobj(_BARE)
                    unpacked = inflater.decompress(data, _PIECE)
                fresh = False
                yield unpacked
                data = inflater.unconsumed_tail or inflater.unused_data
        yield inflater.flush()
    except zlib.error:
        raise BodyError("the compressed body is damaged", permanent=False) from None
    if not (inflater.eof or fresh or ended):
        raise BodyError("the compressed body is damaged", permanent=False)
