"""Declarations of companies' production, and of their resources, reserves and products."""

from __future__ import annotations

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets.companies import SLUG, YEAR_FILTER
from sectorsdf.datasets.schema import Column, Dataset, Filter
from sectorsdf.datasets.sites import MINING_SITE_RESOURCES

__all__ = [
    "FIGURE_COLUMNS",
    "MINING_COMPANY_PERFORMANCE",
    "MINING_COMPANY_PRODUCTS",
    "MINING_COMPANY_RESOURCES",
]

_NAMES = [column.name for column in MINING_SITE_RESOURCES.columns]
FIGURE_COLUMNS = MINING_SITE_RESOURCES.columns[_NAMES.index("measurement_year") :]
"""The columns of one figure of resources and reserves, the same for sites and all others."""

_ROW = (
    SLUG,
    Column("year", "integer", "Reporting year"),
    Column(
        "commodity_type", "text", "Commodity reported", values=vocab.PERFORMANCE_COMMODITY_TYPES
    ),
    Column(
        "commodity_sub_type",
        "text",
        "Kind of the commodity, such as Thermal Coal or Nickel Matte; often missing",
    ),
)
_FILTERS = (
    YEAR_FILTER,
    Filter(
        "commodity_type",
        "choice",
        vocab.PERFORMANCE_COMMODITY_TYPES,
        "Commodity reported",
        ignores_case=True,
    ),
)
MINING_COMPANY_PERFORMANCE = Dataset(
    name="mining_company_performance",
    title="company",
    row="one commodity and sub-type of a company in one year",
    path="/v2/mining/companies/performance/{}/",
    command="performance",
    summary="Production and sales of companies, by year and commodity.",
    answer="object",
    unpack="performance",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug and year",
    key=("slug", "year", "commodity_type", "commodity_sub_type"),
    columns=(
        *_ROW,
        Column(
            "mining_operation_status",
            "text",
            "Status of the operation",
            values=("production", "development", "inactive"),
        ),
        Column(
            "production_volume",
            "number",
            "Production of the year, in the row's unit; rows of one commodity can have several "
            "units and stages of processing, so they must not be added",
            unit_in="unit",
        ),
        Column("sales_volume", "number", "Sales of the year, in the row's unit", unit_in="unit"),
        Column(
            "unit",
            "text",
            "Unit of production and sales: Mt, koz, kg, kton, ton, TNi (tons of contained nickel), "
            "or wmt, which by the size of the figures is million wet metric tons",
            values=("Mt", "koz", "kg", "kton", "wmt", "ton", "TNi"),
        ),
        Column(
            "overburden_removal_volume",
            "number",
            "Overburden removed in the year, of coal only",
            unit_in="overburden_unit",
        ),
        Column(
            "overburden_unit",
            "text",
            "Mbcm (million bank cubic metres) where production is in Mt, because only then the "
            "strip ratio fits; otherwise missing, because the API sends none",
            values=("Mbcm",),
        ),
        Column(
            "strip_ratio",
            "number",
            "Strip ratio: overburden removed for each unit of coal; of coal only",
        ),
        Column("resources_reserves", "json", "Resources and reserves, as the API's JSON text"),
        Column("products", "json", "Products and their qualities, as the API's JSON text"),
    ),
    filters=_FILTERS,
)
MINING_COMPANY_RESOURCES = Dataset(
    name="mining_company_resources",
    title="company",
    row="one figure of a company's resources and reserves",
    path=MINING_COMPANY_PERFORMANCE.path,
    command="performance",
    summary="One row for each figure of resources and reserves, at no extra cost.",
    part="resources",
    answer="object",
    unpack="company_resources",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug and year",
    key=("slug", "year", "commodity_type", "commodity_sub_type", "source_field"),
    columns=(*_ROW, *FIGURE_COLUMNS),
    filters=_FILTERS,
)
MINING_COMPANY_PRODUCTS = Dataset(
    name="mining_company_products",
    title="company",
    row="one property of a company's product in one year",
    path=MINING_COMPANY_PERFORMANCE.path,
    command="performance",
    summary="One row for each property of a product, at no extra cost.",
    part="products",
    answer="object",
    unpack="products",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug and year",
    key=(
        "slug",
        "year",
        "commodity_type",
        "commodity_sub_type",
        "product_index",
        "property",
        "basis",
    ),
    columns=(
        *_ROW,
        Column("product_index", "integer", "Place of the product in the API's list, from 1"),
        Column("product_name", "text", "Name of the product; it can repeat in one list"),
        Column(
            "property",
            "text",
            "What is measured: calorific_value, total_moisture, ash_content, total_sulphur, "
            "volatile_matter, fixed_carbon, or an element or oxide; missing if nothing is",
        ),
        Column(
            "basis",
            "text",
            "adb (air dried) or arb (as received); missing if the API names none",
            values=("adb", "arb"),
        ),
        Column("value_min", "number", "Lower end of the range, in unit", unit_in="unit"),
        Column("value_max", "number", "Upper end of the range, in unit", unit_in="unit"),
        Column(
            "unit",
            "text",
            "Unit of the row's values; missing for a property whose unit is not known",
            values=("kcal/kg", "%", "g/t", "ppm"),
        ),
    ),
    filters=_FILTERS,
)
