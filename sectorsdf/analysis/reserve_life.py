"""Divide the reserves of sites by their production, where both measure the same material.

This module owns which figures can be divided. It must not import anything that fetches.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from sectorsdf.frames.inputs import require_columns
from sectorsdf.reserves.checks import check_resources
from sectorsdf.reserves.findings import amounts_of, prepared, totals_of
from sectorsdf.units import metal_of, read_unit

__all__ = ["reserve_life"]

_KEY: Final = ["slug", "year", "commodity_type", "company_slug"]
_NAMED: Final = [*_KEY, "name", "production_volume", "unit"]
_RESOURCES: Final = "get_mining_site_resources"
_COLUMNS: Final[dict[str, str]] = {
    "slug": "string",
    "name": "string",
    "year": "Int64",
    "commodity_type": "string",
    "company_slug": "string",
    "production_volume": "float64",
    "production_unit": "string",
    "reserves": "float64",
    "reserves_unit": "string",
    "reserve_life": "float64",
    "reason_missing": "string",
}
# Tonnes in each unit.
_TONNES: Final = {
    "Mt": 1e6,
    "Kt": 1e3,
    "t": 1.0,
    "kg": 1e-3,
    "oz": 31.1034768e-6,
    "koz": 31.1034768e-3,
    "Moz": 31.1034768,
    "wmt": 1e6,
    "wet t": 1.0,
    "dmt": 1e6,
    "dry t": 1.0,
}
# The commodities whose production is metal in any unit; of others it is ore or coal.
_METALS: Final = frozenset({"gold", "silver", "copper", "tin", "platinum"})
_MATERIAL: Final = "ore or coal"
# Findings that make the reserves of a site no basis for a quotient.
_DOUBTFUL: Final = ("stages_swapped", "implied_grade", "ounces_as_tonnes", "repeated_figure")
_NO_PRODUCTION: Final = "the site has no production in this year"
_NO_UNIT: Final = "the unit of the production is missing or not known"
_NO_RESERVES: Final = "the site has no total of its reserves for this year"


def reserve_life(sites: pd.DataFrame, resources: pd.DataFrame) -> pd.DataFrame:
    """Return how many years the reserves of each site last at its production of the year.

    Parameters
    ----------
    sites : pandas.DataFrame
        Sites, as get_mining_sites returns them. It is not changed.
    resources : pandas.DataFrame
        Their figures, as get_mining_site_resources returns them. It is not changed.

    Returns
    -------
    pandas.DataFrame
        One row for each row of `sites`, in their order:

        slug, name, year, commodity_type, company_slug : string, Int64
            The site.
        production_volume, production_unit : float64, string
            The production of the year.
        reserves, reserves_unit : float64, string
            The total of the reserves of the same thing, from the row of the same year, commodity
            and company: ore or coal for a production of ore or coal, contained metal for a
            production of metal. The sum over the ore types if all have the unit of the production.
        reserve_life : float64
            Years: reserves over production. It says nothing about losses in mining and
            processing, and nothing about resources that may become reserves.
        reason_missing : string
            Why ``reserve_life`` is missing. A figure that :func:`sectorsdf.check_resources` doubts
            (stages_swapped, implied_grade, ounces_as_tonnes, repeated_figure) is not divided.

        ``attrs`` has the provenance of `sites`.

    Raises
    ------
    ValueError
        A column is missing.
    TypeError
        An argument is not a DataFrame.

    Notes
    -----
    Spends no credits.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     sites = sectorsdf.get_mining_sites(client=client)
    ...     resources = sectorsdf.get_mining_site_resources(sites, client=client)
    >>> life = sectorsdf.reserve_life(sites, resources)
    >>> int(life["reserve_life"].notna().sum()), len(life)
    (16, 156)
    """
    require_columns(sites, _NAMED, "get_mining_sites")
    require_columns(resources, [*_KEY, "stage", "measure", "value", "unit"], _RESOURCES)
    rows = sites[_NAMED].reset_index(drop=True).rename(columns={"unit": "production_unit"})
    rows["production_volume"] = rows["production_volume"].astype("Float64").astype("float64")
    texts = ["slug", "commodity_type", "company_slug", "name", "production_unit"]
    rows = rows.astype(dict.fromkeys(texts, "string") | {"year": "Int64"})
    rows["component"] = _component_of(rows["commodity_type"], rows["production_unit"])
    rows["base"] = rows["production_unit"].map(_base_of, na_action="ignore").astype("string")
    reserves = _reserves_of(resources)
    rows = rows.merge(reserves, on=[*_KEY, "component", "base"], how="left")
    listed = reserves.groupby(_KEY, dropna=False)["described"].agg(", ".join)
    rows = rows.merge(listed.rename("listed").reset_index(), on=_KEY, how="left")
    rows = rows.merge(_doubts_of(resources), on=_KEY, how="left")
    production = rows["production_volume"] * _scale_of(rows["production_unit"])
    production = production.where(production > 0)
    life = rows["reserves"] * _scale_of(rows["reserves_unit"]) / production
    rows["reason_missing"] = _reasons(rows)
    rows["reserve_life"] = life.where(rows["reason_missing"].isna())
    result = rows[list(_COLUMNS)].astype(_COLUMNS)
    result.attrs = sites.attrs.copy()
    return result


def _base_of(unit: str) -> str | None:
    """Return whether a unit counts wet tonnes, dry tonnes, or mass without a word on water."""
    known = read_unit(unit)
    if known is None or known[0] not in _TONNES:
        return None
    return known[1] if known[1] in {"wet", "dry"} else "mass"


def _scale_of(units: pd.Series[str]) -> pd.Series[float]:
    known = {text: read_unit(text) for text in units.dropna().unique()}
    scales = {text: _TONNES.get(each[0]) for text, each in known.items() if each}
    return units.map(scales).astype("float64")


def _component_of(commodities: pd.Series[str], units: pd.Series[str]) -> pd.Series[str]:
    """Return what a production is of: the symbol of a metal, or ore or coal."""
    ounces = units.isin(["oz", "koz", "Moz"])
    metal = commodities.str.strip().str.casefold().isin(_METALS) | ounces
    symbols = commodities.map(metal_of, na_action="ignore").astype("string")
    return symbols.where(metal.fillna(value=False).astype(bool), _MATERIAL)


def _reserves_of(resources: pd.DataFrame) -> pd.DataFrame:
    """Return the total reserves of each site, component and base, in one unit for each."""
    totals = totals_of(amounts_of(prepared(resources)[0]))
    totals = totals[(totals["stage"] == "reserves") & totals["all_value"].notna()].copy()
    totals["component"] = totals["component"].replace({"ore": _MATERIAL, "coal": _MATERIAL})
    totals["ore_type"] = totals["ore_type"].fillna("")
    types = totals.groupby([*_KEY, "component"], dropna=False)["ore_type"].transform("nunique")
    totals["types"] = types
    groups = [*_KEY, "component", "unit", "types"]
    sums = totals.groupby(groups, dropna=False, sort=False).agg(
        reserves=("all_value", "sum"), present=("ore_type", "nunique"), rows=("ore_type", "size")
    )
    sums = sums.reset_index()
    # A sum over some of the ore types would be too small, and over repeated ones too large.
    sums = sums[(sums["present"] == sums["types"]) & (sums["rows"] == sums["types"])]
    sums = sums.rename(columns={"unit": "reserves_unit"})
    sums["base"] = sums["reserves_unit"].map(_base_of, na_action="ignore").astype("string")
    coal = sums["commodity_type"].str.casefold().eq("coal").fillna(value=False).astype(bool)
    what = sums["component"].replace({_MATERIAL: "ore"}).mask(coal, "coal")
    sums["described"] = sums["reserves_unit"] + " of " + what
    kept = [*_KEY, "component", "base", "reserves", "reserves_unit", "described"]
    return sums[kept].drop_duplicates([*_KEY, "component", "base"])


def _doubts_of(resources: pd.DataFrame) -> pd.DataFrame:
    """Return the checks that the reserves of each site fail."""
    findings = check_resources(resources)
    findings = findings[findings["check"].isin(_DOUBTFUL) & findings["slug"].notna()]
    of_reserves = findings["source_field"].str.contains("reserves").fillna(value=False)
    findings = findings[of_reserves.astype(bool)].drop_duplicates([*_KEY, "check"])
    names = findings.groupby(_KEY, dropna=False)["check"].agg(", ".join)
    return names.rename("doubts").reset_index()


def _reasons(rows: pd.DataFrame) -> pd.Series[str]:
    """Return why each row has no reserve life; missing where it has one."""
    of_metal = " of metal" + pd.Series("", index=rows.index, dtype="string")
    of_what = of_metal.where(rows["component"].ne(_MATERIAL).fillna(value=False).astype(bool), "")
    differs = (
        "the production is in "
        + rows["production_unit"]
        + of_what
        + " and the reserves are in "
        + rows["listed"]
        + ", which is not the same thing"
    )
    doubted = "check_resources doubts the reserves: " + rows["doubts"].astype("string")
    reason = doubted.astype("string")
    for wrong, words in (
        (rows["reserves"].isna(), differs),
        (rows["listed"].isna(), _NO_RESERVES),
        (rows["base"].isna(), _NO_UNIT),
        (~(rows["production_volume"] > 0), _NO_PRODUCTION),
    ):
        reason = reason.mask(wrong.fillna(value=True).to_numpy(dtype=bool), words)
    return reason
