"""Addressed records as frames: one row each, the rows nested in them, or beside a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from sectorsdf import datasets as ds
from sectorsdf.client.client import default_client
from sectorsdf.client.record_call import keys_of
from sectorsdf.datasets import query as q
from sectorsdf.errors import DataError, FilterError, NotFoundError
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.join import join_details
from sectorsdf.frames.problems import warn
from sectorsdf.frames.provenance import ATTRS, both_kept, spent_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from sectorsdf.client.client import Client
    from sectorsdf.datasets.schema import Dataset

__all__ = ["addressed_frame", "chosen_client", "told_missing", "with_details"]


def chosen_client(client: Client | None) -> Client:
    """Return the client given, or the default one."""
    return default_client() if client is None else client


def addressed_frame(
    dataset: Dataset,
    keys: str | Iterable[str] | pd.DataFrame,
    *,
    field: str | None = None,
    emails: bool = False,
    missing: Literal["raise", "skip"],
    strict: bool,
    client: Client | None,
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """Fetch addressed records and return them, or the lists nested in them, as a frame."""
    if missing not in {"raise", "skip"}:
        message = f"missing={missing!r}: give 'raise' or 'skip'."
        raise FilterError(message, name="missing", value=missing)
    name = str(dataset.addressed_by)
    chosen = chosen_client(client)
    records, unknown, facts = chosen.fetch_records(
        dataset, keys_of(keys, name), emails=emails, options=options
    )
    builder = FrameBuilder(dataset)
    absent = 0
    for key, record in records.items():
        if field is None:
            builder.add([record])
            continue
        absent += field not in record
        builder.add(_rows_of(record, field, {name: key}))
    frame = builder.frame(facts, strict=strict)
    if absent:
        frame.attrs[ATTRS]["missing_fields"].append(field)
        said = f"{dataset.name}: {absent} of {len(records)} answers have no field {field!r}"
        if strict:
            raise DataError(said, problems=frame.attrs[ATTRS]["problems"], frame=frame)
        warn(f"{said}; their rows, if any, are not here.")
    return told_missing(frame, unknown, dataset, missing, chosen.base_url)


def told_missing(
    frame: pd.DataFrame,
    unknown: Sequence[str],
    dataset: Dataset,
    missing: Literal["raise", "skip", "quiet"],
    base_url: str,
) -> pd.DataFrame:
    """Return the rows that were found, and say which keys the API does not know.

    Raises
    ------
    NotFoundError
        With ``missing="raise"``, if there is any; it carries the frame.
    """
    if not unknown or missing == "quiet":
        return frame
    said = f"{dataset.title}: the API knows no {dataset.addressed_by} "
    said += ", ".join(map(repr, unknown))
    if missing == "skip":
        warn(f"{said}; left out.")
        return frame
    url = base_url + q.path_for(dataset, unknown[0])
    message = f"{said}. The rows that were found are in .frame; missing='skip' returns them."
    raise NotFoundError(message, url=url, missing=unknown, frame=frame)


def _rows_of(
    record: Mapping[str, Any], field: str, key: Mapping[str, str]
) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a nested list; what is no row becomes one with its raw content."""
    items = record.get(field)
    if items is None:
        return []
    if not isinstance(items, list):
        items = [items]
    return [{**(item if isinstance(item, dict) else {field: item}), **key} for item in items]


def with_details(
    listed: pd.DataFrame, client: Client, *, strict: bool, options: Mapping[str, Any]
) -> pd.DataFrame:
    """Add what the detail endpoint knows of each listed site."""
    dataset = ds.MINING_SITE
    facts = listed.attrs[ATTRS]
    left = dict(options)
    if left.get("max_credits") is not None:
        left["max_credits"] -= spent_on(facts)
    records, unknown, more = client.fetch_records(dataset, keys_of(listed, "slug"), options=left)
    builder = FrameBuilder(dataset)
    builder.add(records.values())
    failure = None
    try:
        details = builder.frame(more, strict=strict)
    except DataError as error:
        failure, details = error, cast("pd.DataFrame", error.frame)
    joined, lacking, problems = join_details(listed, details, dataset)
    theirs = details.attrs[ATTRS]
    merged = {
        name: list(dict.fromkeys([*facts[name], *theirs[name]]))
        for name in ("unknown_fields", "missing_fields")
    }
    joined.attrs = {
        ATTRS: {
            **facts,
            **merged,
            "problems": [*facts["problems"], *problems],
            "dataset": "mining_sites",
            "credits": facts["credits"] + theirs["credits"],
            "from_cache": both_kept(facts, theirs),
            "details": {
                "endpoint": dataset.path,
                "fetched": len(records),
                "not_found": unknown,
                "rows_without": lacking,
            },
        }
    }
    if failure is not None:
        failure.frame, failure.problems = joined, problems
        raise failure
    if lacking:
        warn(
            f"mining_sites: {len(lacking)} of {len(joined)} rows have no details of their own: the "
            "detail endpoint answers one record for a slug, and none for a mine abroad. "
            f'See frame.attrs["{ATTRS}"]["details"]["rows_without"].'
        )
    return joined
