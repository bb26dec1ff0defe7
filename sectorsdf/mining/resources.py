"""TODO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack

import pandas as pd

from sectorsdf import datasets as ds
from sectorsdf.client.record_call import keys_of
from sectorsdf.frames.provenance import ATTRS, both_kept, spent_on
from sectorsdf.frames.resources import records_of, resources_frame
from sectorsdf.mining.fetch import chosen_client, told_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sectorsdf.client.call_config import CallOptions
    from sectorsdf.client.client import Client

__all__ = ["get_mining_site_resources"]


def get_mining_site_resources(
    sites: str | Iterable[str] | pd.DataFrame | None = None,
    *,
    missing: Literal["raise", "skip"] | None = None,
    strict: bool = False,
    client: Client | None = None,
    **options: Unpack[CallOptions],
) -> pd.DataFrame:
    """Return the resources and reserves of mine sites, one row a figure, each with its unit.

    Parameters
    ----------
    sites : str, iterable of str, or DataFrame, optional
        A slug, several, a frame with a `slug` column, or nothing for every site. A frame that
        `get_mining_sites(details=True)` or `get_mining_site` gave holds the figures already: no
        request is made for it.
    missing : {"raise", "skip"}, optional
        What to do where the API does not know a slug: by default it raises for slugs that were
        named, and leaves out those of a frame or of every site (a mine abroad has no details).
    strict : bool, default False
        Raise where a figure's key does not follow the grammar, instead of warning.
    client, **options
        As in `get_mining_licenses`.

    Returns
    -------
    pandas.DataFrame
        One row is one figure of one site. Columns: slug, name (text), year (Int64),
        commodity_type, company_slug, company_name, province (text), measurement_year (Int64),
        ore_type (text: limonite, saprolite, or missing), stage (text: reserves or resources),
        category (text: proven, probable, total, measured, indicated, inferred, exploration_target,
        inventory, or missing), component (text: ore, coal, or an element or oxide), measure (text:
        tonnage, contained, grade, calorific_value), value, value_min, value_max (float64, in
        `unit`), unit (text: Mt, wmt, dmt, Kt, koz, g/t, %, kcal/kg), verified (boolean),
        source_field, raw (text). Never add up rows of different units; see `sectorsdf.units`.

    Raises
    ------
    NotFoundError, FilterError, DataError, CreditLimitError, APIError
        As in `get_mining_site`.

    Notes
    -----
    Costs one credit a distinct slug, nothing for a frame with details; for every site also one for
    each page of the list. A slug's record describes one reporting year and commodity. Source:
    Sectors API, ``/v2/mining/sites/{slug}/``.
    """
    dataset = ds.MINING_SITE_RESOURCES
    if isinstance(sites, pd.DataFrame) and "resources_reserves" in sites.columns:
        facts = {**sites.attrs.get(ATTRS, {}), "dataset": dataset.name, "credits": 0}
        return resources_frame(records_of(sites), facts, strict=strict)
    chosen = chosen_client(client)

    def tidy(
        given: str | Iterable[str] | pd.DataFrame, listed: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        left = dict(options)
        if listed and (limit := options.get("max_credits")) is not None:
            left["max_credits"] = limit - spent_on(listed)
        keys = keys_of(given, "slug")
        records, unknown, facts = chosen.fetch_records(dataset, keys, options=left)
        if listed:
            facts["from_cache"] = both_kept(listed, facts)
            facts["credits"] += listed["credits"]
        frame = resources_frame(records.values(), facts, strict=strict)
        named = not isinstance(given, pd.DataFrame)
        how = missing or ("raise" if named else "quiet")
        return told_missing(frame, unknown, dataset, how, chosen.base_url)

    if sites is not None:
        return tidy(sites)
    return chosen.fetch(
        ds.MINING_SITES,
        {},
        options=options,
        then=lambda listed: tidy(listed, listed.attrs[ATTRS]),
    )
