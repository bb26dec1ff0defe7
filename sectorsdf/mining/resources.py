"""The getter of the resources and reserves of mine sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Never

import pandas as pd

from sectorsdf.client.call import keep_paid_pages
from sectorsdf.client.list_call import fetch_frame
from sectorsdf.client.record_call import fetch_records
from sectorsdf.config.checks import flag
from sectorsdf.datasets.sites import MINING_SITE_RESOURCES, MINING_SITES
from sectorsdf.frames.provenance import Provenance
from sectorsdf.frames.resources import records_of, resources_frame
from sectorsdf.mining.fetch import (
    call_config,
    checked_missing,
    context_of,
    handle_missing,
    list_query,
    record_query,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from sectorsdf.client.call_config import CallConfig
    from sectorsdf.client.client import Client
    from sectorsdf.client.context import ClientContext

__all__ = ["get_mining_site_resources"]


def get_mining_site_resources(
    sites: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    missing: Literal["raise", "skip"] | None = None,
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
    """Return the resources and reserves of mine sites, one row a figure, each with its unit.

    Parameters
    ----------
    sites : str, iterable of str, or DataFrame, optional
        A slug, several slugs, a frame with a `slug` column, or None for every site. For a frame of
        `get_mining_sites(details=True)` or `get_mining_site`, which has the figures already, no
        request is made.
    missing : {"raise", "skip"}, optional
        What to do if the API does not know a slug. By default it is an error for slugs that you
        name, and such rows of a frame or of the list are left out (a mine abroad has no details).
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
        One row is one figure of a site's resources and reserves. Columns: slug, name (text); year
        (Int64); commodity_type (text: Coal, Copper, Gold, Nickel); company_slug, company_name,
        province (text); measurement_year (Int64); ore_type (text: limonite, saprolite); stage
        (text: reserves, resources); category, component (text); measure (text: tonnage, contained,
        grade, calorific_value); value, value_min, value_max (float64, in `unit`); unit (text);
        verified (boolean); source_field, raw (text).

    Raises
    ------
    NotFoundError
        The API does not know a key; ``.missing`` names it and ``.frame`` has the rows that were
        found.
    FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_licenses`.

    Notes
    -----
    Costs one credit for each distinct slug, and nothing for a frame with details; for every site
    also one for each page of the list. Source: Sectors API, ``/v2/mining/sites/{slug}/``.

    Never add up rows of different units; see `sectorsdf.units`. The record of a slug describes one
    reporting year and commodity.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> sites = sectorsdf.get_mining_sites(commodity_type="Gold")
    >>> resources = sectorsdf.get_mining_site_resources(sites.head(1))
    >>> columns = ["name", "stage", "category", "component", "measure", "value", "unit"]
    >>> print(resources[columns].head(3).to_string(index=False))
              name    stage category component   measure    value unit
    Contoh Hilir 6 reserves    total       ore   tonnage   256.67   Mt
    Contoh Hilir 6 reserves     <NA>        Au     grade     4.49  g/t
    Contoh Hilir 6 reserves     <NA>        Au contained 37052.02  koz
    """
    return _fetch(sites, locals())


def _fetch(sites: object, arguments: Mapping[str, Any]) -> pd.DataFrame:
    """Take the figures out of a frame that has them, or fetch the records of the sites."""
    dataset, strict = MINING_SITE_RESOURCES, flag("strict", arguments["strict"])
    if arguments["missing"] is not None:
        checked_missing(arguments["missing"])
    if isinstance(sites, pd.DataFrame) and "resources_reserves" in sites.columns:
        provenance = Provenance.of_frame(sites).updated(dataset=dataset.name, credits=0)
        return resources_frame(records_of(sites), provenance, strict=strict)
    context = context_of(arguments)
    config = call_config(context, dataset, arguments)
    with keep_paid_pages():
        if sites is not None:
            return _fetch_figures(context, sites, arguments, config)
        every = {"client": arguments["client"], "max_rows": None, "strict": False, "validate": True}
        query = list_query(context, MINING_SITES, every, config)
        listed = fetch_frame(context, query)
        return _fetch_figures(context, listed, arguments, config, Provenance.of_frame(listed))


def _fetch_figures(
    context: ClientContext,
    sites: object,
    arguments: Mapping[str, Any],
    config: CallConfig,
    listed: Provenance | None = None,
) -> pd.DataFrame:
    """Fetch the records of sites and return their figures."""
    query = record_query(MINING_SITE_RESOURCES, sites, arguments, config)
    records = fetch_records(context, query)
    provenance = records.provenance if listed is None else records.provenance.after_list(listed)
    frame = resources_frame(records.found.values(), provenance, strict=query.strict)
    default: Literal["raise", "quiet"] = "quiet" if isinstance(sites, pd.DataFrame) else "raise"
    missing: Literal["raise", "skip", "quiet"] = arguments["missing"] or default
    unknown = {key: query.paths[key] for key in records.not_found}
    return handle_missing(frame, unknown, query.dataset, missing, context)
