"""State the longest terms and the largest areas that the mining law allows.

Source: Law 4/2009 on Mineral and Coal Mining as amended by Law 3/2020, and Government Regulation
(GR) 96/2021. This module owns the caps and their articles. Later amendments are not in it, and
docs/checks.md says which figures were compared with another text.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import pandas as pd

__all__ = ["CAPS", "IN_FORCE", "Cap", "class_of"]

IN_FORCE: Final = pd.Timestamp(2009, 1, 12)
"""The first day of Law 4/2009. Its caps do not apply to what was granted before."""


class Cap(NamedTuple):
    """The caps of one kind of licence; None where the law has no number.

    Attributes
    ----------
    years : int
        The longest first term, without extensions.
    hectares : float or None
        The largest area.
    years_article, area_article : str
        Where the caps are stated; articles are those of Law 4/2009 as amended.
    note : str
        Which licences may run for other terms.
    """

    years: int
    hectares: float | None
    years_article: str
    area_article: str
    note: str = ""


_EXPLORATION: Final = "Eksplorasi"
_PRODUCTION: Final = "Operasi Produksi"
_INTEGRATED: Final = "30 years are for mines with processing of their own"
CAPS: Final[dict[tuple[str, str, str], Cap]] = {
    ("IUP", _EXPLORATION, "metal"): Cap(8, 100_000, "Art. 42", "Art. 52"),
    ("IUP", _EXPLORATION, "coal"): Cap(7, 50_000, "Art. 42", "Art. 61"),
    ("IUP", _EXPLORATION, "non-metal"): Cap(
        7, 25_000, "Art. 42", "Art. 55", "7 years are for certain non-metals, others have 3"
    ),
    ("IUP", _EXPLORATION, "rock"): Cap(3, 5_000, "Art. 42", "Art. 58"),
    ("IUP", _PRODUCTION, "metal"): Cap(20, 25_000, "Art. 47", "Art. 53", _INTEGRATED),
    ("IUP", _PRODUCTION, "coal"): Cap(20, 15_000, "Art. 47", "Art. 62", _INTEGRATED),
    ("IUP", _PRODUCTION, "non-metal"): Cap(
        20, 5_000, "Art. 47", "Art. 56", "20 years are for certain non-metals, others have 10"
    ),
    ("IUP", _PRODUCTION, "rock"): Cap(5, 1_000, "Art. 47", "Art. 59"),
    ("IUPK", _EXPLORATION, "metal"): Cap(8, 100_000, "Art. 83", "Art. 83"),
    ("IUPK", _EXPLORATION, "coal"): Cap(7, 50_000, "Art. 83", "Art. 83"),
    # The minister decides on the area of an IUPK in production.
    ("IUPK", _PRODUCTION, "metal"): Cap(20, None, "Art. 83", "Art. 83", _INTEGRATED),
    ("IUPK", _PRODUCTION, "coal"): Cap(20, None, "Art. 83", "Art. 83", _INTEGRATED),
    # 10 ha are for cooperatives; a person may have 5 ha, but holders are not distinguished here.
    ("IPR", "", ""): Cap(10, 10, "Art. 68", "Art. 68"),
    ("SIPB", "", ""): Cap(3, 50, "GR 96/2021, ch. VIII", "Art. 86A to 86H"),
}
"""The caps by type of licence, stage and class of commodity. IPR and SIPB have one each."""

_CLASSES: Final = {
    "Coal": "coal",
    **dict.fromkeys(("Bauxite", "Copper", "Gold", "Iron", "Nickel", "Tin"), "metal"),
}
# The terms in the register support that 5 is rock: of the licences with it, 200 of 221 in
# exploration have at most 3 years, and 738 of 833 in production at most 5. They do not tell whether
# 4 is the non-metals in general and 6 the "certain" ones, to which the law allows longer terms, so
# both have the longer ones.
_GROUPS: Final = {"4": "non-metal", "5": "rock", "6": "non-metal"}


def class_of(commodity: pd.Series, group: pd.Series) -> pd.Series:
    """Return the class of each licence in the law; missing where it is not known.

    Parameters
    ----------
    commodity : Series of str
        The commodity of the register. It decides about metals and coal.
    group : Series of str
        Digit 7 of the WIUP code. It decides about the others, of which the register has one name
        for what the law divides.
    """
    named = commodity.map(_CLASSES).astype("string")
    grouped = group.map(_GROUPS).astype("string").where(commodity != "Others")
    return named.fillna(grouped)
