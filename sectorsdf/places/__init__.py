"""Indonesia's provinces and regencies: names, codes, centres and bounding boxes.

The API's licences have no coordinates, so these tables are how they can be drawn, grouped by island
or joined to statistics. `provinces` and `regencies` return the tables, `province_name` returns the
API's name of a province in any of its spellings.

Sources: names and codes of the Ministry of Home Affairs (Kemendagri) from its decree
300.2.2-2430 of 2025; BPS codes from the agency's list of 2023; abbreviations and English names from
general use. Centres and boxes were computed for this package from the boundaries in
github.com/cahyadsn/wilayah_boundaries (MIT licence, August 2026), which are generalised.

This folder must not import another part of the package, and it imports pandas only when a table is
asked for.
"""

from __future__ import annotations

from sectorsdf.places.names import province_name, province_names
from sectorsdf.places.tables import provinces, regencies

__all__ = ["province_name", "province_names", "provinces", "regencies"]


def __dir__() -> list[str]:
    return __all__.copy()
