"""Make WIUP codes whose digits fit the place and the commodity, as those of real codes do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorsdf.sandbox.rng import SeededRandom
    from sectorsdf.sandbox.sample.geography import Place

__all__ = ["draw_code", "fitting_code", "renumbered"]

_DIGITS = 16
# The first digit, by the type of the licence; other types have any.
_AUTHORITIES = {"KK": "1", "PKP2B": "1", "IUPK": "1", "IPR": "2"}
# The second digit, by the first digit of the province's code.
_ISLANDS = {"1": "1", "2": "1", "3": "2", "5": "7", "6": "3", "7": "4", "8": "6", "9": "5"}
# The third to sixth digit of an area in several provinces.
_SEVERAL_PROVINCES = "0000"
# The seventh to ninth digit.
_COMMODITIES = {
    "Bauxite": "217",
    "Clay": "518",
    "Coal": "303",
    "Copper": "207",
    "Gold": "206",
    "Granite": "510",
    "Iron": "233",
    "Limestone": "544",
    "Nickel": "212",
    "Non-Metallic Mineral": "611",
    "Others": "401",
    "Sand": "538",
    "Sand, Stone, Gravel": "540",
    "Tin": "211",
}


def draw_code(rng: SeededRandom, serial: int, years: range, authorities: range) -> str:
    """Return 16 digits: an authority, a year, a serial number, and any other digits between them.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    serial : int
        Number of the record.
    years, authorities : range
        The years and the first digits to draw from.
    """
    # Nothing is drawn where there is no choice.
    year, authority = (
        rng.integer(each[0], each[-1]) if len(each) > 1 else each[0]
        for each in (years, authorities)
    )
    area = f"{rng.integer(11, 96)}{rng.integer(1, 40):03d}"
    return f"{authority}{area}{rng.integer(100, 999)}{year}{serial % 1000:03d}"


def fitting_code(
    code: str, province: str | None, place: Place, commodity: str, kind: str = "IUP"
) -> str:
    """Return a code with the digits of its place, commodity and type; an unusual code as it is.

    Parameters
    ----------
    code : str
        The code.
    province : str or None
        The province, or several with ", " between them.
    place : Place
        The place.
    commodity : str
        The commodity type.
    kind : str
        The type of the licence.
    """
    if len(code) != _DIGITS or code.startswith("0") or not place.square:
        return code
    within = _SEVERAL_PROVINCES if ", " in str(province) else place.code
    head = f"{_AUTHORITIES.get(kind, code[0])}{_ISLANDS[place.code[0]]}{within}"
    return f"{head}{_COMMODITIES.get(commodity, code[6:9])}{code[9:]}"


def renumbered(rng: SeededRandom, code: str) -> str:
    """Return a code with another year and serial number, for one that is in use already.

    Parameters
    ----------
    rng : SeededRandom
        Source of the draws.
    code : str
        The code.
    """
    return f"{code[:-7]}{rng.integer(2009, 2025)}{rng.digits(3)}"
