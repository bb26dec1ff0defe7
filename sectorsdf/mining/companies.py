"""The getters of companies, and of the licences and contracts in their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.companies import (
    MINING_COMPANIES,
    MINING_COMPANY,
    MINING_COMPANY_CONTRACTS,
    MINING_COMPANY_LICENSES,
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
    "get_mining_company_contracts",
    "get_mining_company_licenses",
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

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> companies = sectorsdf.get_mining_companies(commodity_type="Nickel")
    >>> print(companies[["slug", "company_type", "key_operation"]].head(3).to_string(index=False))
                              slug company_type key_operation
    contoh-gold-(uk)-limited-(cgl)   Mine Owner        Mining
       cv-contoh-bumi-lestari-1719   Mine Owner        Mining
     cv-contoh-granit-mandiri-2439   Mine Owner        Mining
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

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> company = sectorsdf.get_mining_company("pt-contoh-batuan-abadi-20023-tbk")
    >>> columns = ["slug", "symbol", "company_type", "mining_site_count"]
    >>> print(company[columns].head(3).to_string(index=False))
                                slug  symbol company_type  mining_site_count
    pt-contoh-batuan-abadi-20023-tbk CQBF.JK      Holding                  0
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

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> licences = sectorsdf.get_mining_company_licenses("pt-contoh-batuan-sejahtera-510-tbk")
    >>> columns = ["wiup_code", "license_type", "province", "license_expiry_date"]
    >>> print(licences[columns].head(3).to_string(index=False))
           wiup_code license_type         province license_expiry_date
    1364466112019772          IUP Kalimantan Timur          2028-12-25
    2365433032022913          IUP Kalimantan Utara          2026-01-18
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

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> contracts = sectorsdf.get_mining_company_contracts("pt-contoh-bara-sejahtera-042")
    >>> print(contracts[["company_name", "contract_period_end"]].head(3).to_string(index=False))
                    company_name contract_period_end
    PT Contoh Pasir Mandiri 1308          2025-01-12
       PT Contoh Logam Utama 915                 NaT
                            <NA>                 NaT
    """
    return fetch_answers(MINING_COMPANY_CONTRACTS, locals())
