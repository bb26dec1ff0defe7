"""Declaration of the mining licences."""

from __future__ import annotations

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets.columns import AREA, CITY, PROVINCE, WIUP_CODE
from sectorsdf.datasets.schema import Column, Dataset, Filter

__all__ = ["MINING_LICENSES"]


MINING_LICENSES = Dataset(
    name="mining_licenses",
    title="mining licence",
    row="one mining licence of the ESDM Minerba register",
    path="/v2/mining/licenses/",
    command="licenses",
    summary="Mining licences.",
    key=("wiup_code",),
    columns=(
        WIUP_CODE,
        Column("license_number", "text", "Number of the licence's decree", is_code=True),
        Column(
            "license_type",
            "text",
            "IUP mining business licence, IUPK special mining business licence, IPR people's "
            "mining licence, KK contract of work, PKP2B coal contract of work, SIPB rock mining",
            values=vocab.LICENSE_TYPES,
        ),
        PROVINCE,
        CITY,
        Column("license_effective_date", "date", "First day of the licence"),
        Column("license_expiry_date", "date", "Last day of the licence"),
        Column(
            "activity",
            "text",
            "Stage: Eksplorasi (exploration) or Operasi Produksi (production operation)",
            values=vocab.ACTIVITY_STAGES,
        ),
        AREA,
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
        Filter(
            "company",
            "slug",
            column="company_slug",
            meaning="Slug of the holder, as in the column `company_slug`. Most rows have none",
        ),
        Filter(
            "province",
            "choice",
            vocab.LICENSE_PROVINCES,
            "Province, exact",
            vocabulary="LICENSE_PROVINCES",
        ),
        Filter(
            "commodity_type",
            "choice",
            vocab.LICENSE_COMMODITY_TYPES,
            "Commodity licensed",
            ignores_case=True,
        ),
        Filter(
            "license_type",
            "choice",
            vocab.LICENSE_TYPES,
            "IUP (mining business licence), IUPK (special), IPR (people's mining), KK (contract of "
            "work), PKP2B (coal contract of work) or SIPB (rock mining)",
            ignores_case=True,
        ),
        Filter(
            "activity",
            "choice",
            vocab.ACTIVITY_STAGES,
            "Eksplorasi (exploration) or Operasi Produksi (production operation)",
            ignores_case=True,
        ),
        Filter(
            "cnc",
            "text_or_flag",
            meaning="Clear and Clean status. The API's sources disagree: a text such as CNC or "
            "CNC-1 is sent as it is, a boolean as true or false",
            ignores_case=True,
        ),
        Filter(
            "expiring_soon",
            "flag",
            meaning="Only licences that expire within the next 365 days",
            column="license_expiry_date",
            match="soon",
        ),
        Filter("order_by", "choice", vocab.LICENSE_SORTS),
    ),
    default_order="license_expiry_date",
    finest_order="licensed_area_ha",
    facets=("province", "commodity_type", "license_type"),
)
