"""TODO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["ATTRS", "both_kept", "spent_on"]


def spent_on(facts: Mapping[str, Any]) -> int:
    """Return the credits that a call has spent, which are none for what was kept."""
    kept = facts["from_cache"]
    spent: int = kept["credits"] if kept else facts["credits"]
    return spent


def both_kept(listed: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any] | bool:
    """Say what of a list and its details was kept."""
    if not listed["from_cache"] and not details["from_cache"]:
        return False
    return {
        "list": listed["from_cache"],
        "details": details["from_cache"],
        "credits": spent_on(listed) + spent_on(details),
    }


ATTRS = "sectorsdf"
"""The entry of `DataFrame.attrs` that holds the provenance."""
