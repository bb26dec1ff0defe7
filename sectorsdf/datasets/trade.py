"""Declarations of contracts, exports, sales destinations, and national and global figures."""

from __future__ import annotations

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets.companies import SLUG, YEAR_FILTER
from sectorsdf.datasets.schema import PAGE_SIZE, Column, Dataset, Filter

__all__ = [
    "MINING_CONTRACTS",
    "MINING_EXPORTS",
    "MINING_GLOBAL_COMMODITIES",
    "MINING_SALES_DESTINATIONS",
    "MINING_TOTAL_PRODUCTION",
]

MINING_CONTRACTS = Dataset(
    name="mining_contracts",
    title="contract",
    row="one contract between a mine owner and a contractor",
    path="/v2/mining/contracts/",
    command="contracts",
    summary="Contracts between mine owners and contractors.",
    answer="array",
    unpack="contracts",
    key=("mine_owner_slug", "contractor_slug", "contract_period_end"),
    columns=(
        Column("mine_owner_slug", "text", "Slug of the mine owner"),
        Column("mine_owner_name", "text", "Mine owner"),
        Column("contractor_slug", "text", "Slug of the contractor, which can own mines itself"),
        Column("contractor_name", "text", "Contractor"),
        Column(
            "contract_period_end",
            "date",
            "Last day of the contract, which can be past; missing if it has none",
        ),
    ),
    filters=(
        # Not of the kind "slug": a slug of this endpoint can hold parentheses.
        Filter("contractor", "text", meaning="Slug of the contractor", column="contractor_slug"),
        Filter("mine_owner", "text", meaning="Slug of the mine owner", column="mine_owner_slug"),
    ),
)
MINING_EXPORTS = Dataset(
    name="mining_exports",
    title="commodity",
    row="one destination of Indonesia's exports of a commodity in one year",
    path="/v2/mining/exports/",
    command="exports",
    summary="Exports by destination, commodity and year.",
    answer="array",
    unpack="exports",
    keyword="commodity_types",
    priced_by="commodity and year",
    limit=PAGE_SIZE,
    key=("commodity_type", "year", "country"),
    columns=(
        Column("commodity_type", "text", "Commodity exported", values=vocab.EXPORT_COMMODITY_TYPES),
        Column("year", "integer", "Year of the exports"),
        Column("rank", "integer", "Place of the country by the value of the exports, from 1"),
        Column(
            "country",
            "text",
            "Country as the API spells it, which differs between years; or Others",
        ),
        Column("export_usd", "number", "Value of the exports", unit="USD"),
        Column(
            "volume_bps",
            "number",
            "Volume by BPS, the statistical office; the API's export_volume_bps",
            unit_in="volume_unit",
        ),
        Column(
            "volume_esdm",
            "number",
            "Volume by ESDM, the ministry; the API's export_volume_esdm, which can differ from the "
            "other by a factor",
            unit_in="volume_unit",
        ),
        Column(
            "volume_unit",
            "text",
            "Unit of both volumes: Mt for coal, ton for copper; missing for gold, which has no "
            "volumes",
        ),
    ),
    filters=(
        Filter(
            "commodity_type",
            "choice",
            vocab.EXPORT_COMMODITY_TYPES,
            "Commodity exported",
            ignores_case=True,
        ),
        Filter(
            "year",
            "integer",
            meaning="Year of the exports",
            minimum=1900,
            maximum=2026,
            is_year=True,
        ),
    ),
)
MINING_GLOBAL_COMMODITIES = Dataset(
    name="mining_global_commodities",
    title="commodity",
    row="one figure of a country, commodity and year",
    path="/v2/mining/global-commodity/",
    command="global",
    summary="Reserves, trade and production of the world's countries.",
    answer="array",
    unpack="global_commodities",
    keyword="countries",
    priced_by="commodity or country",
    limit=PAGE_SIZE,
    key=("country", "commodity_type", "measure", "rank", "year"),
    columns=(
        Column("country", "text", "Country as the API spells it; or a region, such as Others"),
        Column("commodity_type", "text", "Commodity", values=vocab.GLOBAL_COMMODITY_TYPES),
        Column("year", "integer", "Year of the figure; missing if the API sends none"),
        Column(
            "measure",
            "text",
            "What is measured; missing in the only row of a country without any figure",
            values=(
                "reserves",
                "reserves_share",
                "export",
                "import",
                "production",
                "production_share",
            ),
        ),
        Column(
            "rank",
            "text",
            "Rank of the coal, for reserves of coal only",
            values=("anthracite", "sub_bituminous_bituminous_lignite"),
        ),
        Column("value", "number", "The figure, in unit", unit_in="unit"),
        Column(
            "unit",
            "text",
            "% of the world for shares, USD for exports and imports, and for the others the API's "
            "unit, such as Mt",
        ),
    ),
    filters=(
        Filter(
            "commodity_type",
            "choice",
            vocab.GLOBAL_COMMODITY_TYPES,
            "Commodity",
            ignores_case=True,
        ),
        Filter("country", "text", meaning="Country, exact"),
    ),
)
MINING_SALES_DESTINATIONS = Dataset(
    name="mining_sales_destinations",
    title="company",
    row="one destination of a company's sales in one year",
    path="/v2/mining/sales-destination/{}/",
    command="destinations",
    summary="Destinations of companies' sales, by year.",
    answer="object",
    unpack="sales_destinations",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug and year",
    key=("slug", "year", "destination"),
    columns=(
        SLUG,
        Column("year", "integer", "Reporting year"),
        Column("destination", "text", "Country, or a region, as the company reports it"),
        Column("is_region", "flag", "Whether the destination is no country, such as Others"),
        Column("commodity_type", "text", "Commodity sold"),
        Column("revenue_usd", "number", "Revenue from the destination", unit="USD"),
        Column("percentage_of_total_revenue", "number", "Share of the company's revenue", unit="%"),
        Column("volume", "number", "Volume sold, in the row's unit", unit_in="unit"),
        Column("percentage_of_sales_volume", "number", "Share of the company's volume", unit="%"),
        Column("unit", "text", "Unit of the volume, such as Mt"),
    ),
    filters=(YEAR_FILTER,),
)
MINING_TOTAL_PRODUCTION = Dataset(
    name="mining_total_production",
    title="commodity",
    row="Indonesia's production of a commodity in one year",
    path="/v2/mining/total-production/",
    command="production",
    summary="Indonesia's production, by commodity and year.",
    answer="array",
    unpack="total_production",
    keyword="commodity_types",
    priced_by="commodity",
    key=("commodity_type", "year"),
    columns=(
        Column("commodity_type", "text", "Commodity produced", values=vocab.COMMODITY_TYPES),
        Column("year", "integer", "Year of the production"),
        Column(
            "production_volume",
            "number",
            "Production, in unit; of copper it is concentrate",
            unit_in="unit",
        ),
        Column(
            "unit",
            "text",
            "Unit of the volumes: t for copper, which the API writes as mt; otherwise as the API "
            "writes it, Mt for coal and nickel, Kg for gold",
        ),
        Column("api_unit", "text", "Unit as the API writes it; mt of copper is no million tons"),
        Column(
            "prev_year_volume",
            "number",
            "The API's volume of the year before, which can be that of two years before",
            unit_in="unit",
        ),
        Column(
            "yoy_change_pct",
            "number",
            "Change from the year before, from the volumes of both years; missing if there is no "
            "volume of that year in the same unit",
            unit="%",
        ),
        Column(
            "api_yoy_change_pct",
            "number",
            "The API's yoy_change_percent, which can span two years",
            unit="%",
        ),
    ),
    filters=(
        Filter(
            "commodity_type",
            "choice",
            vocab.COMMODITY_TYPES,
            "Commodity produced",
            ignores_case=True,
        ),
    ),
)
