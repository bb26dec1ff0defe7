"""What one call asks for, validated: a list, or addressed records.

A query is made once, from a getter's arguments, and is passed on as it is. This module must not
import a module that fetches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sectorsdf.cache.keys import CacheKey
from sectorsdf.paging.page import PageRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorsdf.client.call_config import CallConfig
    from sectorsdf.datasets.schema import Dataset

__all__ = ["ListQuery", "RecordQuery"]


@dataclass(frozen=True)
class ListQuery:
    """A list that a call asks for.

    Attributes
    ----------
    dataset : Dataset
        The list.
    filters : mapping
        The filters as the caller gave them, for the provenance.
    params : mapping of str to str
        The filters as the API takes them.
    max_rows : int or None
        Stop after this number of rows.
    strict : bool
        Raise if data does not fit its declaration.
    config : CallConfig
        The options of the call.
    """

    dataset: Dataset
    filters: Mapping[str, Any]
    params: Mapping[str, str]
    max_rows: int | None
    strict: bool
    config: CallConfig

    @property
    def cache_key(self) -> CacheKey:
        """The query in the one form that all its spellings share."""
        return CacheKey.of(self.dataset, self.params, self.max_rows)

    @property
    def first_page(self) -> PageRequest:
        """The request for the first page."""
        filters = {name: text for name, text in self.params.items() if name != "order_by"}
        order = self.params.get("order_by") or self.dataset.default_order or self.dataset.key[0]
        return PageRequest(0, tuple(sorted(filters.items())), order)


@dataclass(frozen=True)
class RecordQuery:
    """Addressed records that a call asks for.

    Attributes
    ----------
    dataset : Dataset
        The endpoint.
    paths : mapping of str to str
        The path of each key, in the order asked for.
    strict : bool
        Raise if data does not fit its declaration.
    config : CallConfig
        The options of the call.
    include_contacts : bool
        Keep people's e-mail addresses in the records.
    """

    dataset: Dataset
    paths: Mapping[str, str]
    strict: bool
    config: CallConfig
    include_contacts: bool = False
