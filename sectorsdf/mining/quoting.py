"""What a call would cost, before it is made. This module must not import a getter."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sectorsdf.client.list_call import ListCall
from sectorsdf.client.record_call import open_entry
from sectorsdf.datasets import DATASETS
from sectorsdf.mining.fetch import call_config, context_of, list_query, record_query
from sectorsdf.mining.plans import PLANS, listing_query, years_asked
from sectorsdf.mining.requests import PlanContext, answer_query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from sectorsdf.client.client import Client
    from sectorsdf.client.context import ClientContext
    from sectorsdf.client.queries import ListQuery, RecordQuery
    from sectorsdf.datasets.schema import Dataset

__all__ = ["Quote", "bound_arguments", "dataset_of", "quote"]


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
        False if it may cost less, as details of listed sites, or more, as ``years="all"`` and a
        walk, whose later requests depend on what the first ones bring.
    spent : int
        What this quote itself has cost. The page is kept and the call uses it.
    """

    credits: int
    pages: int
    rows: int | None
    seconds: float
    exact: bool
    spent: int


def quote(
    getter: Callable[..., pd.DataFrame],
    /,
    *args: Any,  # noqa: ANN401
    client: Client | None = None,
    **filters: Any,  # noqa: ANN401
) -> Quote:
    """Return what a call would cost, before it is made.

    Parameters
    ----------
    getter : callable
        A getter of this package, such as `get_mining_licenses`.
    *args, **filters
        The arguments of the call.
    client : Client, optional
        The connection to use; by default one made from the environment.

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
        message = f"{getter!r} is not a getter of sectorsdf; give one such as get_mining_licenses"
        raise TypeError(message)
    arguments = bound_arguments(getter, args, {**filters, "client": client})
    context = context_of(arguments)
    if dataset.name in PLANS:
        config = call_config(context, dataset, arguments)
        return _quote_answers(PlanContext.of_call(dataset, arguments, context, config))
    if dataset.is_list:
        return _quote_list(context, list_query(context, dataset, arguments), arguments)
    keys = arguments.get(str(dataset.addressed_by), arguments.get("sites"))
    if keys is None:
        return _quote_all_records(context, dataset, arguments)
    if "resources_reserves" in getattr(keys, "columns", ()):
        return Quote(0, 0, None, 0.0, exact=True, spent=0)
    config = call_config(context, dataset, arguments)
    return _quote_records(context, record_query(dataset, keys, arguments, config))


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
    with ListCall(context, query) as call:
        first = call.first_look()
        rows = first.total if query.max_rows is None else min(first.total, query.max_rows)
        need = first.to_pay
        seconds = context.transport.limiter.eta(need)
        listed = Quote(need, need, rows, seconds, first.counted, call.spent)
    if details is None:
        return listed
    more = listed.credits + rows
    return replace(listed, credits=more, pages=more, exact=False)


def _quote_records(context: ClientContext, query: RecordQuery) -> Quote:
    """Quote addressed records; this costs nothing."""
    cache = query.config.cache
    cached = {} if cache is None else cache.get_records(query.dataset, query.paths)
    config, paid = query.config, open_entry(context, query)
    need = sum(
        key not in cached
        and (config.refresh or context.memo.get(path, config.max_age) is None)
        and path not in paid
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
        listed = _quote_list(plan.client, listing_query(plan), {})
        if plan.config.cache is None or listed.credits or listed.spent:
            years = years_asked(plan)
            times = len(years) if isinstance(years, list) else 1
            need = listed.credits + (listed.rows or 0) * times
            # Answers that the client or the cache has cost nothing.
            exact = not goes_on and plan.config.cache is None
            return replace(listed, credits=need, pages=need, rows=None, exact=exact)
    spent = plan.config.budget.spent
    requests = next(PLANS[dataset.name](plan))
    spent = plan.config.budget.spent - spent
    step = _quote_records(plan.client, answer_query(plan, requests))
    # A call that may use nothing from memory pays for the list again.
    need = step.credits + (spent if plan.config.refresh else 0)
    return replace(step, credits=need, pages=need, exact=not goes_on, spent=spent)
