"""The cases: what runs side by side, over which server, and what is wanted of it.

A further case is a function that yields it, named in `cases` at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from replay import PAGE, certificate

OURS = "sectorsdf"


@dataclass(frozen=True)
class Entry:
    """One contestant: its label, its function in `contestants`, and what the function is given."""

    label: str
    function: str
    given: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """What is wanted of the first entry of a case, against another: a ratio's bound.

    `least` bounds how many times the other takes what ours takes, `most` how many times ours takes
    what the other takes.
    """

    measure: str
    against: str
    least: float | None = None
    most: float | None = None

    def ratios(self, runs, first):
        """Return the ratio of each round."""
        pairs = zip(runs[first], runs[self.against], strict=True)
        values = [(ours[self.measure], other[self.measure]) for ours, other in pairs]
        if self.most is None:
            return [other / ours for ours, other in values]
        return [ours / other for ours, other in values]

    def met(self, ratio):
        """Tell whether a ratio is within the bound."""
        return ratio >= self.least if self.most is None else ratio <= self.most

    def words(self):
        """Say what is wanted."""
        what = {"wall": "time", "cpu": "CPU", "peak": "memory"}[self.measure]
        if self.most is None:
            return f"{self.against} takes at least {self.least:g} times its {what}"
        return f"at most {self.most:g} times the {what} of {self.against}"


@dataclass(frozen=True)
class Limit:
    """What is wanted of the peak of a case's first entry alone: a bound in megabytes or frames."""

    most: float
    unit: str
    against: str = OURS

    def ratios(self, runs, first):
        """Return the peak of each round in the unit."""
        return [f["peak"] / (1e6 if self.unit == "MB" else f["frame"]) for f in runs[first]]

    def met(self, peak):
        """Tell whether a peak is within the bound."""
        return peak <= self.most

    def words(self):
        """Say what is wanted."""
        return f"a peak of at most {self.most:g} {self.unit}"


@dataclass(frozen=True)
class Case:
    """Contestants side by side.

    `server` holds what `Replay` takes besides the rows; None is for work without one. `environment`
    is added to that of the contestants. `fresh` gives each run a process of its own, `memory` has
    its peak watched.
    """

    title: str
    rows: int
    entries: tuple[Entry, ...]
    goals: tuple[Goal | Limit, ...] = ()
    rounds: int = 3
    server: dict | None = None
    environment: dict = field(default_factory=dict)
    fresh: bool = False
    memory: bool = False
    per: str = "page"


FLOOR = "bytes over bare sockets"
LOOP = "requests.get and json_normalize"
SESSION = "requests.Session, 8 threads"
URLLIB3 = "urllib3, 8 threads"
HTTPX = "httpx, 8 threads"
DLT = "dlt, 8 parallel"
DLT_REST = "dlt, rest_api, 8 parallel"
DLT_SERIAL = "dlt, rest_api"
SERIAL = "one session, json() alone"
HAND = "columns in batches by hand"
NORMALIZE = "json_normalize and casts"
POLARS = "polars.from_dicts, to_pandas"
MELT = "json_normalize and melt"
READ = "pandas.read_parquet of the same file"
REQUESTS_CACHE = "requests-cache and json_normalize"
FILTERED = "pyarrow with a filter, to_pandas"
FETCHED = "fetching as many rows, no latency"
BASE = "import pandas, pyarrow, requests"
PANDAS = "import pandas"

SWEEPS = {
    OURS: "ours",
    FLOOR: "sockets",
    LOOP: "loop",
    SESSION: "session_threads",
    URLLIB3: "urllib3_threads",
    HTTPX: "httpx_threads",
    DLT: "dlt_parallel",
    DLT_REST: "dlt_rest_parallel",
    DLT_SERIAL: "dlt_serial",
    SERIAL: "serial",
}


def _sweep(title, pages, labels, goals, **more):
    rows = PAGE * pages - 19  # the API's last page is not full either
    entries = tuple(Entry(label, SWEEPS[label]) for label in labels)
    return Case(title, rows, entries, goals, server=more.pop("server", {}), **more)


def _latency_cases(quick):
    few, many = (4, 12) if quick else (139, 1000)
    short, long = (0.001, 0.002) if quick else (0.05, 0.3)
    near = (
        Goal("wall", LOOP, least=6.5),
        Goal("wall", DLT_REST, least=1.4),
        Goal("wall", DLT, least=1.4),
        Goal("wall", FLOOR, most=1.2),
    )
    all_of_them = (OURS, FLOOR, URLLIB3, SESSION, HTTPX, DLT, DLT_REST, LOOP)
    # The loop would take five minutes over a thousand pages of 300 ms, and tell nothing new.
    plans = (
        (few, short, all_of_them, near, 5),
        (few, long, (OURS, FLOOR, DLT, DLT_REST, LOOP), near, 2),
        (many, short, (OURS, FLOOR, DLT, DLT_REST, LOOP), near, 2),
        (many, long, (OURS, FLOOR, DLT, DLT_REST), near[1:], 1),
    )
    for pages, latency, labels, goals, rounds in plans:
        title = f"{pages} pages, {1000 * latency:g} ms a request"
        server = {"latency": latency}
        yield _sweep(title, pages, labels, goals, rounds=1 if quick else rounds, server=server)


def _cpu_cases(quick):
    pages = 12 if quick else 1000
    yield _sweep(
        f"{pages} pages, no latency",
        pages,
        (OURS, SERIAL, URLLIB3, SESSION, HTTPX, LOOP, DLT, DLT_SERIAL),
        (
            Goal("wall", LOOP, least=1.3),
            Goal("cpu", LOOP, least=1.0),
            Goal("cpu", SERIAL, most=1.5),
        ),
        rounds=1 if quick else 5,
    )


def _tls_cases(quick, folder):
    pages = 4 if quick else 139
    *tls, bundle = certificate(folder)
    yield Case(
        f"{pages} pages over TLS, no latency",
        PAGE * pages,
        (Entry(OURS, "ours"), Entry(LOOP, "loop"), Entry("sectorsdf, no TLS", "ours", {"tls": 0})),
        (
            Goal("wall", LOOP, least=10.0),
            Goal("wall", "sectorsdf, no TLS", most=1.3),
            Goal("cpu", "sectorsdf, no TLS", most=1.3),
        ),
        1 if quick else 5,
        server={"tls": tls},
        environment={"REQUESTS_CA_BUNDLE": str(bundle)},
    )


def _typing_cases(quick):
    plans = ((4_151, 3.0, 9), (100_000, 6.0, 3), (1_000_000, 3.0, 1))
    for rows, ahead, rounds in ((300, 3.0, 1),) if quick else plans:
        yield Case(
            f"{rows:,} records to a typed frame",
            rows,
            (
                Entry(OURS, "type_ours"),
                Entry(HAND, "type_by_hand"),
                Entry(NORMALIZE, "type_normalize"),
                Entry(POLARS, "type_polars"),
            ),
            (
                Goal("wall", NORMALIZE, least=ahead),
                Goal("wall", POLARS, least=1.0),
                Goal("wall", HAND, most=1.3),
            ),
            rounds,
            # A process that has typed a million records keeps gigabytes from the next.
            fresh=rows > 500_000,
            per="row",
        )


def _memory_cases(quick):
    rows = 300 if quick else 1_000_000
    yield Case(
        f"memory of a sweep of {rows:,} rows, no latency",
        rows,
        (Entry(OURS, "ours_uncached"), Entry(LOOP, "loop")),
        (Goal("peak", LOOP, least=4.0), Limit(1.5, "times its frame")),
        1,
        server={},
        fresh=True,
        memory=True,
    )
    yield Case(
        f"{rows:,} rows straight to a Parquet file, no latency",
        rows,
        (Entry(OURS, "streamed"),),
        (Limit(150, "MB"),),
        1,
        server={},
        fresh=True,
        memory=True,
    )


def _kept_cases(quick):
    plans = ((4_151, 1.5, 15), (1_000_000, 1.1, 3))
    for rows, most, rounds in ((300, 1.5, 1),) if quick else plans:
        pages = (Entry(REQUESTS_CACHE, "kept_pages"),) if rows < 10_000 else ()
        yield Case(
            f"a register of {rows:,} rows that is kept",
            rows,
            (Entry(OURS, "kept_ours"), Entry(READ, "kept_pandas"), *pages),
            (
                Goal("wall", READ, most=most),
                *(Goal("wall", entry.label, least=20.0) for entry in pages),
            ),
            rounds,
            fresh=rows > 500_000,
            per="row",
        )
        fetched = (Entry(FETCHED, "selected_fetched"),) if rows < 10_000 else ()
        yield Case(
            f"one commodity out of {rows:,} rows that are kept",
            rows,
            (Entry(OURS, "selected_ours"), Entry(FILTERED, "selected_arrow"), *fetched),
            (
                Goal("wall", FILTERED, most=3.0),
                *(Goal("wall", entry.label, least=10.0) for entry in fetched),
            ),
            rounds,
            fresh=rows > 500_000,
            per="row",
        )


def _reserves_cases(quick):
    plans = ((156, 9), (10_000, 3), (100_000, 1))
    for sites, rounds in ((156, 1),) if quick else plans:
        entries = (Entry(OURS, "tidy_ours"), Entry(MELT, "tidy_melt"))
        title = f"tidy resources and reserves of {sites:,} sites"
        goals = (Goal("wall", MELT, least=1.0),)
        yield Case(title, sites, entries, goals, rounds, per="site")


def _start_cases(quick):
    rounds = 1 if quick else 9
    base = "import pandas, pyarrow, requests"
    yield Case(
        "import",
        1,
        (Entry(OURS, "start", {"code": "import sectorsdf"}), Entry(BASE, "start", {"code": base})),
        (Goal("wall", BASE, most=1.05),),
        rounds,
        per="start",
    )
    asked = "import sys; sys.argv = ['sectorsdf', '--help']; from sectorsdf.cli import main; main()"
    yield Case(
        "sectorsdf --help",
        1,
        (
            Entry(OURS, "start", {"code": asked}),
            Entry(PANDAS, "start", {"code": "import pandas"}),
        ),
        (Goal("wall", PANDAS, most=1.3),),
        rounds,
        per="start",
    )


def _growth_cases(quick):
    sizes = (30, 300) if quick else (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
    for rows in sizes:
        yield Case(
            f"growth: {rows:,} rows",
            rows,
            (Entry(OURS, "ours_uncached"),),
            (),
            1,
            server={},
            fresh=True,
            memory=True,
        )


def cases(folder, *, quick):
    """Return all cases; further ones are added here."""
    return [
        *_latency_cases(quick),
        *_cpu_cases(quick),
        *_tls_cases(quick, folder),
        *_typing_cases(quick),
        *_memory_cases(quick),
        *_kept_cases(quick),
        *_reserves_cases(quick),
        *_start_cases(quick),
        *_growth_cases(quick),
    ]
