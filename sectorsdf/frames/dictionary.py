"""Describe the datasets and the columns of frames: the data dictionary, as a frame.

This module derives every description from the declarations that the frames are made from. It must
not import a module that fetches or stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from sectorsdf.datasets import DATASETS, no_such_dataset
from sectorsdf.datasets.schema import PAGE_SIZE
from sectorsdf.datasets.sites import MINING_SITE_RESOURCES
from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.frames.provenance import ATTRS, Provenance
from sectorsdf.reserves.reader import FIGURE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from sectorsdf.datasets.schema import Column, Dataset

__all__ = ["describe"]

_GETTER = "get_"
_SEPARATOR = " | "
_COLUMNS = pa.schema(
    [
        ("dataset", pa.string()),
        ("column", pa.string()),
        ("dtype", pa.string()),
        ("arrow_type", pa.string()),
        ("unit", pa.string()),
        ("key", pa.bool_()),
        ("meaning", pa.string()),
        ("known_values", pa.string()),
        ("field", pa.string()),
        ("endpoint", pa.string()),
    ]
)
_DATASETS = pa.schema(
    [
        ("dataset", pa.string()),
        ("row", pa.string()),
        ("getter", pa.string()),
        ("endpoint", pa.string()),
        ("key", pa.string()),
        ("columns", pa.int64()),
        ("filters", pa.string()),
        ("credits", pa.string()),
    ]
)
_UNDECLARED = "Sent by the API but not declared: an extra column, as it came"
_FOREIGN = "Not part of this dataset: a column that was added or renamed"


def describe(
    name_or_frame: str | Callable[..., pd.DataFrame] | pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Describe the datasets, or the columns of one dataset or of a frame.

    This sends no request and spends no credits.

    Parameters
    ----------
    name_or_frame : str, getter or pandas.DataFrame, optional
        The name of a dataset, such as ``"mining_licenses"``, or of its getter; the getter itself;
        or a frame that a getter or `read_parquet` returned, also after columns were selected, added
        or renamed. By default, all datasets are listed.

    Returns
    -------
    pandas.DataFrame
        For a name or a frame, one row is one column, in the frame's order: ``dataset``, ``column``,
        ``dtype`` (in pandas), ``arrow_type`` (in Arrow and Parquet), ``unit`` (missing if there is
        none, or if another column has it), ``key`` (whether the column is part of the natural key),
        ``meaning``, ``known_values`` (separated by ``" | "``), ``field`` (the API's field that
        fills the column) and ``endpoint``. For a column that is not declared, ``meaning`` says so.

        By default, one row is one dataset: ``dataset``, ``row`` (what one row is), ``getter``,
        ``endpoint``, ``key``, ``columns`` (their number), ``filters`` and ``credits`` (what a call
        costs).

        All columns are text, except ``key`` of a column (``boolean``) and ``columns`` (``Int64``).

    Raises
    ------
    ValueError
        The name is unknown, or the frame's provenance does not name its dataset.
    TypeError
        The argument is neither a text nor a getter nor a DataFrame.

    Examples
    --------
    >>> import sectorsdf
    >>> columns = sectorsdf.describe("mining_licenses")
    >>> columns.loc[columns["unit"] == "ha", "column"].tolist()
    ['licensed_area_ha']
    """
    if name_or_frame is None:
        return _typed([_overview(dataset) for dataset in DATASETS.values()], _DATASETS)
    if callable(name_or_frame):
        name_or_frame = getattr(name_or_frame, "__name__", "a function without a name")
    if isinstance(name_or_frame, str):
        dataset = _dataset(name_or_frame)
        rows = _rows(dataset, from_arrow(dataset.schema.empty_table()), [dataset], ())
    else:
        rows = _rows_of_frame(name_or_frame)
    return _typed(rows, _COLUMNS)


def _typed(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pd.DataFrame:
    return from_arrow(pa.Table.from_pylist(list(rows), schema=schema))


def _dataset(name: str) -> Dataset:
    bare_name = name.strip().removeprefix(_GETTER)
    if bare_name not in DATASETS:
        raise ValueError(no_such_dataset(name))
    return DATASETS[bare_name]


def _overview(dataset: Dataset) -> dict[str, Any]:
    by = dataset.priced_by or dataset.addressed_by
    one = f"1 per page of {PAGE_SIZE} rows" if dataset.answer == "pages" else "1 per call"
    return {
        "dataset": dataset.name,
        "row": dataset.row,
        "getter": f"{_GETTER}{dataset.name}",
        "endpoint": dataset.path,
        "key": ", ".join(dataset.key),
        "columns": len(dataset.columns),
        "filters": ", ".join(entry.name for entry in dataset.filters) or None,
        "credits": f"1 per {by}" if by else one,
    }


def _rows_of_frame(frame: object) -> list[dict[str, Any]]:
    if not isinstance(frame, pd.DataFrame):
        message = (
            "describe takes a dataset's name, a getter or a DataFrame, not "
            f"{type(frame).__name__}: {frame!r:.80}"
        )
        raise TypeError(message)
    provenance = Provenance.of_frame(frame)
    name = provenance.get("dataset")
    if not isinstance(name, str) or name not in DATASETS:
        unknown = "" if name is None else f" ({name!r} is not known)"
        message = (
            f'attrs["{ATTRS}"] of the frame does not name its dataset{unknown}, because joins and '
            f"other programs lose it: pass the dataset's name instead, one of {', '.join(DATASETS)}"
        )
        raise ValueError(message)
    dataset = DATASETS[name]
    details = provenance.get("details")
    path = details.get("endpoint") if isinstance(details, dict) else None
    others = [other for other in DATASETS.values() if other.path == path and other is not dataset]
    return _rows(dataset, frame, [dataset, *others], provenance.get("unknown_fields") or ())


def _rows(
    dataset: Dataset, frame: pd.DataFrame, sources: Iterable[Dataset], unknown: Iterable[str]
) -> list[dict[str, Any]]:
    """Describe each column of a frame as the first of its source datasets declares it."""
    declared: dict[Hashable, tuple[Dataset, Column, Any]] = {}
    for source in sources:
        dtypes = from_arrow(source.schema.empty_table()).dtypes
        for column in source.columns:
            declared.setdefault(column.name, (source, column, dtypes[column.name]))
    undeclared = set(unknown)
    rows: list[dict[str, Any]] = []
    for i, (name, dtype) in enumerate(zip(frame.columns, frame.dtypes, strict=True)):
        row: dict[str, Any] = {"dataset": dataset.name, "column": str(name), "dtype": str(dtype)}
        if name in declared:
            source, column, declared_dtype = declared[name]
            if dtype == declared_dtype:
                row["arrow_type"] = str(column.arrow_type)
            row |= {
                "unit": column.unit,
                "key": name in dataset.key,
                "meaning": column.meaning,
                "known_values": _SEPARATOR.join(column.values) or None,
                "field": _field(source, column),
                "endpoint": source.path,
            }
        elif name in undeclared:
            row |= {"key": False, "meaning": _UNDECLARED, "field": name, "endpoint": dataset.path}
        else:
            row |= {"key": False, "meaning": _FOREIGN}
        if "arrow_type" not in row:
            row["arrow_type"] = _arrow_type(frame.iloc[:, [i]])
        rows.append(row)
    return rows


def _arrow_type(column: pd.DataFrame) -> str | None:
    """Return the type that a file would have, or None if no file can have the column."""
    without_attrs = column.copy(deep=False)
    without_attrs.attrs = {}
    try:
        return str(to_arrow(without_attrs).schema.types[0])
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError):
        return None


def _field(dataset: Dataset, column: Column) -> str:
    """Return the path of a column's values in the endpoint's answer."""
    if dataset is MINING_SITE_RESOURCES and column.name in FIGURE_FIELDS:
        return "resources_reserves"
    parents = (other for other in DATASETS.values() if other.path == dataset.path)
    for parent in parents:
        for name in parent.nested:
            # A list inside the answer is a dataset of its own, with the list's name at the end.
            if dataset.name == f"{parent.name}_{name}" and column.name != dataset.addressed_by:
                return f"{name}.{column.source}"
    return column.source
