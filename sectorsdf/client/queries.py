"""What one call asks for, validated: a list, or addressed records.

A query is made once, from a getter's arguments, and is passed on as it is. This module must not
import a module that fetches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    def question(self) -> dict[str, Any]:
        """What distinguishes the list from others in the journal, however it is spelled out."""
        key = self.cache_key
        order = {} if key.order == self.dataset.default_order else {"order_by": key.order}
        return {"query": {**self._canonical(self.params), **order}}

    def _canonical(self, filters: Mapping[str, str]) -> dict[str, str]:
        """Return filters in the one form that all their spellings share in the journal."""
        canonical = CacheKey.of(self.dataset, filters, None).filters
        return {
            # The cache's files have 5 for what the API is asked as 5.0.
            name: filters[name] if self._is_number(name) else text
            for name, text in canonical.items()
        }

    def _is_number(self, name: str) -> bool:
        declared = self.dataset.filter(name)
        return declared is not None and declared.kind == "number"

    def page_name(self, request: PageRequest) -> list[Any]:
        """Return the name of a page in the journal, the same for all spellings of the list."""
        filters = self._canonical(dict(request.filters))
        return [*request._replace(filters=tuple(sorted(filters.items())))]

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
        The path of each key, with its query if it has one, in the order asked for.
    strict : bool
        Raise if data does not fit its declaration.
    config : CallConfig
        The options of the call.
    include_contacts : bool
        Keep people's e-mail addresses in the records.
    parts : mapping of str to mapping
        What each key consists of, by name, such as a slug and a year; empty for a key of one part.
    filters : mapping
        What the caller asked for, for the provenance; by default the keys.
    """

    dataset: Dataset
    paths: Mapping[str, str]
    strict: bool
    config: CallConfig
    include_contacts: bool = False
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> Mapping[str, Any]:
        """What the caller asked for."""
        return self.filters or {str(self.dataset.addressed_by): list(self.paths)}

    def parts_of(self, key: str) -> Mapping[str, str]:
        """Return what a key consists of, by name."""
        return self.parts.get(key) or {str(self.dataset.addressed_by): key}
