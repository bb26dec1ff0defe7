"""What happens to a request between its connection and the API.

Owns keys, limits, faults, bills and the log, all behind one lock. The answers themselves come from
`api`.
"""

from __future__ import annotations

import copy
import hashlib
import math
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sectorsdf.sandbox.api import (
    AnswerContext,
    Response,
    Route,
    error_response,
    find_route,
    parse_query,
    respond,
)
from sectorsdf.sandbox.endpoints import DATASETS, new_table
from sectorsdf.sandbox.faults import FaultDraw, FaultEngine, Faults, RateWindows
from sectorsdf.sandbox.rng import SeededRandom
from sectorsdf.sandbox.sample import generate_more

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sectorsdf.sandbox.endpoints import Endpoint
    from sectorsdf.sandbox.http import Request
    from sectorsdf.sandbox.records import Record

__all__ = ["DEFAULT_KEY", "Delivery", "RequestRecord", "Service"]

# It has the form of a real key, and is the digest of a known phrase: no other server accepts it.
DEFAULT_KEY = hashlib.sha256(b"sectorsdf sandbox: not a real key").hexdigest()

# The API's day begins at midnight in Jakarta.
_JAKARTA = timedelta(hours=7)


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request that reached the API.

    Attributes
    ----------
    seq : int
        Number of the request, counted from the server's start.
    time : float
        When it arrived (`time.monotonic`).
    method, path : str
        As sent; the path without its query.
    query : dict of str to str
        The parameters; of a repeated one the last.
    status : int or None
        HTTP status, None if the connection was reset instead.
    billed : bool
        Whether it cost a credit.
    fault : str or None
        The injected faults: "reset", "rate_limit", "quota", "status", "stall", "cut", "garbage",
        "empty", or two of them joined by "+".
    delivered : bool
        Whether the whole answer was sent.
    key_fingerprint : str or None
        First digits of the SHA-256 of the key or token, None without one.
    """

    seq: int
    time: float
    method: str
    path: str
    query: dict[str, str]
    status: int | None
    billed: bool
    fault: str | None
    delivered: bool
    key_fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A response, and how the connection has to send it.

    Attributes
    ----------
    response : Response
        The response.
    seq : int
        Number of the request in the log.
    wait : float
        Seconds before the response is sent.
    reset, cut : bool
        Whether the connection is reset at once, or closed after half of the body.
    """

    response: Response
    seq: int
    wait: float = 0.0
    reset: bool = False
    cut: bool = False


class Service:
    """The state of a sandbox, behind one lock.

    Parameters
    ----------
    records : mapping of str to iterable of dict
        Records by dataset, each read when it is first needed.
    source : str
        Where the records are from, for the `X-Data-Source` header.
    seed : int
        Seed of records that are added later.
    faults : Faults
        What goes wrong.
    keys, tokens : iterable of str
        API keys and OAuth tokens that are accepted.
    today : date, optional
        A fixed day for `expiring_soon` and the default years. By default today in Jakarta.
    """

    def __init__(
        self,
        records: Mapping[str, Iterable[Record]],
        *,
        source: str,
        seed: int,
        faults: Faults,
        keys: Iterable[str],
        tokens: Iterable[str],
        today: date | None,
    ) -> None:
        self.lock = threading.RLock()
        self.source = source
        self.keys = tuple(keys)
        self.tokens = tuple(tokens)
        self.tables = {name: new_table(name, records.get(name, ())) for name in DATASETS}
        self.faults = faults
        self._engine = FaultEngine(faults)
        self._seed = seed
        self._today = today
        self._added = 0
        self._removals = SeededRandom("removals", seed)
        self._seq = 0
        self._log: dict[int, RequestRecord] = {}
        self._lists: Counter[str] = Counter()
        self._drifted: set[int] = set()
        self._spent: Counter[str] = Counter()
        self._windows = RateWindows(time.monotonic())

    # Requests

    def handle(self, request: Request) -> Delivery:
        """Decide how to answer a request; log and bill it."""
        now = time.monotonic()
        route = find_route(request.path)
        query = parse_query(request.query)
        credential = request.headers.get("authorization", "").strip()
        with self.lock:
            draw, fault = FaultDraw(), None
            admitted = self._admit(request, route, credential)
            if isinstance(admitted, Response):
                response = admitted
            else:
                draw = self._engine.draw()
                failure = self._failure(draw, credential, now)
                response, fault = failure or (self._answer(admitted, route.key, query), None)
            if response.status != 200:
                draw = replace(draw, body=None)
            response = _damage(response, draw)
            names = ["reset"] if draw.reset else [fault, draw.stall and "stall", draw.body]
            self._seq += 1
            delivery = Delivery(
                response, self._seq, draw.wait, reset=draw.reset, cut=draw.body == "cut"
            )
            billed = response.billed and not draw.reset
            self._log[self._seq] = RequestRecord(
                seq=self._seq,
                time=now,
                method=request.method,
                path=request.path,
                query=query,
                status=None if draw.reset else response.status,
                billed=billed,
                fault="+".join(name for name in names if name) or None,
                # Set before the response is sent, and cleared if that fails: a client that has
                # read the response must find it logged as delivered.
                delivered=not (draw.reset or delivery.cut),
                key_fingerprint=_fingerprint(credential),
            )
            self._spent[credential] += billed
            limit = self.faults.rate_limit
            counts = limit is not None and (billed or limit.counts == "all")
            if limit and counts and self._passed_limit(admitted, draw, fault):
                self._windows.count(limit, credential, now)
            if response.status == 200 and not draw.reset:
                self._count_list(route)
            return delivery

    @staticmethod
    def _passed_limit(admitted: Endpoint | Response, draw: FaultDraw, fault: str | None) -> bool:
        """Return whether a request got as far as the rate limit, and was not refused there."""
        refused = fault in {"quota", "rate_limit"}
        return not (isinstance(admitted, Response) or draw.reset or refused)

    def mark_undelivered(self, delivery: Delivery) -> None:
        """Note in the log that a response could not be sent."""
        with self.lock:
            record = self._log.get(delivery.seq)
            if record is not None:
                self._log[delivery.seq] = replace(record, delivered=False)

    def _admit(self, request: Request, route: Route, credential: str) -> Endpoint | Response:
        """Return the endpoint of a request, or the response that refuses or redirects it."""
        html = self.faults.html_errors
        if route.endpoint is None:
            return error_response(404, html=html)
        if request.method != "GET":
            return replace(error_response(405, html=html), headers=(("Allow", "GET"),))
        if route.redirect:
            query = f"?{request.query}" if request.query else ""
            return Response(301, b"", headers=(("Location", f"{request.path}/{query}"),))
        if not credential:
            challenge = (("WWW-Authenticate", "ApiKey"),)
            return replace(error_response(401, html=html), headers=challenge)
        scheme, _, token = credential.partition(" ")
        if scheme.lower() == "bearer":
            known = token.strip() in self.tokens
        else:
            known = credential in self.keys
        return route.endpoint if known else error_response(403, html=html)

    def _failure(self, draw: FaultDraw, credential: str, now: float) -> tuple[Response, str] | None:
        """Return the response of a fault that replaces the answer, with the fault's name."""
        faults = self.faults
        if draw.reset:
            # Never sent: the connection is reset instead.
            return Response(500, b""), "reset"
        # The quota comes first: such a refusal does not count in the rate window.
        if faults.quota is not None and self._spent[credential] >= faults.quota:
            return error_response(429, html=faults.html_errors), "quota"
        if faults.rate_limit is not None:
            seconds = self._windows.wait(faults.rate_limit, credential, now)
            if seconds is not None:
                refusal = error_response(429, html=faults.html_errors)
                if faults.rate_limit.retry_after:
                    wait = str(max(1, math.ceil(seconds)))
                    refusal = replace(refusal, headers=(("Retry-After", wait),))
                return refusal, "rate_limit"
        if draw.status is not None:
            return error_response(draw.status, html=faults.html_errors), "status"
        return None

    def _answer(self, endpoint: Endpoint, key: str, query: Mapping[str, str]) -> Response:
        context = AnswerContext(self.tables, self.faults, self._engine.rng, self._day())
        return respond(endpoint, key, query, context)

    def _day(self) -> date:
        return self._today or (datetime.now(UTC) + _JAKARTA).date()

    # Changes while running

    def set_faults(self, changes: Mapping[str, Any]) -> Faults:
        """Replace some of the faults; the draws and their counts start again."""
        with self.lock:
            faults = self.faults.changed(changes)
            if faults.drift != self.faults.drift:
                self._lists.clear()
                self._drifted.clear()
            if faults.rate_limit != self.faults.rate_limit:
                self._windows.clear()
            self.faults = faults
            self._engine = FaultEngine(faults)
            return faults

    def open_windows(self) -> None:
        """Start the grid of the rate windows now."""
        with self.lock:
            self._windows = RateWindows(time.monotonic())

    def reset_counts(self) -> None:
        """Clear the log, the credits spent, the rate windows and the faults' counts."""
        with self.lock:
            self._log.clear()
            self._lists.clear()
            self._spent.clear()
            self._windows.clear()
            self._engine = FaultEngine(self.faults)

    def add_records(self, dataset: str, records: Iterable[Record] | int) -> list[Record]:
        """Serve more records, the given ones or a number of generated ones; return them."""
        with self.lock:
            table = self.tables[dataset]
            if isinstance(records, int):
                taken = table.values(table.shape.key)
                added = generate_more(self._seed, dataset, records, serial=self._added, taken=taken)
                self._added += records
            else:
                added = copy.deepcopy(list(records))
            table.add(added)
            return copy.deepcopy(added)

    def remove_records(self, dataset: str, which: int | Callable[[Record], bool]) -> list[Record]:
        """Stop serving records, chosen by a function or a number at random; return them."""
        with self.lock:
            table = self.tables[dataset]
            if isinstance(which, int):
                positions = list(range(len(table.entries)))
                self._removals.shuffle(positions)
                chosen = set(positions[:which])
            else:
                chosen = {i for i, record in enumerate(self.records(dataset)) if which(record)}
            return copy.deepcopy(table.remove(chosen))

    def _count_list(self, route: Route) -> None:
        """Count an answer if it is a list's, and make the changes that are due after it."""
        if route.endpoint is None or route.endpoint.kind not in {"page", "array"}:
            return
        self._lists[route.endpoint.dataset] += 1
        for i, drift in enumerate(self.faults.drift):
            if i not in self._drifted and self._lists[drift.dataset] >= drift.after:
                self._drifted.add(i)
                self.remove_records(drift.dataset, drift.remove)
                self.add_records(drift.dataset, drift.add)

    # Reading the state

    def requests(self) -> list[RequestRecord]:
        """Return the log."""
        with self.lock:
            return list(self._log.values())

    def billed(self) -> int:
        """Return the credits that the logged requests cost."""
        with self.lock:
            return sum(record.billed for record in self._log.values())

    def records(self, dataset: str) -> list[Record]:
        """Return copies of the records of a dataset, in the order in which they are served."""
        with self.lock:
            return [copy.deepcopy(entry.record) for entry in self.tables[dataset].entries]

    def stats(self) -> dict[str, Any]:
        """Return the counts as a dictionary for JSON."""
        with self.lock:
            log = list(self._log.values())
            statuses = Counter(str(record.status or "reset") for record in log)
            return {
                "requests": len(log),
                "billed": sum(record.billed for record in log),
                "statuses": dict(sorted(statuses.items())),
                "faulted": sum(record.fault is not None for record in log),
                "records": {name: len(table.entries) for name, table in self.tables.items()},
                "data_source": self.source,
            }

    def log(self) -> list[dict[str, Any]]:
        """Return the log as dictionaries for JSON."""
        return [asdict(record) for record in self.requests()]


def _damage(response: Response, draw: FaultDraw) -> Response:
    if draw.body == "empty":
        return replace(response, body=b"")
    if draw.body == "garbage":
        # Broken in the middle, so that even a lenient parser cannot read it as JSON.
        half = len(response.body) // 2
        broken = response.body[:half] + b'"}]{<\x00oops' + response.body[half:]
        return replace(response, body=broken)
    return response


def _fingerprint(credential: str) -> str | None:
    if not credential:
        return None
    scheme, _, token = credential.partition(" ")
    secret = token.strip() if scheme.lower() == "bearer" else credential
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:12]
