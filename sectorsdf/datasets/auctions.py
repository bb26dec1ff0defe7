"""TODO."""

from __future__ import annotations

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets.columns import AREA, CITY, PROVINCE, WIUP_CODE
from sectorsdf.datasets.schema import Column, Dataset, Filter

__all__ = [
    "MINING_LICENSE_AUCTION",
    "MINING_LICENSE_AUCTIONS",
    "MINING_LICENSE_AUCTION_PARTICIPANTS",
    "MINING_LICENSE_AUCTION_PHASES",
]


_AUCTION_COLUMNS = (
    Column("commodity_type", "text", "Commodity auctioned", values=vocab.COMMODITY_TYPES),
    CITY,
    PROVINCE,
    Column("company_name", "text", "Winning company"),
    Column("winner_date", "date", "Day on which the winner was announced"),
    AREA,
    Column("license_number", "text", "Number of the decree that set the area"),
    Column(
        "area_type",
        "text",
        "WIUP mining business licence area, or WIUPK special mining business licence area",
        values=vocab.AREA_TYPES,
    ),
    Column("kdi", "integer", "Kompensasi Data Informasi: the price of the data", unit="IDR"),
    WIUP_CODE,
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
        WIUP_CODE,
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
        WIUP_CODE,
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
