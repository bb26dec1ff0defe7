"""The cases of monthly registers: write and read snapshots, and find what has changed.

`cases` includes them. SQL by hand gives less than `sectorsdf.snapshots`: no kinds of changes, no
provenance, no check that a snapshot is complete, and no records whose key repeats.
"""

from __future__ import annotations

from case import OURS, Case, Contender, Goal, PeakLimit

SQL = "DuckDB, SQL by hand"
ANTI_JOIN = "polars, anti-joins by hand"
DATACOMPY = "datacompy.PandasCompare"
SCD2 = "dlt, scd2 merge into DuckDB"

# For each piece of work: its title, the function of each contender, and the goals.
_WORK = {
    "write": ("writing", {SQL: "write_duckdb"}, (Goal("cpu", SQL, most=4.0),)),
    "latest": ("reading the latest of", {SQL: "latest_duckdb"}, (Goal("cpu", SQL, most=1.5),)),
    "sum": ("the hectares of one day of", {SQL: "sum_duckdb"}, (Goal("cpu", SQL, most=2.0),)),
    "changes": ("what changed over", {SQL: "changes_duckdb"}, (Goal("cpu", SQL, most=1.5),)),
    "history": (
        "the history over",
        {SQL: "history_duckdb", SCD2: "history_dlt"},
        (Goal("cpu", SQL, most=1.5), Goal("cpu", SCD2, least=10.0)),
    ),
}


# Rows, months, rounds, the work, and the contenders that would take too long or too much memory.
_PLANS = (
    (4_151, 12, 5, tuple(_WORK), set()),
    (4_151, 120, 2, tuple(_WORK), {SCD2}),
    # All frames that are written are in memory before the time starts.
    (1_000_000, 2, 1, ("write",), set()),
    (1_000_000, 12, 1, ("latest", "sum", "changes", "history"), {SCD2}),
    (1_000_000, 120, 1, ("latest", "sum"), set()),
    (1_000_000, 120, 1, ("changes", "history"), {SQL, SCD2}),
)
_QUICK_PLANS = ((120, 3, 1, tuple(_WORK), set()),)


def register_cases(folder, *, quick):
    """Yield the cases; the snapshots are written into the folder, once for all contenders."""
    arguments = {"folder": None if folder is None else str(folder)}
    for rows, months, rounds, works, without in _QUICK_PLANS if quick else _PLANS:
        for work in works:
            title, others, goals = _WORK[work]
            labels = {OURS: f"{work}_ours", **others}
            options = {**arguments, "months": months}
            yield Case(
                f"{title} {months} snapshots of {rows:,} rows",
                rows,
                tuple(
                    Contender(label, name, options)
                    for label, name in labels.items()
                    if label not in without
                ),
                tuple(goal for goal in goals if goal.against not in without),
                rounds,
                fresh=rows > 500_000,
                per="row",
            )
    yield from _difference_cases(arguments, quick)
    yield from _memory_cases(arguments, quick)


def _difference_cases(arguments, quick):
    for rows, rounds in ((120, 1),) if quick else ((4_151, 9), (1_000_000, 3)):
        yield Case(
            f"the difference of two registers of {rows:,} rows",
            rows,
            (
                Contender(OURS, "diff_ours", arguments),
                Contender(ANTI_JOIN, "diff_polars", arguments),
                Contender(DATACOMPY, "diff_datacompy", arguments),
            ),
            (
                (Goal("wall", ANTI_JOIN, most=2.0), Goal("wall", DATACOMPY, least=10.0))
                if rows > 500_000
                else (Goal("wall", DATACOMPY, least=10.0),)
            ),
            rounds,
            fresh=rows > 500_000,
            per="row",
        )


def _memory_cases(arguments, quick):
    """Yield cases that show that memory grows with the result, not with the snapshots."""
    rows = 120 if quick else 200_000
    for work in ("changes", "history"):
        for months in (2,) if quick else (2, 6, 12):
            limit = PeakLimit(400, "MB")
            yield Case(
                f"memory of {work} over {months} snapshots of {rows:,} rows",
                rows,
                (Contender(OURS, f"{work}_ours", {**arguments, "months": months}),),
                (limit,),
                1,
                fresh=True,
                memory=True,
                per="row",
            )
