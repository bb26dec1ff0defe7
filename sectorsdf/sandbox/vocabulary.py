"""The values that the provider documents for the filters of its lists.

They are written out here, not imported from `sectorsdf.vocabularies`, so that the sandbox stays an
independent check of the client.
"""

from __future__ import annotations

__all__ = [
    "ACTIVITIES",
    "AREA_TYPES",
    "AUCTION_PROVINCES",
    "COMPANY_COMMODITIES",
    "COMPANY_TYPES",
    "EXPORTED_COMMODITIES",
    "LICENSE_COMMODITIES",
    "LICENSE_PROVINCES",
    "LICENSE_TYPES",
    "MINED_COMMODITIES",
    "PRODUCED_COMMODITIES",
    "RESERVES_COMMODITIES",
    "SITE_PROVINCES",
    "WORLD_COMMODITIES",
]

LICENSE_PROVINCES = frozenset(
    {
        "Aceh",
        "Bali",
        "Banten",
        "Bengkulu",
        "Gorontalo",
        "Jambi",
        "Jawa Barat",
        "Jawa Tengah",
        "Jawa Timur",
        "Kalimantan Barat",
        "Kalimantan Selatan",
        "Kalimantan Tengah",
        "Kalimantan Tengah, Kalimantan Timur",
        "Kalimantan Timur",
        "Kalimantan Utara",
        "Kepulauan Bangka Belitung",
        "Kepulauan Riau",
        "Lampung",
        "Maluku",
        "Maluku Utara",
        "Nusa Tenggara Barat",
        "Nusa Tenggara Timur",
        "Papua",
        "Papua Barat",
        "Papua Barat Daya",
        "Papua Tengah",
        "Riau",
        "Sulawesi Barat",
        "Sulawesi Selatan",
        "Sulawesi Tengah",
        "Sulawesi Tengah, Gorontalo, Sulawesi Utara",
        "Sulawesi Tenggara",
        "Sulawesi Utara",
        "Sumatera Barat",
        "Sumatera Selatan",
        "Sumatera Utara",
        "Yogyakarta",
    }
)
LICENSE_COMMODITIES = frozenset(
    {
        "Bauxite",
        "Clay",
        "Coal",
        "Copper",
        "Gold",
        "Granite",
        "Iron",
        "Limestone",
        "Nickel",
        "Non-Metallic Mineral",
        "Others",
        "Sand",
        "Sand, Stone, Gravel",
        "Tin",
    }
)
LICENSE_TYPES = frozenset({"IPR", "IUP", "IUPK", "KK", "PKP2B", "SIPB"})
ACTIVITIES = frozenset({"Eksplorasi", "Operasi Produksi"})
AUCTION_PROVINCES = frozenset(
    {
        "Bengkulu",
        "Gorontalo",
        "Kalimantan Tengah",
        "Maluku Utara",
        "Nusa Tenggara Barat",
        "Sulawesi Selatan",
        "Sulawesi Utara",
        "Sumatera Selatan",
    }
)
AREA_TYPES = frozenset({"WIUP", "WIUPK"})
SITE_PROVINCES = frozenset(
    {
        "Aceh",
        "Banten",
        "Gorontalo",
        "Jambi",
        "Jawa Timur",
        "Kalimantan Selatan",
        "Kalimantan Tengah",
        "Kalimantan Timur",
        "Kalimantan Utara",
        "Maluku",
        "Maluku Utara",
        "Nusa Tenggara Barat",
        "Papua",
        "Papua Barat",
        "Sulawesi Barat",
        "Sulawesi Selatan",
        "Sulawesi Tengah",
        "Sulawesi Tenggara",
        "Sulawesi Utara",
        "Sumatera Barat",
        "Sumatera Selatan",
        "Sumatera Utara",
    }
)
MINED_COMMODITIES = frozenset({"Coal", "Copper", "Gold", "Nickel"})
COMPANY_COMMODITIES = frozenset(
    {"Aluminium", "Coal", "Copper", "Gold", "Nickel", "Silver", "Zinc and Lead"}
)
COMPANY_TYPES = frozenset(
    {"Consultant", "Contractor", "Holding", "Manufacturer", "Mine Owner", "Trader"}
)
PRODUCED_COMMODITIES = frozenset({"Coal", "Copper", "Gold", "Nickel", "Silver"})
EXPORTED_COMMODITIES = frozenset({"Coal", "Copper", "Gold"})
WORLD_COMMODITIES = frozenset({"Bauxite", "Coal", "Copper", "Gold", "Nickel"})
RESERVES_COMMODITIES = frozenset({"Coal", "Cobalt", "Copper", "Gold", "Nickel", "Silver", "Tin"})
