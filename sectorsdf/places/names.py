"""Find a province by any of its names.

A name is only cleaned of case, punctuation and words such as "Provinsi". It is never guessed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from sectorsdf.places.tables import read

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["province_name", "province_names"]

_WORDS: Final = frozenset({"provinsi", "propinsi", "province", "prov", "of", "the"})
_SHORT: Final = {"kep": "kepulauan", "sumatra": "sumatera", "di": "daerah istimewa"}


def province_name(text: object) -> str | None:
    """Return the API's name of a province.

    Parameters
    ----------
    text : str or None
        An Indonesian or English name, an abbreviation, or a former name, in any case:
        "East Kalimantan", "kaltim", "Irian Jaya". A combination of several provinces is no name of
        one; `sectorsdf.explode_provinces` takes it apart.

    Returns
    -------
    str or None
        The name as in the column ``name`` of `provinces`; None if the text is none of the names,
        or no text. "Irian Jaya" is Papua, which it was renamed to; it was all of today's six
        provinces.

    Examples
    --------
    >>> from sectorsdf import places
    >>> places.province_name("East Kalimantan"), places.province_name("NTB")
    ('Kalimantan Timur', 'Nusa Tenggara Barat')
    """
    return _names().get(_cleaned(text)) if isinstance(text, str) else None


def province_names() -> tuple[str, ...]:
    """Return the names of the 38 provinces as the API writes them, in the order of their codes."""
    return tuple(row["name"] for row in read("provinces"))


def _cleaned(text: str) -> str:
    words = re.findall(r"\w+", text.casefold().replace(".", ""))
    return " ".join(_SHORT.get(word, word) for word in words if word not in _WORDS)


@cache
def _names() -> Mapping[str, str]:
    """Return the province of each cleaned name."""
    found = {}
    for row in read("provinces"):
        others = row["other_names"].split("; ") if row["other_names"] else []
        for name in (row["name"], row["english_name"], *others):
            found[_cleaned(name)] = row["name"]
    return found
