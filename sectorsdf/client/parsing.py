"""Read the body of an answer: a page of a list, or one addressed record.

This module owns the shapes of the API's answers. It must not import a module that fetches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorsdf.datasets.schema import PAGE_SIZE
from sectorsdf.frames.lossless_json import decode_json
from sectorsdf.paging.page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parse_array", "parse_object", "parse_page", "parse_record"]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def parse_page(body: bytes) -> Page:
    """Read one page: an envelope of `results` and `pagination`, or a bare list.

    Raises
    ------
    ValueError
        If it is neither.
    """
    content = decode_json(body)
    pagination: dict[str, Any] = {}
    if isinstance(content, dict):
        pagination = content.get("pagination") or {}
        content = content.get("results")
        if not isinstance(pagination, dict) or "total_count" not in pagination:
            message = "the envelope has no total_count"
            raise ValueError(message)
        if _whole(pagination["total_count"]) is None:
            message = f"total_count is {pagination['total_count']!r:.40}, not a whole number from 0"
            raise ValueError(message)
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        message = "neither an envelope with results nor a list of records"
        raise ValueError(message)
    has_next = pagination.get("has_next")
    # A limit that is too high or too low would plan too few or too many pages.
    limit = min(_whole(pagination.get("limit")) or PAGE_SIZE, PAGE_SIZE)
    return Page(
        content,
        _whole(pagination.get("total_count")),
        max(limit, len(content)) if pagination else limit,
        has_next if isinstance(has_next, bool) else None,
        offset=_whole(pagination.get("offset")),
    )


def parse_record(body: bytes) -> Mapping[str, Any]:
    """Read one addressed record.

    Raises
    ------
    ValueError
        If it is not an object with fields.
    """
    content = decode_json(body)
    if not isinstance(content, dict) or not content:
        message = "not a record"
        raise ValueError(message)
    return content


def parse_object(body: bytes) -> Mapping[str, Any]:
    """Read an answer that is one JSON object with all of its rows; it may have none.

    Raises
    ------
    ValueError
        If it is not an object.
    """
    content = decode_json(body)
    if not isinstance(content, dict):
        message = "not an object"
        raise ValueError(message)
    return content


def parse_array(body: bytes) -> list[Any]:
    """Read an answer that is one JSON array with all of its rows.

    Raises
    ------
    ValueError
        If it is not an array.
    """
    content = decode_json(body)
    if not isinstance(content, list):
        message = "not a list of rows"
        raise ValueError(message)
    return content
