"""The getters of companies' production, their resources and reserves, and their products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.performance import (
    MINING_COMPANY_PERFORMANCE,
    MINING_COMPANY_PRODUCTS,
    MINING_COMPANY_RESOURCES,
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
    "get_mining_company_performance",
    "get_mining_company_products",
    "get_mining_company_resources",
]


def get_mining_company_performance(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    years: int | Iterable[int] | Literal["all"] | None = None,
    commodity_type: vocab.PerformanceCommodityType | str | None = None,
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
    """Return the production and sales of companies, by year and commodity.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    years : int, iterable of int, or "all", optional
        A year, several, or ``"all"`` for every year that there is; by default the latest.
    commodity_type : str, optional
        Commodity reported: Coal, Copper, Gold, Nickel or Silver; case does not count.
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
        One row is one commodity and sub-type of a company in one year. Columns: slug (text); year
        (Int64); commodity_type (text: Coal, Copper, Gold, Nickel, Silver); commodity_sub_type
        (text); mining_operation_status (text: production, development, inactive);
        production_volume, sales_volume (float64, in `unit`); unit (text: Mt, koz, kg, kton, wmt,
        ton, TNi); overburden_removal_volume (float64, in `overburden_unit`); overburden_unit (text:
        Mbcm); strip_ratio (float64); resources_reserves, products (JSON text).

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
    cache costs none. Source: Sectors API, ``/v2/mining/companies/performance/{slug}/``.

    One commodity of a company can be in several rows of a year, each in another unit: never add
    them up without looking at `unit`. Here wmt means million wet metric tons.

    The list of companies does not say which of them have figures. So a call without `slugs` asks
    for each of them, for one credit each. `sectorsdf.quote` says how much that is before anything
    but the first page of the list is paid for.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> slug = "pt-contoh-granit-mulia-441-tbk"
    >>> performance = sectorsdf.get_mining_company_performance(slug, years="all")
    >>> columns = ["year", "commodity_type", "production_volume", "sales_volume", "unit"]
    >>> print(performance[columns].head(3).to_string(index=False))
     year commodity_type  production_volume  sales_volume unit
     2024           Coal              44.51         46.56   Mt
     2023           Coal               2.18          2.14   Mt
    """
    return fetch_answers(MINING_COMPANY_PERFORMANCE, locals())


def get_mining_company_resources(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    years: int | Iterable[int] | Literal["all"] | None = None,
    commodity_type: vocab.PerformanceCommodityType | str | None = None,
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
    """Return the resources and reserves of companies, one row for each figure.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    years : int, iterable of int, or "all", optional
        A year, several, or ``"all"`` for every year that there is; by default the latest.
    commodity_type : str, optional
        Commodity reported: Coal, Copper, Gold, Nickel or Silver; case does not count.
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
        One row is one figure of a company's resources and reserves. Columns: slug (text); year
        (Int64); commodity_type (text: Coal, Copper, Gold, Nickel, Silver); commodity_sub_type
        (text); measurement_year (Int64); ore_type (text: limonite, saprolite); stage (text:
        reserves, resources); category, component (text); measure (text: tonnage, contained, grade,
        calorific_value); value, value_min, value_max (float64, in `unit`); unit (text); verified
        (boolean); source_field, raw (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Made from the same answers as `get_mining_company_performance`: it costs nothing if the client
    has them within the hour, and otherwise one credit for each slug and year, even if the API does
    not know it. Source: Sectors API, ``/v2/mining/companies/performance/{slug}/``.

    The table is that of `get_mining_site_resources`, for companies.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> resources = sectorsdf.get_mining_company_resources("pt-contoh-granit-mulia-441-tbk")
    >>> columns = ["year", "stage", "category", "measure", "value", "unit"]
    >>> print(resources[columns].head(3).to_string(index=False))
     year    stage category measure  value unit
     2024 reserves probable tonnage   15.1   Mt
     2024 reserves   proven tonnage  258.1   Mt
     2024 reserves    total tonnage  273.2   Mt
    """
    return fetch_answers(MINING_COMPANY_RESOURCES, locals())


def get_mining_company_products(
    slugs: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    years: int | Iterable[int] | Literal["all"] | None = None,
    commodity_type: vocab.PerformanceCommodityType | str | None = None,
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
    """Return the properties of companies' products, such as calorific values.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame, optional
        One slug, several, or a frame with a `slug` column. None asks for every one that
        `get_mining_companies` lists.
    years : int, iterable of int, or "all", optional
        A year, several, or ``"all"`` for every year that there is; by default the latest.
    commodity_type : str, optional
        Commodity reported: Coal, Copper, Gold, Nickel or Silver; case does not count.
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
        One row is one property of a company's product in one year. Columns: slug (text); year
        (Int64); commodity_type (text: Coal, Copper, Gold, Nickel, Silver); commodity_sub_type
        (text); product_index (Int64); product_name, property (text); basis (text: adb, arb);
        value_min, value_max (float64, in `unit`); unit (text: kcal/kg, %, g/t, ppm).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Made from the same answers as `get_mining_company_performance`: it costs nothing if the client
    has them within the hour, and otherwise one credit for each slug and year, even if the API does
    not know it. Source: Sectors API, ``/v2/mining/companies/performance/{slug}/``.

    Names of products can repeat in a row; `product_index` tells them apart.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> products = sectorsdf.get_mining_company_products("pt-contoh-granit-mulia-441-tbk")
    >>> columns = ["product_name", "property", "basis", "value_min", "value_max", "unit"]
    >>> print(products[columns].head(3).to_string(index=False))
    product_name        property basis  value_min  value_max    unit
     Contoh 6900 calorific_value  <NA>    6144.00    6144.00 kcal/kg
     Contoh 6900  total_moisture  <NA>      27.10      27.10       %
     Contoh 6900   total_sulphur   adb       1.03       1.03       %
    """
    return fetch_answers(MINING_COMPANY_PRODUCTS, locals())
