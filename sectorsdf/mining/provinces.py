"""The getters of provinces' resources and reserves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.province_reserves import MINING_PROVINCE_RESOURCES, MINING_RESERVES_INDEX
from sectorsdf.mining.answers import fetch_answers

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.client import Client

__all__ = ["get_mining_province_resources", "get_mining_reserves_index"]


def get_mining_reserves_index(
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
    """Return the provinces, commodities and years that there are figures of.

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
        One row is one province, commodity and year with resources and reserves. Columns: province
        (text); commodity_type (text: Coal, Cobalt, Copper, Gold, Nickel, Silver, Tin); year
        (Int64).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for the call; an answer from the cache costs none. Source: Sectors API,
    ``/v2/mining/resources-reserves/``.

    One answer has them all.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> index = sectorsdf.get_mining_reserves_index()
    >>> print(index.head(3).to_string(index=False))
    province commodity_type  year
        Aceh           Coal  2024
        Aceh           Coal  2023
        Aceh           Coal  2022
    """
    return fetch_answers(MINING_RESERVES_INDEX, locals())


def get_mining_province_resources(
    provinces: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    commodity_type: vocab.ReservesCommodityType | str | None = None,
    year: int | None = None,
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
    """Return the resources and reserves of provinces, one row for each figure.

    Parameters
    ----------
    provinces : str, iterable of str, or DataFrame, optional
        One province, several, or a frame with a `province` column. None asks for every one that
        `get_mining_reserves_index` lists.
    commodity_type : str, optional
        Commodity: Coal, Cobalt, Copper, Gold, Nickel, Silver or Tin; case does not count.
    year : int, optional
        Year of the figures, 1900 to the current year.
    missing : {"raise", "skip"}
        What to do if the API does not know a province, or has none of the requested data for it.
        ``"skip"`` leaves it out and warns; ``"raise"`` raises `NotFoundError`. Without `provinces`
        it is left out. In each case it is in ``attrs["sectorsdf"]["not_found"]``.
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
        One row is one figure of a province's resources and reserves. Columns: province (text);
        commodity_type (text: Coal, Cobalt, Copper, Gold, Nickel, Silver, Tin); year,
        measurement_year (Int64); ore_type (text: limonite, saprolite); stage (text: reserves,
        resources); category, component (text); measure (text: tonnage, contained, grade,
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
    Costs one credit for each province, even if the API does not know it; an answer from the cache
    costs none. Source: Sectors API, ``/v2/mining/resources-reserves/{province}/``.

    The table is that of `get_mining_site_resources`, for provinces. In a province, a key of a metal
    without ``ore_`` is contained metal. The API sends 0.0 where it has no figure.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> resources = sectorsdf.get_mining_province_resources("Papua")
    >>> columns = ["commodity_type", "year", "stage", "category", "component", "value", "unit"]
    >>> print(resources[columns].head(3).to_string(index=False))
    commodity_type  year     stage           category component   value unit
              Coal  2024      <NA> exploration_target      coal   33.62   Mt
              Coal  2024      <NA>          inventory      coal  353.51   Mt
              Coal  2024 resources           inferred      coal 2225.79   Mt
    """
    return fetch_answers(MINING_PROVINCE_RESOURCES, locals())
