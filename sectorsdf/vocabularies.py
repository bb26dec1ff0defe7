"""List the values that the API's filters accept, as `Literal` types and as tuples.

Source: the enumerations of the provider's OpenAPI file. The API's vocabulary can grow, so every
getter takes ``validate=False`` to send a value that is not listed here. This module must not import
any other module of the package.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

__all__ = [
    "ACTIVITY_STAGES",
    "AREA_TYPES",
    "AUCTION_PROVINCES",
    "AUCTION_SORTS",
    "COMMODITY_TYPES",
    "COMPANY_COMMODITY_TYPES",
    "COMPANY_TYPES",
    "EXPORT_COMMODITY_TYPES",
    "GLOBAL_COMMODITY_TYPES",
    "LICENSE_COMMODITY_TYPES",
    "LICENSE_PROVINCES",
    "LICENSE_SORTS",
    "LICENSE_TYPES",
    "PERFORMANCE_COMMODITY_TYPES",
    "RESERVES_COMMODITY_TYPES",
    "RESERVES_PROVINCES",
    "SITE_PROVINCES",
    "SITE_SORTS",
    "ActivityStage",
    "AreaType",
    "AuctionProvince",
    "AuctionSort",
    "CommodityType",
    "CompanyCommodityType",
    "CompanyType",
    "ExportCommodityType",
    "GlobalCommodityType",
    "LicenseCommodityType",
    "LicenseProvince",
    "LicenseSort",
    "LicenseType",
    "PerformanceCommodityType",
    "ReservesCommodityType",
    "ReservesProvince",
    "SiteProvince",
    "SiteSort",
]

LicenseType: TypeAlias = Literal["IPR", "IUP", "IUPK", "KK", "PKP2B", "SIPB"]
ActivityStage: TypeAlias = Literal["Eksplorasi", "Operasi Produksi"]
AreaType: TypeAlias = Literal["WIUP", "WIUPK"]
CommodityType: TypeAlias = Literal["Coal", "Copper", "Gold", "Nickel"]
LicenseCommodityType: TypeAlias = Literal[
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
]
LicenseProvince: TypeAlias = Literal[
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
]
AuctionProvince: TypeAlias = Literal[
    "Bengkulu",
    "Gorontalo",
    "Kalimantan Tengah",
    "Maluku Utara",
    "Nusa Tenggara Barat",
    "Sulawesi Selatan",
    "Sulawesi Utara",
    "Sumatera Selatan",
]
SiteProvince: TypeAlias = Literal[
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
]
CompanyCommodityType: TypeAlias = Literal[
    "Aluminium",
    "Coal",
    "Copper",
    "Gold",
    "Nickel",
    "Silver",
    "Zinc and Lead",
]
CompanyType: TypeAlias = Literal[
    "Consultant",
    "Contractor",
    "Holding",
    "Manufacturer",
    "Mine Owner",
    "Trader",
]
PerformanceCommodityType: TypeAlias = Literal["Coal", "Copper", "Gold", "Nickel", "Silver"]
ExportCommodityType: TypeAlias = Literal["Coal", "Copper", "Gold"]
GlobalCommodityType: TypeAlias = Literal["Bauxite", "Coal", "Copper", "Gold", "Nickel"]
ReservesCommodityType: TypeAlias = Literal[
    "Coal",
    "Cobalt",
    "Copper",
    "Gold",
    "Nickel",
    "Silver",
    "Tin",
]
ReservesProvince: TypeAlias = Literal[
    "Aceh",
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
    "Sulawesi Tenggara",
    "Sulawesi Utara",
    "Sumatera Barat",
    "Sumatera Selatan",
    "Sumatera Utara",
]
LicenseSort: TypeAlias = Literal[
    "-commodity_type",
    "-license_effective_date",
    "-license_expiry_date",
    "-licensed_area_ha",
    "commodity_type",
    "license_effective_date",
    "license_expiry_date",
    "licensed_area_ha",
]
AuctionSort: TypeAlias = Literal[
    "-commodity_type",
    "-licensed_area_ha",
    "-participant_count",
    "-winner_date",
    "commodity_type",
    "licensed_area_ha",
    "participant_count",
    "winner_date",
]
SiteSort: TypeAlias = Literal[
    "-production_volume",
    "-strip_ratio",
    "-year",
    "production_volume",
    "strip_ratio",
    "year",
]

LICENSE_TYPES: tuple[str, ...] = get_args(LicenseType)
ACTIVITY_STAGES: tuple[str, ...] = get_args(ActivityStage)
AREA_TYPES: tuple[str, ...] = get_args(AreaType)
COMMODITY_TYPES: tuple[str, ...] = get_args(CommodityType)
LICENSE_COMMODITY_TYPES: tuple[str, ...] = get_args(LicenseCommodityType)
LICENSE_PROVINCES: tuple[str, ...] = get_args(LicenseProvince)
AUCTION_PROVINCES: tuple[str, ...] = get_args(AuctionProvince)
SITE_PROVINCES: tuple[str, ...] = get_args(SiteProvince)
COMPANY_COMMODITY_TYPES: tuple[str, ...] = get_args(CompanyCommodityType)
COMPANY_TYPES: tuple[str, ...] = get_args(CompanyType)
PERFORMANCE_COMMODITY_TYPES: tuple[str, ...] = get_args(PerformanceCommodityType)
EXPORT_COMMODITY_TYPES: tuple[str, ...] = get_args(ExportCommodityType)
GLOBAL_COMMODITY_TYPES: tuple[str, ...] = get_args(GlobalCommodityType)
RESERVES_COMMODITY_TYPES: tuple[str, ...] = get_args(ReservesCommodityType)
RESERVES_PROVINCES: tuple[str, ...] = get_args(ReservesProvince)
LICENSE_SORTS: tuple[str, ...] = get_args(LicenseSort)
AUCTION_SORTS: tuple[str, ...] = get_args(AuctionSort)
SITE_SORTS: tuple[str, ...] = get_args(SiteSort)
