"""Compare commodity and province of a licence with those of the company that it is linked to.

This module owns which differences count. It must not change a link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from sectorsdf.places import province_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["contradictions"]

# The list of companies names the metal, the register the ore.
_SAME_COMMODITY: Final = {
    "bauxite": "aluminium",
    "zinc": "zinc and lead",
    "lead": "zinc and lead",
    "zinc & lead": "zinc and lead",
}
_UNSPECIFIC: Final = frozenset({"others"})
# Head offices are in the capital, where no licence is.
_HEAD_OFFICE: Final = frozenset({"DKI Jakarta"})
# Provinces that were divided in 2022 (Laws 14 to 16 and 29 of 2022): a company's place can still be
# in the undivided one.
_DIVIDED: Final = {
    "Papua Selatan": "Papua",
    "Papua Tengah": "Papua",
    "Papua Pegunungan": "Papua",
    "Papua Barat Daya": "Papua Barat",
}


def contradictions(rows: pd.DataFrame) -> pd.Series:
    """Return the contradictions between each licence and its company, as text.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``commodity_type`` and ``province`` of the licence, ``commodity_types`` and
        ``operation_province`` of the company; where one of a pair is missing, nothing is compared.

    Returns
    -------
    pandas.Series
        For example "commodity: Limestone, the company has Nickel"; missing if nothing differs.
    """
    commodity = _differences(
        rows["commodity_type"], rows["commodity_types"], "commodity", _commodity, _commodities
    )
    province = _differences(
        rows["province"], rows["operation_province"], "province", _provinces, _provinces
    )
    joined = ["; ".join(filter(None, both)) for both in zip(commodity, province, strict=True)]
    return pd.Series([text or None for text in joined], rows.index, dtype="string")


def _differences(
    ours: pd.Series,
    theirs: pd.Series,
    what: str,
    read_ours: Callable[[str], set[str]],
    read_theirs: Callable[[str], set[str]],
) -> list[str | None]:
    """Return for each row what the licence and the company have, if nothing of it is the same."""
    pairs = pd.DataFrame({"ours": ours, "theirs": theirs}).dropna().drop_duplicates()
    found: dict[tuple[str, str], str] = {}
    for mine, yours in zip(pairs["ours"], pairs["theirs"], strict=True):
        wanted, known = read_ours(mine), read_theirs(yours)
        if wanted and known and not wanted & known:
            found[mine, yours] = f"{what}: {mine}, the company has {yours}"
    return [found.get(pair) for pair in zip(ours, theirs, strict=True)]


def _commodity(text: str) -> set[str]:
    # One commodity of a licence can contain commas: "Sand, Stone, Gravel".
    name = text.casefold()
    return {_SAME_COMMODITY.get(name, name)} - _UNSPECIFIC


def _commodities(text: str) -> set[str]:
    return {name for part in text.split(", ") for name in _commodity(part)}


def _provinces(text: str) -> set[str]:
    known = {province_name(name) or name.strip() for name in text.split(",")}
    known |= {_DIVIDED[name] for name in known & _DIVIDED.keys()}
    return known - _HEAD_OFFICE
