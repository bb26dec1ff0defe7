"""From the keywords of a getter to a query, and from the query to a frame.

This is the only module that takes a getter's keywords apart. It must not import a getter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from sectorsdf.client.call import keep_paid_pages
from sectorsdf.client.call_config import OPTION_NAMES, CallConfig
from sectorsdf.client.client import Client, default_client
from sectorsdf.client.list_call import fetch_frame
from sectorsdf.client.queries import ListQuery, RecordQuery
from sectorsdf.client.record_call import Records, keys_of
from sectorsdf.client.record_call import fetch_records as fetch_addressed
from sectorsdf.config.checks import flag
from sectorsdf.datasets import DATASETS
from sectorsdf.datasets.query import checked_max_rows, path_for, refuse_unknown, to_query
from sectorsdf.errors import (
    ConfigurationError,
    DataError,
    FilterError,
    IncompleteSweepError,
    IncompleteWarning,
    NotFoundError,
    listed,
)
from sectorsdf.frames.arrow import frame_digest
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.join import join_details
from sectorsdf.frames.problems import report_other_records, warn
from sectorsdf.frames.provenance import ATTRS, Provenance
from sectorsdf.mining.no_match import warn_of_no_match
from sectorsdf.mining.unions import single_values, united
from sectorsdf.places import province_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from sectorsdf.client.context import ClientContext
    from sectorsdf.datasets.schema import Dataset

__all__ = [
    "addresses_a_record",
    "call_config",
    "checked_missing",
    "context_of",
    "fetch_list",
    "fetch_records",
    "handle_missing",
    "list_queries",
    "list_query",
    "record_query",
]


def fetch_list(dataset: Dataset, arguments: Mapping[str, Any]) -> pd.DataFrame:
    """Fetch the list that a getter's arguments ask for, with details if they ask for them.

    Parameters
    ----------
    dataset : Dataset
        The getter's dataset.
    arguments : mapping
        The getter's ``locals()``: every parameter of its signature.

    Returns
    -------
    pandas.DataFrame
        The dataset's frame.
    """
    context = context_of(arguments)
    queries = list_queries(context, dataset, arguments)
    details = dataset.details is not None and arguments["details"]
    if len(queries) == 1 and not details:
        frame = fetch_frame(context, queries[0])
        _warn_if_empty(context, queries[0], frame)
        return frame
    # What was paid for is kept until the caller has the whole frame.
    with keep_paid_pages():
        rows = _fetch_parts(context, queries, arguments.get("order_by"))
        _warn_if_empty(context, queries[0], rows)
        return _add_details(context, queries[0], rows) if details else rows


def _warn_if_empty(context: ClientContext, query: ListQuery, frame: pd.DataFrame) -> None:
    if frame.empty:
        warn_of_no_match(context, query.dataset, query.filters, query.config)


def _fetch_parts(
    context: ClientContext, queries: Sequence[ListQuery], order_by: str | None
) -> pd.DataFrame:
    """Fetch each query's list, and return the distinct rows of all of them."""
    frames: list[pd.DataFrame] = []
    for query in queries:
        try:
            frames.append(fetch_frame(context, query))
        except (DataError, IncompleteSweepError) as error:
            if frames and error.frame is not None:
                error.frame = united(queries, [*frames, error.frame], order_by)
            raise
    return frames[0] if len(queries) == 1 else united(queries, frames, order_by)


def fetch_records(dataset: Dataset, arguments: Mapping[str, Any]) -> pd.DataFrame:
    """Fetch the addressed records that a getter's arguments ask for, or the rows inside them.

    Parameters
    ----------
    dataset : Dataset
        The getter's dataset.
    arguments : mapping
        The getter's ``locals()``: every parameter of its signature.

    Returns
    -------
    pandas.DataFrame
        The dataset's frame.
    """
    missing = checked_missing(arguments["missing"])
    context = context_of(arguments)
    config = call_config(context, dataset, arguments)
    query = record_query(dataset, arguments[str(dataset.addressed_by)], arguments, config)
    # What was paid for is kept until the caller has the frame: a record may not fit, or be missing.
    with keep_paid_pages():
        records = fetch_addressed(context, query)
        frame = _frame_of(records, query)
        unknown = {key: query.paths[key] for key in records.not_found}
        return handle_missing(frame, unknown, dataset, missing, context)


def _frame_of(records: Records, query: RecordQuery) -> pd.DataFrame:
    """Return the records, or the rows inside them, as the dataset's frame."""
    dataset = query.dataset
    builder = FrameBuilder(
        dataset.with_contacts() if query.include_contacts else dataset,
        private=not query.include_contacts,
    )
    without_rows = 0
    for key, record in records.found.items():
        if dataset.rows_in is None:
            builder.add([record])
            continue
        without_rows += dataset.rows_in not in record
        builder.add(_rows_of(record, dataset.rows_in, {str(dataset.addressed_by): key}))
    frame = builder.frame(records.provenance, strict=query.strict)
    report_other_records(dataset, frame, records.others, strict=query.strict)
    if without_rows:
        field = str(dataset.rows_in)
        Provenance.of_frame(frame).with_missing_field(field).attach(frame)
        message = (
            f"{dataset.name}: {without_rows} of {len(records.found)} answers have no field "
            f"{field!r}"
        )
        if query.strict:
            problems = Provenance.of_frame(frame)["problems"]
            raise DataError(message, problems=problems, frame=frame)
        warn(f"{message}; rows of these answers are missing here.", IncompleteWarning)
    return frame


def checked_missing(missing: object) -> Literal["raise", "skip"]:
    """Return the option `missing`.

    Raises
    ------
    FilterError
        If it is anything but ``"raise"`` or ``"skip"``.
    """
    if missing == "raise":
        return "raise"
    if missing == "skip":
        return "skip"
    message = f"missing={missing!r}: give 'raise' or 'skip'."
    raise FilterError(message, name="missing", value=missing)


def context_of(arguments: Mapping[str, Any]) -> ClientContext:
    """Return the context of the client that the arguments name, or of the default client.

    Raises
    ------
    TypeError
        If ``client`` is not a client.
    ConfigurationError
        If the client can be used no more, because its sandbox was stopped.
    """
    client = arguments["client"]
    if client is None:
        client = default_client()
    if not isinstance(client, Client):
        # The value may be a key, so the message does not show it.
        message = (
            f"client= takes a sectorsdf.Client, not {type(client).__name__}. "
            "Give client=sectorsdf.Client(api_key=...)."
        )
        raise TypeError(message)
    if client.context.ended is not None:
        raise ConfigurationError(client.context.ended)
    return client.context


def call_config(
    context: ClientContext, dataset: Dataset, arguments: Mapping[str, Any]
) -> CallConfig:
    """Return the options among a getter's arguments.

    Raises
    ------
    FilterError
        If a keyword is neither a filter nor an option.
    ConfigurationError
        If an option cannot be used.
    """
    refuse_unknown(dataset, arguments.get("unknown", {}), arguments.keys() - {"unknown"})
    options = {name: arguments[name] for name in OPTION_NAMES if name in arguments}
    return CallConfig.resolve(context, options)


def list_queries(
    context: ClientContext, dataset: Dataset, arguments: Mapping[str, Any]
) -> list[ListQuery]:
    """Return the list queries that a getter's arguments make: one for each value of a list.

    They share one config, so that ``max_credits`` applies to all of them together.

    Raises
    ------
    FilterError, ConfigurationError
        If a filter or an option cannot be used. Nothing was spent.
    """
    config = call_config(context, dataset, arguments)
    validate = flag("validate", arguments["validate"])
    parts = single_values(dataset, arguments, validate=validate)
    return [list_query(context, dataset, {**arguments, **part}, config) for part in parts]


def list_query(
    context: ClientContext,
    dataset: Dataset,
    arguments: Mapping[str, Any],
    config: CallConfig | None = None,
) -> ListQuery:
    """Return the list query that a getter's arguments make.

    Raises
    ------
    FilterError, ConfigurationError
        If a filter or an option cannot be used. Nothing was spent.
    """
    names = (declared.name for declared in dataset.filters)
    filters = {name: arguments[name] for name in names if arguments.get(name) is not None}
    config = config or call_config(context, dataset, arguments)
    flag("details", arguments.get("details", False))
    return ListQuery(
        dataset,
        filters,
        to_query(dataset, filters, validate=flag("validate", arguments["validate"])),
        checked_max_rows(arguments["max_rows"]),
        flag("strict", arguments["strict"]),
        config,
    )


def record_query(
    dataset: Dataset, keys: object, arguments: Mapping[str, Any], config: CallConfig
) -> RecordQuery:
    """Return the query for addressed records that a getter's arguments make.

    Raises
    ------
    FilterError
        If a key cannot be used. Nothing was spent.
    """
    contacts = flag("include_emails", arguments.get("include_emails", False))
    distinct = keys_of(keys, str(dataset.addressed_by))
    return RecordQuery(
        dataset,
        {key: path_for(dataset, key) for key in distinct},
        flag("strict", arguments["strict"]),
        config.without_cache() if contacts else config,
        include_contacts=contacts,
    )


def addresses_a_record(dataset: Dataset) -> bool:
    """Return whether a key of the dataset's endpoint is known if and only if it has a record."""
    return next(known for known in DATASETS.values() if known.path == dataset.path).is_plain_record


def handle_missing(
    frame: pd.DataFrame,
    not_found: Mapping[str, str],
    dataset: Dataset,
    missing: Literal["raise", "skip", "quiet"],
    context: ClientContext,
) -> pd.DataFrame:
    """Return the rows that were found, and report the keys that the API does not know.

    `not_found` has the path of each such key.

    Raises
    ------
    NotFoundError
        With ``missing="raise"``, if there is such a key; it carries the frame.
    """
    if not not_found or missing == "quiet":
        return frame
    name = dataset.addressed_by or dataset.title
    message = f"{dataset.title}: the API does not know {name} "
    message += listed(not_found)
    if not addresses_a_record(dataset):
        # The API gives the same answer for a company without financials as for no company.
        message += ", or has none of the requested data"
    message += _hint(not_found, dataset)
    if missing == "skip":
        warn(f"{message}; left out.", IncompleteWarning)
        return frame
    url = context.transport.base_url + next(iter(not_found.values()))
    message += ". The rows that were found are in .frame; missing='skip' returns them."
    raise NotFoundError(message, url=url, missing=list(not_found), frame=frame)


def _hint(not_found: Iterable[str], dataset: Dataset) -> str:
    """Return what the caller probably means by keys that the API does not know, or nothing."""
    if dataset.addressed_by == "province":
        names = {key: province_name(key) for key in not_found}
        meant = [name for key, name in names.items() if name not in {None, key}]
        return f" (did you mean {listed(meant)}?)" if meant else ""
    if dataset.addressed_by == "slug" and any(key != key.lower() for key in not_found):
        lists = [each.name for each in DATASETS.values() if each.details == dataset.name]
        place = f"the column slug of {dataset.listed_by or lists[0]}"
        return f" (a slug is neither a ticker nor a name; see {place})"
    return ""


def _rows_of(
    record: Mapping[str, Any], field: str, key: Mapping[str, str]
) -> Sequence[Mapping[str, Any]]:
    """Return the rows in a field of a record; an item that is not a row becomes one, as it came."""
    items = record.get(field)
    if items is None:
        return []
    if not isinstance(items, list):
        items = [items]
    return [{**(item if isinstance(item, dict) else {field: item}), **key} for item in items]


def _add_details(context: ClientContext, query: ListQuery, listed: pd.DataFrame) -> pd.DataFrame:
    """Add to each listed row what the detail endpoint knows of it."""
    dataset = DATASETS[str(query.dataset.details)]
    arguments = {"strict": query.strict}
    records = fetch_addressed(context, record_query(dataset, listed, arguments, query.config))
    builder = FrameBuilder(dataset, private=True)
    builder.add(records.found.values())
    data_error = None
    try:
        details = builder.frame(records.provenance, strict=query.strict)
    except DataError as error:
        data_error, details = error, cast("pd.DataFrame", error.frame)
    joined, rows_without, problems = join_details(listed, details, dataset)
    provenance = Provenance.of_frame(listed).with_details(
        Provenance.of_frame(details),
        fetched=len(records.found),
        not_found=records.not_found,
        rows_without=rows_without,
        problems=problems,
        digest=frame_digest(joined),
    )
    provenance.attach(joined)
    if data_error is not None:
        data_error.frame, data_error.problems = joined, problems
        raise data_error
    if rows_without:
        warn(
            f"{query.dataset.name}: {len(rows_without)} of {len(joined)} rows have no details of "
            "their own: the detail endpoint answers one record for a slug, and none for a mine "
            f'abroad. See frame.attrs["{ATTRS}"]["details"]["rows_without"].'
        )
    return joined
