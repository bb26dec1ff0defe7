"""`sectorsdf.snapshots.schema`: the columns of a dataset in the words of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import ConfigurationError
from sectorsdf.snapshots.layout import checked_dataset

if TYPE_CHECKING:
    from sectorsdf.datasets.schema import Kind

__all__ = ["SNAPSHOT_DATE", "schema"]

SNAPSHOT_DATE = pa.field("snapshot_date", pa.date32())
"""The column whose values are in the names of the folders."""

_SPARK: dict[Kind, str] = {
    "text": "STRING",
    "date": "DATE",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "json": "STRING",
}


def schema(
    dataset: str,
    target: Literal["arrow", "spark"] = "arrow",
) -> pa.Schema | str:
    """Return the columns of a dataset's snapshots and their types, for a program that reads them.

    Parameters
    ----------
    dataset : str
        Name of the dataset, such as ``mining_licenses``.
    target : {"arrow", "spark"}, default "arrow"
        For whom.

    Returns
    -------
    pyarrow.Schema or str
        The declared columns in their order, and ``snapshot_date`` at the end. For Spark, it is the
        DDL that ``spark.read.schema(...)`` takes.

    Raises
    ------
    ConfigurationError
        There is no such dataset or target.

    Examples
    --------
    >>> import sectorsdf
    >>> sectorsdf.snapshots.schema("mining_reserves_index", "spark")
    '`province` STRING, `commodity_type` STRING, `year` BIGINT, `snapshot_date` DATE'
    """
    declared = DATASETS[checked_dataset(dataset)]
    if target not in {"arrow", "spark"}:
        message = f"target={target!r} is not known: it is 'arrow' or 'spark'"
        raise ConfigurationError(message)
    if target == "arrow":
        return declared.schema.append(SNAPSHOT_DATE)
    columns = [f"`{column.name}` {_SPARK[column.kind]}" for column in declared.columns]
    return ", ".join([*columns, f"`{SNAPSHOT_DATE.name}` DATE"])
