"""What a call would cost, before it is made. This module must not import a getter."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec
from urllib.parse import quote as quote_key

import pandas as pd

from sectorsdf.client.list_call import ListCall
from sectorsdf.client.record_call import open_entry
from sectorsdf.datasets import DATASETS
from sectorsdf.mining.fetch import (
    call_config,
    context_of,
    list_queries,
    list_query,
    record_query,
)
from sectorsdf.mining.plans import PLANS, listing_query, years_asked
from sectorsdf.mining.requests import PlanContext, answer_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sectorsdf.cache.memo import Remembered
    from sectorsdf.client.context import ClientContext
    from sectorsdf.client.queries import ListQuery, RecordQuery
    from sectorsdf.datasets.schema import Dataset

__all__ = ["Quote", "bound_arguments", "dataset_of", "quote"]

P = ParamSpec("P")


@dataclass(frozen=True)
class Quote:
    """What a call would cost.

    Attributes
    ----------
    credits : int
        Credits that the call still needs.
    pages : int
        Pages or records that it still has to fetch.
    rows : int or None
        Rows that it will return, if that is known.
    seconds : float
        How long the learnt rate limit will make it wait; 0.0 while no limit is known.
    exact : bool
        False if it may cost less, as details of listed sites, or more, as ``years="all"``,
        ``countries="all"`` and a walk, whose later requests depend on what the first ones bring.
    spent : int
        What this quote itself has cost. The page is kept and the call uses it.
    """

    credits: int
    pages: int
    rows: int | None
    seconds: float
    exact: bool
    spent: int


def quote(getter: Callable[P, pd.DataFrame], /, *args: P.args, **call: P.kwargs) -> Quote:
    """Return what a call would cost, before it is made.

    Parameters
    ----------
    getter : callable
        A getter of this package, such as `get_mining_licenses`.
    *args, **call
        The arguments of the call: keys, filters, options and ``client=``. A type checker checks
        them as those of the getter.

    Returns
    -------
    Quote
        Credits, pages, rows, and the seconds that the learnt rate limit implies. A quote for a list
        costs one credit itself if its first page is not in the journal; that page is kept, and the
        call that follows does not pay for it. Details of listed sites are counted as one credit for
        each row, which is the most that they can cost.

    Raises
    ------
    FilterError
        A filter's value cannot be sent.
    TypeError
        `getter` is not a getter, or its arguments do not fit its signature.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     sectorsdf.quote(sectorsdf.get_mining_licenses, client=client).rows
    4151
    """
    dataset = dataset_of(getter)
    if dataset is None:
        raise TypeError(_no_getter(getter))
    arguments = bound_arguments(getter, args, call)
    context = context_of(arguments)
    if dataset.name in PLANS:
        config = call_config(context, dataset, arguments)
        return _quote_answers(PlanContext.of_call(dataset, arguments, context, config))
    if dataset.is_list:
        queries = list_queries(context, dataset, arguments)
        return _added(context, [_quote_list(context, query, arguments) for query in queries])
    keys = arguments.get(str(dataset.addressed_by), arguments.get("sites"))
    if keys is None:
        return _quote_all_records(context, dataset, arguments)
    if "resources_reserves" in getattr(keys, "columns", ()):
        return Quote(0, 0, None, 0.0, exact=True, spent=0)
    config = call_config(context, dataset, arguments)
    return _quote_records(context, record_query(dataset, keys, arguments, config))


def _no_getter(other: object) -> str:
    """Return the error message for what is passed in place of a getter."""
    if isinstance(other, pd.DataFrame):
        return (
            "quote takes the getter itself, not the frame that it returns: "
            "quote(sectorsdf.get_mining_licenses, province='Aceh')"
        )
    return f"{other!r:.60} is not a getter of sectorsdf; give one such as get_mining_licenses"


def dataset_of(getter: object) -> Dataset | None:
    """Return the dataset of a getter, or None if the object is not a getter of this package."""
    name = getattr(getter, "__name__", "")
    module = str(getattr(getter, "__module__", ""))
    if not module.startswith("sectorsdf.mining."):
        return None
    return DATASETS.get(str(name).removeprefix("get_"))


def bound_arguments(
    getter: Callable[..., pd.DataFrame], args: tuple[Any, ...], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call of a getter by parameter, with their defaults.

    Raises
    ------
    TypeError
        If they do not fit the getter's signature.
    """
    try:
        bound = inspect.signature(getter).bind(*args, **keywords)
    except TypeError as error:
        message = f"{getter.__name__}: {error}"
        raise TypeError(message) from None
    bound.apply_defaults()
    return dict(bound.arguments)


def _added(context: ClientContext, quotes: Sequence[Quote]) -> Quote:
    """Return the quote for several lists that one call fetches, one after another."""
    if len(quotes) == 1:
        return quotes[0]
    rows = [quote.rows for quote in quotes if quote.rows is not None]
    need = sum(quote.credits for quote in quotes)
    return Quote(
        need,
        sum(quote.pages for quote in quotes),
        sum(rows) if len(rows) == len(quotes) else None,
        context.transport.limiter.eta(need),
        all(quote.exact for quote in quotes),
        sum(quote.spent for quote in quotes),
    )


def _quote_list(context: ClientContext, query: ListQuery, arguments: Mapping[str, Any]) -> Quote:
    """Quote a list, and the details that the arguments ask for."""
    details = DATASETS[query.dataset.details] if query.dataset.details else None
    if not arguments.get("details"):
        details = None
    hit = None if query.config.cache is None else query.config.cache.get(query.cache_key)
    if hit is not None:
        if details is None:
            return Quote(0, 0, len(hit.frame), 0.0, exact=True, spent=0)
        records = record_query(details, hit.frame, {"strict": False}, query.config)
        return _quote_records(context, records)
    listed, rows = _quote_pages(context, query)
    if details is None:
        return listed
    slugs = [row["slug"] for row in rows if isinstance(row.get("slug"), str)]
    records = record_query(details, slugs, {"strict": False}, query.config)
    need = listed.credits + _quote_some(context, records, listed.rows or 0).credits
    return replace(listed, credits=need, pages=need, exact=False)


def _quote_pages(context: ClientContext, query: ListQuery) -> tuple[Quote, list[Mapping[str, Any]]]:
    """Quote a list, and return the rows on the pages that the journal has by then."""
    with ListCall(context, query) as call:
        first = call.first_look()
        rows = first.total if query.max_rows is None else min(first.total, query.max_rows)
        need = first.to_pay
        seconds = context.transport.limiter.eta(need)
        return Quote(need, need, rows, seconds, first.counted, call.spent), call.kept_rows()


def _quote_some(context: ClientContext, query: RecordQuery, requests: int) -> Quote:
    """Quote a number of requests of which only some are known, those of a query.

    What the client remembers of other keys is not paid for. But a key that the API did not know may
    be one that the list does not name.
    """
    known = _quote_records(context, query)
    others = _remembered_beside(context, query)
    found = sum(remembered.record is not None for remembered in others)
    need = known.credits + max(0, requests - len(query.paths) - found)
    exact = query.config.cache is None and found == len(others)
    return replace(known, credits=need, pages=need, exact=exact)


def _remembered_beside(context: ClientContext, query: RecordQuery) -> list[Remembered]:
    """Return what the client remembers of requests like those of a query, for other keys."""
    if query.config.refresh:
        return []
    before = query.dataset.path.partition("{}")[0]
    name = str(query.dataset.addressed_by)
    after = {
        path.removeprefix(before + quote_key(query.parts_of(key)[name], safe=""))
        for key, path in query.paths.items()
    }
    targets = set(query.paths.values())
    found = []
    memory = context.memo.paths(query.config.max_age, with_addresses=query.include_contacts)
    for path, remembered in memory.items():
        key, slash, rest = path.removeprefix(before).partition("/")
        if path.startswith(before) and key and slash + rest in after and path not in targets:
            found.append(remembered)
    return found


def _quote_records(context: ClientContext, query: RecordQuery) -> Quote:
    """Quote addressed records; this costs nothing."""
    cache = query.config.cache
    cached = {} if cache is None else cache.get_records(query.dataset, query.paths)
    config, paid = query.config, open_entry(context, query)
    remembered = partial(
        context.memo.get, max_age=config.max_age, with_addresses=query.include_contacts
    )
    need = sum(
        key not in cached and (config.refresh or remembered(path) is None) and path not in paid
        for key, path in query.paths.items()
    )
    seconds = context.transport.limiter.eta(need)
    return Quote(need, need, None, seconds, exact=True, spent=0)


def _quote_all_records(
    context: ClientContext, dataset: Dataset, arguments: Mapping[str, Any]
) -> Quote:
    """Quote the records of every key, which a list names."""
    listed_by = DATASETS[str(dataset.listed_by)]
    every = {**arguments, "max_rows": None, "validate": True, "details": True}
    return _quote_list(context, list_query(context, listed_by, every), every)


def _quote_answers(plan: PlanContext) -> Quote:
    """Quote the answers of the first step of a plan, and the list that names the keys."""
    dataset, arguments = plan.dataset, plan.arguments
    goes_on = any(arguments.get(name) is not None for name in ("walk",)) or "all" in (
        value for name in ("years", "countries") if isinstance(value := arguments.get(name), str)
    )
    listed_by = DATASETS[dataset.listed_by] if dataset.listed_by else None
    if plan.keys is None and listed_by is not None and listed_by.is_list:
        query = listing_query(plan)
        if plan.config.cache is None or plan.config.cache.get(query.cache_key) is None:
            years = years_asked(plan)
            # What cannot be sent is refused before the list is paid for.
            _query_for(plan, [])
            listed, rows = _quote_pages(plan.client, query)
            times = len(years) if isinstance(years, list) else 1
            step = _quote_some(plan.client, _query_for(plan, rows), (listed.rows or 0) * times)
            need = listed.credits + step.credits
            exact = step.exact and listed.exact and not goes_on
            return replace(listed, credits=need, pages=need, rows=None, exact=exact)
    spent = plan.config.budget.spent
    requests = next(PLANS[dataset.name](plan))
    spent = plan.config.budget.spent - spent
    step = _quote_records(plan.client, answer_query(plan, requests))
    # A call that may use nothing from memory pays for the list again.
    need = step.credits + (spent if plan.config.refresh else 0)
    return replace(step, credits=need, pages=need, exact=not goes_on, spent=spent)


def _query_for(plan: PlanContext, rows: Iterable[Mapping[str, Any]]) -> RecordQuery:
    """Return the query of a plan's first step for the keys that rows of a list name."""
    dataset = plan.dataset
    column = str(dataset.addressed_by)
    keys = dict.fromkeys(row[column] for row in rows if isinstance(row.get(column), str))
    own = replace(plan, arguments={**plan.arguments, str(dataset.keyword): list(keys)})
    return answer_query(own, next(PLANS[dataset.name](own), []))
