"""The grammar of resources and reserves: what a figure is, by its key or by its category and unit.

A key names its own figure, `{category or component}_{stage}_{unit}`, so this module reads keys
by their parts and keeps no list of keys. Pure: texts in, words out.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final, NamedTuple

from sectorsdf.units import measured_by, read_component, read_unit, usual_component

__all__ = ["Label", "Meaning", "label_of", "read_category", "read_key"]


_STAGES: Final = {"reserve": "reserves", "resource": "resources"}
_STAGELESS: Final = {"inventory": "inventory", "exploration-target": "exploration_target"}
_GRADED: Final = ("proven", "probable", "total", "measured", "indicated", "inferred")
_CATEGORIES: Final = {name: name for name in _GRADED} | _STAGELESS | {"proved": "proven"}
_PLAIN: Final = re.compile(r"[^.\[\]\"$\s\x00-\x1f\ud800-\udfff]+")


class Meaning(NamedTuple):
    """What the parts of a key say; None for what they do not say."""

    stage: str | None = None
    category: str | None = None
    component: str | None = None
    measure: str | None = None
    unit: str | None = None
    verified: bool | None = None


class Label(NamedTuple):
    """What a figure is: its row without the year, the numbers and their text.

    Figures under one key share one label, also those of different sites.
    """

    ore_type: str | None
    stage: str | None
    category: str | None
    component: str | None
    measure: str | None
    unit: str | None
    verified: bool | None
    source_field: str


def _meaning(text: str, unit: str | None, kind: str | None) -> Meaning | None:
    """Read the words before the unit; None where they do not follow the grammar."""
    if text.lower() == "calorific_value":
        measure = "calorific_value" if kind == "energy" else None
        return Meaning(component="coal", measure=measure, unit=unit) if measure else None
    said: dict[str, str] = {}
    for word in re.sub("exploration_targets?", "exploration-target", text, flags=re.I).split("_"):
        low = word.lower()
        if low.removesuffix("s") in _STAGES:
            role, name = "stage", _STAGES[low.removesuffix("s")]
        elif low in _CATEGORIES:
            role, name = "category", _CATEGORIES[low]
        elif low in {"verify", "verified"}:
            role, name = "verified", low
        elif (substance := read_component(word)) is not None:
            role, name = "component", substance
        else:
            return None
        if role in said and (said[role] != "total" or low not in _STAGELESS):
            return None
        said[role] = name
    stage, category, component = (said.get(role) for role in ("stage", "category", "component"))
    if category is None and component is None:
        return None
    measure = measured_by(kind, component) if kind else None
    if (kind and measure is None) or (stage is None and category not in _STAGELESS.values()):
        return None
    return Meaning(stage, category, component, measure, unit, "verified" in said or None)


def _parse_key(key: str) -> Meaning | None:
    parts = key.split("_")
    for length in (3, 2, 1):
        known = read_unit("_".join(parts[-length:]))
        if known is not None and len(parts) > length:
            return _meaning("_".join(parts[:-length]), *known)
    return None


@lru_cache(maxsize=4096)
def read_category(text: str, unit: str | None) -> Meaning | None:
    """Read a list item's category, in any case; an unknown unit leaves the measure open."""
    words = "_".join(word for word in re.split(r"[\s_-]+", text) if word.lower() != "mineral")
    return _meaning(words.strip("_"), *(read_unit(unit or "") or (unit, None)))


def label_of(
    said: Meaning, path: str, commodity_type: str | None, ore_type: str | None = None
) -> Label:
    """Label a figure; an unnamed component is what such a site usually gives."""
    component = said.component
    if component is None and said.measure is not None:
        component = usual_component(said.measure, commodity_type)
    known = (said.measure, said.unit, said.verified)
    return Label(ore_type, said.stage, said.category, component, *known, path)


def _step(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else f"[{json.dumps(key)}]"


@lru_cache(maxsize=4096)
def read_key(key: str, parent: str | None, commodity_type: str | None) -> tuple[Label, bool]:
    """Label the figure under a key, and tell whether the key follows the grammar.

    Sites share their keys, so each is read once for all of them.

    Parameters
    ----------
    key : str
        The key that the figure stands under.
    parent : str or None
        The key of the object that it stands in, taken for an ore type; None for the outermost.
    commodity_type : str or None
        What the site mines.
    """
    said, path, ore_type = _parse_key(key), _step(key), None
    if parent is not None:
        path = _step(parent) + (f".{path}" if path == key else path)
        ore_type = parent if parent.isprintable() else None
    return label_of(said or Meaning(), path, commodity_type, ore_type), said is not None
