"""Read what a figure is from its key, or from its category and unit.

A key describes its own figure, `{category or component}_{stage}_{unit}`, so this module reads the
parts of a key and needs no list of keys. It must not import `reader` or `checks`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from sectorsdf.units import measured_by, metal_of, read_component, read_unit, usual_component

__all__ = ["Label", "Meaning", "Source", "label_of", "read_category", "read_key"]

Source: TypeAlias = Literal["site", "province"]
"""The endpoint that sent a key, because the endpoints mean different things by the same key."""

_STAGES: Final = {"reserve": "reserves", "resource": "resources"}
_STAGELESS: Final = {"inventory": "inventory", "exploration-target": "exploration_target"}
_GRADED: Final = ("proven", "probable", "total", "measured", "indicated", "inferred")
_CATEGORIES: Final = {name: name for name in _GRADED} | _STAGELESS | {"proved": "proven"}
_PLAIN: Final = re.compile(r"[^.\[\]\"$\s\x00-\x1f\ud800-\udfff]+")


class Meaning(NamedTuple):
    """What the parts of a key say, with None for what they do not say."""

    stage: str | None = None
    category: str | None = None
    component: str | None = None
    measure: str | None = None
    unit: str | None = None
    verified: bool | None = None


class Label(NamedTuple):
    """The row of a figure without the year, the numbers and their text.

    Figures with the same key share one label, also if they are of different sites.
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
    """Read the words before the unit; return None if they do not follow the grammar."""
    if text.lower() == "calorific_value":
        measure = "calorific_value" if kind == "energy" else None
        return Meaning(component="coal", measure=measure, unit=unit) if measure else None
    roles: dict[str, str] = {}
    for word in re.sub("exploration_targets?", "exploration-target", text, flags=re.I).split("_"):
        lower = word.lower()
        if lower.removesuffix("s") in _STAGES:
            role, name = "stage", _STAGES[lower.removesuffix("s")]
        elif lower in _CATEGORIES:
            role, name = "category", _CATEGORIES[lower]
        elif lower in {"verify", "verified"}:
            role, name = "verified", lower
        elif (symbol := read_component(word)) is not None:
            role, name = "component", symbol
        else:
            return None
        # A role comes once, except that "total inventory" is an inventory.
        if role in roles and (roles[role] != "total" or lower not in _STAGELESS):
            return None
        roles[role] = name
    stage, category, component = (roles.get(role) for role in ("stage", "category", "component"))
    if category is None and component is None:
        return None
    measure = measured_by(kind, component) if kind else None
    if (kind and measure is None) or (stage is None and category not in _STAGELESS.values()):
        return None
    return Meaning(stage, category, component, measure, unit, "verified" in roles or None)


def _parse_key(key: str) -> Meaning | None:
    parts = key.split("_")
    for length in (3, 2, 1):
        unit = read_unit("_".join(parts[-length:]))
        if unit is not None and len(parts) > length:
            return _meaning("_".join(parts[:-length]), *unit)
    return None


@lru_cache(maxsize=4096)
def read_category(text: str, unit: str | None) -> Meaning | None:
    """Read the category of a list's item, in any case; with an unknown unit there is no measure."""
    words = "_".join(word for word in re.split(r"[\s_-]+", text) if word.lower() != "mineral")
    return _meaning(words.strip("_"), *(read_unit(unit or "") or (unit, None)))


def _in_province(meaning: Meaning, commodity_type: str | None) -> Meaning:
    """Return the meaning of a province's key: what names no component is metal, and not ore.

    The measure is missing if the commodity does not say which metal that would be. The
    verified part of a total has a category of its own, so that no sum by category counts it twice.
    """
    if meaning.verified and meaning.category is not None:
        meaning = meaning._replace(category=f"{meaning.category}_verified")
    coal = (commodity_type or "").strip().lower() == "coal"
    if coal or meaning.component is not None or meaning.measure != "tonnage":
        return meaning
    metal, unit = metal_of(commodity_type), read_unit(meaning.unit or "")
    measure = measured_by(unit[1], metal) if metal and unit else None
    return meaning._replace(component=metal, measure=measure)


def label_of(
    meaning: Meaning,
    path: str,
    commodity_type: str | None,
    ore_type: str | None = None,
    source: Source = "site",
) -> Label:
    """Return the label of a figure; a component that is not named follows from the commodity."""
    if source == "province":
        meaning = _in_province(meaning, commodity_type)
    component = meaning.component
    if component is None and meaning.measure is not None:
        component = usual_component(meaning.measure, commodity_type)
    rest = (meaning.measure, meaning.unit, meaning.verified)
    return Label(ore_type, meaning.stage, meaning.category, component, *rest, path)


def _step(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else f"[{json.dumps(key)}]"


@lru_cache(maxsize=4096)
def read_key(
    key: str, parent: str | None, commodity_type: str | None, source: Source = "site"
) -> tuple[Label, bool]:
    """Return the label of a key's figure, and whether the key follows the grammar.

    Sites have the same keys, so each key is read once for all of them.

    Parameters
    ----------
    key : str
        The key of the figure.
    parent : str or None
        The key of the object around it, which is taken for an ore type; None for the outermost.
    commodity_type : str or None
        What the site mines.
    source : {"site", "province"}
        As for `figures`.
    """
    meaning, path, ore_type = _parse_key(key), _step(key), None
    if parent is not None:
        path = _step(parent) + (f".{path}" if path == key else path)
        ore_type = parent if parent.isprintable() else None
    label = label_of(meaning or Meaning(), path, commodity_type, ore_type, source)
    return label, meaning is not None
