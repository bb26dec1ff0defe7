"""Read the resources and reserves of a mine site, a company or a province as figures, and back.

The words are those of the JORC Code (2012) and the Indonesian KCMI Code (2017): *resources* are
measured, indicated or inferred; *reserves*, their mineable part, proven ("proved") or probable.

`sectorsdf.reserves.grammar` reads the keys; this module owns the walk through the JSON, the rows of
figures, and the way back. A value that does not follow the grammar is kept as it came and reported.
The module must not import `wide_row` or `checks`.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from sectorsdf.config.deep_json import dumps, loads
from sectorsdf.reserves.grammar import Meaning, label_of, read_category, read_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sectorsdf.reserves.grammar import Label, Source

__all__ = [
    "FIGURE_FIELDS",
    "Columns",
    "Reader",
    "figures",
    "rebuild",
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
"""The columns of a figure, in order."""

_YEAR: Final = "measurement_year"
_ROOT: Final = "$"
_RANGED: Final = frozenset({"grade", "calorific_value"})
_NULL: Final = frozenset({type(None)})
_FLAT: Final = _NULL | {int, float}
_STEP: Final = re.compile(r'\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.\[\]]+)')


def without_nulls(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value without nulls and empty containers.

    Two answers say the same if they are equal after this. Items of a list keep their order, numbers
    are compared by value (`1` equals `1.0`), and a boolean is not a number.

    Parameters
    ----------
    value : object
        Any parsed JSON value.

    Returns
    -------
    object
        The value without null members, null items and containers of nothing else; None if nothing
        is left.
    """
    # Without recursion, because the value may be nested more deeply than Python's calls can be.
    root = [value]
    containers: list[Any] = [root]
    for container in containers:
        members = container.items() if isinstance(container, dict) else enumerate(container)
        for key, member in list(members):
            if isinstance(member, dict | list):
                container[key] = member.copy()
                containers.append(container[key])
    # Inner containers come after the ones around them.
    for container in reversed(containers):
        if isinstance(container, dict):
            for key in [key for key, member in container.items() if _is_nothing(member)]:
                del container[key]
        else:
            container[:] = [item for item in container if not _is_nothing(item)]
    return root[0] if root else None


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, dict | list) and not value)


def _number(value: object) -> float | None:
    """Return a finite number as float64 if that is exact, else None. True is not a number."""
    if type(value) is float:  # the fast path: nearly all values are floats
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number == value else None


def _is_empty(value: object) -> bool:
    """Return whether `without_nulls` leaves nothing; fast for a flat object of numbers."""
    if isinstance(value, dict):
        kinds = set(map(type, value.values()))
        if kinds <= _FLAT:
            return kinds <= _NULL
    return without_nulls(value) is None


class Columns(NamedTuple):
    """Figures by column; one object for each row would keep the garbage collector busy."""

    labels: list[Label]
    values: list[float | None]
    lows: list[float | None]
    highs: list[float | None]
    raws: list[str | None]


class Reader:
    """Read the answers of many sites, one after the other, into the columns `rows`.

    Parameters
    ----------
    source : {"site", "province"}
        The endpoint that sent the answers; `figures` says what depends on it.
    """

    def __init__(self, source: Source = "site") -> None:
        self._source = source
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
        """Add the rows of one site, and return its ``measurement_year`` and the problems.

        `figures` describes the arguments, the rows and the problems.
        """
        self._begin(commodity_type)
        before = len(self)
        if isinstance(answer, dict):
            self._members(answer)
        elif isinstance(answer, list):
            self._items(answer)
        elif answer is not None:
            self._add(self._label(Meaning(), _ROOT), answer)
            self._report(_ROOT, answer, "neither an object nor a list")
        if self._year is not None and len(self) == before:
            self._append(label_of(Meaning(), _YEAR, None))
        return self._year, self._problems

    def _label(self, meaning: Meaning, path: str) -> Label:
        return label_of(meaning, path, self._commodity, source=self._source)

    def _report(self, path: str, value: object, reason: str | None) -> None:
        if reason is not None:
            problem = {"raw": dumps(value), "reason": f"{path}: {reason}"}
            self._problems.append({"column": "resources_reserves"} | problem)

    def _add(self, label: Label, value: object) -> str | None:
        """Append a row, and return what is wrong with its value, or None.

        The row has the text of the value if its numbers alone do not show what was sent.
        """
        single, low, high, exact, reason = None, None, None, True, None
        if isinstance(value, dict):
            low, high = _number(value.get("min")), _number(value.get("max"))
            single = low if low == high else None
            members = len(value) - [*value.values()].count(None)
            exact = members == (low is not None) + (high is not None)
            reason = None if exact else "not only numbers under min and max"
        elif (single := _number(value)) is None:
            exact, reason = False, "not a number that float64 represents exactly"
        elif label.measure in _RANGED:
            # Without the text, a single number would look like a pair of equal bounds.
            low, high, exact = single, single, False
        self._append(label, single, low, high, None if exact else dumps(value))
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
            label, follows = read_key(key, parent, self._commodity, self._source)
            nestable = not follows and parent is None
            if nestable and isinstance(value, dict) and not value.keys() <= {"min", "max"}:
                self._nested(key, value)
                continue
            if type(value) is not float and _is_empty(value):
                continue
            reason = self._add(label, value)
            if not follows:
                reason = "the key does not follow the grammar"
            elif label.measure is None:
                reason = "it is not known whether this is ore or metal, and which metal"
            if reason is not None:
                self._report(label.source_field, value, reason)

    def _nested(self, key: str, block: Mapping[str, object]) -> None:
        """Read an object inside the object: it is an ore type if any figure in it can be read."""
        start, labels = len(self), self.rows.labels
        self._members(block, key)
        if all(label.measure is None for label in labels[start:]):
            labels[start:] = [label._replace(ore_type=None) for label in labels[start:]]

    def _items(self, items: Iterable[object]) -> None:
        for i, item in enumerate(items):
            path = f"[{i}]"
            if without_nulls(item) is None:
                continue
            if not isinstance(item, dict):
                self._add(self._label(Meaning(), path), item)
                self._report(path, item, "not an object with category, volume and unit")
                continue
            category, volume = item.get("category"), item.get("volume")
            unit = item.get("unit")
            # A text that is not printable may have a lone surrogate, which no column can encode.
            unit = unit if isinstance(unit, str) and unit.isprintable() else None
            meaning = read_category(category, unit) if isinstance(category, str) else None
            empty = without_nulls(volume) is None
            leaf = path if empty else f"{path}.volume"
            label = self._label(meaning or Meaning(unit=unit), leaf)
            reason = self._add(label, volume)
            raws = self.rows.raws
            whole = raws[-1] is not None or isinstance(volume, dict)
            rest = {key: member for key, member in item.items() if whole or key != "volume"}
            raws[-1] = dumps(rest)
            if meaning is None:
                reason = "the category does not follow the grammar"
            elif meaning.measure is None:
                reason = "the unit is missing or not known"
            elif without_nulls(rest).keys() - {"category", "volume", "unit"}:
                reason = "unknown fields beside category, volume and unit"
            elif empty:
                reason = None
            self._report(path, item, reason)


def figures(
    resources_reserves: object, *, commodity_type: str | None, source: Source = "site"
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read the `resources_reserves` of one site, in any shape, as one row for each figure.

    A company's are read as a site's; those of a province and a commodity have other keys.

    Parameters
    ----------
    resources_reserves : object
        Parsed JSON: null, an object, or a list of items with `category`, `volume` and `unit`.
    commodity_type : str or None
        What the site mines. It decides the component of a figure whose key names none: a tonnage is
        coal for ``"Coal"`` and ore for any other commodity; ounces are gold, silver or platinum.
        None leaves the component missing.
    source : {"site", "province"}
        The endpoint that sent them. A mass whose key names no component is ore or coal at a site
        (``"total_resources_Mt"`` of a gold mine is ore), but in a province it is coal or the metal
        itself, and only the keys with ``ore_`` are ore.

    Returns
    -------
    rows : list of dict
        The `FIGURE_FIELDS` of each figure, with None for missing. ``measurement_year``: int, the
        same in every row (in a row of its own if there is no figure). ``ore_type``: the key of the
        nested object. ``stage``: reserves, resources. ``category``: proven, probable, total,
        measured, indicated, inferred, exploration_target, inventory; of a province also
        total_verified, the part of the total that is verified. ``component``: ore, coal, or the
        symbol of an element or oxide. ``measure``: tonnage, contained (metal), grade,
        calorific_value. ``value``, ``value_min``, ``value_max``: float in ``unit`` (Mt, Kt, t, kg,
        wmt, dmt, oz, koz, Moz, %, g/t, ppm, kcal/kg; an unknown unit of a list as it came).
        ``verified``: True if the key says so, otherwise None. ``source_field``: the path of the
        value. ``raw``: the JSON text of the value, if the numbers alone do not show all of it; for
        a list's item, its other members.
    problems : list of dict
        ``column``, ``raw`` (JSON text) and ``reason`` of each value that does not follow the
        grammar.
    """
    reader = Reader(source)
    year, problems = reader.read(resources_reserves, commodity_type)
    rows = [
        (year, *label[:5], *numbers, *label[5:], raw)
        for label, *numbers, raw in zip(*reader.rows, strict=True)
    ]
    return [dict(zip(FIGURE_FIELDS, row, strict=True)) for row in rows], problems


def rebuild(rows: Iterable[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - any JSON
    """Rebuild the JSON of one site from its rows.

    Parameters
    ----------
    rows : iterable of mapping
        All rows that `figures` returned for one site, also from a frame (NA and NaN are missing).

    Returns
    -------
    object
        The JSON that the API sent, without nulls and empty containers; numbers may be floats.

    Raises
    ------
    ValueError
        Two rows have the same ``source_field``, so they are rows of several sites.
    """
    contents: dict[tuple[str | int, ...], Any] = {}
    tree: dict[str | int, Any] = {}
    for row in rows:
        cells = {field: row[field] for field in FIGURE_FIELDS if not pd.isna(row[field])}
        tree |= {_YEAR: int(cells[_YEAR])} if _YEAR in cells else {}
        path = cells["source_field"]
        steps: tuple[str | int, ...] = tuple(
            int(index) if index else loads(quoted) if quoted else plain
            for index, quoted, plain in _STEP.findall(path)
        )
        bounds = {end: cells[f"value_{end}"] for end in ("min", "max") if f"value_{end}" in cells}
        content: Any = loads(cells["raw"]) if "raw" in cells else bounds or cells.get("value")
        if len(steps) > 1 and isinstance(steps[-2], int):
            steps, content = steps[:-1], {"volume": cells.get("value")} | content
        if steps in contents:
            raise ValueError(f"two rows have the path {path!r}: pass the rows of one site only")
        contents[steps] = content
        if path == _ROOT:
            return content
    for steps, content in contents.items():
        node = tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        if content is not None:
            node[steps[-1]] = content
    positions = sorted(step for step in tree if isinstance(step, int))  # of a list at the root
    return without_nulls([tree[i] for i in positions] or tree)
