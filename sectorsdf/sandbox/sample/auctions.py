"""Generate licence auctions with their phases and participants."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom, Weighted
from sectorsdf.sandbox.sample.codes import draw_code, fitting_code, renumbered
from sectorsdf.sandbox.sample.geography import draw_place
from sectorsdf.sandbox.sample.words import company, slugify

if TYPE_CHECKING:
    from collections.abc import Container

    from sectorsdf.sandbox.records import Record

__all__ = ["make_auctions"]


_PROVINCES = (
    "Bengkulu",
    "Gorontalo",
    "Kalimantan Tengah",
    "Maluku Utara",
    "Nusa Tenggara Barat",
    "Sulawesi Selatan",
    "Sulawesi Utara",
    "Sumatera Selatan",
)
_COMMODITY: Weighted[str] = Weighted({"Nickel": 50, "Coal": 28, "Gold": 14, "Copper": 8})
_PHASES = (
    "Contoh: Pengumuman",
    "Contoh: Pendaftaran",
    "Contoh: Dokumen Prakualifikasi",
    "Contoh: Evaluasi Prakualifikasi",
    "Contoh: Hasil Prakualifikasi",
    "Contoh: Dokumen Penawaran",
    "Contoh: Penilaian Penawaran",
    "Contoh: Reviu",
    "Contoh: Daftar Peringkat",
    "Contoh: Pengumuman Peringkat",
    "Contoh: Sanggah",
    "Contoh: Jawaban Sanggah",
    "Contoh: Penetapan Pemenang",
    "Contoh: Selesai",
)
# Few bidders, so that one company takes part in several auctions.
_BIDDERS = range(1001, 1061)


def make_auctions(
    rng: SeededRandom, count: int, serial: int, taken: Container[str]
) -> list[Record]:
    """Return auctions as the API's record endpoint returns them.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    serial : int
        Number of the first record. Numbers are part of codes.
    taken : container of str
        Codes that are already in use.
    """
    records: list[Record] = []
    for number in range(count):
        code = draw_code(rng, serial + number, range(2023, 2024), range(1, 2))
        # Every fourth auction ends on the day of the one before it, so that the default sort has
        # ties.
        earlier = records[-1]["winner_date"] if number % 4 == 1 else None
        record = _auction(rng, code, number, earlier)
        used = {each["wiup_code"] for each in records}
        while record["wiup_code"] in taken or record["wiup_code"] in used:
            record["wiup_code"] = renumbered(rng, record["wiup_code"])
        records.append(record)
    if count > 3:
        _withdraw_winner(records[count // 2])
    return records


def _auction(rng: SeededRandom, code: str, number: int, earlier: str | None) -> Record:
    province = rng.pick(_PROVINCES)
    participants = _participants(rng, _size(rng, number))
    qualified = [item for item in participants if item["qualification_result"] == "Lolos"]
    winner = rng.pick(qualified)
    last = (
        date.fromisoformat(earlier)
        if earlier
        else date(2024, 1, 2) + timedelta(days=rng.integer(0, 200))
    )
    first = last - timedelta(days=rng.integer(50, 70))
    created = last + timedelta(days=rng.integer(1, 30))
    place = draw_place(rng, province)
    cities = [place.bare_name]
    if rng.chance(0.2):
        cities.append(f"Contoh {place.code[:2]}{rng.integer(50, 60)}")
    commodity = rng.draw(_COMMODITY)
    return {
        "commodity_type": commodity,
        "city": ", ".join(cities),
        "province": province,
        "company_name": winner["company_name"],
        "winner_date": last.isoformat(),
        "licensed_area_ha": rng.number(150.0, 21000.0, 1 if rng.chance(0.3) else 0),
        "license_number": f"{rng.integer(1, 299)}.K/CTH.01/2023",
        "area_type": "WIUPK" if rng.chance(0.2) else "WIUP",
        # Whole rupiah, always too large for 32 bits.
        "kdi": str(500 * rng.integer(9_000_000, 190_000_000)),
        "wiup_code": fitting_code(code, province, place, commodity),
        "auction_status": "Lelang Selesai",
        "participant_count": len(participants),
        "winner": True,
        "created_at": created.isoformat(),
        "last_modified": (created + timedelta(days=rng.integer(0, 2))).isoformat(),
        "phases": _phases(rng, first, last),
        "participants": participants,
        "company_slug": slugify(f"PT {winner['company_name']}") if number == 0 else None,
    }


def _size(rng: SeededRandom, number: int) -> int:
    sizes = {1: 32, 2: 2}
    return sizes.get(number, rng.integer(3, 13))


def _participants(rng: SeededRandom, size: int) -> list[Record]:
    bidders = list(_BIDDERS)
    rng.shuffle(bidders)
    participants = []
    for position, number in enumerate(bidders[:size]):
        name = company(number).bare
        participants.append(
            {
                "NIB": f"0{number:04d}{rng.digits(8)}",
                "company_name": name,
                "email": None if rng.chance(0.1) else f"kontak@{slugify(name)}.example",
                "qualification_result": "Lolos" if rng.chance(0.55) else "Tidak Lolos",
            }
        )
        # At least one participant qualifies, as a winner must, and at least one does not.
        if position < 2:
            participants[position]["qualification_result"] = ("Lolos", "Tidak Lolos")[position]
    rng.shuffle(participants)
    return participants


def _phases(rng: SeededRandom, first: date, last: date) -> list[Record]:
    names = _PHASES if rng.chance(0.8) else (*_PHASES[:10], *_PHASES[12:])
    step = (last - first).days / (len(names) - 2)
    phases: list[Record] = []
    for order, name in enumerate(names, 1):
        start = first + timedelta(days=int(step * (order - 1)))
        end = start + timedelta(days=rng.integer(0, 4))
        phases.append(
            {
                "order": order,
                "description": name,
                "start_date": start.isoformat(),
                "end_date": end.isoformat() if rng.chance(0.05) else None,
            }
        )
    return phases


def _withdraw_winner(record: Record) -> None:
    record["winner"] = False
    record["winner_date"] = None
    record["company_name"] = "-"
    record["company_slug"] = None
