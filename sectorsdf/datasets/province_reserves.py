"""Declarations of the resources and reserves of provinces, and of their index."""

from __future__ import annotations

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets.performance import FIGURE_COLUMNS
from sectorsdf.datasets.schema import Column, Dataset, Filter

__all__ = ["MINING_PROVINCE_RESOURCES", "MINING_RESERVES_INDEX"]

_ROW = (
    Column("province", "text", "Province"),
    Column("commodity_type", "text", "Commodity", values=vocab.RESERVES_COMMODITY_TYPES),
    Column("year", "integer", "Year of the figures"),
)
MINING_RESERVES_INDEX = Dataset(
    name="mining_reserves_index",
    title="province",
    row="one province, commodity and year with resources and reserves",
    path="/v2/mining/resources-reserves/",
    command="reserves-index",
    summary="Provinces, commodities and years with resources and reserves.",
    answer="object",
    unpack="reserves_index",
    key=("province", "commodity_type", "year"),
    columns=_ROW,
)
MINING_PROVINCE_RESOURCES = Dataset(
    name="mining_province_resources",
    title="province",
    row="one figure of a province's resources and reserves",
    path="/v2/mining/resources-reserves/{}/",
    command="reserves",
    summary="Resources and reserves of provinces, one row for each figure.",
    answer="object",
    unpack="province_resources",
    addressed_by="province",
    keyword="provinces",
    listed_by="mining_reserves_index",
    priced_by="province",
    key=("province", "year", "commodity_type", "source_field"),
    columns=(*_ROW, *FIGURE_COLUMNS),
    filters=(
        Filter(
            "commodity_type",
            "choice",
            vocab.RESERVES_COMMODITY_TYPES,
            "Commodity",
            ignores_case=True,
        ),
        Filter(
            "year",
            "integer",
            meaning="Year of the figures",
            minimum=1900,
            maximum=2026,
            is_year=True,
        ),
    ),
)
