"""What a getter of answers asks for: requests, and what a plan may use to choose them.

An answer is one path with its parameters, for one credit; it gives one or more rows. This module
must not import a getter.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote_plus

import pandas as pd

from sectorsdf.cache.keys import quoted
from sectorsdf.client.queries import RecordQuery
from sectorsdf.client.record_call import Records
from sectorsdf.config.checks import flag
from sectorsdf.mining.fetch import addresses_a_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorsdf.client.call_config import CallConfig
    from sectorsdf.client.context import ClientContext
    from sectorsdf.datasets.schema import Dataset
    from sectorsdf.frames.provenance import Provenance

__all__ = ["AnswerRequest", "Plan", "PlanContext", "answer_query", "key_of"]


@dataclass(frozen=True)
class AnswerRequest:
    """One answer to ask for.

    Attributes
    ----------
    parts : mapping of str to str
        What identifies the answer, by name, such as a slug and a year.
    path : str
        The path, quoted.
    params : mapping of str to str
        The parameters of the query.
    need : {"each", "one", "none"}
        What the API must have: this answer, at least one of those with the same key, or none. A key
        without what it must have is reported as not found.
    """

    parts: Mapping[str, str]
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    need: Literal["each", "one", "none"] = "each"

    @property
    def target(self) -> str:
        """The path with its query: the same for every caller who asks for the answer."""
        query = "&".join(f"{name}={quote_plus(text)}" for name, text in self.params.items())
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True)
class PlanContext:
    """What a plan may use.

    Attributes
    ----------
    dataset : Dataset
        The getter's dataset.
    arguments : mapping
        The getter's arguments.
    client : ClientContext
        The client.
    config : CallConfig
        The options, with the budget that all requests of the getter share.
    listed : list of Provenance
        Where the lists come from that the plan needed to name the keys.
    """

    dataset: Dataset
    arguments: Mapping[str, Any]
    client: ClientContext
    config: CallConfig
    listed: list[Provenance] = field(default_factory=list)

    @classmethod
    def of_call(
        cls,
        dataset: Dataset,
        arguments: Mapping[str, Any],
        client: ClientContext,
        config: CallConfig,
    ) -> PlanContext:
        """Return the context of a getter's call; an iterator of keys is read once, here."""
        settled = {
            name: list(value) if isinstance(value, Iterator) else value
            for name, value in arguments.items()
        }
        return cls(dataset, settled, client, config)

    @property
    def keys(self) -> object:
        """The keys that the caller named, None for all of them."""
        return self.arguments.get(str(self.dataset.keyword or self.dataset.addressed_by))

    @property
    def asks_all_countries(self) -> bool:
        """Whether the caller wants the countries asked for that a cut answer leaves out."""
        countries = self.arguments.get("countries")
        return isinstance(countries, str) and countries == "all"


Plan: TypeAlias = Generator[list[AnswerRequest], Records, None]


def key_of(dataset: Dataset, request: AnswerRequest) -> str:
    """Return the text under which an answer is cached and journaled."""
    if len(request.parts) == 1 and addresses_a_record(dataset):
        return next(iter(request.parts.values()))
    return ",".join(f"{name}={quoted(text)}" for name, text in request.parts.items())


def answer_query(context: PlanContext, requests: Iterable[AnswerRequest]) -> RecordQuery:
    """Return the query for the answers of one step of a plan."""
    keyed = {key_of(context.dataset, request): request for request in requests}
    arguments, dataset = context.arguments, context.dataset
    names = (dataset.keyword, *(f.name for f in dataset.filters), "years", "walk")
    asked = {name: arguments[name] for name in names if name and arguments.get(name) is not None}
    contacts = flag("include_contacts", arguments.get("include_contacts", False))
    return RecordQuery(
        dataset,
        {key: request.target for key, request in keyed.items()},
        flag("strict", arguments["strict"]),
        context.config.without_cache() if contacts else context.config,
        include_contacts=contacts,
        parts={key: request.parts for key, request in keyed.items()},
        filters={name: _plain(value) for name, value in asked.items()} or {"keys": list(keyed)},
    )


def _plain(value: object) -> object:
    """Return what a caller asked for as JSON has it: a frame or an iterable becomes a list."""
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, pd.DataFrame):
        return f"a frame of {len(value)} rows"
    if isinstance(value, Iterable):
        return [item if isinstance(item, int) else str(item) for item in value]
    return str(value)
