"""The plans of the getters of answers: which requests a getter's arguments ask for.

This module must not import a getter.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from sectorsdf.client.list_call import fetch_frame
from sectorsdf.client.record_call import Records, fetch_records, keys_of
from sectorsdf.datasets import DATASETS
from sectorsdf.datasets.query import path_for, to_query
from sectorsdf.errors import FilterError, listed
from sectorsdf.frames.provenance import Provenance
from sectorsdf.frames.unpack import UNPACKERS, available_years
from sectorsdf.mining.countries import COUNTRIES
from sectorsdf.mining.fetch import list_query
from sectorsdf.mining.requests import AnswerRequest, Plan, PlanContext, answer_query, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sectorsdf.client.queries import ListQuery
    from sectorsdf.datasets.schema import Dataset

__all__ = ["PLANS", "listing_query", "years_asked"]

_LONGEST_WINDOW = 3
_PAUSES = 2


def the_only_one(context: PlanContext) -> Plan:
    """Ask for the one answer of an endpoint, with the caller's filters."""
    yield [AnswerRequest(_filters(context), context.dataset.path, _filters(context))]


def by_key(context: PlanContext) -> Plan:
    """Ask for each key once, with the caller's filters."""
    filters = _filters(context)
    yield [_keyed(context.dataset, key, filters) for key in keys_asked(context)]


def by_key_and_year(context: PlanContext) -> Plan:
    """Ask for each key in each year: the latest, those named, or all that the answers offer."""
    filters, keys = _filters(context), keys_asked(context)
    years = years_asked(context)
    if isinstance(years, list):
        yield [
            _keyed(context.dataset, key, {**filters, "year": str(year)}, need="one")
            for key in keys
            for year in years
        ]
        return
    latest = yield [_keyed(context.dataset, key, filters) for key in keys]
    if years == "all":
        yield [
            _keyed(context.dataset, key, {**filters, "year": str(year)})
            for key in keys
            for answer in [latest.found.get(_name(context.dataset, key, filters))]
            for year in available_years(answer)
            if answer is not None and year != answer.get("year")
        ]


def by_year_downward(context: PlanContext) -> Plan:
    """Ask year by year from the latest downward, because the answers do not list their years."""
    keys, years = keys_asked(context), years_asked(context)
    dataset = context.dataset
    if isinstance(years, list):
        yield [
            _keyed(dataset, key, {"year": str(year)}, need="one") for key in keys for year in years
        ]
        return
    latest = yield [_keyed(dataset, key, {}) for key in keys]
    if years is None:
        return
    due = {
        key: int(answer["year"]) - 1
        for key in keys
        if isinstance(answer := latest.found.get(_name(dataset, key, {})), dict)
        and isinstance(answer.get("year"), int)
    }
    misses = dict.fromkeys(due, 0)
    while due:
        step = [_keyed(dataset, key, {"year": str(year)}, need="none") for key, year in due.items()]
        found = yield step
        for key, year in list(due.items()):
            known = _name(dataset, key, {"year": str(year)}) in found.found
            misses[key] = 0 if known else misses[key] + 1
            due[key] = year - 1
            if misses[key] == _PAUSES:
                del due[key]


def by_commodity(context: PlanContext) -> Plan:
    """Ask for each commodity once."""
    dataset = context.dataset
    yield [
        AnswerRequest(params, dataset.path, params)
        for commodity in _choices(context, "commodity_type")
        for params in [{"commodity_type": commodity}]
    ]


def by_commodity_and_year(context: PlanContext) -> Plan:
    """Ask for each commodity in each year, for as many rows as the API gives."""
    dataset, years = context.dataset, years_asked(context)
    if not isinstance(years, list):
        message = f"years={years!r}: give a year, or several, such as range(2019, 2025)."
        raise FilterError(message, name="years", value=years)
    yield [
        AnswerRequest(parts, dataset.path, {**parts, "limit": str(dataset.limit)}, need="none")
        for commodity in _choices(context, "commodity_type")
        for year in years
        for parts in [{"commodity_type": commodity, "year": str(year)}]
    ]


def global_commodities(context: PlanContext) -> Plan:
    """Ask by commodity, or country by country where one answer cannot hold all countries."""
    dataset, countries = context.dataset, context.arguments.get("countries")
    commodity = _filters(context)
    limit = {"limit": str(dataset.limit)}
    complete = context.asks_all_countries
    if not commodity and (countries is None or complete):
        message = "give commodity_type, countries, or both: the API needs one of them."
        raise FilterError(message, name="commodity_type", value=None)
    if countries is None or complete:
        first = yield [AnswerRequest(commodity, dataset.path, {**commodity, **limit})]
        if not complete:
            return
        names = _countries_after(first, dataset)
        if not names:
            return
    else:
        names = keys_of(countries, "country")
    yield [
        AnswerRequest(parts, dataset.path, {**parts, **limit}, need="none" if complete else "each")
        for name in names
        for parts in [{**commodity, **to_query(dataset, {"country": name})}]
    ]


def by_window(context: PlanContext) -> Plan:
    """Ask for a series of prices in windows of at most three years, none outside its days."""
    arguments, dataset = context.arguments, context.dataset
    bounds = {name: arguments.get(name) for name in ("start_year", "end_year")}
    to_query(dataset, bounds)
    start_year, end_year = bounds.values()
    if start_year is not None and end_year is not None and start_year > end_year:
        message = f"start_year={start_year}: it must not be after end_year={end_year}."
        raise FilterError(message, name="start_year", value=start_year)
    # A name that cannot be sent is refused before the list is paid for.
    named = None if arguments["names"] is None else _commodities(arguments["names"])
    paths = {name: path_for(dataset, name) for name in named or ()}
    series = _series(context)
    requests = []
    for name in series if named is None else paths:
        path = path_for(dataset, name)
        known_series = {label.casefold(): years for label, years in series.items()}
        first, last = known_series.get(name.casefold(), (None, None))
        if first is None or last is None:
            if named is None:
                continue
            near = get_close_matches(name.casefold(), {label.casefold() for label in series}, n=1)
            labels = {label.casefold(): label for label in series}
            hint = f" Did you mean {labels[near[0]]!r}?" if near else ""
            known = listed(sorted(series), show=str)
            message = f"names={name!r}: the API has prices of {known}.{hint}"
            raise FilterError(message, name="names", value=name)
        start = max(first, start_year or first)
        end = min(last, end_year or last)
        for year in range(start, end + 1, _LONGEST_WINDOW):
            window = {
                "start_year": str(year),
                "end_year": str(min(year + _LONGEST_WINDOW - 1, end)),
            }
            parts = {"commodity": name, **window}
            requests.append(AnswerRequest(parts, path, window, need="none"))
    yield requests


def walking(context: PlanContext) -> Plan:
    """Ask for the keys, then for the companies beside them, each once, up, down or both."""
    walk = context.arguments["walk"]
    if walk not in {None, "up", "down", "both"}:
        message = f"walk={walk!r}: give 'up', 'down', 'both' or None."
        raise FilterError(message, name="walk", value=walk)
    directions = {"up": ("parents",), "down": ("subsidiaries",), None: ()}
    fields = directions.get(walk, ("parents", "subsidiaries"))
    due = keys_asked(context)
    # From which side a company was reached: a walk up follows parents only.
    seen = set(due)
    first = True
    while due:
        step = [_keyed(context.dataset, key, {}, need="each" if first else "none") for key in due]
        records = yield step
        first = False
        due = []
        for answer in records.found.values():
            for field in fields:
                for slug in _slugs_in(context.dataset, answer.get(field)):
                    if slug not in seen:
                        seen.add(slug)
                        due.append(slug)


def _slugs_in(dataset: Dataset, companies: object) -> Iterator[str]:
    """Yield the slugs of an answer's companies; one that cannot be asked for is left out."""
    for company in companies if isinstance(companies, list) else ():
        slug = company.get("slug") if isinstance(company, dict) else None
        try:
            path_for(dataset, slug)
        except FilterError:
            continue
        yield str(slug)


def keys_asked(context: PlanContext) -> list[str]:
    """Return the keys that the caller named, or all that the dataset's list names."""
    dataset = context.dataset
    keys, column = context.keys, str(dataset.addressed_by)
    if keys is not None:
        return [key for key in keys_of(keys, column) if path_for(dataset, key)]
    listed_by = DATASETS[str(dataset.listed_by)]
    if listed_by.is_list:
        listed = fetch_frame(context.client, listing_query(context))
        context.listed.append(Provenance.of_frame(listed))
        return keys_of(listed, column)
    wanted = {name: text.casefold() for name, text in _filters(context).items()}
    return list(
        dict.fromkeys(
            row[column]
            for row in _listed_rows(context, listed_by)
            if all(str(row.get(name)).casefold() == text for name, text in wanted.items())
        )
    )


def listing_query(context: PlanContext) -> ListQuery:
    """Return the query for the list that names the keys, where it is a list of pages.

    It selects only companies which have such an answer, if a filter of the list says which.
    """
    dataset = context.dataset
    every = {"max_rows": None, "strict": False, "validate": True}
    if "/financials/" in dataset.path:
        every["has_financials"] = True
    listed_by = DATASETS[str(dataset.listed_by)]
    return list_query(context.client, listed_by, every, context.config)


def _listed_rows(context: PlanContext, dataset: Dataset) -> list[Mapping[str, Any]]:
    """Return the rows of an answer that lists keys, as they are unpacked."""
    own = PlanContext(dataset, {"strict": False}, context.client, context.config)
    query = answer_query(own, [AnswerRequest({}, dataset.path)])
    records = fetch_records(context.client, query)
    context.listed.append(records.provenance)
    unpack = UNPACKERS[str(dataset.unpack)]
    return [row for answer in records.found.values() for row in unpack(answer, {}).rows]


def _commodities(names: object) -> list[Any]:
    """Return the names in a text, an iterable or a frame, also one of `get_mining_commodities`."""
    columns = set(names.columns) if isinstance(names, pd.DataFrame) else set()
    return keys_of(names, "name" if columns & {"commodity", "name"} == {"name"} else "commodity")


def _series(context: PlanContext) -> dict[str, tuple[int | None, int | None]]:
    """Return the first and last year of each series, by its name."""
    found = {}
    for row in _listed_rows(context, DATASETS["mining_commodities"]):
        years = [str(row.get(name) or "")[:4] for name in ("earliest_date", "latest_date")]
        first, last = (int(year) if year.isdigit() else None for year in years)
        found[str(row.get("name"))] = (first, last)
    return found


def _keyed(
    dataset: Dataset,
    key: str,
    params: Mapping[str, str],
    need: Literal["each", "one", "none"] = "each",
) -> AnswerRequest:
    parts = {str(dataset.addressed_by): key, **params}
    return AnswerRequest(parts, path_for(dataset, key), dict(params), need)


def _name(dataset: Dataset, key: str, params: Mapping[str, str]) -> str:
    return key_of(dataset, _keyed(dataset, key, params))


def _filters(context: PlanContext) -> dict[str, str]:
    """Return the query parameters among the caller's arguments, validated."""
    names = [declared.name for declared in context.dataset.filters]
    given = {name: context.arguments.get(name) for name in names}
    return to_query(context.dataset, given)


def _choices(context: PlanContext, name: str) -> list[str]:
    """Return the values of a choice that the caller named, or all that the vocabulary lists."""
    declared = context.dataset.filter(name)
    assert declared is not None  # noqa: S101 - the dataset declares it
    given = context.arguments[str(context.dataset.keyword)]
    values = declared.values if given is None else keys_of(given, name)
    # None would be no filter at all.
    texts = ["" if value is None else value for value in values]
    return [to_query(context.dataset, {name: text})[name] for text in texts]


def years_asked(context: PlanContext) -> list[int] | str | None:
    """Return the years that the caller named: a list, "all", or None for the latest.

    Raises
    ------
    FilterError
        If a year cannot be sent.
    """
    years = context.arguments.get("years")
    if years is None or (isinstance(years, str) and years == "all"):
        return years
    several = isinstance(years, Iterable) and not isinstance(years, str | pd.DataFrame)
    listed = list(years) if several else [years]
    if texts := [year for year in listed if isinstance(year, str)]:
        message = (
            f"years={texts[0]!r:.60}: give a whole number such as 2024, or several, such as "
            "range(2019, 2025) or [2019, 2024]."
        )
        raise FilterError(message, name="years", value=years)
    declared = context.dataset.filter("year")
    checked = [to_query(context.dataset, {"year": year})["year"] for year in listed]
    assert declared is not None  # noqa: S101 - to_query has refused an unknown filter
    return [int(year) for year in dict.fromkeys(checked)]


def _countries_after(first: Records, dataset: Dataset) -> list[str]:
    """Return the countries that come after those of a cut answer, which is sorted by country."""
    (answer,) = first.found.values() or ([],)
    names = [str(row.get("country")) for row in answer if isinstance(row, dict)]
    if dataset.limit is None or len(names) < dataset.limit:
        return []
    return [name for name in COUNTRIES if name > names[-1]]


PLANS: Final[Mapping[str, Callable[[PlanContext], Plan]]] = {
    "mining_commodities": the_only_one,
    "mining_commodity_prices": by_window,
    "mining_company": by_key,
    "mining_company_licenses": by_key,
    "mining_company_contracts": by_key,
    "mining_company_ownership": walking,
    "mining_company_financials": by_key_and_year,
    "mining_company_breakdown": by_key_and_year,
    "mining_company_performance": by_key_and_year,
    "mining_company_resources": by_key_and_year,
    "mining_company_products": by_key_and_year,
    "mining_contracts": the_only_one,
    "mining_exports": by_commodity_and_year,
    "mining_global_commodities": global_commodities,
    "mining_sales_destinations": by_year_downward,
    "mining_total_production": by_commodity,
    "mining_reserves_index": the_only_one,
    "mining_province_resources": by_key,
}
"""How each dataset of answers is asked for, by its name."""
