"""Make the names and days that the makers of the sample share."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from sectorsdf.sandbox.rng import SeededRandom, Weighted

__all__ = [
    "REFERENCE_DAY",
    "Company",
    "company",
    "registered",
    "slug_of",
    "slugify",
    "ticker",
    "workday",
]


# The days of the sample lie around this one instead of today, so that the sample never changes.
REFERENCE_DAY = date(2026, 1, 1)
_PRODUCTS = (
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
        The name with its legal form, as in licences and sites.
    slug : str
        Its `company_slug`.
    """

    name: str
    slug: str

    @property
    def bare(self) -> str:
        """The name without its legal form, as in auctions."""
        return self.name.split(" ", 1)[1].removesuffix(" Tbk")


def slugify(name: str) -> str:
    """Return a name in lower case, its words joined by hyphens."""
    cleaned = "".join(mark for mark in name.lower() if mark.isalnum() or mark in " -")
    return "-".join(cleaned.replace("-", " ").split())


def company(number: int) -> Company:
    """Return the company of a number, the same for every seed, so that datasets can be joined."""
    rng = SeededRandom("company", number)
    form = rng.draw(_FORMS)
    name = f"{form} Contoh {rng.pick(_PRODUCTS)} {rng.pick(_QUALITIES)} {number:03d}"
    if form == "PT" and rng.chance(0.02):
        name += " Tbk"
    return Company(name, slugify(name))


def slug_of(name: str) -> str:
    """Return the slug of a company in the API's list: its name with nothing but spaces replaced."""
    return name.lower().replace(" ", "-")


def registered(number: int, *, listed: bool = False) -> str:
    """Return the name of a company that is in the list of companies and holds no licence."""
    rng = SeededRandom("registered", number)
    name = f"PT Contoh {rng.pick(_PRODUCTS)} {rng.pick(_QUALITIES)} {number}"
    return f"{name} Tbk" if listed else name


def ticker(number: int) -> str:
    """Return a made-up symbol of the exchange; no real one begins with these letters."""
    return f"CQ{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}.JK"


def workday(rng: SeededRandom, year: int) -> date:
    """Return a Monday to Friday of a year; few real licences expire at a weekend."""
    day = date(year, 1, 1) + timedelta(days=rng.integer(0, 364))
    back = max(0, day.weekday() - 4)
    # In the first days of January a step back would leave the year.
    return day - timedelta(days=back) if day.timetuple().tm_yday > back else day
