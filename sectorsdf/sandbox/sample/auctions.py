"""Synthetic licence auctions with their phases and participants."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom, Weighted
from sectorsdf.sandbox.sample.words import company, regency, slugify

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
# Bidders come from a small circle, so that one company is found in several auctions.
_CIRCLE = range(1001, 1061)


def make_auctions(
    dice: SeededRandom, count: int, serial: int, taken: Container[str]
) -> list[Record]:
    """Return auctions.

    Parameters
    ----------
    dice : SeededRandom
        The draws.
    count : int
        How many.
    serial : int
        Number of the first; numbers stand in codes.
    taken : container of str
        Codes that are in use already.
    """
    records: list[Record] = []
    for number in range(count):
        code = _code(dice, serial + number)
        while code in taken:
            code = _code(dice, serial + number)
        # Two neighbours share their last day: the default sort has ties too.
        earlier = records[-1]["winner_date"] if number % 4 == 1 else None
        records.append(_auction(dice, code, number, earlier))
    if count > 3:
        _withdraw_winner(records[count // 2])
    return records


def _code(dice: SeededRandom, serial: int) -> str:
    area = f"9{dice.integer(11, 96)}{dice.integer(1, 40):02d}"
    return f"{area}{dice.integer(100, 999)}2023{serial % 10_000:04d}"


def _auction(dice: SeededRandom, code: str, number: int, earlier: str | None) -> Record:
    province = dice.pick(_PROVINCES)
    participants = _participants(dice, _size(dice, number))
    passed = [item for item in participants if item["qualification_result"] == "Lolos"]
    winner = dice.pick(passed)
    last = (
        date.fromisoformat(earlier)
        if earlier
        else date(2024, 1, 2) + timedelta(days=dice.integer(0, 200))
    )
    first = last - timedelta(days=dice.integer(50, 70))
    created = last + timedelta(days=dice.integer(1, 30))
    cities = [regency(dice, _PROVINCES, province).removeprefix("Kabupaten ")]
    if dice.chance(0.2):
        cities.append(f"Contoh {dice.integer(200, 240)}")
    return {
        "commodity_type": dice.draw(_COMMODITY),
        "city": ", ".join(cities),
        "province": province,
        "company_name": winner["company_name"],
        "winner_date": last.isoformat(),
        "licensed_area_ha": dice.number(150.0, 21000.0, 1 if dice.chance(0.3) else 0),
        "license_number": f"{dice.integer(1, 299)}.K/CTH.01/2023",
        "area_type": "WIUPK" if dice.chance(0.2) else "WIUP",
        # Whole rupiah, always beyond what 32 bits hold.
        "kdi": str(500 * dice.integer(9_000_000, 190_000_000)),
        "wiup_code": code,
        "auction_status": "Lelang Selesai",
        "participant_count": len(participants),
        "winner": True,
        "created_at": created.isoformat(),
        "last_modified": (created + timedelta(days=dice.integer(0, 2))).isoformat(),
        "phases": _phases(dice, first, last),
        "participants": participants,
        "company_slug": slugify(f"PT {winner['company_name']}") if number == 0 else None,
    }


def _size(dice: SeededRandom, number: int) -> int:
    sizes = {1: 32, 2: 2}
    return sizes.get(number, dice.integer(3, 13))


def _participants(dice: SeededRandom, size: int) -> list[Record]:
    circle = list(_CIRCLE)
    dice.shuffle(circle)
    participants = []
    for place, number in enumerate(circle[:size]):
        name = company(number).bare
        participants.append(
            {
                "NIB": f"0{number:04d}{dice.digits(8)}",
                "company_name": name,
                "email": None if dice.chance(0.1) else f"kontak@{slugify(name)}.example",
                "qualification_result": "Lolos" if dice.chance(0.55) else "Tidak Lolos",
            }
        )
        # Somebody has to be able to win, and somebody shows what failing looks like.
        if place < 2:
            participants[place]["qualification_result"] = ("Lolos", "Tidak Lolos")[place]
    dice.shuffle(participants)
    return participants


def _phases(dice: SeededRandom, first: date, last: date) -> list[Record]:
    names = _PHASES if dice.chance(0.8) else (*_PHASES[:10], *_PHASES[12:])
    step = (last - first).days / (len(names) - 2)
    phases: list[Record] = []
    for order, name in enumerate(names, 1):
        start = first + timedelta(days=int(step * (order - 1)))
        end = start + timedelta(days=dice.integer(0, 4))
        phases.append(
            {
                "order": order,
                "description": name,
                "start_date": start.isoformat(),
                "end_date": end.isoformat() if dice.chance(0.05) else None,
            }
        )
    return phases


def _withdraw_winner(record: Record) -> None:
    record["winner"] = False
    record["winner_date"] = None
    record["company_name"] = "-"
    record["company_slug"] = None
