"""The counter between the connections and the API: keys, limits, faults, bills, the log."""

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

from sectorsdf.sandbox.api import Answer, Route, Scene, answer, parse_query, problem, route
from sectorsdf.sandbox.faults import FaultDraw, FaultEngine, Faults, RateWindows
from sectorsdf.sandbox.records import DATASETS, Entry, Record, Table
from sectorsdf.sandbox.rng import SeededRandom
from sectorsdf.sandbox.sample import generate_more

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["DEFAULT_KEY", "Reply", "RequestRecord", "Service"]

# Of the form of a real key, and openly made of a phrase: it opens nothing anywhere.
DEFAULT_KEY = hashlib.sha256(b"sectorsdf sandbox: not a real key").hexdigest()

# The API's day turns at midnight in Jakarta.
_JAKARTA = timedelta(hours=7)

_CODE_FIELD = {"mining_sites": "slug"}


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
        What went wrong on purpose: "reset", "rate_limit", "quota", "status", "stall", "cut",
        "garbage", "empty", two of them joined by "+".
    delivered : bool
        Whether the whole answer went out.
    key_fingerprint : str or None
        Beginning of the SHA-256 of the key or token, None without one.
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
class Reply:
    """What a connection has to do with a request.

    Attributes
    ----------
    answer : Answer
        What is sent.
    seq : int
        Number of the request in the log.
    wait : float
        Seconds before anything is sent.
    reset, cut : bool
        Whether the connection is reset at once, or closed after half of the body.
    """

    answer: Answer
    seq: int
    wait: float = 0.0
    reset: bool = False
    cut: bool = False


class Service:
    """Everything that the sandbox remembers, behind one lock.

    Parameters
    ----------
    records : mapping of str to sequence of dict
        Records by dataset.
    source : str
        What the records are, for the `X-Data-Source` header.
    seed : int
        Seed of records added later.
    faults : Faults
        What goes wrong.
    keys, tokens : iterable of str
        API keys and OAuth tokens that are let in.
    today : date, optional
        A fixed day for `expiring_soon` in place of today's in Jakarta.
    """

    def __init__(
        self,
        records: Mapping[str, Sequence[Record]],
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
        self.tables = {name: Table(name, records.get(name, ())) for name in DATASETS}
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

    def reply(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> Reply:
        """Decide on a request, and log and bill it."""
        now = time.monotonic()
        target = route(path)
        parameters = parse_query(query)
        credential = headers.get("authorization", "").strip()
        with self.lock:
            refusal = self._refusal(method, path, query, target, credential)
            if refusal is None:
                draw = self._engine.draw()
                given, fault = self._admitted(target, parameters, credential, draw, now)
            else:
                draw, given, fault = FaultDraw(), refusal, None
            if given.status != 200:
                draw = replace(draw, body=None)
            given = self._garbled(given, draw)
            names = ["reset"] if draw.reset else [fault, draw.stall and "stall", draw.body]
            self._seq += 1
            reply = Reply(given, self._seq, draw.wait, reset=draw.reset, cut=draw.body == "cut")
            billed = given.billed and not draw.reset
            self._log[self._seq] = RequestRecord(
                seq=self._seq,
                time=now,
                method=method,
                path=path,
                query=parameters,
                status=None if draw.reset else given.status,
                billed=billed,
                fault="+".join(name for name in names if name) or None,
                # Told before it is known, and taken back on failure: whoever has read the
                # answer must find it delivered.
                delivered=not (draw.reset or reply.cut),
                key_fingerprint=_fingerprint(credential),
            )
            self._spent[credential] += billed
            if given.status == 200 and target.kind == "list" and not draw.reset:
                self._lists[target.dataset] += 1
                self._drift()
            return reply

    def undelivered(self, reply: Reply) -> None:
        """Note that an answer could not be sent."""
        with self.lock:
            record = self._log.get(reply.seq)
            if record is not None:
                self._log[reply.seq] = replace(record, delivered=False)

    def _refusal(
        self, method: str, path: str, query: str, target: Route, credential: str
    ) -> Answer | None:
        html = self.faults.html_errors
        if target.kind == "unknown":
            return problem(404, html=html)
        if method != "GET":
            return replace(problem(405, html=html), headers=(("Allow", "GET"),))
        if target.kind == "redirect":
            location = f"{path}/?{query}" if query else f"{path}/"
            return Answer(301, b"", headers=(("Location", location),))
        if not credential:
            challenge = (("WWW-Authenticate", "ApiKey"),)
            return replace(problem(401, html=html), headers=challenge)
        scheme, _, token = credential.partition(" ")
        if scheme.lower() == "bearer":
            known = token.strip() in self.tokens
        else:
            known = credential in self.keys
        return None if known else problem(403, html=html)

    def _admitted(
        self,
        target: Route,
        parameters: Mapping[str, str],
        credential: str,
        draw: FaultDraw,
        now: float,
    ) -> tuple[Answer, str | None]:
        faults = self.faults
        scene = Scene(self.tables, faults, self._engine.dice, self._day())
        if draw.reset:
            # Never sent: the connection ends before it.
            return Answer(500, b""), "reset"
        # A spent quota is told first: such a refusal takes no place in the rate window.
        if faults.quota is not None and self._spent[credential] >= faults.quota:
            return problem(429, html=faults.html_errors), "quota"
        if faults.rate_limit is not None:
            left = self._windows.refused(faults.rate_limit, credential, now)
            if left is not None:
                told = (("Retry-After", str(max(1, math.ceil(left)))),)
                refusal = problem(429, html=faults.html_errors)
                headers = told if faults.rate_limit.retry_after else ()
                return replace(refusal, headers=headers), "rate_limit"
        if draw.status is not None:
            return problem(draw.status, html=faults.html_errors), "status"
        return answer(target, parameters, scene), None

    def _garbled(self, given: Answer, draw: FaultDraw) -> Answer:
        if draw.body == "empty":
            return replace(given, body=b"")
        if draw.body == "garbage":
            # Broken in its middle, so that no lenient reader can take it for JSON.
            half = len(given.body) // 2
            return replace(given, body=given.body[:half] + b'"}]{<\x00oops' + given.body[half:])
        return given

    def _day(self) -> date:
        return self._today or (datetime.now(UTC) + _JAKARTA).date()

    # Changes while running

    def set_faults(self, changes: Mapping[str, Any]) -> Faults:
        """Replace faults; the draws and their counts begin afresh."""
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
        """Lay the grid of the rate windows from now on."""
        with self.lock:
            self._windows = RateWindows(time.monotonic())

    def reset_counts(self) -> None:
        """Forget the log, the credits spent, the rate windows and the faults' counts."""
        with self.lock:
            self._log.clear()
            self._lists.clear()
            self._spent.clear()
            self._windows.clear()
            self._engine = FaultEngine(self.faults)

    def add_records(self, dataset: str, records: Iterable[Record] | int) -> list[Record]:
        """Serve further records, given or so many generated ones; return them."""
        with self.lock:
            table = self.tables[dataset]
            if isinstance(records, int):
                field = _CODE_FIELD.get(dataset, "wiup_code")
                made = generate_more(
                    self._seed, dataset, records, serial=self._added, taken=table.values(field)
                )
                self._added += records
            else:
                made = copy.deepcopy(list(records))
            table.replace([*table.entries, *(Entry(dataset, record) for record in made)])
            return copy.deepcopy(made)

    def remove_records(self, dataset: str, which: int | Callable[[Record], bool]) -> list[Record]:
        """Stop serving records, those that a test picks or so many at random; return them."""
        with self.lock:
            table = self.tables[dataset]
            if isinstance(which, int):
                places = list(range(len(table.entries)))
                self._removals.shuffle(places)
                doomed = set(places[:which])
            else:
                records = [copy.deepcopy(entry.record) for entry in table.entries]
                doomed = {place for place, record in enumerate(records) if which(record)}
            gone = [entry for place, entry in enumerate(table.entries) if place in doomed]
            table.replace(
                [entry for place, entry in enumerate(table.entries) if place not in doomed]
            )
            return [copy.deepcopy(entry.record) for entry in gone]

    def _drift(self) -> None:
        for place, drift in enumerate(self.faults.drift):
            if place not in self._drifted and self._lists[drift.dataset] >= drift.after:
                self._drifted.add(place)
                self.remove_records(drift.dataset, drift.remove)
                self.add_records(drift.dataset, drift.add)

    # What is known

    def requests(self) -> list[RequestRecord]:
        """Return the log."""
        with self.lock:
            return list(self._log.values())

    def billed(self) -> int:
        """Return the credits that the logged requests cost."""
        with self.lock:
            return sum(record.billed for record in self._log.values())

    def records(self, dataset: str) -> list[Record]:
        """Return copies of the records of a dataset, in the order in which they are kept."""
        with self.lock:
            return [copy.deepcopy(entry.record) for entry in self.tables[dataset].entries]

    def stats(self) -> dict[str, Any]:
        """Return the counts as JSON can write them."""
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
        """Return the log as JSON can write it."""
        return [asdict(record) for record in self.requests()]


def _fingerprint(credential: str) -> str | None:
    if not credential:
        return None
    scheme, _, token = credential.partition(" ")
    secret = token.strip() if scheme.lower() == "bearer" else credential
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:12]
