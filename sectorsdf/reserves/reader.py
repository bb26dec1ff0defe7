"""Resources and reserves of a mine site: every shape of the answer, as figures, and back.

`sectorsdf.reserves.grammar` reads what a key says. What does not follow that grammar is kept as it
came and reported. Pure: parsed JSON in, plain rows out.

The words are those of the JORC Code (2012) and the Indonesian KCMI Code (2017): *resources* are
measured, indicated or inferred; *reserves*, their mineable part, proven ("proved") or probable.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from sectorsdf.reserves.grammar import Meaning, label_of, read_category, read_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sectorsdf.reserves.grammar import Label

__all__ = [
    "FIGURE_FIELDS",
    "Columns",
    "Reader",
    "figures",
    "rebuild",
    "wide",
    "widen",
    "without_nulls",
]


FIGURE_FIELDS: Final[tuple[str, ...]] = (
    "measurement_year",
    "ore_type",
    "stage",
    "category",
    "component",
    "measure",
    "value",
    "value_min",
    "value_max",
    "unit",
    "verified",
    "source_field",
    "raw",
)
# fmt: on
_YEAR: Final = "measurement_year"
_ROOT: Final = "$"
_RANGED: Final = frozenset({"grade", "calorific_value"})
_ORE_TYPES: Final = frozenset({"limonite", "saprolite"})
_WIDE: Final = {
    "proven_reserves": ("reserves", "proven"),
    "probable_reserves": ("reserves", "probable"),
    "total_reserves": ("reserves", "total"),
    "measured_resources": ("resources", "measured"),
    "indicated_resources": ("resources", "indicated"),
    "inferred_resources": ("resources", "inferred"),
    "total_resources": ("resources", "total"),
}
_NULL: Final = frozenset({type(None)})
_FLAT: Final = _NULL | {int, float}
_STEP: Final = re.compile(r'\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.\[\]]+)')


def without_nulls(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value without what says nothing.

    Two answers say the same when they are equal after this: null members, null items and
    containers with nothing else in them are gone, list items keep their order; numbers compare
    by value (`1` equals `1.0`), and a boolean is not a number.

    Parameters
    ----------
    value : object
        Any parsed JSON value.

    Returns
    -------
    object
        The same without nulls and empty containers; None where nothing is left.
    """
    if isinstance(value, dict):
        members = {key: without_nulls(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not None} or None
    if isinstance(value, list):
        return [kept for item in value if (kept := without_nulls(item)) is not None] or None
    return value


def _number(value: object) -> float | None:
    """Return a finite number as float64 where that is exact, else None. True is no number."""
    if type(value) is float:  # nearly all are, and need no other question
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number == value else None


def _says_nothing(value: object) -> bool:
    """Tell whether `without_nulls` leaves nothing, fast where it is flat with numbers alone."""
    if isinstance(value, dict):
        kinds = set(map(type, value.values()))
        if kinds <= _FLAT:
            return kinds <= _NULL
    return without_nulls(value) is None


class Columns(NamedTuple):
    """Figures, a column each: no object a row, which the garbage collector would have to walk."""

    labels: list[Label]
    values: list[float | None]
    lows: list[float | None]
    highs: list[float | None]
    raws: list[str | None]


class Reader:
    """Reads the answers of many sites, one after the other, into the columns `rows`."""

    def __init__(self) -> None:
        self.rows = Columns([], [], [], [], [])
        self._begin(None)

    def _begin(self, commodity_type: str | None) -> None:
        self._commodity = commodity_type
        self._year: int | None = None
        self._problems: list[dict[str, Any]] = []

    def __len__(self) -> int:
        """Return how many rows were read."""
        return len(self.rows.labels)

    def read(
        self, answer: object, commodity_type: str | None
    ) -> tuple[int | None, list[dict[str, Any]]]:
        """Add the rows of one site; return its ``measurement_year`` and the problems.

        All is as `figures` describes it.
        """
        self._begin(commodity_type)
        before = len(self)
        if isinstance(answer, dict):
            self._members(answer)
        elif isinstance(answer, list):
            self._items(answer)
        elif answer is not None:
            self._add(label_of(Meaning(), _ROOT, commodity_type), answer)
            self._report(_ROOT, answer, "neither an object nor a list")
        if self._year is not None and len(self) == before:
            self._append(label_of(Meaning(), _YEAR, None))
        return self._year, self._problems

    def _report(self, path: str, value: object, reason: str | None) -> None:
        if reason is not None:
            problem = {"raw": json.dumps(value), "reason": f"{path}: {reason}"}
            self._problems.append({"column": "resources_reserves"} | problem)

    def _add(self, label: Label, value: object) -> str | None:
        """Append a row; `raw` is set, with a reason, where the numbers do not say all."""
        single, low, high, exact, reason = None, None, None, True, None
        if isinstance(value, dict):
            low, high = _number(value.get("min")), _number(value.get("max"))
            single = low if low == high else None
            given = len(value) - [*value.values()].count(None)
            exact = given == (low is not None) + (high is not None)
            reason = None if exact else "not just numbers under min and max"
        elif (single := _number(value)) is None:
            exact, reason = False, "not a number that float64 holds exactly"
        elif label.measure in _RANGED:
            # Without the text a lone number could not be told from a pair of equal bounds.
            low, high, exact = single, single, False
        self._append(label, single, low, high, None if exact else json.dumps(value))
        return reason

    def _append(
        self,
        label: Label,
        value: float | None = None,
        low: float | None = None,
        high: float | None = None,
        raw: str | None = None,
    ) -> None:
        labels, values, lows, highs, raws = self.rows
        labels.append(label)
        values.append(value)
        lows.append(low)
        highs.append(high)
        raws.append(raw)

    def _members(self, block: Mapping[str, object], parent: str | None = None) -> None:
        for key, value in block.items():
            if value is None:
                continue
            if key == _YEAR and parent is None:
                year = _number(value)
                if year is not None and year.is_integer() and abs(year) < 2**63:
                    self._year = int(year)
                    continue
            label, follows = read_key(key, parent, self._commodity)
            nestable = not follows and parent is None
            if nestable and isinstance(value, dict) and not value.keys() <= {"min", "max"}:
                self._nested(key, value)
                continue
            if type(value) is not float and _says_nothing(value):
                continue
            reason = self._add(label, value)
            if not follows:
                reason = "the key does not follow the grammar"
            if reason is not None:
                self._report(label.source_field, value, reason)

    def _nested(self, key: str, block: Mapping[str, object]) -> None:
        """Read an object within the object: an ore type, if any figure in it can be read."""
        start, labels = len(self), self.rows.labels
        self._members(block, key)
        if all(label.measure is None for label in labels[start:]):
            labels[start:] = [label._replace(ore_type=None) for label in labels[start:]]

    def _items(self, items: Iterable[object]) -> None:
        for at, item in enumerate(items):
            path = f"[{at}]"
            if without_nulls(item) is None:
                continue
            if not isinstance(item, dict):
                self._add(label_of(Meaning(), path, self._commodity), item)
                self._report(path, item, "not an object with category, volume and unit")
                continue
            category, volume = item.get("category"), item.get("volume")
            unit = item.get("unit")
            # A text that does not print may hold a lone surrogate, which no column can encode.
            unit = unit if isinstance(unit, str) and unit.isprintable() else None
            said = read_category(category, unit) if isinstance(category, str) else None
            empty = without_nulls(volume) is None
            leaf = path if empty else f"{path}.volume"
            label = label_of(said or Meaning(unit=unit), leaf, self._commodity)
            reason = self._add(label, volume)
            raws = self.rows.raws
            whole = raws[-1] is not None or isinstance(volume, dict)
            rest = {key: member for key, member in item.items() if whole or key != "volume"}
            raws[-1] = json.dumps(rest)
            if said is None:
                reason = "the category does not follow the grammar"
            elif said.measure is None:
                reason = "the unit is missing or not known"
            elif without_nulls(rest).keys() - {"category", "volume", "unit"}:
                reason = "unknown fields beside category, volume and unit"
            elif empty:
                reason = None
            self._report(path, item, reason)


def figures(
    resources_reserves: object, *, commodity_type: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read the `resources_reserves` of one site, whatever its shape, one row a figure.

    Parameters
    ----------
    resources_reserves : object
        Parsed JSON: null, an object, or the list of `category`, `volume` and `unit`.
    commodity_type : str or None
        What the site mines: ``"Coal"`` makes an unnamed tonnage coal, another name makes it ore,
        None leaves it open. Unnamed ounces are gold, silver or platinum by the same word.

    Returns
    -------
    rows : list of dict
        `FIGURE_FIELDS`, None for missing. ``measurement_year``: int, the same in every row (a
        row of its own only where nothing else came). ``ore_type``: name of the nested object.
        ``stage``: reserves, resources. ``category``: proven, probable, total, measured,
        indicated, inferred, exploration_target, inventory. ``component``: ore, coal, or the
        symbol of an element or oxide. ``measure``: tonnage, contained (metal), grade,
        calorific_value. ``value``, ``value_min``, ``value_max``: float in ``unit`` (Mt, Kt, t,
        kg, wmt, dmt, oz, koz, Moz, %, g/t, ppm, kcal/kg; an unknown unit of a list as it came).
        ``verified``: True where the key says so, None elsewhere, as the others say nothing.
        ``source_field``: path of the leaf. ``raw``: JSON text of all that stands there, where
        the numbers alone do not tell it; of a list's item, its other members.
    problems : list of dict
        ``column``, ``raw`` (JSON text) and ``reason`` of what does not follow the grammar.
    """
    reader = Reader()
    year, problems = reader.read(resources_reserves, commodity_type)
    rows = [
        (year, *label[:5], *numbers, *label[5:], raw)
        for label, *numbers, raw in zip(*reader.rows, strict=True)
    ]
    return [dict(zip(FIGURE_FIELDS, row, strict=True)) for row in rows], problems


def rebuild(rows: Iterable[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - any JSON
    """Put the answer of one site together again from its rows.

    Parameters
    ----------
    rows : iterable of mapping
        All rows that `figures` gave for one site, also from a frame (NA and NaN are missing).

    Returns
    -------
    object
        The JSON that came, as `without_nulls` leaves it; its numbers may come back as floats.

    Raises
    ------
    ValueError
        Two rows with one ``source_field``: these are the rows of several sites.
    """
    found: dict[tuple[str | int, ...], Any] = {}
    tree: dict[str | int, Any] = {}
    for row in rows:
        given = {field: row[field] for field in FIGURE_FIELDS if not pd.isna(row[field])}
        tree |= {_YEAR: int(given[_YEAR])} if _YEAR in given else {}
        path = given["source_field"]
        steps: tuple[str | int, ...] = tuple(
            int(index) if index else json.loads(quoted) if quoted else plain
            for index, quoted, plain in _STEP.findall(path)
        )
        leaf = {end: given[f"value_{end}"] for end in ("min", "max") if f"value_{end}" in given}
        content: Any = json.loads(given["raw"]) if "raw" in given else leaf or given.get("value")
        if len(steps) > 1 and isinstance(steps[-2], int):
            steps, content = steps[:-1], {"volume": given.get("value")} | content
        if steps in found:
            raise ValueError(f"two rows tell {path!r}: pass the rows of one site only")
        found[steps] = content
        if path == _ROOT:
            return content
    for steps, content in found.items():
        node = tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        if content is not None:
            node[steps[-1]] = content
    positions = sorted(step for step in tree if isinstance(step, int))  # only at the root
    return without_nulls([tree[at] for at in positions] or tree)


def widen(
    resources_reserves: object, *, commodity_type: str | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Give `wide` and, beside it, what had to stay missing: ``column``, ``raw``, ``reason``."""
    rows, _ = figures(resources_reserves, commodity_type=commodity_type)
    beside = ("tonnage_unit", "calorific_value_min", "calorific_value_max")
    out: dict[str, Any] = dict.fromkeys((_YEAR, *_WIDE, *beside))
    out[_YEAR] = rows[0][_YEAR] if rows else None
    problems: list[dict[str, Any]] = []

    def leave(column: str, found: object, reason: str) -> None:
        problems.append({"column": column, "raw": json.dumps(found), "reason": reason})

    tonnages = [row for row in rows if row["measure"] == "tonnage" and not row["verified"]]
    ore_types = {row["ore_type"] for row in tonnages} - {None}
    if isinstance(resources_reserves, dict):
        # An ore type that is named without a figure is unknown, not nil: no sum without it.
        ore_types |= resources_reserves.keys() & _ORE_TYPES
    given: dict[tuple[str, str], dict[str, dict[str | None, set[float]]]] = {}
    units = set()
    for row in tonnages:
        kind = (row["stage"], row["category"])
        if kind in _WIDE.values() and row["value"] is not None:
            units.add(row["unit"])
            by_type = given.setdefault(kind, {}).setdefault(row["unit"], {})
            by_type.setdefault(row["ore_type"], set()).add(row["value"])
    unit = "wmt" if units == {"wmt", "dmt"} else next(iter(units), "")
    if len(units) > 1 and units != {"wmt", "dmt"}:
        leave("tonnage_unit", sorted(units), "the tonnages do not share one unit")
        given = {}
    for column, kind in _WIDE.items():
        by_type = given.get(kind, {}).get(unit, {})
        used = [None] if None in by_type else sorted(ore_types)
        found = [sorted(by_type.get(name, ())) for name in used]
        if any(len(values) > 1 for values in found):
            leave(column, found, "several figures that differ")
        elif found and all(found):
            out[column], out["tonnage_unit"] = math.fsum(values[0] for values in found), unit
        elif kind in given:
            leave(column, found, f"not every ore type gives it in {unit}")
    heat = [row for row in rows if row["measure"] == "calorific_value"]
    ranges = {(row["value_min"], row["value_max"]) for row in heat} - {(None, None)}
    for at, column in enumerate(beside[1:]):
        out[column] = next(iter(ranges))[at] if len(ranges) == 1 else None
    if len(ranges) > 1:
        leave("calorific_value", sorted(map(str, ranges)), "several figures that differ")
    return out, problems


def wide(resources_reserves: object, *, commodity_type: str | None) -> dict[str, Any]:
    """Give the tonnages and the calorific value of one site as one flat row.

    Only tonnages of ore or coal: never contained metal, grades or ``verified`` figures. All
    share one unit, ``tonnage_unit``. Where a site gives wet and dry tonnes the wet ones (wmt)
    are taken throughout, as nickel production is in wmt too; other mixtures of units leave
    every tonnage missing. Ore types are added up only where each named one gives the figure.

    Parameters
    ----------
    resources_reserves, commodity_type
        As for `figures`.

    Returns
    -------
    dict
        ``measurement_year`` (int); ``{proven,probable,total}_reserves`` and
        ``{measured,indicated,inferred,total}_resources`` (float); ``tonnage_unit``, theirs;
        ``calorific_value_min``, ``calorific_value_max`` (float, kcal/kg; either may be missing:
        below or above a bound). None for missing.
    """
    return widen(resources_reserves, commodity_type=commodity_type)[0]
