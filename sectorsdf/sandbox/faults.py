"""The faults that a sandbox injects: their declarations, and the seeded draw for each request.

Owns what goes wrong and when. `service` and `api` apply it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from sectorsdf.sandbox.endpoints import DATASETS
from sectorsdf.sandbox.rng import SeededRandom
from sectorsdf.sandbox.sample import GROWING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Drift", "FaultDraw", "FaultEngine", "Faults", "RateLimit", "RateWindows"]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit of requests in windows of time, for each key separately.

    Attributes
    ----------
    requests : int
        How many requests are answered in a window. Refused ones do not count.
    window : float
        Length of a window in seconds.
    retry_after : bool
        Whether a refusal says in `Retry-After` when the next request will be answered (whole
        seconds, rounded up).
    anchor : {"first", "clock"}
        Whether a fixed window starts with the first request after the last one ended, or on a grid
        that started with the server.
    kind : {"fixed", "rolling"}
        Whether the windows follow each other, or the limit holds in any `window` seconds.
    counts : {"all", "billed"}
        Whether every answered request counts, or only those that cost a credit.
    block_growth : float
        By how many seconds each refused request prolongs the block that it meets.
    """

    requests: int = 30
    window: float = 60.0
    retry_after: bool = False
    anchor: Literal["first", "clock"] = "first"
    kind: Literal["fixed", "rolling"] = "fixed"
    counts: Literal["all", "billed"] = "all"
    block_growth: float = 0.0

    def __post_init__(self) -> None:
        if self.requests < 0:
            msg = f"requests must not be negative, not {self.requests!r}"
            raise ValueError(msg)
        if not self.window > 0 or not math.isfinite(self.window):
            msg = f"window must be a positive number of seconds, not {self.window!r}"
            raise ValueError(msg)
        choices = {
            "anchor": ("first", "clock"),
            "kind": ("fixed", "rolling"),
            "counts": ("all", "billed"),
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                msg = f"{name} must be '{allowed[0]}' or '{allowed[1]}', not {value!r}"
                raise ValueError(msg)
        if not 0 <= self.block_growth < math.inf:
            msg = f"block_growth must be a number of seconds, not {self.block_growth!r}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Drift:
    """A change of the records while a client reads them.

    Attributes
    ----------
    after : int
        Number of list answers of the dataset after which the change happens, once.
    dataset : str
        "mining_licenses", "mining_license_auctions", "mining_sites" or "mining_companies". Of any
        other dataset, records can be removed and not added.
    add, remove : int
        How many generated records are added, and how many of the present ones are removed.
        Either can be anywhere in the order.
    """

    after: int = 60
    dataset: str = "mining_licenses"
    add: int = 2
    remove: int = 0

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            msg = f"dataset must be one of {', '.join(DATASETS)}, not {self.dataset!r}"
            raise ValueError(msg)
        if self.add and self.dataset not in GROWING:
            msg = f"add must be 0 for {self.dataset}, of which no more records can be generated"
            raise ValueError(msg)
        if min(self.after, self.add, self.remove) < 0:
            msg = "after, add and remove must not be negative"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, all off by default. Rates are shares of requests between 0 and 1.

    Attributes
    ----------
    latency : float or (float, float)
        Seconds before each answer to an admitted request, or the bounds of a random number of
        seconds.
    rate_limit : RateLimit, optional
        A limit of requests per window and key; more are refused with 429.
    quota : int, optional
        Credits that a key may spend; then requests are refused with 429 and the same body as for
        the rate limit.
    status_rates : mapping of int to float
        Error statuses, each with the share of requests that get it.
    status_every : mapping of int to int
        Error statuses, each with an n: every n-th request gets it.
    html_errors : bool
        Errors have an HTML page as their body, as those of gateways do; none of them is billed.
    reset_rate : float
        The connection is reset before any answer (not billed).
    cut_rate : float
        The body ends half-way (billed).
    garbage_rate : float
        A 200 whose body is not JSON (billed).
    empty_rate : float
        A 200 without a body (billed).
    stall_rate, stall_seconds : float
        The answer comes only after that many seconds.
    unstable_order : bool
        Rows that tie in the sort change their order between requests.
    drift : tuple of Drift
        Records that are added and removed while a client reads a list.
    total_offset : int
        Added to the true `total_count`.
    endless : bool
        There is always a next page; after the end the last page is repeated.
    page_limit : int, optional
        The largest page served, instead of 30.
    seed : int
        Seed of every draw above.
    """

    latency: float | tuple[float, float] = 0.0
    rate_limit: RateLimit | None = None
    quota: int | None = None
    status_rates: Mapping[int, float] = field(default_factory=dict)
    status_every: Mapping[int, int] = field(default_factory=dict)
    html_errors: bool = False
    reset_rate: float = 0.0
    cut_rate: float = 0.0
    garbage_rate: float = 0.0
    empty_rate: float = 0.0
    stall_rate: float = 0.0
    stall_seconds: float = 30.0
    unstable_order: bool = False
    drift: tuple[Drift, ...] = ()
    total_offset: int = 0
    endless: bool = False
    page_limit: int | None = None
    seed: int = 2026

    def __post_init__(self) -> None:
        rates = {item.name: getattr(self, item.name) for item in fields(self)}
        rates = {name: rate for name, rate in rates.items() if name.endswith("_rate")}
        rates |= {f"status_rates[{status}]": rate for status, rate in self.status_rates.items()}
        for name, rate in rates.items():
            if not 0 <= rate <= 1:
                msg = f"{name} must be between 0 and 1, not {rate!r}"
                raise ValueError(msg)
        for status in (*self.status_rates, *self.status_every):
            if not 400 <= status <= 599:
                msg = f"a fault's status must be between 400 and 599, not {status!r}"
                raise ValueError(msg)
        if any(every < 1 for every in self.status_every.values()):
            msg = "the numbers in status_every must be above zero"
            raise ValueError(msg)
        low, high = self.latency_bounds
        if not 0 <= low <= high or self.stall_seconds < 0:
            msg = "latency and stall_seconds must not be negative, nor latency's bounds reversed"
            raise ValueError(msg)
        if self.page_limit is not None and self.page_limit < 1:
            msg = f"page_limit must be above zero, not {self.page_limit!r}"
            raise ValueError(msg)

    @property
    def latency_bounds(self) -> tuple[float, float]:
        """The latency as a pair of bounds."""
        if isinstance(self.latency, tuple):
            return self.latency
        return self.latency, self.latency

    def changed(self, changes: Mapping[str, Any]) -> Faults:
        """Return a copy with changes, which may come from JSON.

        Parameters
        ----------
        changes : mapping
            Names and new values. Nested declarations may be mappings and lists, statuses may
            be texts.

        Raises
        ------
        TypeError
            For an unknown name.
        ValueError
            For a value outside its range.
        """
        values = dict(changes)
        if isinstance(values.get("latency"), list):
            values["latency"] = tuple(values["latency"])
        if isinstance(values.get("rate_limit"), dict):
            values["rate_limit"] = RateLimit(**values["rate_limit"])
        if "drift" in values:
            values["drift"] = tuple(
                Drift(**item) if isinstance(item, dict) else item for item in values["drift"]
            )
        for name in ("status_rates", "status_every"):
            if name in values:
                values[name] = {int(status): value for status, value in values[name].items()}
        return replace(self, **values)

    def as_dict(self) -> dict[str, Any]:
        """Return the faults as a dictionary for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FaultDraw:
    """The faults of one request, as drawn."""

    reset: bool = False
    status: int | None = None
    wait: float = 0.0
    stall: bool = False
    body: Literal["cut", "garbage", "empty"] | None = None


class FaultEngine:
    """The seeded draws of a `Faults`. A new engine starts the sequence and its counts again."""

    def __init__(self, faults: Faults) -> None:
        self.rng = SeededRandom("faults", faults.seed)
        self._faults = faults
        self._count = 0

    def draw(self) -> FaultDraw:
        """Draw the faults of the next request."""
        faults = self._faults
        # Every request takes the same number of draws, so that one more fault does not move the
        # others to other requests.
        reset, status, stall, latency, *rest = [self.rng.random() for _ in range(7)]
        low, high = faults.latency_bounds
        stalls = stall < faults.stall_rate
        kinds: tuple[Literal["cut", "garbage", "empty"], ...] = ("cut", "garbage", "empty")
        rates = (faults.cut_rate, faults.garbage_rate, faults.empty_rate)
        body = next(
            (kind for kind, rate, at in zip(kinds, rates, rest, strict=True) if at < rate), None
        )
        resets = reset < faults.reset_rate
        return FaultDraw(
            reset=resets,
            status=None if resets else self._status(status),
            wait=low + (high - low) * latency + (faults.stall_seconds if stalls else 0.0),
            stall=stalls,
            body=body,
        )

    def _status(self, share: float) -> int | None:
        self._count += 1
        for status, every in self._faults.status_every.items():
            if self._count % every == 0:
                return status
        edge = 0.0
        for status, rate in self._faults.status_rates.items():
            edge += rate
            if share < edge:
                return status
        return None


class RateWindows:
    """The requests that count in the windows of a `RateLimit`, by key."""

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._windows: dict[str, _Window] = {}

    def clear(self) -> None:
        """Clear every window; the grid stays."""
        self._windows.clear()

    def wait(self, limit: RateLimit, key: str, now: float) -> float | None:
        """Return the seconds until a request will be answered, None if it is answered now."""
        window = self._windows.setdefault(key, _Window())
        taken = window.taken(limit, now, self._origin)
        opens = window.blocked
        if len(taken) >= limit.requests:
            # A rolling window has room again when its oldest request has left it.
            start = taken[-limit.requests] if limit.kind == "rolling" and taken else window.start
            opens = max(opens, (start if math.isfinite(start) else now) + limit.window)
        if opens <= now:
            return None
        window.blocked = opens + limit.block_growth if limit.block_growth else 0.0
        return max(opens, window.blocked) - now

    def count(self, limit: RateLimit, key: str, now: float) -> None:
        """Count a request that is answered."""
        window = self._windows.setdefault(key, _Window())
        if not window.taken(limit, now, self._origin) and limit.anchor == "first":
            window.start = now
        window.times.append(now)


@dataclass(slots=True)
class _Window:
    """The window of one key: when it started, what counts in it, and until when it is blocked."""

    start: float = -math.inf
    blocked: float = 0.0
    times: list[float] = field(default_factory=list)

    def taken(self, limit: RateLimit, now: float, origin: float) -> list[float]:
        """Return when the requests were answered that count now."""
        if limit.kind == "rolling":
            self.times = [at for at in self.times if at > now - limit.window]
            return self.times
        if limit.anchor == "clock":
            self.start = origin + (now - origin) // limit.window * limit.window
            self.times = [at for at in self.times if at >= self.start]
        elif now >= self.start + limit.window:
            self.times = []
        return self.times
