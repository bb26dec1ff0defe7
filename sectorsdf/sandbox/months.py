"""The synthetic register over several months, with the truth of what changed beside it.

Owns how a register changes from one month to the next. Imports `sandbox.sample` and `sandbox.rng`,
and nothing else of the package, so that it checks the code that finds changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom
from sectorsdf.sandbox.sample import SIZES, Sample, generate_more

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sectorsdf.sandbox.records import Record

__all__ = ["Month", "months"]

_REGISTER = "mining_licenses"
_FIRST_DAY = date(2026, 1, 1)
_ADDED, _REMOVED = 0.004, 0.003
# An edit that is possible for hardly any licence is left out.
_TRIES = 40


@dataclass(frozen=True)
class Month:
    """The synthetic register of one month.

    Attributes
    ----------
    day : datetime.date
        The first day of the month.
    records : list of dict
        The licences, as the API returns them.
    truth : list of dict
        What has changed since the month before, one entry for each change: ``wiup_code``,
        ``change`` and ``kind`` as in `sectorsdf.snapshots.diff`, and, if a value has changed,
        ``column``, ``old`` and ``new`` as the API returns them.
    """

    day: date
    records: list[Record]
    truth: list[Record]


def months(
    count: int = 12, *, seed: int = 2026, licenses: int = SIZES[_REGISTER]
) -> Iterator[Month]:
    """Yield the synthetic register of one month after the other, with what changed.

    Every month, some licences get another holder, a longer or shorter term, a smaller area, another
    stage, status, place or number; the names of some holders are respelt; some licences go, and
    some are new. Each licence changes in one way a month at most.

    Parameters
    ----------
    count : int, default 12
        Number of months; the first is January 2026.
    seed : int, default 2026
        Seed of the draws. A seed gives the same months on every machine.
    licenses : int, default 4151
        Number of licences in the first month. Of fewer than 400, some months have no change of the
        rarer kinds.

    Yields
    ------
    Month
        The day, the records and the truth. A server with these records is
        ``sandbox.running(server={"records": {"mining_licenses": month.records}})``.

    Raises
    ------
    ValueError
        A number is negative.

    Examples
    --------
    >>> import sectorsdf
    >>> january, february = sectorsdf.sandbox.months(2)
    >>> sorted({entry["kind"] for entry in february.truth})[:4]
    ['added', 'area', 'cnc', 'extended']
    """
    if count < 0:
        message = f"count={count}: the number of months must not be negative"
        raise ValueError(message)
    records = list(Sample(seed, {_REGISTER: licenses})[_REGISTER])
    taken = {record["wiup_code"] for record in records}
    for number in range(count):
        truth: list[Record] = []
        if number:
            rng = SeededRandom("months", seed, number)
            records, truth = _next_month(records, rng, seed, number * 100_000, taken)
        day = date(_FIRST_DAY.year + number // 12, 1 + number % 12, 1)
        yield Month(day, list(records), truth)


def _next_month(
    records: list[Record], rng: SeededRandom, seed: int, serial: int, taken: set[str]
) -> tuple[list[Record], list[Record]]:
    """Return the register of the next month, and what has changed."""
    order = _without_shared_codes(records)
    rng.shuffle(order)
    free = iter(order)
    truth: list[Record] = []
    changed: dict[int, Record | None] = {}
    for share, edit in _EDITS:
        for _ in range(_times(rng, share * len(records))):
            serial += 1
            donor = _new_licenses(seed, 1, serial, set())[0]
            for i in islice(free, _TRIES):
                new, kind = edit(records[i], donor, rng)
                if new is not None:
                    changed[i] = new
                    truth += _changes(records[i], new, kind)
                    break
    for _ in range(_times(rng, _REMOVED * len(records))):
        gone = next(free, None)
        if gone is not None:
            changed[gone] = None
            truth.append(_whole(records[gone], "removed"))
    added = _new_licenses(seed, _times(rng, _ADDED * len(records)), serial + 1, taken)
    taken |= {record["wiup_code"] for record in added}
    truth += [_whole(record, "added") for record in added]
    kept = (changed.get(i, record) for i, record in enumerate(records))
    return [record for record in kept if record is not None] + added, truth


def _without_shared_codes(records: list[Record]) -> list[int]:
    """Return the numbers of the records whose code no other record has."""
    first: dict[str, int] = {}
    shared: set[str] = set()
    for i, record in enumerate(records):
        if first.setdefault(record["wiup_code"], i) != i:
            shared.add(record["wiup_code"])
    return [i for i, record in enumerate(records) if record["wiup_code"] not in shared]


def _times(rng: SeededRandom, expected: float) -> int:
    """Return a whole number, which is the expected one on average."""
    return int(expected) + rng.chance(expected % 1)


def _new_licenses(seed: int, count: int, serial: int, taken: set[str]) -> list[Record]:
    return generate_more(seed, _REGISTER, count, serial=serial, taken=taken)


def _whole(record: Record, change: str) -> Record:
    return {"wiup_code": record["wiup_code"], "change": change, "kind": change}


def _changes(old: Record, new: Record, kind: str) -> list[Record]:
    """Return an entry for each field that differs."""
    return [
        {
            "wiup_code": old["wiup_code"],
            "change": "changed",
            "kind": kind,
            "column": name,
            "old": old[name],
            "new": new[name],
        }
        for name in old
        if old[name] != new[name]
    ]


# The edits. Each takes a licence, a new licence from which values can be taken, and a source of
# draws. It returns the licence as it is afterwards, or None if the edit is not possible, and the
# kind of the change.


def _transfer(old: Record, donor: Record, _: SeededRandom) -> tuple[Record | None, str]:
    holder = {name: donor[name] for name in ("company_name", "company_slug")}
    if not old["company_name"] or old["company_name"] == holder["company_name"]:
        return None, ""
    return {**old, **holder}, "transferred"


def _respell(old: Record, _: Record, rng: SeededRandom) -> tuple[Record | None, str]:
    form, _space, rest = (old["company_name"] or "").partition(" ")
    if form not in {"PT", "CV"}:
        return None, ""
    spellings = (f"{form}. {rest}", f"{form} {rest.upper()}", f"{form}  {rest}", f"{rest}, {form}")
    return {**old, "company_name": rng.pick(spellings)}, "respelt"


def _extend(old: Record, _: Record, rng: SeededRandom) -> tuple[Record | None, str]:
    return _with_term(old, 365 * rng.pick((5, 10, 20))), "extended"


def _shorten(old: Record, _: Record, rng: SeededRandom) -> tuple[Record | None, str]:
    return _with_term(old, -rng.integer(30, 700)), "shortened"


def _with_term(old: Record, days: int) -> Record | None:
    if not old["license_expiry_date"]:
        return None
    last = date.fromisoformat(old["license_expiry_date"]) + timedelta(days=days)
    return {**old, "license_expiry_date": last.isoformat()}


def _relinquish(old: Record, _: Record, rng: SeededRandom) -> tuple[Record | None, str]:
    area = round((old["licensed_area_ha"] or 0) * rng.number(0.4, 0.9), 2)
    if not area or area == old["licensed_area_ha"]:
        return None, ""
    return {**old, "licensed_area_ha": area}, "area"


def _upgrade(old: Record, _: Record, __: SeededRandom) -> tuple[Record | None, str]:
    if old["activity"] != "Eksplorasi":
        return None, ""
    return {**old, "activity": "Operasi Produksi"}, "upgraded"


def _clear(old: Record, _: Record, rng: SeededRandom) -> tuple[Record | None, str]:
    status = f"CNC-{rng.integer(1, 27)}"
    return (None if status == old["cnc"] else {**old, "cnc": status}), "cnc"


def _move(old: Record, donor: Record, _: SeededRandom) -> tuple[Record | None, str]:
    if not (old["city"] and donor["city"]) or old["city"] == donor["city"]:
        return None, ""
    return {**old, "city": donor["city"]}, "moved"


def _renumber(old: Record, donor: Record, _: SeededRandom) -> tuple[Record | None, str]:
    return {**old, "license_number": donor["license_number"]}, "other"


_EDITS: tuple[tuple[float, Callable[..., tuple[Record | None, str]]], ...] = (
    (0.004, _transfer),
    (0.003, _respell),
    (0.005, _extend),
    (0.0025, _shorten),
    (0.0025, _relinquish),
    (0.0025, _upgrade),
    (0.0025, _clear),
    (0.0025, _move),
    (0.0025, _renumber),
)
