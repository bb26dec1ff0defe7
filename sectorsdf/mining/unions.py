"""Lists of values for a filter: one query for each value, and one frame of their distinct rows.

The API takes one value of a filter. This module owns how a list of values is taken apart, and how
the frames of the parts and their provenances are put together. It must not import a getter.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from sectorsdf.datasets.query import to_query
from sectorsdf.errors import FilterError
from sectorsdf.frames.arrow import frame_digest
from sectorsdf.frames.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.client.queries import ListQuery
    from sectorsdf.datasets.schema import Dataset, Filter

__all__ = ["has_lists", "single_values", "united"]

_MOST_PARTS: Final = 500
# What the provenance says of each part.
_OF_PART: Final = (
    *("filters", "fetched_at", "credits", "from_cache", "pages", "rows", "complete"),
    *("certificate", "digest"),
)


def has_lists(dataset: Dataset, arguments: Mapping[str, Any]) -> bool:
    """Return whether a filter of a getter's arguments has a list of values."""
    return any(
        _takes_list(entry) and _is_list(arguments.get(entry.name)) for entry in dataset.filters
    )


def single_values(
    dataset: Dataset, arguments: Mapping[str, Any], *, validate: bool
) -> list[dict[str, Any]]:
    """Return the filters of each part: one value of each filter, in every combination.

    Parameters
    ----------
    dataset : Dataset
        Declares the filters. Those of the kind choice can have several values.
    arguments : mapping
        The getter's arguments.
    validate : bool
        Refuse a value that the vocabulary does not list.

    Returns
    -------
    list of dict
        For each part, the filters that have several values, with one of them. One empty dict if no
        filter has several. Spellings of the same value make one part.

    Raises
    ------
    FilterError
        A list is empty, has a value that cannot be sent, or cannot be combined with `max_rows`.
    """
    lists = {
        declared.name: _distinct(dataset, declared, arguments[declared.name], validate=validate)
        for declared in dataset.filters
        if _takes_list(declared) and _is_list(arguments.get(declared.name))
    }
    parts = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    if len(parts) > 1 and arguments.get("max_rows") is not None:
        names = " and ".join(name for name, values in lists.items() if len(values) > 1)
        message = (
            f"max_rows does not go with several values of {names}: each value is a list of its own "
            "at the API. Give one value, or leave max_rows out and take head() of the frame."
        )
        raise FilterError(message, name="max_rows", value=arguments["max_rows"])
    if len(parts) > _MOST_PARTS:
        message = (
            f"{' and '.join(lists)} make {len(parts)} combinations, and each is a list of its own "
            f"at the API; give at most {_MOST_PARTS}, or leave one of the filters out"
        )
        raise FilterError(message, name=next(iter(lists)), value=arguments[next(iter(lists))])
    return parts


def _takes_list(declared: Filter) -> bool:
    return declared.kind == "choice" and declared.name != "order_by"


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def _distinct(
    dataset: Dataset, declared: Filter, values: Iterable[Any], *, validate: bool
) -> list[str]:
    """Return the values of a filter as they are sent, each once."""
    name = declared.name
    if isinstance(values, pd.DataFrame):
        message = f"{name}: a DataFrame is not a list of values; give its column, frame[{name!r}]."
        raise FilterError(message, name=name, value=values)
    values = list(values)
    sent: dict[str, None] = {}
    for value in values:
        if value is None:
            message = f"{name} has None in its list; leave the filter out to select all rows."
            raise FilterError(message, name=name, value=values)
        sent[to_query(dataset, {name: value}, validate=validate)[name]] = None
    if not sent:
        message = f"{name}=[] selects nothing; give at least one value, or leave the filter out."
        raise FilterError(message, name=name, value=values)
    return list(sent)


def united(
    queries: Sequence[ListQuery], frames: Sequence[pd.DataFrame], order_by: str | None
) -> pd.DataFrame:
    """Return the distinct rows of the parts as one frame.

    Parameters
    ----------
    queries : sequence of ListQuery
        The query of each part.
    frames : sequence of pandas.DataFrame
        What they returned; fewer than the queries if one has failed.
    order_by : str or None
        The order that the caller asked for.

    Returns
    -------
    pandas.DataFrame
        The rows of the first part, of the second, and so on; as a whole in the order that the
        caller asked for, with missing values last. A row that several parts have is there once, a
        row that one part has twice is there twice.
    """
    rows = pd.concat(frames, ignore_index=True)
    # Concatenated frames of no row at all can lose a dtype.
    rows = rows.astype({name: frame[name].dtype for frame in frames[::-1] for name in frame})
    columns = list(rows.columns)
    part = pd.Series(
        [number for number, frame in enumerate(frames) for _ in range(len(frame))], dtype="int64"
    )
    group = rows.groupby(columns, dropna=False, sort=False).ngroup() if len(rows) else part
    occurrence = group.groupby([part, group]).cumcount()
    kept = (~pd.DataFrame({"row": group, "occurrence": occurrence}).duplicated()).to_numpy()
    chosen = rows[kept]
    if order_by is not None:
        chosen = chosen.sort_values(
            order_by.lstrip("-"),
            ascending=not order_by.startswith("-"),
            kind="stable",
            na_position="last",
        )
    position = {old: new for new, old in enumerate(chosen.index)}
    starts = [sum(map(len, frames[:number])) for number in range(len(frames))]
    chosen = chosen.reset_index(drop=True)
    chosen.attrs = {}
    return _provenance(queries, frames, starts, position, chosen).attach(chosen)


def _provenance(
    queries: Sequence[ListQuery],
    frames: Sequence[pd.DataFrame],
    starts: Sequence[int],
    position: Mapping[int, int],
    rows: pd.DataFrame,
) -> Provenance:
    """Return the provenance of all parts together, with one entry for each of them."""
    parts = [Provenance.of_frame(frame) for frame in frames]
    complete = len(frames) == len(queries) and all(part["complete"] for part in parts)
    problems = [
        {**problem, "row": position[start + problem["row"]]}
        for start, part in zip(starts, parts, strict=True)
        for problem in part["problems"]
        if start + problem.get("row", 0) in position
    ]
    pages = sum(part["pages"] for part in parts)
    totals = [part["certificate"]["total"] for part in parts if "certificate" in part.entries]
    known = len(totals) == len(parts) and None not in totals
    certificate = {
        "complete": complete,
        "total": sum(totals) if known else None,
        "rows": len(rows),
        "pages": pages,
        "parts": len(queries),
        "notes": [note for part in parts for note in part["certificate"]["notes"]]
        if len(totals) == len(parts)
        else [],
    }
    return parts[0].updated(
        filters=_all_filters(queries),
        fetched_at=min(part["fetched_at"] for part in parts),
        credits=sum(part["credits"] for part in parts),
        from_cache=_from_cache(parts),
        max_rows=None,
        pages=pages,
        complete=complete,
        certificate=certificate,
        rows=len(rows),
        digest=frame_digest(rows),
        problems=problems,
        unknown_fields=_union(part["unknown_fields"] for part in parts),
        missing_fields=_union(part["missing_fields"] for part in parts),
        parts=[{name: part[name] for name in _OF_PART if name in part.entries} for part in parts],
    )


def _union(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for each in lists for name in each))


def _all_filters(queries: Sequence[ListQuery]) -> dict[str, Any]:
    """Return the filters of all parts; a filter of several values as the list of them."""
    filters: dict[str, Any] = {}
    for query in queries:
        for name, value in query.filters.items():
            filters.setdefault(name, {})[str(value)] = value
    return {
        name: list(values.values()) if len(values) > 1 else next(iter(values.values()))
        for name, values in filters.items()
    }


def _from_cache(parts: Sequence[Provenance]) -> dict[str, Any] | bool:
    """Say whether the cache gave any of the parts, and what the call has paid in that case."""
    if not any(part["from_cache"] for part in parts):
        return False
    return {
        "parts": sum(bool(part["from_cache"]) for part in parts),
        "credits": sum(part.spent for part in parts),
    }
