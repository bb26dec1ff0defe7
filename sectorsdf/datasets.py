"""Frozen declarations of the datasets: path, natural key, columns, filters.

This is the only place that says what a frame looks like; the Arrow schema made from it is the
source of truth for every dtype. A new endpoint is one declaration here, one getter, and its tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf import vocabularies as vocab
from sectorsdf.declarations import Column, Dataset, Filter

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DATASETS",
    "MINING_LICENSES",
    "MINING_LICENSE_AUCTION",
    "MINING_LICENSE_AUCTIONS",
    "MINING_LICENSE_AUCTION_PARTICIPANTS",
    "MINING_LICENSE_AUCTION_PHASES",
    "MINING_SITE",
    "MINING_SITES",
    "MINING_SITE_RESOURCES",
    "Column",
    "Dataset",
    "Filter",
]

_WIUP_CODE = Column(
    "wiup_code",
    "text",
    "Code of the mining business licence area (WIUP); 13 to 20 digits, kept as text",
)
_PROVINCE = Column(
    "province", "text", "Province; several, parted by commas, where an area lies in more than one"
)
_CITY = Column("city", "text", "Regency (kabupaten) or city (kota)")
_AREA = Column("licensed_area_ha", "number", "Licensed area", unit="ha")

MINING_LICENSES = Dataset(
    name="mining_licenses",
    title="mining licence",
    row="one mining licence of the ESDM Minerba register",
    path="/v2/mining/licenses/",
    key=("wiup_code",),
    columns=(
        _WIUP_CODE,
        Column("license_number", "text", "Number of the licence's decree"),
        Column(
            "license_type",
            "text",
            "IUP mining business licence, IUPK special mining business licence, IPR people's "
            "mining licence, KK contract of work, PKP2B coal contract of work, SIPB rock mining",
            values=vocab.LICENSE_TYPES,
        ),
        _PROVINCE,
        _CITY,
        Column("license_effective_date", "date", "First day of the licence"),
        Column("license_expiry_date", "date", "Last day of the licence"),
        Column(
            "activity",
            "text",
            "Stage: Eksplorasi (exploration) or Operasi Produksi (production operation)",
            values=vocab.ACTIVITY_STAGES,
        ),
        _AREA,
        Column("location", "text", "Place as text, where the API gives a text"),
        Column(
            "longitude",
            "number",
            "Longitude of the GeoJSON Point, or the bounding box's centre of another geometry",
            unit="degree",
            field="location",
        ),
        Column(
            "latitude",
            "number",
            "Latitude of the GeoJSON Point, or the bounding box's centre of another geometry",
            unit="degree",
            field="location",
        ),
        Column(
            "location_geojson",
            "json",
            "The geometry as GeoJSON text, where it is more than a plain Point",
            field="location",
        ),
        Column(
            "commodity_type", "text", "Commodity licensed", values=vocab.LICENSE_COMMODITY_TYPES
        ),
        Column("company_name", "text", "Holder of the licence"),
        Column("cnc", "text", "Clear and Clean status: CNC, CNC-1 to CNC-27, CnC, I.T, or missing"),
        Column("generation", "text", "Generation of the contract, such as IUP PMA or GEN I"),
        Column(
            "company_slug", "text", "The holder's slug, where the API knows it (about 5 % of rows)"
        ),
    ),
    nested={"location": "license_location"},
    filters=(
        Filter("company", "slug", column="company_slug"),
        Filter("province", "choice", vocab.LICENSE_PROVINCES),
        Filter("commodity_type", "choice", vocab.LICENSE_COMMODITY_TYPES, ignores_case=True),
        Filter("license_type", "choice", vocab.LICENSE_TYPES, ignores_case=True),
        Filter("activity", "choice", vocab.ACTIVITY_STAGES, ignores_case=True),
        Filter("cnc", "text_or_flag", ignores_case=True),
        Filter("expiring_soon", "flag", column="license_expiry_date", match="soon"),
        Filter("order_by", "choice", vocab.LICENSE_SORTS),
    ),
    default_order="license_expiry_date",
    finest_order="licensed_area_ha",
    facets=("province", "commodity_type", "license_type"),
)

_AUCTION_COLUMNS = (
    Column("commodity_type", "text", "Commodity auctioned", values=vocab.COMMODITY_TYPES),
    _CITY,
    _PROVINCE,
    Column("company_name", "text", "Winning company"),
    Column("winner_date", "date", "Day on which the winner was announced"),
    _AREA,
    Column("license_number", "text", "Number of the decree that set the area"),
    Column(
        "area_type",
        "text",
        "WIUP mining business licence area, or WIUPK special mining business licence area",
        values=vocab.AREA_TYPES,
    ),
    Column("kdi", "integer", "Kompensasi Data Informasi: the price of the data", unit="IDR"),
    _WIUP_CODE,
    Column("auction_status", "text", "Status, such as Lelang Selesai (auction closed)"),
    Column("participant_count", "integer", "Number of participants"),
    Column("winner", "flag", "Whether a winner was declared"),
    Column("company_slug", "text", "The winner's slug, where the API knows it"),
)

MINING_LICENSE_AUCTIONS = Dataset(
    name="mining_license_auctions",
    title="auction",
    row="one auction of a mining licence area",
    path="/v2/mining/license-auctions/",
    key=("wiup_code",),
    columns=_AUCTION_COLUMNS,
    filters=(
        Filter("province", "choice", vocab.AUCTION_PROVINCES, ignores_case=True),
        Filter("commodity_type", "choice", vocab.COMMODITY_TYPES, ignores_case=True),
        Filter("area_type", "choice", vocab.AREA_TYPES, ignores_case=True),
        Filter("status", "text", ignores_case=True, column="auction_status"),
        Filter("participant", "text", ignores_case=True, match=None),
        Filter("qualified", "flag", match=None),
        Filter("min_participants", "integer", minimum=0, column="participant_count", match="least"),
        Filter("order_by", "choice", vocab.AUCTION_SORTS),
    ),
    default_order="-winner_date",
    facets=("commodity_type", "province", "area_type"),
)

MINING_LICENSE_AUCTION = Dataset(
    name="mining_license_auction",
    title="auction",
    row="one auction of a mining licence area",
    path="/v2/mining/license-auctions/{}/",
    key=("wiup_code",),
    columns=(
        *_AUCTION_COLUMNS,
        Column("created_at", "date", "Day on which the provider made the record"),
        Column("last_modified", "date", "Day on which the provider last changed the record"),
    ),
    nested={"phases": "elsewhere", "participants": "elsewhere"},
    addressed_by="wiup_code",
)

MINING_LICENSE_AUCTION_PHASES = Dataset(
    name="mining_license_auction_phases",
    title="auction",
    row="one phase of one auction",
    path=MINING_LICENSE_AUCTION.path,
    key=("wiup_code", "order"),
    columns=(
        _WIUP_CODE,
        Column("order", "integer", "Place of the phase in the auction, from 1"),
        Column("description", "text", "Name of the phase, in Indonesian"),
        Column("start_date", "date", "First day of the phase"),
        Column("end_date", "date", "Last day of the phase; mostly missing"),
    ),
    addressed_by="wiup_code",
)

MINING_LICENSE_AUCTION_PARTICIPANTS = Dataset(
    name="mining_license_auction_participants",
    title="auction",
    row="one participant of one auction",
    path=MINING_LICENSE_AUCTION.path,
    key=("wiup_code", "NIB"),
    columns=(
        _WIUP_CODE,
        Column("NIB", "text", "Nomor Induk Berusaha: the business's registration number, as text"),
        Column("company_name", "text", "Participating company"),
        Column(
            "qualification_result",
            "text",
            "Result of the prequalification: Lolos (passed) or Tidak Lolos (failed)",
            values=("Lolos", "Tidak Lolos"),
        ),
    ),
    nested={"email": "elsewhere"},
    addressed_by="wiup_code",
)

_JORC = "resources_reserves"

_SITE_COLUMNS = (
    Column("name", "text", "Name of the mine site"),
    Column("project_name", "text", "Project that the site belongs to"),
    Column("year", "integer", "Reporting year"),
    Column("commodity_type", "text", "Commodity reported", values=vocab.COMMODITY_TYPES),
    Column("production_volume", "number", "Production of the year, in the row's unit"),
    Column(
        "unit",
        "text",
        "Unit of production_volume: Mt coal, koz gold, kton copper, wmt nickel ore",
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
    key=("slug", "year", "commodity_type"),
    columns=_SITE_COLUMNS,
    filters=(
        Filter("company", "slug", column="company_slug"),
        Filter("province", "choice", vocab.SITE_PROVINCES),
        Filter("commodity_type", "choice", vocab.COMMODITY_TYPES, ignores_case=True),
        Filter("year", "integer", minimum=1900, maximum=2026),
        Filter("min_production", "number", column="production_volume", match="least"),
        Filter("order_by", "choice", vocab.SITE_SORTS),
    ),
    default_order="-year",
    facets=("commodity_type", "province", "year"),
)

_TONNAGES = tuple(
    Column(f"{category}_{stage}", "number", f"{meaning}, in tonnage_unit", field=_JORC)
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
    key=("slug", "year", "commodity_type"),
    columns=(
        *(
            Column(c.name, c.kind, c.meaning, c.unit, c.values, "location")
            if c.name in {"province", "city"}
            else c
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
            "Unit of the seven tonnages: Mt, or wmt where the site gives wet tonnes",
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
    addressed_by="slug",
)

MINING_SITE_RESOURCES = Dataset(
    name="mining_site_resources",
    title="mining site",
    row="one figure of a site's resources and reserves",
    path=MINING_SITE.path,
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
            "Confidence category of JORC and KCMI, or total",
            values=(
                "proven",
                "probable",
                "total",
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
        Column("value", "number", "The figure, in unit; of a range only where its ends agree"),
        Column("value_min", "number", "Lower end of a grade or calorific value, in unit"),
        Column("value_max", "number", "Upper end of a grade or calorific value, in unit"),
        Column("unit", "text", "Unit of the row's figures: Mt, wmt, dmt, Kt, koz, g/t, %, kcal/kg"),
        Column("verified", "flag", "True where the API marks the figure as verified"),
        Column("source_field", "text", "Where the figure stands in the API's JSON"),
        Column("raw", "text", "The JSON text, where the numbers alone do not tell it"),
    ),
    addressed_by="slug",
)

DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        MINING_LICENSES,
        MINING_LICENSE_AUCTIONS,
        MINING_LICENSE_AUCTION,
        MINING_LICENSE_AUCTION_PHASES,
        MINING_LICENSE_AUCTION_PARTICIPANTS,
        MINING_SITES,
        MINING_SITE,
        MINING_SITE_RESOURCES,
    )
}
