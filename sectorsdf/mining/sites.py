"""The getters of mine sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from sectorsdf.datasets.sites import MINING_SITE, MINING_SITES
from sectorsdf.mining.fetch import fetch_list, fetch_records

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import timedelta

    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.client import Client

__all__ = ["get_mining_site", "get_mining_sites"]


def get_mining_sites(
    *,
    company: str | None = None,
    province: vocab.SiteProvince | str | Iterable[str] | None = None,
    commodity_type: vocab.CommodityType | str | Iterable[str] | None = None,
    year: int | None = None,
    min_production: float | None = None,
    order_by: vocab.SiteSort | None = None,
    details: bool = False,
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
    """Return the mine sites, one row for each site, reporting year and commodity.

    Parameters
    ----------
    company : str, optional
        Slug of the owning company.
    province : str or iterable of str, optional
        Province, exact; upper and lower case count. See `sectorsdf.vocabularies.SITE_PROVINCES`.
    commodity_type : str or iterable of str, optional
        Commodity reported: Coal, Copper, Gold or Nickel; case does not count.
    year : int, optional
        Reporting year, 1900 to the current year.
    min_production : float, optional
        Only rows whose `production_volume`, in the row's own unit, is at least this.
    order_by : str, optional
        ``production_volume``, ``strip_ratio`` or ``year``; with ``-`` before it for descending.
        Default: ``-year``.
    details : bool, default False
        Add what the detail endpoint knows of each row, for one credit for each distinct slug.
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
        One row is one mine site in one reporting year for one commodity. Columns: name,
        project_name (text); year (Int64); commodity_type (text: Coal, Copper, Gold, Nickel);
        production_volume (float64, in `unit`); unit (text: Mt, koz, kton, wmt); strip_ratio
        (float64); province, city, company_slug, company_name, slug (text). With `details` also
        overburden_removal_volume (float64); latitude, longitude (float64, degrees);
        measurement_year (Int64); proven_reserves, probable_reserves, total_reserves,
        measured_resources, indicated_resources, inferred_resources, total_resources (float64, in
        `tonnage_unit`); tonnage_unit (text); calorific_value_min, calorific_value_max (float64,
        kcal/kg); resources_reserves (JSON text).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each page of 30 rows; with `details` one more for each distinct slug, even
    if the detail endpoint does not know it. An empty result costs one; an answer from the cache
    costs none. Source: Sectors API, ``/v2/mining/sites/``.

    `unit` belongs to `production_volume`: Mt for coal, koz for gold, kton for copper, wmt for
    nickel ore. In this data, wmt means million wet tonnes. `sectorsdf.totals` adds the volumes up,
    one row for each unit. The seven tonnages of the details are of ore or coal. The detail endpoint
    answers one record for a slug: its figures go to the row of the same year, commodity and
    company. The other rows of the slug have none; one warning and the provenance report them.

    Lists of values work as in `get_mining_licenses`.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> sites = sectorsdf.get_mining_sites(commodity_type="Coal", province="Sumatera Selatan")
    >>> columns = ["name", "year", "production_volume", "unit", "province"]
    >>> print(sites[columns].head(3).to_string(index=False))
                       name  year  production_volume unit         province
            Contoh Tengah 2  2024                NaN   Mt Sumatera Selatan
    Tambang Contoh Timur 56  2024                NaN   Mt Sumatera Selatan
            Contoh Timur 69  2024                NaN   Mt Sumatera Selatan
    """
    return fetch_list(MINING_SITES, locals())


def get_mining_site(
    slug: str | Iterable[str] | pd.DataFrame,
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
    """Return the full record of one mine site, or of several at once.

    Parameters
    ----------
    slug : str, iterable of str, or DataFrame
        One slug, several slugs, or a frame with a `slug` column. Each distinct slug is one row.
    missing : {"raise", "skip"}
        What to do if the API does not know a slug. ``"skip"`` leaves it out and warns; ``"raise"``
        raises `NotFoundError`.
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
        One row is one mine site in one reporting year for one commodity. Columns: name,
        project_name (text); year (Int64); commodity_type (text: Coal, Copper, Gold, Nickel);
        production_volume (float64, in `unit`); unit (text: Mt, koz, kton, wmt); strip_ratio
        (float64); province, city, company_slug, company_name, slug (text);
        overburden_removal_volume (float64); latitude, longitude (float64, degrees);
        measurement_year (Int64); proven_reserves, probable_reserves, total_reserves,
        measured_resources, indicated_resources, inferred_resources, total_resources (float64, in
        `tonnage_unit`); tonnage_unit (text); calorific_value_min, calorific_value_max (float64,
        kcal/kg); resources_reserves (JSON text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each slug, even if the API does not know it. The same client uses an answer
    again for an hour. Source: Sectors API, ``/v2/mining/sites/{slug}/``.

    The columns are those of ``get_mining_sites(details=True)``.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> sites = sectorsdf.get_mining_sites(commodity_type="Copper")
    >>> site = sectorsdf.get_mining_site(sites.head(2))
    >>> columns = ["name", "latitude", "longitude", "total_reserves"]
    >>> print(site[columns].head(3).to_string(index=False))
                name  latitude  longitude  total_reserves
    Contoh Selatan 3  0.675441 122.768926          208.45
      Contoh Hilir 6  0.554103 123.981962          256.67
    """
    return fetch_records(MINING_SITE, locals())
