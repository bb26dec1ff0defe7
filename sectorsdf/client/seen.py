"""Names that a client's frames have shown, for hints about a filter that has matched nothing.

Owns the memory of these names. It sends no request and reads no file. This module must not import
`mining`.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from sectorsdf.config.forks import Lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from sectorsdf.datasets.schema import Dataset

__all__ = ["COMPANY_NAME", "COMPANY_SLUG", "SeenNames", "near"]

COMPANY_SLUG: Final = "company slug"
COMPANY_NAME: Final = "company name"
# What a column's texts are, by its name.
_KINDS: Final = {
    "company_slug": COMPANY_SLUG,
    "mine_owner_slug": COMPANY_SLUG,
    "contractor_slug": COMPANY_SLUG,
    "parent_slug": COMPANY_SLUG,
    "child_slug": COMPANY_SLUG,
    "company_name": COMPANY_NAME,
    "auction_status": "auction_status",
    "cnc": "cnc",
}
# What they are in the list of companies.
_KINDS_OF_COMPANIES: Final = {"slug": COMPANY_SLUG, "name": COMPANY_NAME}
_MOST_ROWS: Final = 50_000
_MOST_NAMES: Final = 20_000
_CUTOFF: Final = 0.6


class SeenNames:
    """The names in a client's frames, by what they name."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, None]] = {}
        self._lock = Lock()

    def add(self, dataset: Dataset, frame: pd.DataFrame) -> None:
        """Remember the names in a frame's columns; of a long frame, those in its first rows."""
        for column, kind in _kinds_of(dataset).items():
            if column in frame.columns:
                found = frame[column].head(_MOST_ROWS).dropna().unique().tolist()
                with self._lock:
                    names = self._names.setdefault(kind, {})
                    names.update(dict.fromkeys(map(str, found)))
                    for name in list(names)[:-_MOST_NAMES]:
                        del names[name]

    def of(self, kind: str) -> list[str]:
        """Return the remembered names of a kind, such as the slugs of companies."""
        with self._lock:
            return list(self._names.get(kind, ()))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._names.clear()


def _kinds_of(dataset: Dataset) -> dict[str, str]:
    return _KINDS_OF_COMPANIES if dataset.name == "mining_companies" else _KINDS


def near(text: str, names: Iterable[str]) -> list[str]:
    """Return at most three names that contain a text or are spelled almost like it."""
    wanted = text.strip().casefold()
    folded = {name.casefold(): name for name in names}
    containing = sorted(
        (name for name in folded if wanted in name), key=lambda name: (len(name), name)
    )
    close = get_close_matches(wanted, folded, n=3, cutoff=_CUTOFF)
    return [folded[name] for name in dict.fromkeys([*containing[:3], *close])][:3]
