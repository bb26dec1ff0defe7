"""The getters of contracts, trade, and national and global figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.trade import (
    MINING_CONTRACTS,
    MINING_EXPORTS,
    MINING_GLOBAL_COMMODITIES,
    MINING_SALES_DESTINATIONS,
    MINING_TOTAL_PRODUCTION,
)
from sectorsdf.mining.answers import fetch_answers

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.client import Client

__all__ = [
    "get_mining_contracts",
    "get_mining_exports",
    "get_mining_global_commodities",
    "get_mining_sales_destinations",
    "get_mining_total_production",
]


def get_mining_contracts(
    *,
    contractor: str | None = None,
    mine_owner: str | None = None,
    strict: bool = False,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return the contracts between mine owners and contractors.

    Parameters
    ----------
    contractor : str, optional
        Slug of the contractor.
    mine_owner : str, optional
        Slug of the mine owner.
    strict, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one contract between a mine owner and a contractor. Columns: mine_owner_slug,
        mine_owner_name, contractor_slug, contractor_name (text); contract_period_end
        (datetime64[us], days).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for the call; an answer from the cache costs none. Source: Sectors API,
    ``/v2/mining/contracts/``.

    The list also has contracts that have ended.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> contracts = sectorsdf.get_mining_contracts()
    >>> columns = ["mine_owner_name", "contractor_name", "contract_period_end"]
    >>> print(contracts[columns].head(3).to_string(index=False))
                 mine_owner_name                  contractor_name contract_period_end
    PT Contoh Pasir Mandiri 1308     PT Contoh Bara Sejahtera 042          2025-01-12
       PT Contoh Pasir Jaya 1098     PT Contoh Granit Utama 20061          2025-03-02
     PT Contoh Kapur Makmur 1147 PT Contoh Batuan Sejahtera 20079          2025-03-26
    """
    return fetch_answers(MINING_CONTRACTS, locals())


def get_mining_exports(
    commodity_types: str | Iterable[str] | pd.DataFrame | None = None,
    years: int | Iterable[int] | None = None,
    *,
    strict: bool = False,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return Indonesia's exports by destination.

    Parameters
    ----------
    commodity_types : str, iterable of str, or DataFrame, optional
        One commodity, several, or a frame with a `commodity_type` column; by default all of Coal,
        Copper, Gold.
    years : int or iterable of int
        A year, or several, such as ``range(2019, 2025)``.
    strict, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one destination of Indonesia's exports of a commodity in one year. Columns:
        commodity_type (text: Coal, Copper, Gold); year, rank (Int64); country (text); export_usd
        (float64, USD); volume_bps, volume_esdm (float64, in `volume_unit`); volume_unit (text).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each commodity and year; an answer from the cache costs none. Source:
    Sectors API, ``/v2/mining/exports/``.

    The API gives at most 30 destinations and no way to ask for the rest: an answer of 30 rows is
    not complete, and is an `IncompleteSweepError` unless ``allow_partial=True``. Volumes by BPS and
    ESDM can differ by a factor.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> exports = sectorsdf.get_mining_exports("Coal", years=2023)
    >>> columns = ["year", "rank", "country", "export_usd", "volume_bps", "volume_unit"]
    >>> print(exports[columns].head(3).to_string(index=False))
     year  rank           country   export_usd  volume_bps volume_unit
     2023     1             Japan 1905000000.0     25.0658          Mt
     2023     2            Taiwan  814900000.0     10.8653          Mt
     2023     3 Republic Of Korea  622200000.0     12.4440          Mt
    """
    return fetch_answers(MINING_EXPORTS, locals())


def get_mining_global_commodities(
    commodity_type: vocab.GlobalCommodityType | str | None = None,
    countries: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    strict: bool = False,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return reserves, production and trade of countries.

    Parameters
    ----------
    commodity_type : str, optional
        Commodity: Bauxite, Coal, Copper, Gold or Nickel; case does not count.
    countries : str, iterable of str, or DataFrame, optional
        Countries as the API spells them, a frame with a `country` column, or ``"all"`` to complete
        a list that the API cuts, country by country.
    strict, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one figure of a country, commodity and year. Columns: country (text);
        commodity_type (text: Bauxite, Coal, Copper, Gold, Nickel); year (Int64); measure (text:
        reserves, reserves_share, export, import, production, production_share); rank (text:
        anthracite, sub_bituminous_bituminous_lignite); value (float64, in `unit`); unit (text).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each commodity or country; an answer from the cache costs none. Source:
    Sectors API, ``/v2/mining/global-commodity/``.

    The API gives at most 30 countries and no way to ask for the rest: an answer of 30 rows is not
    complete, and is an `IncompleteSweepError` unless ``allow_partial=True``. ``countries="all"``
    asks for the other countries one by one, each for one credit. The names are the package's own,
    because the API has no list of them. So ``attrs["sectorsdf"]`` has ``complete`` None, which is
    neither proven nor refuted, and ``complete_over`` with the countries of which every row is here.
    A country that you name and that has no rows is in ``not_found``, with a warning.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> abroad = sectorsdf.get_mining_global_commodities(countries="Australia")
    >>> columns = ["country", "year", "measure", "rank", "value", "unit"]
    >>> print(abroad[columns].head(3).to_string(index=False))
      country  year    measure rank   value unit
    Australia  2014 production <NA>     0.0   Kt
    Australia  2015 production <NA> 28098.0   Kt
    Australia  2016 production <NA> 26608.8   Kt
    """
    return fetch_answers(MINING_GLOBAL_COMMODITIES, locals())


def get_mining_sales_destinations(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    years: int | Iterable[int] | Literal["all"] | None = None,
    missing: Literal["raise", "skip"] = "raise",
    strict: bool = False,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return the destinations of companies' sales.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    years : int, iterable of int, or "all", optional
        A year, several, or ``"all"`` for every year that there is; by default the latest.
    missing : {"raise", "skip"}
        What to do if the API does not know a slug, or has none of the requested data for it.
        ``"skip"`` leaves it out and warns; ``"raise"`` raises `NotFoundError`. Without `slugs` it
        is left out. In each case it is in ``attrs["sectorsdf"]["not_found"]``.
    strict, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one destination of a company's sales in one year. Columns: slug (text); year
        (Int64); destination (text); is_region (boolean); commodity_type (text); revenue_usd
        (float64, USD); percentage_of_total_revenue (float64, %); volume (float64, in `unit`);
        percentage_of_sales_volume (float64, %); unit (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each slug and year, even if the API does not know it; an answer from the
    cache costs none. Source: Sectors API, ``/v2/mining/sales-destination/{slug}/``.

    The answers do not list their years: ``"all"`` asks year by year from the latest downward and
    stops at two years in a row without data, which cost a credit each. A destination can be a
    region.

    The list of companies does not say which of them have destinations. So a call without `slugs`
    asks for each of them, for one credit each. `sectorsdf.quote` says how much that is before
    anything but the first page of the list is paid for.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> destinations = sectorsdf.get_mining_sales_destinations("pt-contoh-batuan-abadi-20046-tbk")
    >>> columns = ["year", "destination", "is_region", "percentage_of_sales_volume"]
    >>> print(destinations[columns].head(3).to_string(index=False))
     year destination  is_region  percentage_of_sales_volume
     2024       China      False                         3.3
     2024       India      False                        19.3
     2024   Indonesia      False                        12.5
    """
    return fetch_answers(MINING_SALES_DESTINATIONS, locals())


def get_mining_total_production(
    commodity_types: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    strict: bool = False,
    client: Client | None = None,
    max_credits: int | None = None,
    workers: int | None = None,
    repair_credits: int | None = None,
    allow_partial: bool = False,
    resume: bool = True,
    resume_within: float = 3600.0,
    cache: bool | str | os.PathLike[str] | None = None,
    max_age: str | timedelta | None = None,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    **unknown: Never,
) -> pd.DataFrame:
    """Return Indonesia's national production, by commodity and year.

    Parameters
    ----------
    commodity_types : str, iterable of str, or DataFrame, optional
        One commodity, several, or a frame with a `commodity_type` column; by default all of Coal,
        Copper, Gold, Nickel.
    strict, client
        As in `get_mining_licenses`.
    max_credits, workers, repair_credits, allow_partial
        As in `get_mining_licenses`.
    resume, resume_within, cache, max_age, refresh, offline, progress
        As in `get_mining_licenses`.
    **unknown
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is Indonesia's production of a commodity in one year. Columns: commodity_type (text:
        Coal, Copper, Gold, Nickel); year (Int64); production_volume (float64, in `unit`); unit,
        api_unit (text); prev_year_volume (float64, in `unit`); yoy_change_pct, api_yoy_change_pct
        (float64, %).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each commodity; an answer from the cache costs none. Source: Sectors API,
    ``/v2/mining/total-production/``.

    A missing year makes the API's own change one of two years: `yoy_change_pct` is computed from
    the year before, and missing if that is not there.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> production = sectorsdf.get_mining_total_production("Nickel")
    >>> columns = ["commodity_type", "year", "production_volume", "unit", "yoy_change_pct"]
    >>> print(production[columns].head(3).to_string(index=False))
    commodity_type  year  production_volume unit  yoy_change_pct
            Nickel  2024               92.9   Mt        2.651934
            Nickel  2023               90.5   Mt       23.803010
            Nickel  2022               73.1   Mt        3.982930
    """
    return fetch_answers(MINING_TOTAL_PRODUCTION, locals())
