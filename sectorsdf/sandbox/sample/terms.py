"""Give licences the terms and areas that the mining law allows, except for a few.

Owns the caps as the sample has them. They are stated here again, because the sample must not depend
on the code that is tested with it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from sectorsdf.sandbox.sample.words import REFERENCE_DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorsdf.sandbox.records import Record
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["fit_to_law"]

_EXPLORATION: Final = "Eksplorasi"
_PRODUCTION: Final = "Operasi Produksi"
_ROCK: Final = "rock"
_NON_METAL: Final = "non-metal"
_COAL: Final = "coal"
_METAL: Final = "metal"
_CLASSES: Final = {
    "Coal": _COAL,
    "Non-Metallic Mineral": _NON_METAL,
    **dict.fromkeys(("Clay", "Granite", "Limestone", "Sand", "Sand, Stone, Gravel"), _ROCK),
}


class _Cap(NamedTuple):
    """The longest term and the largest area; None where the law has no number."""

    years: int
    hectares: float | None


# By stage and class of the commodity, for IUP and IUPK.
_CAPS: Final = {
    (_EXPLORATION, _METAL): _Cap(8, 100_000),
    (_EXPLORATION, _COAL): _Cap(7, 50_000),
    (_EXPLORATION, _NON_METAL): _Cap(7, 25_000),
    (_EXPLORATION, _ROCK): _Cap(3, 5_000),
    (_PRODUCTION, _METAL): _Cap(20, 25_000),
    (_PRODUCTION, _COAL): _Cap(20, 15_000),
    (_PRODUCTION, _NON_METAL): _Cap(20, 5_000),
    (_PRODUCTION, _ROCK): _Cap(5, 1_000),
}
_PEOPLES: Final = {"IPR": _Cap(10, 10), "SIPB": _Cap(3, 50)}
# Contracts are as old as the register; their terms were agreed one by one.
_CONTRACT: Final = _Cap(30, None)
# Shares of the licences that the law would not allow, and that stay as they were drawn. In the real
# register, one licence in twenty runs too long, and one in two hundred is too large.
_TOO_LONG: Final = 0.16
_TOO_LARGE: Final = 0.03
_NOT_YET: Final = 0.01


def fit_to_law(record: Record, rng: SeededRandom, popular: Sequence[date]) -> None:
    """Change, in place, a licence that begins too late, runs too long, or is too large.

    Parameters
    ----------
    record : dict
        The licence.
    rng : SeededRandom
        Source of the draws, none of which another record needs.
    popular : sequence of date
        Days on which several licences expire.
    """
    _fit_days(record, rng, popular)
    largest = _cap_of(record).hectares
    if largest is not None and record["licensed_area_ha"] > largest and not rng.chance(_TOO_LARGE):
        area = largest * rng.number(0.2, 1.0, 4)
        record["licensed_area_ha"] = float(round(area)) if rng.chance(0.3) else round(area, 2)


def _cap_of(record: Record) -> _Cap:
    kind = record["license_type"]
    if kind in _PEOPLES:
        return _PEOPLES[kind]
    if kind not in {"IUP", "IUPK"}:
        return _CONTRACT
    return _CAPS[record["activity"], _CLASSES.get(record["commodity_type"], _METAL)]


def _fit_days(record: Record, rng: SeededRandom, popular: Sequence[date]) -> None:
    first, last = (
        date.fromisoformat(record[f"license_{name}_date"]) for name in ("effective", "expiry")
    )
    years = _cap_of(record).years
    too_long, too_late = first < _before(last, years), first >= REFERENCE_DAY
    if not (too_long or too_late):
        return
    if rng.chance(_NOT_YET if too_late else _TOO_LONG):
        return
    if _before(last, years) >= REFERENCE_DAY and record["activity"] == _EXPLORATION:
        # Only production may run so long.
        record["activity"] = _PRODUCTION
        years = _cap_of(record).years
    if _before(last, years) >= REFERENCE_DAY:
        last = _earlier_end(rng, years, popular)
        record["license_expiry_date"] = last.isoformat()
    first = _before(last, years)
    if too_late and rng.chance(0.3):
        # Shorter than the longest term.
        first += timedelta(days=rng.integer(0, max(0, (REFERENCE_DAY - first).days - 1)))
        first = min(first, last - timedelta(days=30))
    record["license_effective_date"] = first.isoformat()


def _before(day: date, years: int) -> date:
    """Return the same day some years before."""
    if (day.month, day.day) == (2, 29):
        day += timedelta(days=1)
    return day.replace(year=day.year - years)


def _earlier_end(rng: SeededRandom, years: int, popular: Sequence[date]) -> date:
    """Return a day on which a licence with this term can end that has begun by now."""
    ends = sorted(
        day for day in set(popular) if day >= REFERENCE_DAY and _before(day, years) < REFERENCE_DAY
    )
    if ends and rng.chance(0.1):
        return rng.pick(ends)
    return REFERENCE_DAY + timedelta(days=rng.integer(0, 365 * years - 1))
