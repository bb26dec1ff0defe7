"""The cases: which contenders run side by side, with which server, and the goals of the package.

To add a case, write a function that yields it and name the function in `cases` at the end. Imports
no contender: a case names the functions that `worker` runs.
"""

from __future__ import annotations

from case import OURS, Case, Contender, CpuLimit, Goal, PeakLimit
from register_cases import register_cases
from server import PAGE, make_certificate

FLOOR = "bytes over bare sockets"
LOOP = "requests.get and json_normalize"
SESSION = "requests.Session, 8 threads"
URLLIB3 = "urllib3, 8 threads"
HTTPX = "httpx, 8 threads"
DLT = "dlt, 8 parallel"
DLT_REST = "dlt, rest_api, 8 parallel"
DLT_SERIAL = "dlt, rest_api"
SERIAL = "one session, json() alone"
HAND = "hand-written conversion in column batches"
NORMALIZE = "json_normalize and casts"
POLARS = "polars.from_dicts, to_pandas"
MELT = "json_normalize and melt"
READ = "pandas.read_parquet of the same file"
REQUESTS_CACHE = "requests-cache and json_normalize"
FILTERED = "pyarrow with a filter, to_pandas"
FETCHED = "fetching the same number of rows, no latency"
BASE = "import pandas, pyarrow, requests"
PANDAS = "import pandas"
LOADS = "json.loads of the same pages"
STORED = "requests.Session, 8 threads, and a JSON file"
BARE = "the same frame without attrs"
COPIED = "pandas.read_parquet and to_parquet"

PARTS = {
    "sending the requests": "send_pages",
    "reading the JSON": "parse_pages",
    "journal": "journal_pages",
    "identities of the rows": "identify_pages",
    "typing": "type_pages",
    "frame, evidence and cache": "end_pages",
}
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


def _sweep(title, pages, labels, goals, *, rounds, server=None):
    # The last page is not full, as in most lists of the API.
    rows = PAGE * pages - 19
    contenders = tuple(Contender(label, SWEEPS[label]) for label in labels)
    return Case(title, rows, contenders, goals, rounds, server or {})


def _latency_cases(quick):
    few, many = (4, 12) if quick else (139, 1000)
    short, long = (0.001, 0.002) if quick else (0.05, 0.3)
    all_goals = (
        Goal("wall", LOOP, least=6.5),
        Goal("wall", DLT_REST, least=1.4),
        Goal("wall", DLT, least=1.4),
        Goal("wall", FLOOR, most=1.2),
    )
    everyone = (OURS, FLOOR, URLLIB3, SESSION, HTTPX, DLT, DLT_REST, LOOP)
    # Without the loop for a thousand pages of 300 ms: it would take five minutes a run.
    plans = (
        (few, short, everyone, all_goals, 5),
        (few, long, (OURS, FLOOR, DLT, DLT_REST, LOOP), all_goals, 2),
        (many, short, (OURS, FLOOR, DLT, DLT_REST, LOOP), all_goals, 2),
        (many, long, (OURS, FLOOR, DLT, DLT_REST), all_goals[1:], 1),
    )
    # The first case has all contenders; the others differ in numbers alone.
    for pages, latency, labels, goals, rounds in plans[:1] if quick else plans:
        title = f"{pages} pages, {1000 * latency:g} ms per request"
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


def _part_cases(quick):
    pages = 12 if quick else 1000
    contenders = (
        Contender(OURS, "ours"),
        *(Contender(label, name) for label, name in PARTS.items()),
    )
    yield Case(
        f"the parts of {pages} pages, each alone and in one thread",
        PAGE * pages - 19,
        contenders,
        rounds=1 if quick else 5,
        server={},
    )


def _tls_cases(quick, folder):
    pages = 4 if quick else 139
    *tls, bundle = make_certificate(folder)
    yield Case(
        f"{pages} pages over TLS, no latency",
        PAGE * pages,
        (
            Contender(OURS, "ours"),
            Contender(LOOP, "loop"),
            Contender("sectorsdf, no TLS", "ours", {"tls": False}),
        ),
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
    for rows, least, rounds in ((300, 3.0, 1),) if quick else plans:
        yield Case(
            f"{rows:,} records to a typed frame",
            rows,
            (
                Contender(OURS, "type_ours"),
                Contender(HAND, "type_by_hand"),
                Contender(NORMALIZE, "type_normalize"),
                Contender(POLARS, "type_polars"),
            ),
            (
                Goal("wall", NORMALIZE, least=least),
                Goal("wall", POLARS, least=1.0),
                Goal("wall", HAND, most=1.2 if rows > 500_000 else 1.3),
            ),
            rounds,
            # A process that has typed a million records leaves too little memory for the next.
            fresh=rows > 500_000,
            per="row",
        )


def _identity_cases(quick):
    pages = 10 if quick else 300
    arguments = {"rows": PAGE * pages}
    yield Case(
        f"identities of the rows of {pages} pages",
        PAGE * pages,
        (
            Contender(OURS, "identify_ours", arguments),
            Contender(LOADS, "identify_nothing", arguments),
        ),
        (CpuLimit(0.08, pages),),
        1 if quick else 15,
    )


def _memory_cases(quick):
    rows = 300 if quick else 1_000_000
    yield Case(
        f"memory of a sweep of {rows:,} rows, no latency",
        rows,
        (Contender(OURS, "ours_uncached"), Contender(LOOP, "loop")),
        (Goal("peak", LOOP, least=4.0), PeakLimit(1.4, "times its frame")),
        1,
        server={},
        fresh=True,
        memory=True,
    )
    yield Case(
        f"{rows:,} rows written straight to a Parquet file, no latency",
        rows,
        (Contender(OURS, "streamed"),),
        (PeakLimit(150, "MB"),),
        1,
        server={},
        fresh=True,
        memory=True,
    )


def _record_cases(quick):
    count = 30 if quick else 366
    for companies, latency, rounds in ((count, 0, 5), (count, 0.05, 3), (2_000, 0, 2)):
        if quick and (companies, latency) != (count, 0):
            continue
        yield Case(
            f"{companies:,} records fetched and cached, {1000 * latency:g} ms per request",
            companies,
            (Contender(OURS, "company_ours"), Contender(STORED, "company_threads")),
            (*([Goal("wall", STORED, most=1.2)] if latency else []), CpuLimit(2.0, companies)),
            1 if quick else rounds,
            server={"latency": latency},
            per="record",
        )
    latency = 0.001 if quick else 0.05
    yield Case(
        f"owners of {count} companies on five levels, {1000 * latency:g} ms per request",
        count,
        (Contender(OURS, "owners_ours"), Contender(FLOOR, "owners_sockets")),
        (Goal("wall", FLOOR, most=1.2),),
        1 if quick else 5,
        server={"latency": latency},
        per="record",
    )


def _step_cases(quick):
    rows = 300 if quick else 4_151
    for reported, most in ((2 * rows, 1.2), (0, 1.1)):
        arguments = {"reported": reported}
        yield Case(
            f"three pandas steps on {rows:,} rows with {reported:,} reported values",
            rows,
            (Contender(OURS, "steps_ours", arguments), Contender(BARE, "steps_bare", arguments)),
            (Goal("cpu", BARE, most=most),),
            1 if quick else 15,
            per="row",
        )


def _command_cases(quick):
    rows = 300 if quick else 4_151
    yield Case(
        f"`sectorsdf licenses -o x.parquet` of {rows:,} cached rows",
        rows,
        (Contender(OURS, "exported_ours"), Contender(COPIED, "exported_pandas")),
        (Goal("wall", COPIED, most=1.3),),
        1 if quick else 9,
        per="row",
    )


def _cached_cases(quick):
    plans = ((4_151, 1.5, 15), (1_000_000, 1.1, 3))
    for rows, most, rounds in ((300, 1.5, 1),) if quick else plans:
        pages = (Contender(REQUESTS_CACHE, "cached_pages"),) if rows < 10_000 else ()
        yield Case(
            f"a cached register of {rows:,} rows",
            rows,
            (Contender(OURS, "cached_ours"), Contender(READ, "cached_pandas"), *pages),
            (
                Goal("wall", READ, most=most),
                *(Goal("wall", contender.label, least=20.0) for contender in pages),
            ),
            rounds,
            fresh=rows > 500_000,
            per="row",
        )
        fetched = (Contender(FETCHED, "selected_fetched"),) if rows < 10_000 else ()
        yield Case(
            f"one commodity out of {rows:,} cached rows",
            rows,
            (Contender(OURS, "selected_ours"), Contender(FILTERED, "selected_arrow"), *fetched),
            (
                Goal("wall", FILTERED, most=3.0),
                *(Goal("wall", contender.label, least=10.0) for contender in fetched),
            ),
            rounds,
            fresh=rows > 500_000,
            per="row",
        )


def _reserves_cases(quick):
    plans = ((156, 9), (10_000, 3), (100_000, 1))
    for sites, rounds in ((156, 1),) if quick else plans:
        contenders = (Contender(OURS, "tidy_ours"), Contender(MELT, "tidy_melt"))
        title = f"tidy resources and reserves of {sites:,} sites"
        goals = (Goal("wall", MELT, least=1.0),)
        yield Case(title, sites, contenders, goals, rounds, per="site")


def _start_cases(quick):
    rounds = 1 if quick else 9
    base = "import pandas, pyarrow, requests"
    yield Case(
        "`import sectorsdf`",
        1,
        (
            Contender(OURS, "start", {"code": "import sectorsdf"}),
            Contender(BASE, "start", {"code": base}),
        ),
        (Goal("wall", BASE, most=1.05),),
        rounds,
        per="start",
    )
    code = "import sys; sys.argv = ['sectorsdf', '--help']; from sectorsdf.cli import main; main()"
    yield Case(
        "`sectorsdf --help`",
        1,
        (
            Contender(OURS, "start", {"code": code}),
            Contender(PANDAS, "start", {"code": "import pandas"}),
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
            (Contender(OURS, "ours_uncached"),),
            (),
            1,
            server={},
            fresh=True,
            memory=True,
        )


def cases(folder, *, quick):
    """Return all cases."""
    return [
        *_latency_cases(quick),
        *_cpu_cases(quick),
        *_part_cases(quick),
        *_tls_cases(quick, folder),
        *_typing_cases(quick),
        *_identity_cases(quick),
        *_memory_cases(quick),
        *_record_cases(quick),
        *_step_cases(quick),
        *_cached_cases(quick),
        *_command_cases(quick),
        *_reserves_cases(quick),
        *register_cases(folder, quick=quick),
        *_start_cases(quick),
        *_growth_cases(quick),
    ]
