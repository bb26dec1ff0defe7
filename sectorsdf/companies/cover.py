"""Relate the production of listed companies to licences, their ends, and reserves.

This module owns the frame of the cover. `cover_production` and `cover_licenses` do the arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from sectorsdf.analysis.days import day_of
from sectorsdf.companies.cover_licenses import (
    HORIZONS,
    ends_of_companies,
    licenses_of_groups,
    linked_licenses,
)
from sectorsdf.companies.cover_production import (
    GROUP,
    joined_by,
    production_of_companies,
    production_of_groups,
    sums_by,
    years_of_reserves,
)
from sectorsdf.companies.inputs import edges_of, require_columns, symbols_of, texts
from sectorsdf.companies.ownership import owned_by

if TYPE_CHECKING:
    from datetime import date

__all__ = ["COVER_COLUMNS", "license_cover"]

COVER_COLUMNS: Final = {
    "symbol": "string",
    "listed_slug": "string",
    "commodity_type": "string",
    "production_year": "Int64",
    "attributable_production": "float64",
    "reported_production": "float64",
    "production_unit": "string",
    "reported_share": "float64",
    "producing_subsidiaries": "Int64",
    "linked_subsidiaries": "Int64",
    "coverage": "float64",
    "linked_production_share": "float64",
    "licenses": "Int64",
    "hectares": "float64",
    "attributable_hectares": "float64",
    "expired_but_listed": "Int64",
    "area_weighted_years": "float64",
    "production_weighted_years_min": "float64",
    "production_weighted_years_max": "float64",
    **{f"hectares_share_{months}m": "float64" for months in HORIZONS},
    **{
        f"production_share_{months}m_{bound}": "float64"
        for months in HORIZONS
        for bound in ("min", "max")
    },
    "not_cnc_share": "float64",
    "attributable_reserves": "float64",
    "reserves_companies": "Int64",
    "estimate_year": "Int64",
    "reserves_years": "float64",
    "reason_missing": "string",
}
"""The columns of the cover, with their dtypes."""


def license_cover(
    licenses: pd.DataFrame,
    links: pd.DataFrame,
    performance: pd.DataFrame,
    *,
    as_of: date | str,
    ownership: pd.DataFrame | None = None,
    resources: pd.DataFrame | None = None,
    companies: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the licences behind the production of listed companies, and when they end.

    Parameters
    ----------
    licenses : pandas.DataFrame
        The register, as `get_mining_licenses` returns it.
    links : pandas.DataFrame
        The links of these licences, in their order, as `link_companies` returns them.
    performance : pandas.DataFrame
        Production of companies, as `get_mining_company_performance` returns it.
    as_of : date or str
        The day from which years and months are counted, such as "2025-08-31".
    ownership : pandas.DataFrame, optional
        Edges, as `get_mining_company_ownership` returns them. With them, every listed owner has its
        part of each company. Without them, only the nearest listed owner in `links` has a part, and
        only the companies that hold a licence are known to belong to it.
    resources : pandas.DataFrame, optional
        Reserves of companies, as `get_mining_company_resources` returns them.
    companies : pandas.DataFrame, optional
        The list, as `get_mining_companies` returns it. With it, the cover also includes a listed
        company that reports production but neither holds a linked licence nor is in `ownership`.

    Returns
    -------
    pandas.DataFrame
        One row for each listed company and commodity that it produces or has a licence for, sorted
        by symbol and commodity. A licence of a company with several listed owners counts for each
        by its share, and its ``licenses`` and ``hectares`` count in full, so do not add figures
        across symbols. Columns:

        symbol, listed_slug, commodity_type (text)
            The listed company and the commodity, as in licences and performance.
        production_year (Int64)
            The latest year in which the group reports production.
        attributable_production, production_unit (float64, text)
            The production of the operating companies in that year, each by the effective share of
            the listed company. A company operates if it reports production and no company below it
            does, because a holding reports what its mines report, too. If only the listed company
            reports, its own figure counts in full, with what others hold of its mines.
        reported_production (float64)
            What the listed company itself reports for that year, in the same unit: usually all that
            it consolidates, not by share.
        reported_share (float64)
            The production of the operating companies, in full, divided by reported_production.
            Below 1, some of them report nothing of their own.
        producing_subsidiaries, linked_subsidiaries (Int64)
            How many companies operate in that year, the listed company itself included if it does;
            how many of them have a production licence for the commodity linked.
        coverage (float64, 0 to 1)
            The second of these numbers divided by the first.
        linked_production_share (float64, 0 to 1)
            The part of attributable_production that comes from linked companies.
        licenses, hectares (Int64, float64 in ha)
            All linked licences for the commodity, exploration included, and their whole area.
        attributable_hectares (float64, ha)
            The area by effective share. It is the weight of the following columns about area.
        expired_but_listed (Int64)
            Licences whose last day is before `as_of`.
        area_weighted_years (float64, years)
            Mean remaining years, weighted with attributable hectares; an expired licence has 0.
        production_weighted_years_min, production_weighted_years_max (float64, years)
            Mean remaining years of the linked companies, weighted with attributable production:
            with the licence of each company that ends first, and with the one that ends last.
        hectares_share_12m, hectares_share_24m, hectares_share_36m (float64, 0 to 1)
            The part of the attributable hectares under licences that end within so many months,
            expired ones included.
        production_share_12m_min, production_share_12m_max, and 24m, 36m (float64, 0 to 1)
            The part of the attributable production under licences that end within so many months.
            ``min`` counts the companies whose licences all end within that time, ``max`` every
            company except those whose licences are known and all end later. The truth is between
            the two, because the data do not say what a company mines under which of its licences.
            If they are equal, the share is known.
        not_cnc_share (float64, 0 to 1)
            The part of the attributable hectares that is not Clear and Clean, among the licences
            that have a status.
        attributable_reserves, reserves_companies (float64 in production_unit, Int64)
            Reserves by effective share of the companies that have both reserves and production in
            the unit, and their number. Coal in tonnes, gold and silver as contained metal.
        estimate_year, reserves_years (Int64, float64 in years)
            The oldest year of these estimates, and the reserves divided by the production of the
            same companies.
        reason_missing (text)
            Why a figure is missing.

    Raises
    ------
    ConfigurationError
        A frame lacks a column, or `links` has other rows than `licenses`.
    TypeError
        An argument is no DataFrame.
    ValueError
        `as_of` is no date.

    See Also
    --------
    cover_sentences, link_companies, owned_by

    Notes
    -----
    No request is made, and no credit is spent. Figures in different units are never added or
    compared, and nothing is estimated: a figure that the data do not give is missing. ``attrs`` has
    the provenance of `licenses`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sectorsdf.companies import license_cover, link_companies
    >>> licenses = pd.DataFrame(
    ...     {
    ...         "wiup_code": ["1", "2"],
    ...         "company_name": ["PT Contoh Bara", "PT Contoh Batu"],
    ...         "company_slug": ["pt-contoh-bara", "pt-contoh-batu"],
    ...         "commodity_type": "Coal",
    ...         "activity": "Operasi Produksi",
    ...         "license_expiry_date": pd.to_datetime(["2027-06-30", "2040-06-30"]),
    ...         "licensed_area_ha": [3000.0, 1000.0],
    ...         "cnc": "CNC",
    ...     }
    ... )
    >>> companies = pd.DataFrame(
    ...     {
    ...         "slug": ["pt-contoh-bara", "pt-contoh-batu", "pt-contoh-tbk"],
    ...         "name": ["PT Contoh Bara", "PT Contoh Batu", "PT Contoh Tbk"],
    ...         "symbol": [None, None, "CQAA.JK"],
    ...     }
    ... )
    >>> ownership = pd.DataFrame(
    ...     [("pt-contoh-tbk", "pt-contoh-bara", 60.0), ("pt-contoh-tbk", "pt-contoh-batu", 100.0)],
    ...     columns=["parent_slug", "child_slug", "percentage_ownership"],
    ... )
    >>> performance = pd.DataFrame(
    ...     {"slug": ["pt-contoh-bara", "pt-contoh-batu"], "year": 2025, "commodity_type": "Coal"}
    ... ).assign(production_volume=[5.0, 1.0], unit="Mt")
    >>> links = link_companies(licenses, companies, ownership)
    >>> cover = license_cover(
    ...     licenses, links, performance, as_of="2026-06-30", ownership=ownership
    ... )
    >>> row = cover.iloc[0]
    >>> print(row["symbol"], row["attributable_production"], row["production_unit"])
    CQAA.JK 4.0 Mt
    >>> print(row["production_share_24m_min"], row["production_share_24m_max"], row["coverage"])
    0.75 0.75 1.0
    """
    day = day_of(as_of)
    register = linked_licenses(licenses, links, day)
    production = production_of_companies(performance)
    holdings = _holdings(links, ownership, companies)
    below = _below(production, holdings, ownership)
    groups = production_of_groups(holdings, production, below)
    operators = groups[groups["is_operator"]]
    cover = _production(operators, ends_of_companies(register))
    cover = cover.join(_reported(groups), how="left")
    cover = cover.join(licenses_of_groups(holdings, register), how="outer")
    if resources is not None:
        cover = cover.join(years_of_reserves(operators, resources))
    finished = _finish(cover, holdings, has_resources=resources is not None)
    # As pandas does when frames are joined: the origin is that of the licences.
    finished.attrs = licenses.attrs.copy()
    return finished


def _holdings(
    links: pd.DataFrame, ownership: pd.DataFrame | None, companies: pd.DataFrame | None
) -> pd.DataFrame:
    """Return what each listed company owns, itself included, each company once."""
    known = links[["symbol", "listed_slug"]].astype("string").dropna()
    if companies is not None:
        needed = ("symbol", "slug")
        listed = require_columns(companies, needed, "companies", "get_mining_companies")
        listed = texts(listed, needed).rename(columns={"slug": "listed_slug"})
        known = pd.concat([known, listed.dropna()])
    if ownership is None:
        columns = {"company_slug": "slug"}
        owned = links[[*known.columns, "company_slug", "effective_pct"]].rename(columns=columns)
        owned = owned.astype({"slug": "string", "symbol": "string", "listed_slug": "string"})
        owned["why"] = pd.Series(pd.NA, owned.index, dtype="string")
        if "reason_missing" in links:
            owned["why"] = links["reason_missing"].astype("string")
        owned = owned.dropna(subset=["symbol", "listed_slug", "slug"])
    else:
        symbols = symbols_of(edges_of(ownership))["symbol"].dropna().reset_index()
        symbols = symbols.rename(columns={"slug": "listed_slug"})
        known = pd.concat([known, symbols[known.columns]])
        known = known.sort_values([*known.columns]).drop_duplicates("listed_slug")
        found = owned_by(known["listed_slug"].tolist(), ownership)
        columns = {"slug": "listed_slug", "owned_slug": "slug", "reason_missing": "why"}
        found = found[["slug", "owned_slug", "effective_pct", "reason_missing"]]
        owned = found.rename(columns=columns).merge(known, on="listed_slug")
    known = known.drop_duplicates("listed_slug")
    itself = known.assign(slug=known["listed_slug"], effective_pct=100.0)
    every = pd.concat([itself, owned]).drop_duplicates(["listed_slug", "slug"])
    every["effective_pct"] = every["effective_pct"].astype("Float64").astype("float64")
    return every.sort_values(["symbol", "listed_slug", "slug"], ignore_index=True)


def _below(
    production: pd.DataFrame, holdings: pd.DataFrame, ownership: pd.DataFrame | None
) -> set[tuple[str, str]]:
    """Return each owner among the producing companies, with each company below it."""
    if ownership is None:
        other = holdings[holdings["listed_slug"] != holdings["slug"]]
        return set(zip(other["listed_slug"], other["slug"], strict=True))
    owned = owned_by(production["slug"].unique().tolist(), ownership)
    return set(zip(owned["slug"], owned["owned_slug"], strict=True))


def _production(operators: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Return the production of each listed company and commodity, and what its licences do."""
    rows = operators.merge(ends, on=["slug", "commodity_type"], how="left")
    rows = rows.sort_values([*GROUP, "slug"], ignore_index=True)
    rows["part"] = rows["volume"] * rows["effective_pct"] / 100
    rows["linked"] = rows["years_max"].notna()
    rows["of_linked"] = rows["part"].where(rows["linked"], 0.0)
    for bound in ("min", "max"):
        rows[f"years_{bound}"] = rows["of_linked"] * rows[f"years_{bound}"].fillna(0.0)
    for months in HORIZONS:
        every = rows[f"all_{months}m"].astype("boolean").fillna(value=False).astype(bool)
        # A company without a link can be on either side.
        some = rows[f"any_{months}m"].astype("boolean").fillna(value=True).astype(bool)
        rows[f"min_{months}m"] = rows["part"].where(every, 0.0)
        rows[f"max_{months}m"] = rows["part"].where(some, 0.0)
    bounds = [f"{bound}_{months}m" for months in HORIZONS for bound in ("min", "max")]
    rows["no_figure"] = rows["reason"].fillna(rows["why"].where(rows["effective_pct"].isna()))
    rows["production_reason"] = rows["slug"] + ": " + rows["no_figure"]
    rows["production_unit"] = rows["unit"]
    found = rows.groupby(GROUP).agg(
        production_year=("year", "first"),
        producing_subsidiaries=("slug", "size"),
        linked_subsidiaries=("linked", "sum"),
    )
    found = found.join(joined_by(rows, GROUP, "production_unit", ", "))
    reasons = rows.dropna(subset="production_reason")
    found = found.join(joined_by(reasons, GROUP, "production_reason", "; "))
    found["production_reason"] = found["production_reason"].astype("string").fillna("")
    parts = ["part", "volume", "of_linked", "years_min", "years_max", *bounds]
    sums = sums_by(rows, GROUP, parts)
    several = found["production_unit"].str.contains(", ") & (found["production_reason"] == "")
    reason = "the companies report in several units (" + found["production_unit"] + ")"
    found["production_reason"] = found["production_reason"].mask(several, reason)
    usable = found["production_reason"] == ""
    found["production_unit"] = found["production_unit"].where(usable)
    total = sums["part"].where(usable & (sums["part"] > 0))
    linked = sums["of_linked"].where(usable & (sums["of_linked"] > 0))
    found["attributable_production"] = sums["part"].where(usable)
    found["whole_production"] = sums["volume"].where(usable)
    found["coverage"] = found["linked_subsidiaries"] / found["producing_subsidiaries"]
    found["linked_production_share"] = sums["of_linked"] / total
    for bound in ("min", "max"):
        found[f"production_weighted_years_{bound}"] = sums[f"years_{bound}"] / linked
    for months in HORIZONS:
        for bound in ("min", "max"):
            share = (sums[f"{bound}_{months}m"] / total).where(linked.notna())
            found[f"production_share_{months}m_{bound}"] = share
    return found


def _reported(groups: pd.DataFrame) -> pd.DataFrame:
    """Return what each listed company reports itself, with its unit."""
    own = groups[(groups["slug"] == groups["listed_slug"]) & groups["reason"].isna()]
    columns = {"volume": "reported_production", "unit": "reported_unit"}
    return own.set_index(GROUP)[list(columns)].rename(columns=columns)


def _finish(cover: pd.DataFrame, holdings: pd.DataFrame, *, has_resources: bool) -> pd.DataFrame:
    """Return the cover with all columns, in order, and with the reasons in words."""
    same = cover["reported_unit"] == cover["production_unit"]
    reported = cover["reported_production"].where(same.fillna(value=False).astype(bool))
    cover = cover.assign(
        reported_production=reported, reported_share=cover["whole_production"] / reported
    )
    cover = cover.reset_index().sort_values(GROUP, ignore_index=True)
    slugs = holdings.drop_duplicates("symbol").set_index("symbol")["listed_slug"]
    cover["listed_slug"] = cover["symbol"].map(slugs)
    for name in ("licenses", "expired_but_listed"):
        cover[name] = cover[name].fillna(0)
    for name, dtype in COVER_COLUMNS.items():
        if name not in cover:
            cover[name] = pd.Series(pd.NA, cover.index, dtype=_WHEN_MISSING[dtype])
    cover["reason_missing"] = _reasons(cover, has_resources=has_resources)
    return cover[list(COVER_COLUMNS)].astype(COVER_COLUMNS)


def _reasons(cover: pd.DataFrame, *, has_resources: bool) -> pd.Series:
    """Return in words why figures are missing, several with semicolons between them."""
    produces = cover["production_year"].notna()
    licensed = cover["licenses"] > 0
    unlinked = produces & licensed & (cover["linked_subsidiaries"].fillna(0) == 0)
    cnc = licensed & cover["not_cnc_share"].isna()
    reserves = produces & cover["reserves_years"].isna()
    texts = [
        cover["production_reason"].fillna(""),
        _where(~produces, "no production is reported"),
        _where(~licensed, "no licence for the commodity is linked"),
        _where(unlinked, "no producing company has a production licence linked"),
        *(
            _where(cover[column].fillna(0) > 0, f"licences without {what}")
            for column, what in _GAPS.items()
        ),
        _where(cnc, "no licence has a Clear and Clean status"),
        _where(
            reserves & has_resources, "no producing company has reserves in the unit of production"
        ),
        _where(reserves & (not has_resources), "resources were not passed"),
    ]
    joined = pd.Series("", cover.index, dtype="string")
    for text in texts:
        between = _where((joined != "") & (text != ""), "; ")
        joined = joined + between + text.astype("string")
    return joined.mask(joined == "")


_WHEN_MISSING: Final = {"float64": "Float64", "Int64": "Int64", "string": "string"}
_GAPS: Final = {"no_share": "an effective share", "no_area": "an area", "no_expiry": "a last day"}


def _where(condition: pd.Series, text: str) -> pd.Series:
    flags = condition.astype("boolean").fillna(value=False).astype(bool)
    return flags.map({True: text, False: ""}).astype("string")
