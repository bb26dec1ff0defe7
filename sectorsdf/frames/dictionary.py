"""The data dictionary: what each column of a frame says, as a frame itself.

Read off the declarations that the frames are made from, so that it cannot say anything else.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from sectorsdf.datasets import DATASETS
from sectorsdf.datasets.schema import PAGE_SIZE
from sectorsdf.datasets.sites import MINING_SITE_RESOURCES
from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.reserves.reader import FIGURE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from sectorsdf.datasets.schema import Column, Dataset

__all__ = ["describe"]


_GETTER = "get_"
_BETWEEN = " | "
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
_UNDECLARED = "Sent by the API, but not declared: a further column, as it came"
_FOREIGN = "Not of this dataset: a column that was added or renamed"


def describe(name_or_frame: str | pd.DataFrame | None = None) -> pd.DataFrame:
    """Tell what the datasets are, or what the columns of one of them or of a frame say.

    Costs nothing: no request is sent.

    Parameters
    ----------
    name_or_frame : str or pandas.DataFrame, optional
        A dataset's name, such as ``"mining_licenses"``, or its getter's; or a frame that a getter
        or `read_parquet` returned, also after columns were chosen, added or renamed. Nothing lists
        the datasets.

    Returns
    -------
    pandas.DataFrame
        Of a name or a frame, one row is one column, in the frame's order: ``dataset``, ``column``,
        ``dtype`` (in pandas), ``arrow_type`` (in Arrow and Parquet), ``unit`` (missing where there
        is none, or where another column holds it), ``key`` (whether it belongs to the natural
        key), ``meaning``, ``known_values`` (parted by ``" | "``), ``field`` (the API's, which
        fills the column) and ``endpoint``. A frame's further columns are described as such.

        Of nothing, one row is one dataset: ``dataset``, ``row`` (what one row is), ``getter``,
        ``endpoint``, ``key``, ``columns`` (their number), ``filters`` and ``credits`` (what a call
        costs).

        All is text, but ``key`` of a column ``boolean``, and ``columns`` ``Int64``.

    Raises
    ------
    ValueError
        An unknown name, or a frame that does not tell its dataset.
    TypeError
        Neither a text nor a DataFrame.

    Examples
    --------
    >>> import sectorsdf
    >>> columns = sectorsdf.describe("mining_licenses")
    >>> columns.loc[columns["unit"] == "ha", "column"].tolist()
    ['licensed_area_ha']
    """
    if name_or_frame is None:
        return _typed([_overview(dataset) for dataset in DATASETS.values()], _DATASETS)
    if isinstance(name_or_frame, str):
        dataset = _dataset(name_or_frame)
        rows = _rows(dataset, from_arrow(dataset.schema.empty_table(), {}), [dataset], ())
    else:
        rows = _rows_of_frame(name_or_frame)
    return _typed(rows, _COLUMNS)


def _typed(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pd.DataFrame:
    frame = from_arrow(pa.Table.from_pylist(list(rows), schema=schema), {})
    frame.attrs = {}
    return frame


def _dataset(name: str) -> Dataset:
    wanted = name.strip().removeprefix(_GETTER)
    found = DATASETS.get(wanted)
    if found is None:
        near = difflib.get_close_matches(wanted.casefold(), DATASETS, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "there are"
        names = "" if near else f" {', '.join(DATASETS)}"
        message = f"no dataset is called {name!r}; {hint}{names}"
        raise ValueError(message)
    return found


def _overview(dataset: Dataset) -> dict[str, Any]:
    by = dataset.addressed_by
    return {
        "dataset": dataset.name,
        "row": dataset.row,
        "getter": f"{_GETTER}{dataset.name}",
        "endpoint": dataset.path,
        "key": ", ".join(dataset.key),
        "columns": len(dataset.columns),
        "filters": ", ".join(entry.name for entry in dataset.filters) or None,
        "credits": f"1 a {by}" if by else f"1 a page of {PAGE_SIZE} rows",
    }


def _rows_of_frame(frame: object) -> list[dict[str, Any]]:
    if not isinstance(frame, pd.DataFrame):
        message = (
            "describe takes a dataset's name or a DataFrame, not "
            f"{type(frame).__name__}: {frame!r:.80}"
        )
        raise TypeError(message)
    facts = frame.attrs.get(ATTRS)
    name = facts.get("dataset") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or not isinstance(name, str) or name not in DATASETS:
        message = (
            f'the frame does not tell its dataset in attrs["{ATTRS}"]'
            f"{'' if name is None else f' ({name!r} is not known)'}, as joins and other programs "
            f"lose it: name the dataset instead, one of {', '.join(DATASETS)}"
        )
        raise ValueError(message)
    dataset = DATASETS[name]
    details = facts.get("details")
    path = details.get("endpoint") if isinstance(details, dict) else None
    further = [other for other in DATASETS.values() if other.path == path and other is not dataset]
    return _rows(dataset, frame, [dataset, *further], facts.get("unknown_fields") or ())


def _rows(
    dataset: Dataset, frame: pd.DataFrame, homes: Iterable[Dataset], unknown: Iterable[str]
) -> list[dict[str, Any]]:
    """Describe each column by the first of the datasets that declares it."""
    known: dict[Hashable, tuple[Dataset, Column, Any]] = {}
    for home in homes:
        dtypes = from_arrow(home.schema.empty_table(), {}).dtypes
        for column in home.columns:
            known.setdefault(column.name, (home, column, dtypes[column.name]))
    sent = set(unknown)
    rows: list[dict[str, Any]] = []
    for place, (name, dtype) in enumerate(zip(frame.columns, frame.dtypes, strict=True)):
        row: dict[str, Any] = {"dataset": dataset.name, "column": str(name), "dtype": str(dtype)}
        if name in known:
            home, column, usual = known[name]
            if dtype == usual:
                row["arrow_type"] = str(column.arrow_type)
            row |= {
                "unit": column.unit,
                "key": name in dataset.key,
                "meaning": column.meaning,
                "known_values": _BETWEEN.join(column.values) or None,
                "field": _field(home, column),
                "endpoint": home.path,
            }
        elif name in sent:
            row |= {"key": False, "meaning": _UNDECLARED, "field": name, "endpoint": dataset.path}
        else:
            row |= {"key": False, "meaning": _FOREIGN}
        if "arrow_type" not in row:
            row["arrow_type"] = _arrow_type(frame.iloc[:, [place]])
        rows.append(row)
    return rows


def _arrow_type(column: pd.DataFrame) -> str | None:
    """Return what a file would hold; None for what no file can hold."""
    bare = column.copy(deep=False)
    bare.attrs = {}
    try:
        return str(to_arrow(bare).schema.types[0])
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError):
        return None


def _field(dataset: Dataset, column: Column) -> str:
    """Return where in the endpoint's answer a column's values stand."""
    if dataset is MINING_SITE_RESOURCES and column.name in FIGURE_FIELDS:
        return "resources_reserves"
    parents = (other for other in DATASETS.values() if other.path == dataset.path)
    for parent in parents:
        for name in parent.nested:
            # The rows of a list inside the answer are a dataset of their own, called after it.
            if dataset.name == f"{parent.name}_{name}" and column.name != dataset.addressed_by:
                return f"{name}.{column.source}"
    return column.source
