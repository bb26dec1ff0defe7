"""Declarations of licence auctions, with their phases and participants."""

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
    Column("license_number", "text", "Number of the decree that set the area", is_code=True),
    Column(
        "area_type",
        "text",
        "WIUP mining business licence area, or WIUPK special mining business licence area",
        values=vocab.AREA_TYPES,
    ),
    Column(
        "kdi",
        "integer",
        "Kompensasi Data Informasi: the compensation for the data of the area and the floor of the "
        "auction; not the price, as the winning offer is not in the API",
        unit="IDR",
    ),
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
    command="auctions",
    summary="Auctions of licence areas.",
    key=("wiup_code",),
    columns=_AUCTION_COLUMNS,
    filters=(
        Filter(
            "province",
            "choice",
            vocab.AUCTION_PROVINCES,
            "Province",
            ignores_case=True,
            vocabulary="AUCTION_PROVINCES",
        ),
        Filter(
            "commodity_type",
            "choice",
            vocab.COMMODITY_TYPES,
            "Commodity auctioned",
            ignores_case=True,
        ),
        Filter(
            "area_type",
            "choice",
            vocab.AREA_TYPES,
            "WIUP (licence area) or WIUPK (special licence area)",
            ignores_case=True,
        ),
        Filter(
            "status",
            "text",
            meaning="Auction status, such as Lelang Selesai (closed)",
            ignores_case=True,
            column="auction_status",
            never=("open", "closed", "active", "finished", "completed", "ongoing", "running"),
            seen=("Lelang Selesai",),
        ),
        Filter(
            "participant",
            "text",
            meaning="Part of the name of a company that took part",
            ignores_case=True,
            match=None,
        ),
        Filter(
            "qualified",
            "flag",
            meaning="Only auctions in which that participant passed the prequalification; needs "
            "`participant`",
            match=None,
        ),
        Filter(
            "min_participants",
            "integer",
            meaning="Only auctions with at least this number of participants",
            minimum=0,
            column="participant_count",
            match="least",
        ),
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
    command="auction",
    summary="Auctions in full, by code; their phases or participants.",
    key=("wiup_code",),
    columns=(
        *_AUCTION_COLUMNS,
        Column("created_at", "date", "Day on which the provider made the record"),
        Column("last_modified", "date", "Day on which the provider last changed the record"),
    ),
    nested={"phases": "elsewhere", "participants": "elsewhere"},
    answer="object",
    addressed_by="wiup_code",
)
MINING_LICENSE_AUCTION_PHASES = Dataset(
    name="mining_license_auction_phases",
    title="auction",
    row="one phase of one auction",
    path=MINING_LICENSE_AUCTION.path,
    command="auction",
    summary="One row for each phase, at no extra cost.",
    part="phases",
    rows_in="phases",
    key=("wiup_code", "order"),
    columns=(
        WIUP_CODE,
        Column("order", "integer", "Place of the phase in the auction, from 1"),
        Column("description", "text", "Name of the phase, in Indonesian"),
        Column("start_date", "date", "First day of the phase"),
        Column("end_date", "date", "Last day of the phase; mostly missing"),
    ),
    answer="object",
    addressed_by="wiup_code",
)
MINING_LICENSE_AUCTION_PARTICIPANTS = Dataset(
    name="mining_license_auction_participants",
    title="auction",
    row="one participant of one auction",
    path=MINING_LICENSE_AUCTION.path,
    command="auction",
    summary="One row for each participant, at no extra cost.",
    part="participants",
    rows_in="participants",
    key=("wiup_code", "NIB"),
    columns=(
        WIUP_CODE,
        Column(
            "NIB",
            "text",
            "Nomor Induk Berusaha: the business's registration number, as text",
            is_code=True,
        ),
        Column("company_name", "text", "Participating company"),
        Column(
            "qualification_result",
            "text",
            "Result of the prequalification: Lolos (passed) or Tidak Lolos (failed)",
            values=("Lolos", "Tidak Lolos"),
        ),
    ),
    nested={"email": "elsewhere"},
    contacts=(Column("email", "text", "E-mail address given by the participant"),),
    answer="object",
    addressed_by="wiup_code",
)
