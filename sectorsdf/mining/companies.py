"""The getters of companies, their owners, licences, contracts and financials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.companies import (
    MINING_COMPANIES,
    MINING_COMPANY,
    MINING_COMPANY_BREAKDOWN,
    MINING_COMPANY_CONTRACTS,
    MINING_COMPANY_FINANCIALS,
    MINING_COMPANY_LICENSES,
    MINING_COMPANY_OWNERSHIP,
)
from sectorsdf.mining.answers import fetch_answers
from sectorsdf.mining.fetch import fetch_list

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.client import Client

__all__ = [
    "get_mining_companies",
    "get_mining_company",
    "get_mining_company_breakdown",
    "get_mining_company_contracts",
    "get_mining_company_financials",
    "get_mining_company_licenses",
    "get_mining_company_ownership",
]


def get_mining_companies(
    *,
    commodity_type: vocab.CompanyCommodityType | str | Iterable[str] | None = None,
    company_type: vocab.CompanyType | str | Iterable[str] | None = None,
    keyword: str | None = None,
    has_financials: bool | None = None,
    max_rows: int | None = None,
    strict: bool = False,
    validate: bool = True,
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
    """Return the mining companies, every one that the filters select.

    Parameters
    ----------
    commodity_type : str or iterable of str, optional
        One of the company's commodities: Aluminium, Coal, Copper, Gold, Nickel, Silver or Zinc and
        Lead; case does not count.
    company_type : str or iterable of str, optional
        What the company is: Consultant, Contractor, Holding, Manufacturer, Mine Owner or Trader.
    keyword : str, optional
        Part of the name, symbol, slug or main business; case does not count.
    has_financials : bool, optional
        Only companies with financial figures.
    max_rows, strict, validate, client
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
        One row is one mining company. Columns: slug, name, symbol (text); company_type (text:
        Consultant, Contractor, Holding, Manufacturer, Mine Owner, Trader); key_operation,
        commodity_types (text); aluminium, coal, copper, gold, nickel, silver, zinc_and_lead
        (boolean).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each page of 30 rows. An empty result costs one; an answer from the cache
    costs none. Source: Sectors API, ``/v2/mining/companies/``.

    The list can name one firm twice under two spellings; `check_companies` reports it. Lists of
    values work as in `get_mining_licenses`; a company of several of the commodities is there once.
    """
    return fetch_list(MINING_COMPANIES, locals())


def get_mining_company(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    include_contacts: bool = False,
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
    """Return companies in full.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    include_contacts : bool, default False
        Add the columns with e-mail addresses, telephone numbers and the like, which belong to
        people. A call with it does not use the cache.
    missing : {"raise", "skip"}
        What to do if the API does not know a slug. ``"skip"`` leaves it out and warns; ``"raise"``
        raises `NotFoundError`. Without `slugs` it is left out. In each case it is in
        ``attrs["sectorsdf"]["not_found"]``.
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
        One row is one mining company in full. Columns: slug, name, symbol (text); company_type
        (text: Consultant, Contractor, Holding, Manufacturer, Mine Owner, Trader); key_operation,
        commodity_types (text); aluminium, coal, copper, gold, nickel, silver, zinc_and_lead
        (boolean); operation_province, operation_district, website, activities (text);
        mining_site_count (Int64). With `include_contacts` also representative_address,
        phone_number, email (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each slug, even if the API does not know it; an answer from the cache costs
    none. Source: Sectors API, ``/v2/mining/companies/{slug}/``.

    Websites stay; e-mail addresses, telephone numbers and addresses of representatives are only
    there with `include_contacts`. They are people's own: leave them out of what you pass on.
    """
    return fetch_answers(MINING_COMPANY, locals())


def get_mining_company_licenses(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
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
    """Return the licences that the records of companies list.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    missing : {"raise", "skip"}
        What to do if the API does not know a slug. ``"skip"`` leaves it out and warns; ``"raise"``
        raises `NotFoundError`. Without `slugs` it is left out. In each case it is in
        ``attrs["sectorsdf"]["not_found"]``.
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
        One row is one licence that a company's record lists, which can be a subsidiary's. Columns:
        slug, wiup_code, license_number (text); license_type (text: IPR, IUP, IUPK, KK, PKP2B,
        SIPB); province, city (text); license_effective_date, license_expiry_date (datetime64[us],
        days); activity (text: Eksplorasi, Operasi Produksi); licensed_area_ha (float64, hectares);
        location (text); longitude, latitude (float64, degrees); location_geojson (JSON text);
        commodity_type, cnc, generation (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Made from the same answers as `get_mining_company`: it costs nothing if the client has them
    within the hour, and otherwise one credit for each slug, even if the API does not know it.
    Source: Sectors API, ``/v2/mining/companies/{slug}/``.

    A record can list a licence of a subsidiary; `check_company_licenses` reports it.
    """
    return fetch_answers(MINING_COMPANY_LICENSES, locals())


def get_mining_company_contracts(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
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
    """Return the contracts that the records of companies list.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    missing : {"raise", "skip"}
        What to do if the API does not know a slug. ``"skip"`` leaves it out and warns; ``"raise"``
        raises `NotFoundError`. Without `slugs` it is left out. In each case it is in
        ``attrs["sectorsdf"]["not_found"]``.
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
        One row is one contract that a company's record lists; a partner can come several times.
        Columns: slug (text); contract_index (Int64); company_name, company_id (text);
        contract_period_end (datetime64[us], days); agreement_types (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Made from the same answers as `get_mining_company`: it costs nothing if the client has them
    within the hour, and otherwise one credit for each slug, even if the API does not know it.
    Source: Sectors API, ``/v2/mining/companies/{slug}/``.

    One partner can be in several contracts of a company.
    """
    return fetch_answers(MINING_COMPANY_CONTRACTS, locals())


def get_mining_company_ownership(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    walk: Literal["up", "down", "both"] | None = None,
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
    """Return who owns whom: one row for each parent and child.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    walk : {"up", "down", "both"}, optional
        Also ask for the companies above, below, or both, until none is left. Each is asked once.
    missing : {"raise", "skip"}
        What to do if the API does not know a slug or has none of the data asked for it. ``"skip"``
        leaves it out and warns; ``"raise"`` raises `NotFoundError`. Without `slugs` it is left out.
        In each case it is in ``attrs["sectorsdf"]["not_found"]``.
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
        One row is one edge of the ownership graph: a parent that owns a part of a child. Columns:
        parent_slug, parent_name, parent_symbol, child_slug, child_name, child_symbol (text);
        percentage_ownership (float64, %); seen_from (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each slug, even if the API does not know it; an answer from the cache costs
    none. Source: Sectors API, ``/v2/mining/companies/ownership/{slug}/``.

    An answer shows one level of owners and subsidiaries. `walk` also asks for the companies above,
    below or both, each once. An edge that is seen from both ends is one row; a difference between
    the two is reported as a problem. Percentages of a child need not add up to 100.
    """
    return fetch_answers(MINING_COMPANY_OWNERSHIP, locals())


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
        What to do if the API does not know a slug or has none of the data asked for it. ``"skip"``
        leaves it out and warns; ``"raise"`` raises `NotFoundError`. Without `slugs` it is left out.
        In each case it is in ``attrs["sectorsdf"]["not_found"]``.
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
        What to do if the API does not know a slug or has none of the data asked for it. ``"skip"``
        leaves it out and warns; ``"raise"`` raises `NotFoundError`. Without `slugs` it is left out.
        In each case it is in ``attrs["sectorsdf"]["not_found"]``.
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
    """
    return fetch_answers(MINING_COMPANY_BREAKDOWN, locals())
