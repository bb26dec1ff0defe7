"""The getters of companies' financials and their breakdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.companies import MINING_COMPANY_BREAKDOWN, MINING_COMPANY_FINANCIALS
from sectorsdf.mining.answers import fetch_answers

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf.client.client import Client

__all__ = ["get_mining_company_breakdown", "get_mining_company_financials"]


def get_mining_company_financials(
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
    """Return the financials of companies, in USD.

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
        One row is one company in one year. Columns: slug, symbol, name (text); year (Int64);
        assets_usd, revenue_usd, cost_of_revenue_usd, net_profit_usd (float64, USD).

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
    cache costs none. Source: Sectors API, ``/v2/mining/companies/financials/{slug}/``.

    By default the latest year of each company; ``"all"`` asks for every year that an answer offers.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> slug = "pt-contoh-bara-makmur-20001-tbk"
    >>> financials = sectorsdf.get_mining_company_financials(slug, years="all")
    >>> columns = ["symbol", "year", "revenue_usd", "net_profit_usd"]
    >>> print(financials[columns].head(3).to_string(index=False))
     symbol  year  revenue_usd  net_profit_usd
    CQAJ.JK  2024 2231000000.0      49000000.0
    CQAJ.JK  2023 5082000000.0     171000000.0
    """
    return fetch_answers(MINING_COMPANY_FINANCIALS, locals())


def get_mining_company_breakdown(
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
    """Return the items of companies' revenue and cost of revenue.

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
        One row is one item of a company's revenue or cost of revenue in one year. Columns: slug
        (text); year (Int64); statement (text: revenue, cost_of_revenue); item (text); value
        (float64, in `unit`); unit (text: USD, %).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Made from the same answers as `get_mining_company_financials`: it costs nothing if the client
    has them within the hour, and otherwise one credit for each slug and year, even if the API does
    not know it. Source: Sectors API, ``/v2/mining/companies/financials/{slug}/``.

    The items need not add up to the total: some sheets mix units, and one lists a sub-total.
    `check_breakdown` compares them.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> breakdown = sectorsdf.get_mining_company_breakdown("pt-contoh-bara-makmur-20001-tbk")
    >>> columns = ["year", "statement", "item", "value", "unit"]
    >>> print(breakdown[columns].head(3).to_string(index=False))
     year statement                    item        value unit
     2024   revenue coal_mining_and_trading 1611010000.0  USD
     2024   revenue               logistics  379270000.0  USD
     2024   revenue                  others  240720000.0  USD
    """
    return fetch_answers(MINING_COMPANY_BREAKDOWN, locals())
