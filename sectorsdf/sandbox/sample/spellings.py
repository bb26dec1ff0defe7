"""Spell the holders of a few licences differently from the list of companies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorsdf.sandbox.records import Record

__all__ = ["respell_holders"]

# How many licences get such a name. In a smaller sample they would outnumber the others.
_RESPELLED = 12
_FEWEST_LICENSES = 400
# Each takes a name without its form.
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda stem: f"PT. {stem}",
    lambda stem: f"{stem}, PT",
    lambda stem: f"PT {stem}".upper(),
    lambda stem: f"PT  {stem.replace(' ', '  ')}",
    lambda stem: f"PT {stem} Tbk.",
    lambda stem: f"P.T. {stem}",
)


def respell_holders(records: Sequence[Record]) -> None:
    """Give a few licences to companies of the list, under other spellings and without a slug.

    Parameters
    ----------
    records : sequence of dict
        The licences, which are changed in place.
    """
    if len(records) < _FEWEST_LICENSES:
        return
    holders = {
        row["company_name"]: row
        for row in records
        if row["company_slug"] is not None and _is_plain(row["company_name"])
    }
    others = [
        row for row in records if row["company_slug"] is None and _is_plain(row["company_name"])
    ]
    step = max(1, len(holders) // _RESPELLED)
    for number, (name, holder) in enumerate([*holders.items()][::step][:_RESPELLED]):
        same = (row for row in others if row["commodity_type"] == holder["commodity_type"])
        chosen = next(same, None)
        if chosen is not None:
            others.remove(chosen)
            spelling = _SPELLINGS[number % len(_SPELLINGS)]
            chosen["company_name"] = spelling(name.removeprefix("PT "))


def _is_plain(name: str) -> bool:
    return name.startswith("PT ") and not name.endswith(" Tbk")
