"""Names of cached files: the query that a file answers, and what its folder and name say.

This module reads and writes no file. It must not import `client` or anything above it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from sectorsdf.datasets.schema import Dataset

__all__ = [
    "LAYOUT",
    "CacheKey",
    "CachedFile",
    "Residual",
    "content_digest",
    "file_name",
    "folder_name",
    "parse_file_name",
    "quoted",
    "residual_for",
    "schema_tag",
]

LAYOUT = 1
_ALL = "all"
_LONGEST_NAME = 120
_SAFE = " ()&-_.+'"
_TIME = "%Y%m%dT%H%M%S.%f"
_FILE = re.compile(r"(\d{8}T\d{6}\.\d{3})Z-(.+)-([0-9a-f]{8})-([0-9a-f]{16})\.parquet")


def quoted(text: str) -> str:
    """Return a text as part of a file name that every system accepts."""
    return quote(text, safe=_SAFE)


@dataclass(frozen=True)
class CacheKey:
    """A list query in the one form that all its spellings share.

    Attributes
    ----------
    dataset : Dataset
        The list.
    filters : mapping of str to str
        The API's parameters, without those that select nothing.
    order : str
        The sort.
    max_rows : int or None
        The number of rows at most.
    """

    dataset: Dataset
    filters: Mapping[str, str]
    order: str
    max_rows: int | None = None

    @classmethod
    def of(cls, dataset: Dataset, params: Mapping[str, str], max_rows: int | None) -> CacheKey:
        """Return the key of a query."""
        filters = {}
        for declared in dataset.filters:
            text = params.get(declared.name)
            # A flag that is false selects nothing.
            if text is None or declared.name == "order_by":
                continue
            if declared.kind == "flag" and text == "false":
                continue
            if declared.kind == "number":
                text = f"{float(text):g}" if float(f"{float(text):g}") == float(text) else text
            known = {value.casefold(): value for value in declared.values}
            if declared.ignores_case:
                text = known.get(text.casefold(), text.casefold())
            filters[declared.name] = text
        order = params.get("order_by") or dataset.default_order or dataset.key[0]
        return cls(dataset, filters, order, max_rows)

    @property
    def text(self) -> str:
        """The query as a person reads it."""
        return f"{self.dataset.name} ({', '.join(self.parts()) or _ALL})"

    def parts(self) -> list[str]:
        """Return the parts of the folder's name."""
        parts = [f"{name}={quoted(text)}" for name, text in self.filters.items()]
        if self.order != self.dataset.default_order:
            parts.append(f"order_by={quoted(self.order)}")
        if self.max_rows is not None:
            parts.append(f"max_rows={self.max_rows}")
        return parts


def folder_name(parts: Iterable[str]) -> str:
    """Return the name of a query's folder, short enough for every file system."""
    name = ",".join(parts) or _ALL
    if name.endswith((" ", ".")):
        name = f"{name[:-1]}%{ord(name[-1]):02X}"
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return name


class CachedFile(NamedTuple):
    """A file of the cache, as its folder and name describe it."""

    dataset: str
    folder: str
    file: str
    fetched: datetime
    host: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """The path of the file below the cache's root."""
        return f"{self.dataset}/{self.folder}/{self.file}"

    @property
    def age(self) -> timedelta:
        """How long ago it was fetched; negative if the clock was set back since then."""
        return datetime.now(UTC) - self.fetched

    @property
    def age_seconds(self) -> int:
        """The age in whole seconds."""
        return round(self.age.total_seconds())


def file_name(fetched: datetime, host: str, tag: str, digest: str) -> str:
    """Return the name of a file: time of the fetch, host, schema tag and digest of the content."""
    return f"{fetched.astimezone(UTC):{_TIME}}"[:-3] + f"Z-{host}-{tag}-{digest}.parquet"


def content_digest(content: bytes) -> str:
    """Return the digest of a file's content, as its name has it."""
    return hashlib.sha256(content).hexdigest()[:16]


def parse_file_name(dataset: str, folder: str, file: str) -> CachedFile | None:
    """Return what the name of a file says, or None if the cache does not name files so."""
    match = _FILE.fullmatch(file)
    if match is None:
        return None
    try:
        fetched = datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return CachedFile(dataset, folder, file, fetched, match[2], match[3], match[4])


def schema_tag(dataset: Dataset, folder: str) -> str:
    """Return a digest of the layout, the schema, and the folder's name in its exact case.

    Versions of the package that declare other columns therefore have files of their own.
    """
    columns = [[column.name, str(column.arrow_type)] for column in dataset.columns]
    text = json.dumps([LAYOUT, dataset.name, columns, folder])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


class Residual(NamedTuple):
    """What must still be done to the rows of a file so that they answer a query."""

    filters: Mapping[str, str]
    order: str | None


def residual_for(folder: str, key: CacheKey, own: str) -> Residual | None:
    """Return what must still be done to a folder's rows, or None if they do not hold the answer.

    Parameters
    ----------
    folder : str
        The folder's name.
    key : CacheKey
        The query.
    own : str
        The name of the query's own folder.
    """
    if folder == own:
        return Residual({}, None)
    if "~" in folder:
        return None
    name_of_part = {f"{name}={quoted(text)}": name for name, text in key.filters.items()}
    parts = [] if folder == _ALL else folder.split(",")
    limits = dict(
        part.split("=", 1) for part in parts if part.startswith(("order_by=", "max_rows="))
    )
    order = limits.get("order_by", quoted(str(key.dataset.default_order)))
    filtered = [part for part in parts if part.partition("=")[0] not in limits]
    if not name_of_part.keys() >= set(filtered):
        return None
    done = {name_of_part[part] for part in filtered}
    left = {name: text for name, text in key.filters.items() if name not in done}
    same_order = order == quoted(key.order)
    if "max_rows" in limits:
        # The first rows of a list answer only for the first rows of the very same list.
        most = int(limits["max_rows"]) if limits["max_rows"].isdecimal() else 0
        if left or not same_order or key.max_rows is None or key.max_rows > most:
            return None
    return Residual(left, None if same_order else key.order)
