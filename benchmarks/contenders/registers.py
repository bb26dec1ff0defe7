"""Contenders that keep and compare monthly registers: this package, DuckDB, Polars and others.

Each takes the number of rows of a register, and the number of its monthly snapshots. Each returns
the number of rows of its result, and those of one case return the same number. `prepare` writes the
snapshots before the time starts, in a process of its own, so that it takes no memory of this one.
"""

from __future__ import annotations

import atexit
import importlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contenders.typing import _records, by_hand
from sectorsdf import from_arrow, snapshots
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.provenance import Provenance

NAME = MINING_LICENSES.name
KEY = "wiup_code"
COLUMNS = MINING_LICENSES.schema.names
OTHERS = [name for name in COLUMNS if name != KEY]
# What changes from one month to the next, as a share of the register.
SHARES = {"removed": 0.003, "extended": 0.005, "transferred": 0.004, "reduced": 0.003}
ADDED = 0.004
_GENERATED = 4_151
_BUILD = """
import sys
from contenders import registers

registers.build(sys.argv[1], *map(int, sys.argv[2:]))
"""


def day_of(month):
    """Return the first day of a month, counted from January 2016."""
    return date(2016 + month // 12, 1 + month % 12, 1)


def _first(rows):
    """Return a register of so many rows, each with a code of its own."""
    frame = by_hand(_records(min(rows, _GENERATED)))
    few = pa.Table.from_pandas(frame, schema=MINING_LICENSES.schema, preserve_index=False)
    table = few.take(pa.array(np.arange(rows) % len(few)))
    return _with_column(table, KEY, _codes(0, rows))


def _codes(start, count):
    numbers = pa.array(np.arange(start, start + count)).cast(pa.string())
    return pc.utf8_lpad(numbers, 16, "0")


def _with_column(table, name, values):
    return table.set_column(table.column_names.index(name), table.schema.field(name), values)


def _replaced(table, name, chosen, values):
    column = table.column(name).combine_chunks()
    mask = np.zeros(len(table), dtype=bool)
    mask[chosen] = True
    return _with_column(table, name, pc.replace_with_mask(column, pa.array(mask), values))


def _next(table, month):
    """Return the register of the next month."""
    rng = np.random.default_rng(month)
    order = rng.permutation(len(table))
    starts = [0, *np.cumsum([max(1, int(len(table) * share)) for share in SHARES.values()])]
    removed, extended, transferred, reduced = (
        np.sort(order[a:b]) for a, b in itertools.pairwise(starts)
    )
    days = table.column("license_expiry_date").take(pa.array(extended)).cast(pa.int32())
    later = pc.add(pc.fill_null(days, 20_000), 1826).cast(pa.int32())
    later = later.cast(pa.date32()).combine_chunks()
    table = _replaced(table, "license_expiry_date", extended, later)
    holders = [f"PT Contoh Penerima {month} {number}" for number in range(len(transferred))]
    table = _replaced(table, "company_name", transferred, pa.array(holders))
    areas = pc.fill_null(table.column("licensed_area_ha").take(pa.array(reduced)), 100.0)
    smaller = pc.multiply(areas, 0.5).combine_chunks()
    table = _replaced(table, "licensed_area_ha", reduced, smaller)
    kept = np.ones(len(table), dtype=bool)
    kept[removed] = False
    count = max(1, int(len(table) * ADDED))
    added = table.take(pa.array(rng.integers(0, len(table), count)))
    added = _with_column(added, KEY, _codes(10**9 * (month + 1), count))
    return pa.concat_tables([table.filter(pa.array(kept)), added]).combine_chunks()


def _months(rows, months):
    """Yield the register of one month after the other."""
    table = _first(rows)
    for month in range(months):
        table = _next(table, month) if month else table
        yield day_of(month), table


def _frame(table):
    """Return the frame of a getter that has proved that it has every row."""
    entries = {"dataset": NAME, "complete": True, "filters": {}, "source": "replay"}
    entries |= {"fetched_at": "2026-01-01T00:00:00+00:00", "digest": table_digest(table)}
    return Provenance({**entries, "rows": len(table)}).attach(from_arrow(table))


def build(root, rows, months):
    """Write a root of so many snapshots."""
    for day, table in _months(rows, months):
        snapshots.write(_frame(table), root, date=day)


@cache
def _own_folder():
    folder = tempfile.mkdtemp(prefix="sectorsdf-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _root(rows, months, folder):
    """Return a root; write it if no contender has done so."""
    root = Path(folder or _own_folder()) / f"register-{rows}-{months}"
    if not root.exists():
        unfinished = root.with_suffix(".part")
        home = Path(__file__).resolve().parents[1]
        path = os.pathsep.join([str(home), *(entry for entry in sys.path if entry)])
        subprocess.run(
            [sys.executable, "-c", _BUILD, str(unfinished), str(rows), str(months)],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        unfinished.rename(root)
    return root


def prepare(contender, *, rows, months=2, folder=None):
    """Write the snapshots, and read those that the contender gets as frames."""
    _root(rows, months, folder)
    if contender in {write_ours, write_duckdb, history_dlt}:
        _frames(rows, months, folder)
    elif contender is diff_polars:
        _polars_pair(rows, folder)
    elif contender is diff_datacompy:
        _copies(rows, folder)
    elif contender is diff_ours:
        _pair(rows, folder)


@cache
def _frames(rows, months, folder):
    root = _root(rows, months, folder)
    return [
        (day_of(month), snapshots.read(root, NAME, date=day_of(month))) for month in range(months)
    ]


def _files(root):
    return f"read_parquet('{root}/dataset={NAME}/**/*.parquet', hive_partitioning = true)"


def _database():
    """Return a new database in memory."""
    return importlib.import_module("duckdb").connect()


# Write


def write_ours(rows, *, months=2, folder=None):
    """Write a snapshot of each month, with its digest and provenance."""
    with tempfile.TemporaryDirectory() as root:
        for day, frame in _frames(rows, months, folder):
            snapshots.write(frame, root, date=day)
    return months


def write_duckdb(rows, *, months=2, folder=None):
    """Write a file of each month into the same folders with COPY."""
    days = [n for n in COLUMNS if n in {"license_effective_date", "license_expiry_date"}]
    casts = ", ".join(f"{name}::date as {name}" for name in days)
    with tempfile.TemporaryDirectory() as root, _database() as database:
        for day, frame in _frames(rows, months, folder):
            target = Path(root) / f"dataset={NAME}" / f"snapshot_date={day}"
            target.mkdir(parents=True)
            database.register("register", frame)
            query = f"select * replace ({casts}) from register"
            database.execute(f"copy ({query}) to '{target}/part-0.parquet' (format parquet)")
    return months


# Read


def latest_ours(rows, *, months=2, folder=None):
    """Read the latest snapshot."""
    return len(snapshots.read(_root(rows, months, folder), NAME))


def latest_duckdb(rows, *, months=2, folder=None):
    """Select the rows of the latest day into a frame of pandas."""
    files = _files(_root(rows, months, folder))
    with _database() as database:
        latest = f"(select max(snapshot_date) from {files})"
        return len(database.sql(f"select * from {files} where snapshot_date = {latest}").df())


def sum_ours(rows, *, months=2, folder=None):
    """Sum the hectares of one day."""
    root, day = _root(rows, months, folder), day_of(months // 2)
    frame = snapshots.read(root, NAME, date=day, columns=["licensed_area_ha"])
    return round(frame["licensed_area_ha"].sum())


def sum_duckdb(rows, *, months=2, folder=None):
    """Sum the hectares of one day in SQL."""
    files, day = _files(_root(rows, months, folder)), day_of(months // 2)
    query = f"select sum(licensed_area_ha) from {files} where snapshot_date = date '{day}'"
    with _database() as database:
        return round(database.sql(query).fetchall()[0][0])


# What has changed, and the history


def changes_ours(rows, *, months=2, folder=None):
    """Find every change, with its kind and the values as text and as numbers and days."""
    return snapshots.changes(_root(rows, months, folder), NAME)


def changes_duckdb(rows, *, months=2, folder=None):
    """Find the same changes with SQL, with the values as text and without kinds."""
    days = """
        with days as (
            select d as old_day, lead(d) over (order by d) as new_day
            from (select distinct snapshot_date as d from r)
        )
    """

    def joined(one, join, other):
        """Return the rows of one day with those of the other that have the same code."""
        return (
            f"from days join r n on n.snapshot_date = {one} "
            f"{join} join r o on o.{KEY} = n.{KEY} and o.snapshot_date = {other}"
        )

    def whole(change):
        columns = f"'{change}' as change, null as col, null as old, null as new"
        return f"{days} select old_day, new_day, n.{KEY}, {columns}"

    different = " or ".join(f"n.{name} is distinct from o.{name}" for name in OTHERS)
    sides = ", ".join(f"o.{name} as old_{name}, n.{name} as new_{name}" for name in OTHERS)
    cells = [
        f"select old_day, new_day, {KEY}, 'changed', '{name}', old_{name}::varchar, "
        f"new_{name}::varchar from edited where old_{name} is distinct from new_{name}"
        for name in OTHERS
    ]
    with _database() as database:
        database.execute(f"create view r as select * from {_files(_root(rows, months, folder))}")
        database.execute(
            f"create temp table edited as {days} select old_day, new_day, n.{KEY}, {sides} "
            f"{joined('new_day', '', 'old_day')} where {different}"
        )
        added = f"{whole('added')} {joined('new_day', 'anti', 'old_day')}"
        removed = f"{whole('removed')} {joined('old_day', 'anti', 'new_day')}"
        removed = f"{removed} where new_day is not null"
        queries = (added, removed, " union all ".join(cells))
        frames = [database.sql(query).df() for query in queries]
    return pd.concat(frames, ignore_index=True)


def history_ours(rows, *, months=2, folder=None):
    """Find each state of each row."""
    return snapshots.history(_root(rows, months, folder), NAME)


def history_duckdb(rows, *, months=2, folder=None):
    """Find the same states with SQL: runs of days, which are numbered, for each distinct row."""
    columns = ", ".join(COLUMNS)
    query = f"""
        with days as (
            select d, row_number() over (order by d) as i, lead(d) over (order by d) as after
            from (select distinct snapshot_date as d from r)
        ), numbered as (
            select {columns}, i, i - row_number() over (partition by {columns} order by i) as run
            from r join days on snapshot_date = d
        ), runs as (
            select {columns}, min(i) as first, max(i) as last from numbered group by {columns}, run
        )
        select b.d as valid_from, e.after as valid_to, runs.* exclude (first, last)
        from runs join days b on b.i = first join days e on e.i = last
    """
    with _database() as database:
        database.execute(f"create view r as select * from {_files(_root(rows, months, folder))}")
        return database.sql(query).df()


def history_dlt(rows, *, months=2, folder=None):
    """Merge each month into a table of DuckDB with dlt's slowly changing dimension."""
    dlt = importlib.import_module("dlt")
    hashed = importlib.import_module("dlt.sources.helpers.transform").add_row_hash_to_table
    with tempfile.TemporaryDirectory() as home:
        destination = dlt.destinations.duckdb(f"{home}/register.duckdb")
        pipeline = dlt.pipeline(
            "register", pipelines_dir=f"{home}/pipelines", destination=destination
        )
        for day, frame in _frames(rows, months, folder):
            resource = dlt.resource(
                [frame.copy()],  # dlt adds a column in place
                name="licenses",
                write_disposition={
                    "disposition": "merge",
                    "strategy": "scd2",
                    "row_version_column_name": "row_hash",
                    "boundary_timestamp": day.isoformat(),
                },
            ).add_map(hashed("row_hash"))
            pipeline.run(resource)
        with pipeline.sql_client() as client:
            return client.execute_sql("select count(*) from licenses")[0][0]


# Two registers


@cache
def _pair(rows, folder):
    return tuple(frame for _, frame in _frames(rows, 2, folder))


@cache
def _polars_pair(rows, folder):
    polars = importlib.import_module("polars")
    return tuple(polars.from_pandas(frame) for frame in _pair(rows, folder))


@cache
def _copies(rows, folder):
    """Return copies, because datacompy changes its arguments in place."""
    return tuple(frame.copy() for frame in _pair(rows, folder))


def diff_ours(rows, *, folder=None, **_):
    """Find every change between two frames, with its kind."""
    return snapshots.diff(*_pair(rows, folder))


def diff_polars(rows, *, folder=None, **_):
    """Find the rows of each frame that the other lacks, with anti-joins over all columns."""
    old, new = _polars_pair(rows, folder)
    gone = old.join(new, on=COLUMNS, how="anti", nulls_equal=True)
    come = new.join(old, on=COLUMNS, how="anti", nulls_equal=True)
    return len(gone) + len(come)


def diff_datacompy(rows, *, folder=None, **_):
    """Compare two frames with datacompy, and count the rows that differ."""
    old, new = _copies(rows, folder)
    found = importlib.import_module("datacompy").PandasCompare(old, new, join_columns=KEY)
    return len(found.all_mismatch()) + len(found.df1_unq_rows) + len(found.df2_unq_rows)
