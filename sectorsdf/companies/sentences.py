"""Describe in one sentence which licences the production of a listed company depends on.

This module owns the words for a row of `license_cover`. It computes no figure.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import pandas as pd

from sectorsdf.analysis.days import day_of
from sectorsdf.companies.cover import COVER_COLUMNS
from sectorsdf.companies.cover_licenses import HORIZONS
from sectorsdf.companies.inputs import require_columns

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from datetime import date
    from typing import Any

__all__ = ["cover_sentences"]

_SUFFIX: Final = ".JK"
# How reasons begin that are about other figures than the production.
_OTHER_REASONS: Final = ("no ", "licences without ", "resources ")
# Below this share of what the listed company reports, the sentence says so.
_NEARLY_ALL: Final = 0.95


def cover_sentences(cover: pd.DataFrame, *, as_of: date | str, months: int = 36) -> pd.Series:
    r"""Return a sentence about each row of a cover, for a person to quote.

    Parameters
    ----------
    cover : pandas.DataFrame
        The cover, as `license_cover` returns it.
    as_of : date or str
        The day of the cover.
    months : {36, 24, 12}
        How many months ahead the sentence looks.

    Returns
    -------
    pandas.Series of str
        One sentence for each row, with the index of `cover`: which part of the attributable
        production is under licences that end within that time, in what year the production was
        reported, and how many of the producing companies have a licence linked. Where the part lies
        between two bounds, it names both. Where a figure is missing, it says so. Where the
        companies report less than 95 % of what the listed company reports itself, it says how much.

    Raises
    ------
    ConfigurationError
        `cover` lacks a column.
    TypeError
        `cover` is no DataFrame.
    ValueError
        `as_of` is no date, or the cover has no figures for the months.

    See Also
    --------
    license_cover

    Notes
    -----
    No request is made, and no credit is spent.

    Examples
    --------
    >>> import pandas as pd
    >>> from sectorsdf.companies import cover_sentences, license_cover, link_companies
    >>> licenses = pd.DataFrame(
    ...     {
    ...         "wiup_code": ["1", "2"],
    ...         "company_name": ["PT Contoh Tbk", "PT Contoh Tbk"],
    ...         "company_slug": "pt-contoh-tbk",
    ...         "commodity_type": "Coal",
    ...         "activity": "Operasi Produksi",
    ...         "license_expiry_date": pd.to_datetime(["2027-06-30", "2040-06-30"]),
    ...         "licensed_area_ha": [3000.0, 1000.0],
    ...         "cnc": "CNC",
    ...     }
    ... )
    >>> companies = pd.DataFrame(
    ...     {"slug": ["pt-contoh-tbk"], "name": ["PT Contoh Tbk"], "symbol": ["CQAA.JK"]}
    ... )
    >>> performance = pd.DataFrame(
    ...     {"slug": ["pt-contoh-tbk"], "year": [2025], "commodity_type": ["Coal"]}
    ... ).assign(production_volume=[5.0], unit="Mt")
    >>> links = link_companies(licenses, companies)
    >>> cover = license_cover(licenses, links, performance, as_of="2026-01-01")
    >>> sentence = cover_sentences(cover, as_of="2026-01-01").iloc[0]
    >>> print(sentence.replace(" is under", "\nis under"))
    Between 0 % and 100 % of CQAA's attributable coal production (5 Mt in 2025)
    is under licences that end before 2029; 1 of 1 producing companies linked.
    """
    frame = require_columns(cover, list(COVER_COLUMNS), "cover", "license_cover")
    if months not in HORIZONS:
        message = f"months={months!r}: a cover has figures for {', '.join(map(str, HORIZONS))}."
        raise ValueError(message)
    end = day_of(as_of) + pd.DateOffset(months=months)
    before = f"{end:%Y}" if (end.month, end.day) == (1, 1) else f"{end:%Y-%m-%d}"
    plain = frame.astype("object").where(frame.notna(), None)
    sentences = [
        _Row(row, f"licences that end before {before}", months).sentence()
        for row in plain.to_dict("records")
    ]
    return pd.Series(sentences, index=frame.index, dtype="string", name="sentence")


class _Row:
    """The words for one row of a cover."""

    def __init__(self, row: Mapping[Hashable, Any], licences: str, months: int) -> None:
        self._row = row
        self._licences = licences
        self._months = months
        self._who = str(row["symbol"]).removesuffix(_SUFFIX)
        commodity = str(row["commodity_type"]).lower()
        self._commodity = "other mineral" if commodity == "others" else commodity

    def sentence(self) -> str:
        """Return the sentence."""
        year = self._row["production_year"]
        if year is None:
            what = f"No {self._commodity} production is reported for {self._who}"
            return f"{what}; {self._area()}."
        volume = self._row["attributable_production"]
        if volume is None:
            what = f"{self._who}'s attributable {self._commodity} production of {year}"
            return f"{what} cannot be stated: {self._reason()}; {self._linked()}."
        amount = f"{_number(volume)} {self._row['production_unit']} in {year}"
        production = f"{self._who}'s attributable {self._commodity} production ({amount})"
        part = self._part()
        if part is None:
            how_much = f"How much of {production} is under {self._licences} is not known"
            return f"{how_much}; {self._linked()}."
        return f"{part} of {production} is under {self._licences}; {self._linked()}."

    def _reason(self) -> str:
        """Return why the production is missing, without the reasons of other figures."""
        reasons = str(self._row["reason_missing"] or "").split("; ")
        return "; ".join(text for text in reasons if not text.startswith(_OTHER_REASONS))

    def _part(self) -> str | None:
        bounds = [self._row[f"production_share_{self._months}m_{name}"] for name in ("min", "max")]
        low, high = (None if bound is None else _percent(bound) for bound in bounds)
        if low is None or high is None:
            return None
        return low if low == high else f"Between {low} and {high}"

    def _area(self) -> str:
        count = self._row["licenses"]
        if not count:
            return "no licence is linked"
        licences = "its linked licence" if count == 1 else f"its {count:,} linked licences"
        area, share = (
            self._row[name] for name in ("attributable_hectares", f"hectares_share_{self._months}m")
        )
        if area is None or share is None:
            return f"which part of the area of {licences} ends when is not known"
        hectares = f"{_number(area)} ha by share"
        return f"{_percent(share)} of the area of {licences} ({hectares}) is under {self._licences}"

    def _linked(self) -> str:
        linked, every = self._row["linked_subsidiaries"], self._row["producing_subsidiaries"]
        text = f"{linked} of {every} producing companies linked"
        share = self._row["reported_share"]
        if share is not None and share < _NEARLY_ALL:
            # Mines that report nothing of their own are in the figure of the listed company only.
            text += f"; these companies report {_percent(share)} of what {self._who} reports itself"
        return text


def _percent(share: float) -> str:
    """Return a share in whole percent; only nothing is 0 %, and only all is 100 %."""
    if math.isclose(share, 0.0, abs_tol=1e-9):
        return "0 %"
    if math.isclose(share, 1.0, abs_tol=1e-9):
        return "100 %"
    rounded = round(100 * share)
    if rounded == 0:
        return "less than 1 %"
    return "more than 99 %" if rounded == 100 else f"{rounded} %"


def _number(value: float) -> str:
    """Return a number with three significant digits, or, from 1,000 on, without decimals."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
