"""Declarations of the price series and their prices, with the units that the API does not send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sectorsdf.datasets.schema import Column, Dataset, Filter

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MINING_COMMODITIES", "MINING_COMMODITY_PRICES", "PRICE_UNITS", "price_unit"]

UNKNOWN_UNIT: Final = "unknown"
# The API calls every price `price_usd_per_ton`. But gold and silver are quoted by the troy ounce,
# and the ministry quotes metals by the dry metric ton. It does so for manganese, iron, chromium and
# titanium as well, but their prices of 1 to 11 can only be for a unit of grade, so that their unit
# is not known.
PRICE_UNITS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Coal", "Coal (HBA 1)", "Coal (HBA 2)", "Coal (HBA 3)"), "USD/t"),
    **dict.fromkeys(("Nickel", "Cobalt", "Lead", "Zinc", "Aluminum", "Copper"), "USD/dmt"),
    **dict.fromkeys(("Gold", "Silver", "Gold as a co-product", "Silver as a co-product"), "USD/oz"),
    **dict.fromkeys(("Manganese", "Iron", "Chromium", "Titanium"), UNKNOWN_UNIT),
}
"""The unit of each series' prices: USD per metric ton, dry metric ton or troy ounce."""
_BY_FOLDED_NAME: Final = {name.casefold(): unit for name, unit in PRICE_UNITS.items()}
_UNIT_MEANING = (
    "USD/t (metric ton), USD/dmt (dry metric ton), USD/oz (troy ounce), or unknown; the package "
    "knows it by the commodity, because the API sends none"
)
_UNIT_VALUES = ("USD/t", "USD/dmt", "USD/oz", UNKNOWN_UNIT)


def price_unit(commodity: object) -> str:
    """Return the unit of a series' prices, or ``"unknown"``.

    Parameters
    ----------
    commodity : object
        The name of the series, in any case.
    """
    if not isinstance(commodity, str):
        return UNKNOWN_UNIT
    return _BY_FOLDED_NAME.get(commodity.strip().casefold(), UNKNOWN_UNIT)


MINING_COMMODITIES = Dataset(
    name="mining_commodities",
    title="commodity",
    row="one series of prices",
    path="/v2/mining/commodities/",
    command="commodities",
    summary="Commodities with prices, and the days that are covered.",
    answer="array",
    unpack="commodities",
    key=("name",),
    columns=(
        Column("name", "text", "Name of the series, such as Coal (HBA 1)"),
        Column("data_points", "integer", "Number of prices in the series"),
        Column("earliest_date", "date", "Day of the first price"),
        Column("latest_date", "date", "Day of the last price"),
        Column("price_unit", "text", f"Unit of the prices: {_UNIT_MEANING}", values=_UNIT_VALUES),
    ),
)
MINING_COMMODITY_PRICES = Dataset(
    name="mining_commodity_prices",
    title="commodity",
    row="one price of a commodity on a day",
    path="/v2/mining/commodities/{}/price/",
    command="prices",
    summary="Prices of commodities, by day.",
    answer="array",
    unpack="prices",
    addressed_by="commodity",
    keyword="names",
    listed_by="mining_commodities",
    priced_by="commodity and three years",
    key=("commodity", "date"),
    columns=(
        Column("commodity", "text", "Name of the series, such as Coal (HBA 1)"),
        Column(
            "date",
            "date",
            "Day of the price: the 1st of the month, for the ministry's series also the 15th from "
            "March 2025 on",
        ),
        Column(
            "price",
            "number",
            "Price in the row's unit; the API sends it as price_usd_per_ton, whatever the unit is",
            unit_in="unit",
        ),
        Column("unit", "text", f"Unit of the price: {_UNIT_MEANING}", values=_UNIT_VALUES),
    ),
    filters=(
        Filter(
            "start_year",
            "integer",
            meaning="First year of the prices",
            minimum=1900,
            maximum=2026,
            is_year=True,
            match=None,
        ),
        Filter(
            "end_year",
            "integer",
            meaning="Last year of the prices",
            minimum=1900,
            maximum=2026,
            is_year=True,
            match=None,
        ),
    ),
)
