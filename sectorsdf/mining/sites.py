"""The getters of mine sites, and of their resources and reserves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack

from sectorsdf import datasets as ds
from sectorsdf.mining.fetch import addressed_frame, chosen_client, with_details

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from sectorsdf import vocabularies as vocab
    from sectorsdf.client.call_config import CallOptions
    from sectorsdf.client.client import Client

__all__ = ["get_mining_site", "get_mining_sites"]


def get_mining_sites(
    *,
    company: str | None = None,
    province: vocab.SiteProvince | str | None = None,
    commodity_type: vocab.CommodityType | str | None = None,
    year: int | None = None,
    min_production: float | None = None,
    order_by: vocab.SiteSort | None = None,
    details: bool = False,
    max_rows: int | None = None,
    strict: bool = False,
    validate: bool = True,
    client: Client | None = None,
    **options: Unpack[CallOptions],
) -> pd.DataFrame:
    """Return the mine sites, one row for each site, reporting year and commodity.

    Parameters
    ----------
    company : str, optional
        Slug of the owning company.
    province : str, optional
        Province, exact: upper and lower case count. See `sectorsdf.vocabularies.SITE_PROVINCES`.
    commodity_type : str, optional
        Coal, Copper, Gold or Nickel; case does not count.
    year : int, optional
        Reporting year, 1900 to 2026.
    min_production : float, optional
        Only rows whose `production_volume`, in the row's own unit, is at least this.
    order_by : str, optional
        ``-year`` (the default), ``production_volume`` or ``strip_ratio``; with ``-`` before it for
        descending.
    details : bool, default False
        Whether to add what the detail endpoint knows of each site, for one credit a distinct slug.
    max_rows, strict, validate, client, **options
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one site in one reporting year for one commodity. Columns: name, project_name
        (text), year (Int64), commodity_type (text), production_volume (float64, in `unit`), unit
        (text: Mt coal, koz gold, kton copper, wmt nickel ore), strip_ratio (float64), province,
        city, company_slug, company_name, slug (text). With `details` also
        overburden_removal_volume (float64), latitude, longitude (float64, degrees),
        measurement_year (Int64), proven_reserves, probable_reserves, total_reserves,
        measured_resources, indicated_resources, inferred_resources, total_resources (float64: ore
        or coal, all in `tonnage_unit`), tonnage_unit (text: Mt, or wmt for nickel ore),
        calorific_value_min, calorific_value_max (float64, kcal/kg), and resources_reserves (the
        API's JSON as text; `get_mining_site_resources` takes it apart).

    Raises
    ------
    FilterError, IncompleteSweepError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each page of 30 rows, with `details` one more for each distinct slug, also
    for a slug that the detail endpoint does not know, such as a mine abroad. That endpoint answers
    one record for a slug: its figures go to the row of the same year, commodity and company; the
    slug's other rows have none, which one warning and the provenance say. Source: Sectors API,
    ``/v2/mining/sites/``.
    """
    filters = {
        "company": company,
        "province": province,
        "commodity_type": commodity_type,
        "year": year,
        "min_production": min_production,
        "order_by": order_by,
    }
    chosen = chosen_client(client)

    def add_details(listed: pd.DataFrame) -> pd.DataFrame:
        return with_details(listed, chosen, strict=strict, options=options)

    return chosen.fetch(
        ds.MINING_SITES,
        filters,
        max_rows=max_rows,
        strict=strict,
        validate=validate,
        options=options,
        then=add_details if details else None,
    )


def get_mining_site(
    slug: str | Iterable[str] | pd.DataFrame,
    *,
    missing: Literal["raise", "skip"] = "raise",
    strict: bool = False,
    client: Client | None = None,
    **options: Unpack[CallOptions],
) -> pd.DataFrame:
    """Return the full record of one mine site, or of several at once.

    Parameters
    ----------
    slug : str, iterable of str, or DataFrame
        One slug, several, or a frame with a `slug` column. Each distinct slug is one row.
    missing : {"raise", "skip"}
        What to do where the API does not know a slug (a mine abroad, for one). ``"skip"`` leaves
        it out with a warning.
    strict, client, **options
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one site, in the order asked for: the columns of
        ``get_mining_sites(details=True)``.

    Raises
    ------
    NotFoundError
        A slug is unknown; ``.missing`` names it and ``.frame`` has the rows that were found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit a slug, also for an unknown one; an answer is used again for an hour by the
    same client. Source: Sectors API, ``/v2/mining/sites/{slug}/``.
    """
    return addressed_frame(
        ds.MINING_SITE,
        slug,
        missing=missing,
        strict=strict,
        client=client,
        options=options,
    )
