"""The getters of commodities with prices, and of their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

from sectorsdf.datasets.commodities import MINING_COMMODITIES, MINING_COMMODITY_PRICES
from sectorsdf.mining.answers import fetch_answers

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf.client.client import Client

__all__ = ["get_mining_commodities", "get_mining_commodity_prices"]


def get_mining_commodities(
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
    """Return the commodities that the API has prices of, with the days covered.

    Parameters
    ----------
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
        One row is one series of prices. Columns: name (text); data_points (Int64); earliest_date,
        latest_date (datetime64[us], days); price_unit (text: USD/t, USD/dmt, USD/oz, unknown).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for the call; an answer from the cache costs none. Source: Sectors API,
    ``/v2/mining/commodities/``.

    `price_unit` is knowledge of this package: the API calls every price a price in USD per ton.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> commodities = sectorsdf.get_mining_commodities()
    >>> print(commodities.head(3).to_string(index=False))
            name  data_points earliest_date latest_date price_unit
            Coal          195    2010-08-01  2025-12-15      USD/t
    Coal (HBA 1)           44    2023-03-01  2025-12-15      USD/t
    Coal (HBA 2)           44    2023-03-01  2025-12-15      USD/t
    """
    return fetch_answers(MINING_COMMODITIES, locals())


def get_mining_commodity_prices(
    names: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    start_year: int | None = None,
    end_year: int | None = None,
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
    """Return the prices of commodities, the whole history unless years are given.

    Parameters
    ----------
    names : str, iterable of str, or DataFrame, optional
        One commodity, several, or a frame with a `commodity` column. None asks for every one that
        `get_mining_commodities` lists.
    start_year : int, optional
        First year of the prices, 1900 to the current year.
    end_year : int, optional
        Last year of the prices, 1900 to the current year.
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
        One row is one price of a commodity on a day. Columns: commodity (text); date
        (datetime64[us], days); price (float64, in `unit`); unit (text: USD/t, USD/dmt, USD/oz,
        unknown).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each commodity and three years, even if the API does not know it; an answer
    from the cache costs none. Source: Sectors API, ``/v2/mining/commodities/{commodity}/price/``.

    The API gives at most three years in an answer, so the getter asks in windows of three years
    inside the days that `get_mining_commodities` lists; that list costs one credit more. The API
    can change past prices. Gold and silver are USD per troy ounce, base metals USD per dry metric
    ton, coal USD per metric ton; the unit of manganese, iron, chromium and titanium is not known.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> prices = sectorsdf.get_mining_commodity_prices("Nickel", start_year=2024)
    >>> print(prices.head(3).to_string(index=False))
    commodity       date    price    unit
       Nickel 2024-01-01 11210.09 USD/dmt
       Nickel 2024-02-01 10661.91 USD/dmt
       Nickel 2024-03-01 11439.17 USD/dmt
    """
    return fetch_answers(MINING_COMMODITY_PRICES, locals())
