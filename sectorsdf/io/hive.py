"""The folder names of a partitioned table, such as ``year=2024``, and what they mean.

This module owns how a value becomes the name of a folder and comes back with its type. It reads and
writes no file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sectorsdf.datasets.schema import Column, Dataset

__all__ = [
    "NULL_PARTITION",
    "PartitionedColumns",
    "escape",
    "is_guessed",
    "parse_keys",
    "partition_scalar",
    "partition_type",
    "refuse_codes",
    "refuse_undivided",
]

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""What Hive writes for a missing value."""
_METADATA = b"sectorsdf_partitions"
# The characters that Hive writes as a percent sign and two hexadecimal digits.
_ESCAPED = frozenset("\"#%'*/:=?\\{[]^\x7f" + "".join(map(chr, range(32))))
# What a reader that guesses types may take for a number, a day, a time or a flag.
_GUESSED = re.compile(
    r"\s*(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[dfl]?|[+-]?inf(?:inity)?|nan|true|false"
    r"|\d{4}-\d{1,2}(?:-\d{1,2})?(?:[ t].*)?|\d{1,2}:\d{2}.*)\s*",
    re.IGNORECASE,
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# The types of frames of this package, by the name that pandas gives them in a file's metadata.
_PANDAS_NAMES: Mapping[str, pa.DataType] = {
    "Int64": pa.int64(),
    "boolean": pa.bool_(),
    "datetime64[us]": pa.date32(),
    "datetime64[ns]": pa.date32(),
    "string": pa.string(),
    "str": pa.string(),
}


def escape(text: str) -> str:
    """Return a text as the name of a folder has it."""
    return "".join(f"%{ord(char):02X}" if char in _ESCAPED else char for char in text)


def parse_keys(folders: Iterable[str]) -> dict[str, str | None]:
    """Return the partition columns that the names of folders give, with their texts.

    A folder whose name is no ``column=value`` divides nothing and is passed over.
    """
    keys: dict[str, str | None] = {}
    for folder in folders:
        name, equals, text = folder.partition("=")
        if equals and name:
            keys[unquote(name)] = None if text == NULL_PARTITION else unquote(text)
    return keys


def is_guessed(text: str) -> bool:
    """Return whether a reader that guesses types may take a text for something else."""
    return _GUESSED.fullmatch(text) is not None


@dataclass(frozen=True)
class PartitionedColumns:
    """The columns of a partitioned table, as each of its files remembers them.

    Attributes
    ----------
    columns : tuple of str
        All columns, in their order.
    types : mapping of str to pyarrow.DataType
        The types of the partition columns, which are in no file.
    """

    columns: tuple[str, ...]
    types: Mapping[str, pa.DataType]

    def metadata(self) -> dict[bytes, str]:
        """Return the entry of a file's metadata."""
        types = {name: str(kind) for name, kind in self.types.items()}
        return {_METADATA: json.dumps({"columns": self.columns, "types": types})}

    @classmethod
    def of_metadata(cls, metadata: Mapping[bytes, bytes]) -> PartitionedColumns | None:
        """Return what a file remembers; None if it is not of a partitioned table of this package.

        An earlier version wrote the types for pandas only.
        """
        if _METADATA in metadata:
            entry = json.loads(metadata[_METADATA])
            types = {name: pa.type_for_alias(kind) for name, kind in entry["types"].items()}
            return cls(tuple(entry["columns"]), types)
        if b"pandas" not in metadata:
            return None
        columns = json.loads(metadata[b"pandas"]).get("columns", [])
        known = {
            each["name"]: _PANDAS_NAMES[each["numpy_type"]]
            for each in columns
            if each.get("numpy_type") in _PANDAS_NAMES
        }
        return cls(tuple(each["name"] for each in columns), known)


def partition_type(
    name: str, texts: Sequence[str], known: PartitionedColumns | None, dataset: Dataset | None
) -> pa.DataType:
    """Return the type of a partition column.

    It is the type that the files remember, else the declared one, else that of days if all texts
    are days, else text: a number is never guessed.
    """
    if known is not None and name in known.types:
        return known.types[name]
    declared = {} if dataset is None else {each.name: each.arrow_type for each in dataset.columns}
    if name in declared:
        return declared[name]
    return pa.date32() if texts and all(map(_DAY.fullmatch, texts)) else pa.string()


def partition_scalar(name: str, text: str | None, kind: pa.DataType) -> pa.Scalar:
    """Return a partition's value.

    Raises
    ------
    ValueError
        If the text is no value of that type.
    """
    if text is None or (not text and not pa.types.is_string(kind)):
        return pa.scalar(None, kind)
    try:
        return pa.scalar(text).cast(kind)
    except pa.ArrowException:
        message = f"the folder {name}={text} does not name a value of the type {kind}"
        raise ValueError(message) from None


def refuse_codes(columns: Sequence[str], dataset: Dataset | None) -> None:
    """Refuse to partition a dataset by codes, which readers take for numbers.

    Raises
    ------
    ValueError
        The message gives the reason.
    """
    declared = {} if dataset is None else {each.name: each for each in _all_columns(dataset)}
    for name in columns:
        if name in declared and declared[name].is_code:
            message = (
                f"partition_by={name!r}: {name} is a code of digits. DuckDB, Polars, Spark and "
                "pandas take the names of folders for numbers, and leading zeros are lost. "
                "Partition by another column, such as province or year"
            )
            raise ValueError(message)


def refuse_undivided(columns: Sequence[str], dataset: Dataset) -> None:
    """Refuse, before its rows are there, to partition a dataset by columns that cannot divide it.

    Raises
    ------
    ValueError
        A column is a code, or is no text, whole number, flag or day, or the dataset has no such
        column. The message gives the reason.
    """
    declared = {each.name: each for each in _all_columns(dataset)}
    unknown = [name for name in columns if name not in declared]
    if unknown:
        message = (
            f"partition_by names columns that do not exist: {listed(unknown, show=str)}; "
            f"{dataset.name} has {listed(declared, show=str)}"
        )
        raise ValueError(message)
    refuse_codes(columns, dataset)
    for name in columns:
        if declared[name].kind in {"number", "json"}:
            message = (
                "partition_by takes columns of text, whole numbers, flags or days, and column "
                f"{name!r} is {declared[name].kind}"
            )
            raise ValueError(message)


def _all_columns(dataset: Dataset) -> list[Column]:
    """Return the columns that a frame of a dataset may have, with details and addresses."""
    details = () if dataset.details is None else DATASETS[dataset.details].columns
    return [*dataset.columns, *dataset.contacts, *details]
