"""Declarations of mine sites, their details, and their resources and reserves."""

from __future__ import annotations

from dataclasses import replace

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets.schema import Column, Dataset, Filter

__all__ = ["MINING_SITE", "MINING_SITES", "MINING_SITE_RESOURCES"]


_JORC = "resources_reserves"
_SITE_COLUMNS = (
    Column("name", "text", "Name of the mine site"),
    Column("project_name", "text", "Project that the site belongs to"),
    Column("year", "integer", "Reporting year"),
    Column("commodity_type", "text", "Commodity reported", values=vocab.COMMODITY_TYPES),
    Column(
        "production_volume",
        "number",
        "Production of the year, in the row's unit",
        unit_in="unit",
    ),
    Column(
        "unit",
        "text",
        "Unit of production_volume: Mt coal, koz gold, kton copper, wmt (million wet tonnes) of "
        "nickel ore",
        values=("Mt", "koz", "kton", "wmt"),
    ),
    Column("strip_ratio", "number", "Strip ratio: overburden removed for each unit of ore"),
    Column("province", "text", "Province; missing for a mine abroad"),
    Column("city", "text", "Regency (kabupaten) or city (kota); missing for a mine abroad"),
    Column("company_slug", "text", "Slug of the owning company"),
    Column("company_name", "text", "Owning company"),
    Column("slug", "text", "Slug of the site; it repeats over years and commodities"),
)
MINING_SITES = Dataset(
    name="mining_sites",
    title="mining site",
    row="one mine site in one reporting year for one commodity",
    path="/v2/mining/sites/",
    command="sites",
    summary="Mine sites, by reporting year and commodity.",
    details="mining_site",
    key=("slug", "year", "commodity_type"),
    columns=_SITE_COLUMNS,
    filters=(
        Filter("company", "slug", column="company_slug", meaning="Slug of the owning company"),
        Filter(
            "province",
            "choice",
            vocab.SITE_PROVINCES,
            "Province, exact",
            vocabulary="SITE_PROVINCES",
        ),
        Filter(
            "commodity_type",
            "choice",
            vocab.COMMODITY_TYPES,
            "Commodity reported",
            ignores_case=True,
        ),
        Filter(
            "year", "integer", meaning="Reporting year", minimum=1900, maximum=2026, is_year=True
        ),
        Filter(
            "min_production",
            "number",
            meaning="Only rows whose `production_volume`, in the row's own unit, is at least this",
            column="production_volume",
            match="least",
        ),
        Filter("order_by", "choice", vocab.SITE_SORTS),
    ),
    default_order="-year",
    facets=("commodity_type", "province", "year"),
)
_TONNAGES = tuple(
    Column(f"{category}_{stage}", "number", meaning, field=_JORC, unit_in="tonnage_unit")
    for stage, category, meaning in (
        ("reserves", "proven", "Proven (proved) ore or coal reserves"),
        ("reserves", "probable", "Probable ore or coal reserves"),
        ("reserves", "total", "Total ore or coal reserves"),
        ("resources", "measured", "Measured ore or coal resources"),
        ("resources", "indicated", "Indicated ore or coal resources"),
        ("resources", "inferred", "Inferred ore or coal resources"),
        ("resources", "total", "Total ore or coal resources"),
    )
)
MINING_SITE = Dataset(
    name="mining_site",
    title="mining site",
    row="one mine site in one reporting year for one commodity",
    path="/v2/mining/sites/{}/",
    command="site",
    summary="Mine sites in full, by slug.",
    key=("slug", "year", "commodity_type"),
    columns=(
        *(
            replace(c, field="location") if c.name in {"province", "city"} else c
            for c in _SITE_COLUMNS
        ),
        Column(
            "overburden_removal_volume",
            "number",
            "Overburden removed in the year; the API does not say in which unit",
        ),
        Column("latitude", "number", "Latitude of the site", unit="degree", field="location"),
        Column("longitude", "number", "Longitude of the site", unit="degree", field="location"),
        Column("measurement_year", "integer", "Year of the estimate", field=_JORC),
        *_TONNAGES,
        Column(
            "tonnage_unit",
            "text",
            "Unit of the seven tonnages: Mt, or wmt (million wet tonnes)",
            field=_JORC,
        ),
        Column(
            "calorific_value_min",
            "number",
            "Lower bound of the coal's calorific value",
            unit="kcal/kg",
            field=_JORC,
        ),
        Column(
            "calorific_value_max",
            "number",
            "Upper bound of the coal's calorific value",
            unit="kcal/kg",
            field=_JORC,
        ),
        Column(_JORC, "json", "Resources and reserves, as the API's JSON text"),
    ),
    nested={"location": "site_location", _JORC: "resources_reserves"},
    answer="object",
    addressed_by="slug",
)
MINING_SITE_RESOURCES = Dataset(
    name="mining_site_resources",
    title="mining site",
    row="one figure of a site's resources and reserves",
    path=MINING_SITE.path,
    command="resources",
    summary="Resources and reserves of sites, one row for each figure.",
    listed_by="mining_sites",
    key=("slug", "year", "commodity_type", "company_slug", "source_field"),
    columns=(
        *(
            next(column for column in _SITE_COLUMNS if column.name == name)
            for name in (
                "slug",
                "name",
                "year",
                "commodity_type",
                "company_slug",
                "company_name",
                "province",
            )
        ),
        Column("measurement_year", "integer", "Year of the estimate"),
        Column(
            "ore_type",
            "text",
            "Laterite layer of a nickel site",
            values=("limonite", "saprolite"),
        ),
        Column(
            "stage",
            "text",
            "reserves (what can be mined economically) or resources",
            values=("reserves", "resources"),
        ),
        Column(
            "category",
            "text",
            "Confidence category of JORC and KCMI, or total; total_verified is the part of a "
            "province's total that is verified, which the total includes",
            values=(
                "proven",
                "probable",
                "total",
                "total_verified",
                "measured",
                "indicated",
                "inferred",
                "exploration_target",
                "inventory",
            ),
        ),
        Column("component", "text", "What is measured: ore, coal, or an element or oxide"),
        Column(
            "measure",
            "text",
            "tonnage of ore or coal, contained metal, grade, or calorific value",
            values=("tonnage", "contained", "grade", "calorific_value"),
        ),
        Column(
            "value",
            "number",
            "The figure, in unit; of a range only where its ends agree",
            unit_in="unit",
        ),
        Column(
            "value_min",
            "number",
            "Lower end of a grade or calorific value, in unit",
            unit_in="unit",
        ),
        Column(
            "value_max",
            "number",
            "Upper end of a grade or calorific value, in unit",
            unit_in="unit",
        ),
        Column(
            "unit",
            "text",
            "Unit of the figures: Mt, wmt (million wet tonnes), dmt (million dry tonnes), Kt, "
            "koz, g/t, %, kcal/kg",
        ),
        Column("verified", "flag", "True where the API marks the figure as verified"),
        Column("source_field", "text", "Path of the figure in the API's JSON"),
        Column("raw", "text", "The JSON text, where the numbers alone do not give it"),
    ),
    answer="object",
    addressed_by="slug",
)
