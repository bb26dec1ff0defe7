"""Names, places and days of the synthetic sample."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sectorsdf.sandbox.rng import SeededRandom, Weighted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["REFERENCE_DAY", "Company", "company", "regency", "slugify", "workday"]


# The sample's days are laid out around this one, so that it never changes with the calendar.
REFERENCE_DAY = date(2026, 1, 1)
_STUFF = (
    "Bara",
    "Mineral",
    "Batuan",
    "Logam",
    "Nikel",
    "Emas",
    "Tembaga",
    "Pasir",
    "Kapur",
    "Granit",
    "Energi",
    "Sumber",
    "Bumi",
    "Tambang",
)
_QUALITIES = (
    "Sentosa",
    "Makmur",
    "Sejahtera",
    "Abadi",
    "Lestari",
    "Mandiri",
    "Utama",
    "Bersama",
    "Perkasa",
    "Jaya",
    "Raya",
    "Mulia",
)
_FORMS: Weighted[str] = Weighted(
    {"PT": 83, "CV": 13.5, "SDR": 1.5, "Koperasi": 1.5, "PD": 0.3, "Firma": 0.2}
)


class Company(NamedTuple):
    """A company that does not exist.

    Attributes
    ----------
    name : str
        With its legal form, as licences and sites have it.
    slug : str
        What a `company_slug` would be.
    """

    name: str
    slug: str

    @property
    def bare(self) -> str:
        """The name without its legal form, as auctions have it."""
        return self.name.split(" ", 1)[1].removesuffix(" Tbk")


def slugify(name: str) -> str:
    """Return a name in lower case, its words joined by hyphens."""
    kept = "".join(mark for mark in name.lower() if mark.isalnum() or mark in " -")
    return "-".join(kept.replace("-", " ").split())


def company(number: int) -> Company:
    """Return the company of a number: the same in every seed, so that datasets can join."""
    dice = SeededRandom("company", number)
    form = dice.draw(_FORMS)
    name = f"{form} Contoh {dice.pick(_STUFF)} {dice.pick(_QUALITIES)} {number:03d}"
    if form == "PT" and dice.chance(0.02):
        name += " Tbk"
    return Company(name, slugify(name))


def regency(dice: SeededRandom, provinces: Sequence[str], province: str) -> str:
    """Return a made-up regency; a province keeps to a few numbers of its own."""
    first = 1 + 11 * provinces.index(province) if province in provinces else 1
    name = f"Contoh {first + int(11 * dice.random() ** 2)}"
    form = dice.random()
    if form < 0.62:
        return f"Kabupaten {name}"
    return f"Kota {name}" if form < 0.68 else name


def workday(dice: SeededRandom, year: int) -> date:
    """Return a Monday to Friday of a year; offices seldom sign at weekends."""
    day = date(year, 1, 1) + timedelta(days=dice.integer(0, 364))
    back = max(0, day.weekday() - 4)
    # At the turn of the year a step back would leave it.
    return day - timedelta(days=back) if day.timetuple().tm_yday > back else day
