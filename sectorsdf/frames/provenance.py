"""Where a frame comes from: the entry of ``DataFrame.attrs`` that every frame of this package has.

`Provenance` is the only writer of ``attrs["sectorsdf"]``. This module must not import a module that
fetches or stores.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from sectorsdf._version import __version__
from sectorsdf.frames.frozen import freeze

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.datasets.schema import Dataset

__all__ = ["ATTRS", "Provenance"]

ATTRS = "sectorsdf"
"""The entry of `DataFrame.attrs` that holds the provenance."""


# Longer than any value that the API is known to send, so that nothing of those is cut.
_LONGEST_RAW = 50_000


def _bounded(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a problem with its raw text cut, and the length said, if it is very long."""
    raw = problem.get("raw")
    if not isinstance(raw, str) or len(raw) <= _LONGEST_RAW:
        return problem
    return {**problem, "raw": f"{raw[:_LONGEST_RAW]}… ({len(raw):,} characters)"}


def _plain(value: object) -> Any:  # noqa: ANN401
    """Return a filter's value as JSON has it: a NumPy scalar becomes a plain one."""
    if value is None or isinstance(value, bool | int | float | str | list):
        return value
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)


@dataclass(frozen=True)
class Provenance:
    """What is known of how a frame's rows were fetched, ready for JSON.

    Parameters
    ----------
    entries : mapping
        The keys and values of ``attrs["sectorsdf"]``.
    """

    entries: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_call(
        cls,
        dataset: Dataset,
        filters: Mapping[str, object],
        *,
        host: str,
        source: str | None,
        credits: int,  # noqa: A002 - what the API calls its price
    ) -> Provenance:
        """Return the provenance of rows that are fetched now."""
        return cls(
            {
                "dataset": dataset.name,
                "endpoint": dataset.path,
                "host": host,
                "source": source or "Sectors API",
                "filters": {name: _plain(v) for name, v in filters.items() if v is not None},
                "fetched_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "credits": credits,
                "from_cache": False,
                "versions": {
                    "sectorsdf": __version__,
                    "pandas": pd.__version__,
                    "pyarrow": pa.__version__,
                    "python": platform.python_version(),
                },
            }
        )

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> Provenance:
        """Return the provenance that a frame carries; an empty one if it carries none."""
        entries = frame.attrs.get(ATTRS)
        return cls(entries if isinstance(entries, dict) else {})

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        return self.entries[name]

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        """Return an entry, or the default if there is none."""
        return self.entries.get(name, default)

    def updated(self, **entries: object) -> Provenance:
        """Return this provenance with other entries."""
        return Provenance({**self.entries, **entries})

    def attach(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Write the provenance into a frame's attrs, read-only, and return the frame."""
        frame.attrs = {**frame.attrs, ATTRS: freeze(self.entries)}
        return frame

    @property
    def spent(self) -> int:
        """The credits that this very call has spent; rows from the cache cost nothing now."""
        cached = self.entries["from_cache"]
        spent: int = cached["credits"] if cached else self.entries["credits"]
        return spent

    def with_sweep(self, certificate: Mapping[str, Any], max_rows: int | None) -> Provenance:
        """Add what a sweep has proven of its rows."""
        return self.updated(
            max_rows=max_rows,
            pages=certificate["pages"],
            complete=certificate["complete"],
            certificate=dict(certificate),
        )

    def with_records(self, keys: int, not_found: Sequence[str]) -> Provenance:
        """Add how many addressed records were asked for, and which keys the API does not know."""
        return self.updated(
            pages=keys, max_rows=None, complete=not not_found, not_found=list(not_found)
        )

    def with_rows(
        self,
        rows: int,
        problems: Sequence[Mapping[str, Any]] = (),
        unknown_fields: Sequence[str] = (),
        missing_fields: Sequence[str] = (),
        *,
        digest: str,
    ) -> Provenance:
        """Add what the rows themselves show: their number, their digest, and what does not fit."""
        return self.updated(
            rows=rows,
            digest=digest,
            problems=list(map(_bounded, problems)),
            unknown_fields=list(unknown_fields),
            missing_fields=list(missing_fields),
        )

    def with_problems(self, problems: Sequence[Mapping[str, Any]]) -> Provenance:
        """Add problems to those that are known."""
        return self.updated(problems=[*self.entries["problems"], *map(_bounded, problems)])

    def with_missing_field(self, name: str) -> Provenance:
        """Add a declared field that the answers do not have."""
        return self.updated(missing_fields=[*self.entries["missing_fields"], name])

    def from_cache_file(
        self, file: str, age_seconds: int, *, selected: bool, **call: object
    ) -> Provenance:
        """Say which cached file the rows come from; `call` are the entries of the call itself."""
        cached = {"file": file, "age_seconds": age_seconds, "selected": selected, "credits": 0}
        return self.updated(**call, from_cache=cached)

    def after_list(self, listed: Provenance) -> Provenance:
        """Add what the list cost that named the records of this provenance."""
        return self.updated(
            from_cache=_both_cached(listed, self), credits=self["credits"] + listed["credits"]
        )

    def with_details(
        self,
        details: Provenance,
        *,
        fetched: int,
        not_found: Sequence[str],
        rows_without: Sequence[Mapping[str, Any]],
        problems: Sequence[Mapping[str, Any]],
        digest: str,
    ) -> Provenance:
        """Add where the details of listed rows come from, and what list and details cost."""
        both = {
            name: list(dict.fromkeys([*self[name], *details[name]]))
            for name in ("unknown_fields", "missing_fields")
        }
        return self.with_problems(problems).updated(
            **both,
            digest=digest,
            credits=self["credits"] + details["credits"],
            from_cache=_both_cached(self, details),
            details={
                "endpoint": details["endpoint"],
                "fetched": fetched,
                "not_found": list(not_found),
                "rows_without": list(rows_without),
            },
        )


def _both_cached(listed: Provenance, details: Provenance) -> dict[str, Any] | bool:
    """Say what of a list and its details comes from the cache."""
    if not listed["from_cache"] and not details["from_cache"]:
        return False
    return {
        "list": listed["from_cache"],
        "details": details["from_cache"],
        "credits": listed.spent + details.spent,
    }
