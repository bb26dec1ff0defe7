"""Columns that several datasets share."""

from __future__ import annotations

from sectorsdf.datasets.schema import Column

WIUP_CODE = Column(
    "wiup_code",
    "text",
    "Code of the mining business licence area (WIUP); 13 to 20 digits, kept as text",
    is_code=True,
)
PROVINCE = Column(
    "province",
    "text",
    "Province; several, separated by commas, where an area lies in more than one",
)
CITY = Column("city", "text", "Regency (kabupaten) or city (kota)")
AREA = Column("licensed_area_ha", "number", "Licensed area", unit="ha")
