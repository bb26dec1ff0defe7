"""The API itself: from a path and a query to a status and a payload, without any socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from sectorsdf.sandbox.filters import InvalidQueryError, select, whole_number
from sectorsdf.sandbox.records import Entry, Record, Table, View, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sectorsdf.sandbox.faults import Faults
    from sectorsdf.sandbox.rng import SeededRandom

__all__ = ["ENDPOINTS", "Answer", "Route", "Scene", "answer", "parse_query", "problem", "route"]

ENDPOINTS = (
    "/v2/mining/licenses/",
    "/v2/mining/license-auctions/",
    "/v2/mining/license-auctions/{wiup_code}/",
    "/v2/mining/sites/",
    "/v2/mining/sites/{slug}/",
)

_DATASETS = {
    "licenses": "mining_licenses",
    "license-auctions": "mining_license_auctions",
    "sites": "mining_sites",
}
_DETAILS = {
    "mining_license_auctions": ("wiup_code", "Auction not found."),
    "mining_sites": ("slug", "Mining site not found."),
}
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
class Answer:
    """One answer before it goes onto a connection.

    Attributes
    ----------
    status : int
        HTTP status.
    body : bytes
        The payload as sent, before compression.
    billed : bool
        Whether it costs a credit.
    headers : tuple of (str, str)
        Headers beyond those that every answer has.
    content_type : str
        Type of the body.
    """

    status: int
    body: bytes
    billed: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


class Route(NamedTuple):
    """Where a path leads.

    Attributes
    ----------
    kind : {"list", "detail", "redirect", "unknown"}
        What stands at the path.
    dataset : str
        The dataset, empty where the path is unknown.
    code : str
        What a detail path addresses.
    """

    kind: Literal["list", "detail", "redirect", "unknown"]
    dataset: str = ""
    code: str = ""


class Scene(NamedTuple):
    """What an answer depends on besides the request."""

    tables: Mapping[str, Table]
    faults: Faults
    dice: SeededRandom
    today: date


def problem(
    status: int, error: str | None = None, *, html: bool = False, billed: bool = False, **more: str
) -> Answer:
    """Return an error answer.

    Parameters
    ----------
    status : int
        HTTP status.
    error : str, optional
        The text of `error`; each status has one of its own.
    html : bool
        Whether it is a page, as a gateway sends, in place of JSON.
    billed : bool
        Whether it costs a credit.
    **more : str
        Further members of the JSON object.
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
        return Answer(status, page.encode(), billed, content_type="text/html; charset=utf-8")
    return Answer(status, encode({"error": text, **more}), billed)


def route(path: str) -> Route:
    """Return where a path, still percent-encoded, leads."""
    parts = path.split("/")
    if len(parts) < 4 or parts[:3] != ["", "v2", "mining"] or parts[3] not in _DATASETS:
        return Route("unknown")
    dataset = _DATASETS[parts[3]]
    rest = parts[4:]
    if rest == [""]:
        return Route("list", dataset)
    if not rest:
        return Route("redirect", dataset)
    if dataset not in _DETAILS or not rest[0] or rest[1:] not in ([], [""]):
        return Route("unknown")
    # Decoded only after the split, so that an encoded slash stays within its part.
    code = unquote_to_bytes(rest[0]).decode("utf-8", "replace")
    return Route("detail" if rest[1:] else "redirect", dataset, code)


def parse_query(text: str) -> dict[str, str]:
    """Return the parameters of a query; of a repeated one the last counts."""
    return dict(parse_qsl(text, keep_blank_values=True))


def answer(target: Route, query: Mapping[str, str], scene: Scene) -> Answer:
    """Answer an authenticated GET of a list or of a record."""
    html = scene.faults.html_errors
    if target.kind == "list":
        try:
            return _list(scene.tables[target.dataset], query, scene)
        except InvalidQueryError as error:
            return problem(400, "Invalid query parameters.", html=html, detail=str(error))
    field, missing = _DETAILS[target.dataset]
    entry = _addressed(target.dataset, scene.tables[target.dataset].find(field, target.code))
    if entry is None:
        return problem(404, missing, html=html, billed=True)
    return Answer(200, entry.detail_json, billed=True)


def _addressed(dataset: str, entries: list[Entry]) -> Entry | None:
    if dataset != "mining_sites" or not entries:
        return entries[0] if entries else None
    # max() keeps the first of equals.
    latest = max(entries, key=lambda entry: _year(entry.record.get("year")))
    return None if latest.row.get("province") is None else latest


def _year(value: object) -> float:
    return value if isinstance(value, int | float) else 0


def _list(table: Table, query: Mapping[str, str], scene: Scene) -> Answer:
    faults = scene.faults
    largest = faults.page_limit or _LARGEST_PAGE
    limit = min(largest, whole_number("limit", query.get("limit", str(_DEFAULT_PAGE)), 1))
    offset = whole_number("offset", query.get("offset", "0"), 0)
    view = select(table, query, scene.today)
    count = len(view.entries)
    start = offset
    if faults.endless and count and offset >= count:
        start = (count - 1) // limit * limit
    rows = _page(view, start, limit, scene)
    has_next = faults.endless or offset + limit < count
    pagination: Record = {
        "total_count": max(0, count + faults.total_offset),
        "showing": len(rows),
        "limit": limit,
        "offset": offset,
        "has_next": has_next,
        "has_previous": offset > 0,
        "next_offset": offset + limit if has_next else None,
        "previous_offset": max(0, offset - limit) if offset > 0 else None,
    }
    results = b", ".join(entry.row_json for entry in rows)
    body = b'{"results": [%b], "pagination": %b}' % (results, encode(pagination))
    return Answer(200, body, billed=True)


def _page(view: View, start: int, limit: int, scene: Scene) -> list[Entry]:
    if not scene.faults.unstable_order:
        return view.entries[start : start + limit]
    if start >= len(view.entries):
        return []
    end = min(start + limit, len(view.entries))
    # Only the groups of ties that reach into the page are shuffled: the others cannot be seen.
    begin, finish, ranks = start, end, view.ranks
    while begin > 0 and ranks[begin - 1] == ranks[start]:
        begin -= 1
    while finish < len(ranks) and ranks[finish] == ranks[end - 1]:
        finish += 1
    shuffled: list[Entry] = []
    place = begin
    while place < finish:
        group = place
        while group < finish and ranks[group] == ranks[place]:
            group += 1
        ties = view.entries[place:group]
        scene.dice.shuffle(ties)
        shuffled += ties
        place = group
    return shuffled[start - begin : end - begin]
