"""The API itself: from a path and a query to a status and a body, without any socket.

Owns routing, the pages of lists, sorting, and the bodies of errors. Which endpoints there are is
declared in `endpoints`; keys, limits, faults and bills are the business of `service`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from sectorsdf.sandbox.endpoints import ENDPOINTS, Endpoint
from sectorsdf.sandbox.filters import (
    InvalidQueryError,
    QueryContext,
    Test,
    as_number,
    whole_number,
)
from sectorsdf.sandbox.records import Entry, Rank, Record, Table, View, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from sectorsdf.sandbox.faults import Faults
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = [
    "AnswerContext",
    "Response",
    "Route",
    "error_response",
    "find_route",
    "parse_query",
    "respond",
]

_LARGEST_PAGE = 30
_DEFAULT_PAGE = 20

_REASONS = {
    400: "Bad request.",
    401: "Authentication credentials were not provided.",
    403: "Invalid API key.",
    404: "Not found.",
    405: "Method not allowed.",
    408: "Request timeout.",
    500: "Internal server error.",
    502: "Bad gateway.",
    503: "Service unavailable.",
    504: "Gateway timeout.",
}


@dataclass(frozen=True, slots=True)
class Response:
    """One response before it is sent on a connection.

    Attributes
    ----------
    status : int
        HTTP status.
    body : bytes
        The body before compression.
    billed : bool
        Whether it costs a credit.
    headers : tuple of (str, str)
        Headers besides those that every response has.
    content_type : str
        Type of the body.
    """

    status: int
    body: bytes
    billed: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


class Route(NamedTuple):
    """The endpoint that a path leads to.

    Attributes
    ----------
    endpoint : Endpoint or None
        The endpoint, None if the API has no such path.
    key : str
        The key in the path of a record endpoint, decoded.
    redirect : bool
        Whether only the slash at the end of the path is missing.
    """

    endpoint: Endpoint | None
    key: str = ""
    redirect: bool = False


class AnswerContext(NamedTuple):
    """What an answer depends on besides the request.

    Attributes
    ----------
    tables : mapping of str to Table
        The served records, by dataset.
    faults : Faults
        What goes wrong at present.
    rng : SeededRandom
        Source of the draws for `unstable_order`.
    today : date
        The day from which `expiring_soon` and the default years count.
    """

    tables: Mapping[str, Table]
    faults: Faults
    rng: SeededRandom
    today: date


def error_response(
    status: int, error: str | None = None, *, html: bool = False, billed: bool = False, **more: str
) -> Response:
    """Return the response for an error.

    Parameters
    ----------
    status : int
        HTTP status.
    error : str, optional
        The text of `error`. By default it depends on the status.
    html : bool
        Whether the body is an HTML page, as gateways send, instead of JSON.
    billed : bool
        Whether it costs a credit.
    **more : str
        More members of the JSON object.
    """
    if status == 429:
        error = "RATE_LIMIT_EXCEEDED"
        more = {"message": "Rate limit exceeded. Consider upgrading."}
    text = error or _REASONS.get(status, f"Error {status}.")
    if html:
        page = (
            f"<!DOCTYPE html>\n<html><head><title>{status}</title></head>"
            f"<body><h1>{status}</h1><p>{_REASONS.get(status, 'Error.')}</p></body></html>\n"
        )
        return Response(status, page.encode(), billed, content_type="text/html; charset=utf-8")
    return Response(status, encode({"error": text, **more}), billed)


def find_route(path: str, endpoints: Iterable[Endpoint] = ENDPOINTS) -> Route:
    """Return the route of a path, which is still percent-encoded."""
    # Decoded before it is split, as web frameworks do: an encoded slash separates parts.
    decoded = unquote_to_bytes(path).decode("utf-8", "replace")
    redirect = not decoded.endswith("/")
    parts = (f"{decoded}/" if redirect else decoded).split("/")
    for endpoint in endpoints:
        key = _match(endpoint.path.split("/"), parts)
        if key is not None:
            return Route(endpoint, key, redirect)
    return Route(None)


def _match(template: list[str], parts: list[str]) -> str | None:
    """Return the key in a path, empty where the template has none; None if it does not match."""
    if len(template) != len(parts):
        return None
    key = ""
    for name, part in zip(template, parts, strict=True):
        if name.startswith("{") and part:
            key = part
        elif name != part:
            return None
    return key


def parse_query(text: str) -> dict[str, str]:
    """Return the parameters of a query; of a repeated one the last counts."""
    return dict(parse_qsl(text, keep_blank_values=True))


def respond(
    endpoint: Endpoint, key: str, query: Mapping[str, str], context: AnswerContext
) -> Response:
    """Answer an authenticated GET.

    Parameters
    ----------
    endpoint : Endpoint
        The endpoint.
    key : str
        The key in the path of a record endpoint.
    query : mapping of str to str
        The parameters. Those that the endpoint does not have are ignored.
    context : AnswerContext
        The records, the faults and the day.
    """
    table = context.tables[endpoint.dataset]
    scope = QueryContext(table, query, context.today, context.tables)
    html = context.faults.html_errors
    try:
        if endpoint.kind == "page":
            return _page_response(endpoint, scope, context)
        if endpoint.kind == "array":
            return _array_response(endpoint, scope, context)
        tests = _tests(endpoint, scope)
        if endpoint.answer is not None:
            answer = endpoint.answer(key, scope)
            if endpoint.limited and isinstance(answer, list):
                answer = answer[: _limit(query, context.faults)]
            body = None if answer is None else encode(answer)
        else:
            found = [entry for entry in table.find(endpoint.key, key) if _passes(entry, tests)]
            entry = endpoint.select(found)
            body = None if entry is None else entry.record_json
    except InvalidQueryError as error:
        if error.documented:
            return error_response(400, str(error), html=html)
        return error_response(400, "Invalid query parameters.", html=html, detail=str(error))
    if body is None:
        return error_response(404, endpoint.not_found, html=html, billed=not html)
    return Response(200, body, billed=True)


def _tests(endpoint: Endpoint, scope: QueryContext) -> list[Test]:
    """Read the parameters of a request; return what an entry must pass."""
    given = {name for name, text in scope.query.items() if text}
    if not given.issuperset(endpoint.required):
        names = " and ".join(f"'{name}'" for name in endpoint.required)
        noun, verb = ("parameters", "are") if len(endpoint.required) > 1 else ("parameter", "is")
        msg = f"Query {noun} {names} {verb} required."
        raise InvalidQueryError(msg, documented=True)
    if endpoint.either and given.isdisjoint(endpoint.either):
        names = " or ".join(f"`{name}`" for name in endpoint.either)
        msg = f"At least one of {names} is required."
        raise InvalidQueryError(msg, documented=True)
    read = [
        rule(name, scope.query[name], scope)
        for name, rule in endpoint.rules.items()
        if name in scope.query
    ]
    return [test for test in read if test is not None]


def _passes(entry: Entry, tests: list[Test]) -> bool:
    return all(test(entry) for test in tests)


# Lists


def _page_response(endpoint: Endpoint, scope: QueryContext, context: AnswerContext) -> Response:
    faults = context.faults
    limit = _limit(scope.query, faults)
    offset = whole_number("offset", scope.query.get("offset", "0"), 0)
    view = _view(endpoint, scope)
    count = len(view.entries)
    start = offset
    if faults.endless and count and offset >= count:
        start = (count - 1) // limit * limit
    entries = _slice(view, start, limit, context)
    has_next = faults.endless or offset + limit < count
    pagination: Record = {
        "total_count": max(0, count + faults.total_offset),
        "showing": len(entries),
        "limit": limit,
        "offset": offset,
        "has_next": has_next,
        "has_previous": offset > 0,
        "next_offset": offset + limit if has_next else None,
        "previous_offset": max(0, offset - limit) if offset > 0 else None,
    }
    body = b'{"results": %b, "pagination": %b}' % (_array(entries), encode(pagination))
    return Response(200, body, billed=True)


def _array_response(endpoint: Endpoint, scope: QueryContext, context: AnswerContext) -> Response:
    limit = _limit(scope.query, context.faults) if endpoint.limited else None
    view = _view(endpoint, scope)
    entries = _slice(view, 0, len(view.entries) if limit is None else limit, context)
    return Response(200, _array(entries), billed=True)


def _array(entries: list[Entry]) -> bytes:
    return b"[%b]" % b", ".join(entry.row_json for entry in entries)


def _limit(query: Mapping[str, str], faults: Faults) -> int:
    largest = faults.page_limit or _LARGEST_PAGE
    return min(largest, whole_number("limit", query.get("limit", str(_DEFAULT_PAGE)), 1))


def _view(endpoint: Endpoint, scope: QueryContext) -> View:
    """Return the entries that a query matches, in the query's order."""
    table, query, today, tables = scope
    order = endpoint.default_sort
    if endpoint.sorts and "order_by" in query:
        order = query["order_by"]
        if order.removeprefix("-") not in endpoint.sorts:
            msg = "order_by is not one of the allowed values."
            raise InvalidQueryError(msg)

    def build() -> View:
        tests = _tests(endpoint, scope)
        entries = [entry for entry in table.entries if _passes(entry, tests)]
        if not order:
            # No two entries tie: without a sort the order is that of the records.
            return View(entries, [(0, i, "") for i in range(len(entries))])
        field = order.removeprefix("-")
        ranked = [(_rank(entry.row.get(field)), entry) for entry in entries]
        ranked.sort(key=lambda pair: pair[0], reverse=order.startswith("-"))
        return View([entry for _, entry in ranked], [rank for rank, _ in ranked])

    applied = tuple((name, query[name]) for name in endpoint.rules if name in query)
    # A rule can read other datasets, so that a view depends on all of them.
    version = sum(other.version for other in tables.values())
    return table.view((endpoint.path, applied, order, today, version), build)


def _rank(value: object) -> Rank:
    """Return a sort key for a value of any type; nulls come last, as in PostgreSQL."""
    number = as_number(value)
    if number is not None:
        return 0, number, ""
    if isinstance(value, str):
        # The collation of the API's database ignores case.
        return 1, 0.0, value.casefold()
    if value is None:
        return 3, 0.0, ""
    return 2, 0.0, json.dumps(value, sort_keys=True)


def _slice(view: View, start: int, limit: int, context: AnswerContext) -> list[Entry]:
    if not context.faults.unstable_order:
        return view.entries[start : start + limit]
    if start >= len(view.entries):
        return []
    end = min(start + limit, len(view.entries))
    # Only the ties that reach into the page are shuffled: a client cannot see the others.
    begin, finish, ranks = start, end, view.ranks
    while begin > 0 and ranks[begin - 1] == ranks[start]:
        begin -= 1
    while finish < len(ranks) and ranks[finish] == ranks[end - 1]:
        finish += 1
    shuffled: list[Entry] = []
    first = begin
    while first < finish:
        last = first
        while last < finish and ranks[last] == ranks[first]:
            last += 1
        ties = view.entries[first:last]
        context.rng.shuffle(ties)
        shuffled += ties
        first = last
    return shuffled[start - begin : end - begin]
