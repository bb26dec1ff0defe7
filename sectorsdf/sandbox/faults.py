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
    """A limit of requests in fixed windows, for each key separately.

    Attributes
    ----------
    requests : int
        How many requests are answered in a window. Refused ones do not count.
    window : float
        Length of a window in seconds.
    retry_after : bool
        Whether a refusal says in `Retry-After` when the window ends (whole seconds, rounded up).
    anchor : {"first", "clock"}
        Whether a window starts with the first request after the last one ended, or on a grid
        that started with the server.
    """

    requests: int = 30
    window: float = 60.0
    retry_after: bool = False
    anchor: Literal["first", "clock"] = "first"

    def __post_init__(self) -> None:
        if self.requests < 0:
            msg = f"requests must not be negative, not {self.requests!r}"
            raise ValueError(msg)
        if not self.window > 0 or not math.isfinite(self.window):
            msg = f"window must be a positive number of seconds, not {self.window!r}"
            raise ValueError(msg)
        if self.anchor not in {"first", "clock"}:
            msg = f"anchor must be 'first' or 'clock', not {self.anchor!r}"
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
    """Counts of admitted requests, by key, in the windows of a `RateLimit`."""

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._windows: dict[str, tuple[float, int]] = {}

    def clear(self) -> None:
        """Clear every window; the grid stays."""
        self._windows.clear()

    def count(self, limit: RateLimit, key: str, now: float) -> float | None:
        """Count a request; if its window is full, return the seconds until the window ends."""
        start, admitted = self._windows.get(key, (-math.inf, 0))
        if limit.anchor == "clock":
            grid = self._origin + (now - self._origin) // limit.window * limit.window
            if grid != start:
                start, admitted = grid, 0
        elif now >= start + limit.window:
            start, admitted = now, 0
        if admitted >= limit.requests:
            return start + limit.window - now
        self._windows[key] = start, admitted + 1
        return None
