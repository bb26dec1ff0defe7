"""What an answer's body says: pages of a list, or one addressed record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorsdf.datasets.schema import PAGE_SIZE
from sectorsdf.frames.lossless_json import decode_json
from sectorsdf.paging.page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parse_page", "parse_record"]


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
    facts: dict[str, Any] = {}
    if isinstance(content, dict):
        facts = content.get("pagination") or {}
        content = content.get("results")
        if not isinstance(facts, dict) or _whole(facts.get("total_count")) is None:
            message = "the envelope tells no total_count"
            raise ValueError(message)
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        message = "neither an envelope with results nor a list of records"
        raise ValueError(message)
    more = facts.get("has_next")
    return Page(
        content,
        _whole(facts.get("total_count")),
        _whole(facts.get("limit")) or PAGE_SIZE,
        more if isinstance(more, bool) else None,
    )


def parse_record(body: bytes) -> Mapping[str, Any]:
    """Read one addressed record.

    Raises
    ------
    ValueError
        If it is not an object.
    """
    content = decode_json(body)
    if not isinstance(content, dict) or not content:
        message = "not a record"
        raise ValueError(message)
    return content
