"""The values and sort fields that the provider documents for its three lists."""

from __future__ import annotations

__all__ = ["DOCUMENTED", "SORTS"]

_COMMODITIES = frozenset({"Coal", "Copper", "Gold", "Nickel"})

DOCUMENTED: dict[str, dict[str, frozenset[str]]] = {
    "mining_licenses": {
        "province": frozenset(
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
        ),
        "commodity_type": frozenset(
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
        ),
        "license_type": frozenset({"IPR", "IUP", "IUPK", "KK", "PKP2B", "SIPB"}),
        "activity": frozenset({"Eksplorasi", "Operasi Produksi"}),
    },
    "mining_license_auctions": {
        "province": frozenset(
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
        ),
        "commodity_type": _COMMODITIES,
        "area_type": frozenset({"WIUP", "WIUPK"}),
    },
    "mining_sites": {
        "province": frozenset(
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
        ),
        "commodity_type": _COMMODITIES,
    },
}

SORTS: dict[str, tuple[frozenset[str], str]] = {
    "mining_licenses": (
        frozenset(
            {
                "license_expiry_date",
                "license_effective_date",
                "licensed_area_ha",
                "commodity_type",
            }
        ),
        "license_expiry_date",
    ),
    "mining_license_auctions": (
        frozenset({"winner_date", "licensed_area_ha", "participant_count", "commodity_type"}),
        "-winner_date",
    ),
    "mining_sites": (frozenset({"production_volume", "year", "strip_ratio"}), "-year"),
}
