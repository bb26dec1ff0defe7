"""Generate licences with the ties, unusual codes and nulls of the real ones."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom, Weighted
from sectorsdf.sandbox.sample.codes import draw_code, fitting_code, renumbered
from sectorsdf.sandbox.sample.geography import Place, draw_place
from sectorsdf.sandbox.sample.spellings import respell_holders
from sectorsdf.sandbox.sample.terms import fit_to_law
from sectorsdf.sandbox.sample.words import REFERENCE_DAY, company, workday

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from sectorsdf.sandbox.records import Record

__all__ = ["make_licenses", "make_more_licenses"]


_PROVINCES: dict[str, float] = {
    "Kalimantan Tengah": 9.5,
    "Sulawesi Tengah": 9.2,
    "Kalimantan Timur": 9.0,
    "Kepulauan Bangka Belitung": 8.2,
    "Jawa Timur": 7.0,
    "Sulawesi Tenggara": 6.5,
    "Kalimantan Barat": 6.3,
    "Jawa Barat": 5.6,
    "Kalimantan Selatan": 4.5,
    "Sumatera Selatan": 4.0,
    "Kepulauan Riau": 3.5,
    "Sumatera Barat": 3.0,
    "Jambi": 2.9,
    "Jawa Tengah": 2.8,
    "Maluku Utara": 2.8,
    "Sulawesi Selatan": 2.4,
    "Lampung": 2.0,
    "Banten": 1.4,
    "Bengkulu": 1.3,
    "Sulawesi Barat": 1.1,
    "Kalimantan Utara": 1.0,
    "Nusa Tenggara Barat": 0.8,
    "Aceh": 0.7,
    "Riau": 0.7,
    "Nusa Tenggara Timur": 0.7,
    "Sulawesi Utara": 0.6,
    "Sumatera Utara": 0.6,
    "Gorontalo": 0.5,
    "Yogyakarta": 0.5,
    "Maluku": 0.4,
    "Papua Barat Daya": 0.15,
    "Papua Tengah": 0.1,
    "Papua Barat": 0.1,
    "Papua": 0.1,
    "Bali": 0.1,
    "Kalimantan Tengah, Kalimantan Timur": 0.1,
    "Sulawesi Tengah, Gorontalo, Sulawesi Utara": 0.1,
}
_PROVINCE: Weighted[str] = Weighted(_PROVINCES)
_TYPE: Weighted[str] = Weighted(
    {"IUP": 91, "SIPB": 3, "IPR": 2.5, "PKP2B": 1.8, "KK": 0.9, "IUPK": 0.8}
)
_COMMODITY: dict[str, Weighted[str]] = {
    "IUP": Weighted(
        {
            "Non-Metallic Mineral": 30,
            "Coal": 21,
            "Sand, Stone, Gravel": 14,
            "Nickel": 9.7,
            "Limestone": 9,
            "Tin": 4.9,
            "Gold": 2.2,
            "Iron": 2.1,
            "Bauxite": 2,
            "Clay": 1.8,
            "Granite": 1,
            "Copper": 0.4,
            "Sand": 0.3,
            "Others": 0.2,
        }
    ),
    "SIPB": Weighted({"Sand, Stone, Gravel": 80, "Sand": 10, "Clay": 10}),
    "IPR": Weighted({"Gold": 60, "Sand, Stone, Gravel": 30, "Tin": 10}),
    "PKP2B": Weighted({"Coal": 1}),
    "KK": Weighted({"Gold": 65, "Nickel": 15, "Copper": 15, "Others": 5}),
    "IUPK": Weighted({"Coal": 50, "Nickel": 40, "Copper": 10}),
}
_CNC: Weighted[str | None] = Weighted(
    {"CNC": 30, None: 17, "I.T": 5, "CnC": 4, **{f"CNC-{step}": 1.6 for step in range(1, 28)}}
)
_GENERATION: Weighted[str | None] = Weighted(
    {None: 92, "IUP PMA": 5, "GEN I": 1, "GEN II": 1, "GEN III": 1}
)
# Weights of the years of expiry, from the year before the reference day on.
_EXPIRY_WEIGHTS = (
    *(8, 13, 11, 13.5, 13, 10.5, 7.7, 6.4, 3.5, 3.5, 2.1, 1.3, 0.6, 1.3),
    *(0.8, 0.5, 0.4, 1, 0.8, 1.6, 0.3, 0.1, 0.3, 0.1, 0.2, 0.2, 0.1, 0.1),
)
_EXPIRY_YEAR: Weighted[int] = Weighted(dict(enumerate(_EXPIRY_WEIGHTS)))
_TERM: Weighted[int] = Weighted({5: 50, 10: 22, 20: 18, 3: 6, 7: 2, 30: 2})
# Round areas that many licences share, so that the sort by area has ties.
_ROUND_AREA: Weighted[float] = Weighted(
    {5.0: 10, 100.0: 10, 5000.0: 9, 1000.0: 8, 10.0: 5.5, 199.0: 5.5, 2000.0: 5, 20.0: 5, 50.0: 5}
)
_AREA_QUANTILES = (
    (0.0, 0.4),
    (0.1, 6.0),
    (0.25, 39.0),
    (0.5, 201.0),
    (0.75, 2050.0),
    (0.95, 9900.0),
    (0.995, 29000.0),
    (1.0, 128000.0),
)
_CODE_LENGTH: Weighted[int] = Weighted(
    {16: 99.1, 19: 0.2, 15: 0.2, 18: 0.15, 17: 0.15, 13: 0.1, 14: 0.05, 20: 0.05}
)
_COMPANIES = 9_999
# Auctions are over by the middle of 2024. Of seven auctioned areas, one has another holder by now.
_AFTER_AUCTIONS = "2024-08-01"
_HOLDER_CHANGED = 7
_FEWEST_FOR_AUCTIONS = 400
_LARGE_COMPANIES: Weighted[int] = Weighted({1: 98, 2: 17, 3: 11, 4: 9, 5: 8, 6: 8, 7: 6, 8: 5})


def make_licenses(
    sample: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return licences as the API returns them, with those of the areas that were auctioned.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, which have the auctions.
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    auctions = [row for row in sample["mining_license_auctions"] if row["winner"]]
    auctioned = {row["wiup_code"] for row in auctions}
    records = make_more_licenses(rng, count, 0, auctioned)
    # In fewer rows, too many would be of auctions.
    if count >= _FEWEST_FOR_AUCTIONS:
        _license_auctioned_areas(records, auctions)
    respell_holders([row for row in records if row["wiup_code"] not in auctioned])
    return records


def make_more_licenses(
    rng: SeededRandom, count: int, serial: int, taken: Container[str]
) -> list[Record]:
    """Return licences that do not depend on another dataset.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    serial : int
        Number of the first record. Numbers are part of codes and names.
    taken : container of str
        Codes that are already in use.
    """
    used: set[str] = set()
    popular = _popular_days(rng, count)
    records = []
    for number in range(count):
        code = _code(rng, serial + number)
        record = _license(rng, serial + number, code, popular)
        # Another source of draws, so that a code that is drawn again changes no other record.
        spare = SeededRandom("code", code)
        while record["wiup_code"] in used or record["wiup_code"] in taken:
            record["wiup_code"] = renumbered(spare, record["wiup_code"])
        used.add(record["wiup_code"])
        records.append(record)
    _share_codes(rng, records)
    return records


def _popular_days(rng: SeededRandom, count: int) -> list[date]:
    """Return days on which several licences expire, the most common one first."""
    days: list[date] = []
    scale = count / 4151
    for rows in (68, 27, 21, 17, 14, 12, 11, 10, 10):
        day = workday(rng, REFERENCE_DAY.year + rng.integer(0, 4))
        days += [day] * round(rows * scale)
    for _ in range(round(90 * scale)):
        day = workday(rng, REFERENCE_DAY.year - 1 + rng.draw(_EXPIRY_YEAR))
        days += [day] * rng.integer(2, 6)
    return days


def _code(rng: SeededRandom, serial: int) -> str:
    code = draw_code(rng, serial, range(2009, 2026), range(1, 4))
    length = rng.draw(_CODE_LENGTH)
    if length < 16:
        code = code[16 - length :]
    elif length > 16:
        code += rng.digits(length - 16)
    if rng.chance(0.004):
        code = "00" + code[2:]
    return code


def _license(rng: SeededRandom, serial: int, code: str, popular: list[date]) -> Record:
    kind = rng.draw(_TYPE)
    province = None if rng.chance(0.008) else rng.draw(_PROVINCE)
    place = draw_place(rng, province)
    # The first licences take the popular days, so that their number does not depend on the seed.
    if serial < len(popular):
        expiry = popular[serial]
    else:
        first = date(REFERENCE_DAY.year - 1 + rng.draw(_EXPIRY_YEAR), 1, 1)
        expiry = first + timedelta(days=rng.integer(0, 364))
    number = rng.integer(9, _COMPANIES)
    holder = company(rng.draw(_LARGE_COMPANIES) if rng.chance(0.045) else number)
    producing = kind not in {"IUP", "IUPK"} or rng.chance(0.79)
    record: Record = {
        "wiup_code": code,
        "license_number": _license_number(rng, expiry.year),
        "license_type": kind,
        "province": province,
        "city": None if province is None and rng.chance(0.5) else place.name,
        "license_effective_date": _effective(rng, expiry).isoformat(),
        "license_expiry_date": expiry.isoformat(),
        "activity": "Operasi Produksi" if producing else "Eksplorasi",
        "licensed_area_ha": _area(rng),
        "location": _location(rng, place),
        "commodity_type": rng.draw(_COMMODITY[kind]),
        "company_name": holder.name,
        "cnc": rng.draw(_CNC),
        "generation": rng.draw(_GENERATION),
        "company_slug": holder.slug if _has_slug(holder.name) else None,
    }
    # Draws of its own, so that what is changed here changes no other record.
    fit_to_law(record, SeededRandom("terms", code), popular)
    record["wiup_code"] = fitting_code(code, province, place, record["commodity_type"], kind)
    return record


def _license_auctioned_areas(records: list[Record], auctions: Sequence[Record]) -> None:
    """Give the areas of auctions to licences that began later; two have another holder by now."""
    later = [
        record
        for record in records
        if record["license_type"] == "IUP"
        and record["company_slug"] is None
        and _AFTER_AUCTIONS <= record["license_effective_date"] < REFERENCE_DAY.isoformat()
    ]
    for number, auction in enumerate(auctions):
        # Of the same commodity, so that the number of its licences stays.
        same = [row for row in later if row["commodity_type"] == auction["commodity_type"]]
        if not same:
            continue
        record = min(same, key=lambda row: row["province"] != auction["province"])
        later.remove(record)
        for name in ("wiup_code", "province", "city", "licensed_area_ha"):
            record[name] = auction[name]
        record["location"] = auction["city"]
        name = f"PT {auction['company_name']}"
        if number % _HOLDER_CHANGED and not _has_slug(name):
            record["company_name"] = name


def _has_slug(name: str) -> bool:
    # Seeded by the company, so that all its licences agree.
    return SeededRandom("slug", name).chance(0.05)


def _effective(rng: SeededRandom, expiry: date) -> date:
    years = rng.draw(_TERM)
    if rng.chance(0.12):
        return expiry - timedelta(days=365 * years + rng.integer(1, 300))
    start = date(expiry.year - years, expiry.month, min(expiry.day, 28))
    return start if rng.chance(0.6) else start + timedelta(days=1)


def _license_number(rng: SeededRandom, year: int) -> str:
    form = rng.integer(0, 3)
    if form == 0:
        return f"{rng.integer(1, 999)}/{rng.integer(1, 99)}/CONTOH/{year - 5}"
    if form == 1:
        return f"{rng.integer(1, 1999)}.K/CTH/{year - 10}"
    if form == 2:
        return f"CONTOH {rng.integer(1, 800)} TAHUN {year - 10}"
    return f"000{rng.digits(14)}"


def _area(rng: SeededRandom) -> float:
    if rng.chance(0.07):
        return rng.draw(_ROUND_AREA)
    area = rng.from_quantiles(_AREA_QUANTILES)
    return float(round(area)) if area > 8 and rng.chance(0.3) else round(area, 2)


def _location(rng: SeededRandom, place: Place) -> object:
    form, city = rng.random(), place.name
    if form < 0.04:
        return None
    if form < 0.08:
        # Where no province is known, any place will do.
        somewhere = place if place.square else draw_place(rng, "Kalimantan Tengah")
        latitude, longitude = somewhere.draw_point(rng)
        # Longitude first, as in GeoJSON.
        return {"type": "Point", "coordinates": [longitude, latitude]}
    if form < 0.3:
        return city
    if form < 0.36:
        return f"{city}, Kabupaten Contoh {rng.integer(1, 400)}"
    district = f"Kecamatan Contoh {rng.integer(1, 900)}"
    if form < 0.6:
        return f"{district}, {city}"
    return f"Desa Contoh {rng.integer(1, 3000)}, {district}, {city}"


def _share_codes(rng: SeededRandom, records: list[Record]) -> None:
    """Give a few licences the code of another; real codes are not all unique."""
    pairs = min(4, len(records) // 100)
    for pair in range(pairs):
        block = len(records) // (2 * pairs)
        first = pair * block + rng.integer(0, block - 1)
        second = len(records) // 2 + pair * block
        records[second]["wiup_code"] = records[first]["wiup_code"]
