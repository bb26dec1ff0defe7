"""Measure queries of large exports, in memory and from disk.

``python benchmarks/scale.py`` streams made-up licences to Parquet as `sectorsdf.write_parquet`
writes them, runs the same three queries with pandas, DuckDB and Polars, each in a process of its
own, and prints the time and memory that they took. ``--write`` puts the tables into
`docs/howto/scale.md`. It works in a temporary folder, which it removes. The formulas for the cost
of a sweep are here too.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import math
import multiprocessing
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import sectorsdf
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.sandbox.sample import Sample

PAGE = Path(__file__).resolve().parents[1] / "docs" / "howto" / "scale.md"
START, END = "<!-- measured: benchmarks/scale.py --write -->", "<!-- end of measured -->"

ROWS_PER_PAGE = 30
REQUESTS_PER_MINUTE = 30
REGISTER = 4_151

GROUP = 1 << 18
HOLDERS = 1_000_000
PROVINCE = "Kalimantan Timur"
LIMIT = "2GB"
# The largest export that is read into a frame. Ten times as many rows would need some 30 GiB.
IN_MEMORY = 10_000_000
# More bytes than a row takes in any export so far, to check for free space before writing.
BYTES_PER_ROW = 250
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = (datetime(2005, 1, 1, tzinfo=UTC) - _EPOCH).days


# What a sweep costs


def pages(rows):
    """Return the number of pages of a sweep. An empty list has one page."""
    return max(1, math.ceil(rows / ROWS_PER_PAGE))


def credits_for(rows):
    """Return the credits that a sweep costs: one per page."""
    return pages(rows)


def minutes(rows):
    """Return the minutes that a sweep takes because of the rate limit alone."""
    return pages(rows) / REQUESTS_PER_MINUTE


# A made-up export


def _register(seed):
    builder = FrameBuilder(MINING_LICENSES)
    builder.add(Sample(seed, {"mining_licenses": REGISTER})["mining_licenses"])
    # Through a frame, which adds the metadata that pandas reads its dtypes from.
    return to_arrow(from_arrow(builder.table()))


def _joined(*parts):
    texts = [part if isinstance(part, str) else part.cast(pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, "")


def _stems(names):
    return pc.unique(pc.replace_substring_regex(names, r"\s*\d+$", ""))


def _days(numbers):
    return pa.array(numbers.astype(np.int32)).cast(pa.date32())


class Licences:
    """Any number of made-up licences, the same in every run.

    Fields with few values (type, province, commodity) come from the sample's rows, with their
    frequencies and nulls. Codes, numbers, days, areas and locations are drawn row by row, because a
    repeated sample would compress better than a real register. Every row has a code of its own.
    The licences belong to up to `HOLDERS` companies, some with far more of them than others.
    """

    def __init__(self, seed=2026):
        self._seed = seed
        self._sample = _register(seed).combine_chunks()
        self._companies = _stems(self._sample["company_name"].combine_chunks())
        self.schema = self._sample.schema

    def group(self, first, rows):
        """Return the rows from number `first` on."""
        draw = np.random.default_rng([self._seed, first])
        chosen = self._sample.take(pa.array(draw.integers(0, len(self._sample), rows)))
        columns = {name: chosen[name].combine_chunks() for name in chosen.column_names}
        begin = _FIRST_DAY + draw.integers(0, 20 * 365, rows)
        years = pa.array(1970 + begin // 365)
        holder = (HOLDERS * draw.random(rows) ** 2).astype(np.int64)
        company = self._companies.take(pa.array(holder % len(self._companies)))
        village, district, number = (
            pa.array(draw.integers(1, top, rows)) for top in (9000, 999, 9999)
        )
        # Ten digits that are unique and five at random: consecutive codes would compress too well.
        counted = np.arange(first, first + rows, dtype=np.int64) * 6_180_339_887 % 10**10
        codes = pa.array(counted * 10**5 + draw.integers(0, 10**5, rows)).cast(pa.string())
        columns |= {
            "wiup_code": _joined("3", pc.utf8_lpad(codes, 15, "0")),
            "license_number": _joined(number, "/", district, "/CONTOH/", years),
            "license_effective_date": _days(begin),
            "license_expiry_date": _days(begin + 365 * draw.integers(3, 21, rows)),
            "licensed_area_ha": pa.array(np.round(draw.lognormal(5.5, 1.8, rows), 2)),
            "company_name": _joined(company, " ", pa.array(holder)),
        }
        columns["location"] = self._where(
            columns["location"],
            _joined(
                "Desa Contoh ", village, ", Kecamatan Contoh ", district, ", ", columns["city"]
            ),
        )
        columns["company_slug"] = self._where(
            columns["company_slug"], _joined("pt-contoh-", pa.array(holder))
        )
        for name, low, high in (("longitude", 95.0, 141.0), ("latitude", -11.0, 6.0)):
            drawn = pa.array(np.round(draw.uniform(low, high, rows), 6))
            columns[name] = self._where(columns[name], drawn)
        return pa.table(columns, schema=self.schema)

    @staticmethod
    def _where(gaps, values):
        return pc.if_else(pc.is_valid(gaps), values, pa.scalar(None, values.type))


def write(file, rows, *, group=GROUP):
    """Stream licences to a Parquet file, with at most two row groups in memory."""
    licences = Licences()
    # The options of `sectorsdf.write_parquet`.
    options = {
        "compression": "zstd",
        "use_dictionary": True,
        "write_statistics": True,
        "write_page_index": True,
    }
    with (
        ThreadPoolExecutor(1) as pool,
        pq.ParquetWriter(file, licences.schema, **options) as writer,
    ):
        next_group = pool.submit(licences.group, 0, min(group, rows))
        for first in range(0, rows, group):
            table, following = next_group.result(), first + group
            if following < rows:
                size = min(group, rows - following)
                next_group = pool.submit(licences.group, following, size)
            writer.write_table(table, row_group_size=group)


# The queries, for each engine


SQL = {
    "expiring": """
        SELECT year(license_expiry_date), commodity_type, sum(licensed_area_ha)
        FROM read_parquet($file) GROUP BY 1, 2 ORDER BY 1, 2
    """,
    "holders": """
        SELECT company_name, sum(licensed_area_ha)
        FROM read_parquet($file) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10
    """,
    "province": "SELECT count(*) FROM read_parquet($file) WHERE province = $province",
}
TITLES = {
    "expiring": "hectares by year and commodity",
    "holders": "largest holders",
    "province": "rows of a province",
}


def query_duckdb(file, query):
    """Query the file with DuckDB, whose memory is limited."""
    duckdb = importlib.import_module("duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{LIMIT}'")
        connection.execute(f"SET temp_directory = '{Path(file).with_suffix('.spill')}'")
        parameters = {"file": str(file)}
        if query == "province":
            parameters["province"] = PROVINCE
        return connection.execute(SQL[query], parameters).fetchall()


def query_polars(file, query):
    """Query the file with Polars' streaming engine."""
    pl = importlib.import_module("polars")
    licences, area = pl.scan_parquet(file), pl.col("licensed_area_ha").sum()
    year = pl.col("license_expiry_date").dt.year().cast(pl.Int64)
    lazy = {
        "expiring": licences.group_by(year, "commodity_type")
        .agg(area)
        .sort("license_expiry_date", "commodity_type"),
        "holders": licences.group_by("company_name")
        .agg(area)
        .sort(["licensed_area_ha", "company_name"], descending=[True, False])
        .limit(10),
        "province": licences.filter(pl.col("province") == PROVINCE).select(pl.len()),
    }[query]
    return lazy.collect(engine="streaming").rows()


def query_pandas(file, query):
    """Read the whole file with `sectorsdf.read_parquet`, and query the frame."""
    frame = sectorsdf.read_parquet(file)
    if query == "province":
        return [(int((frame["province"] == PROVINCE).sum()),)]
    if query == "holders":
        sums = frame.groupby("company_name")["licensed_area_ha"].sum().reset_index()
        ranked = sums.sort_values(["licensed_area_ha", "company_name"], ascending=[False, True])
        return list(ranked.head(10).itertuples(index=False, name=None))
    year = frame["license_expiry_date"].dt.year
    sums = frame.groupby([year, frame["commodity_type"]])["licensed_area_ha"].sum().reset_index()
    return list(sums.itertuples(index=False, name=None))


ENGINES = {"pandas": query_pandas, "DuckDB": query_duckdb, "Polars": query_polars}
READERS = {"sectorsdf.read_parquet": sectorsdf.read_parquet, "pandas.read_parquet": pd.read_parquet}


def same_answers(one, other):
    """Return whether two answers agree, up to the rounding of sums."""
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) else a == b
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left, right, strict=True)
    )


# Measuring, each piece of work in a process of its own


@dataclass(frozen=True)
class Measured:
    """A piece of work: its seconds, the peak memory of its process in bytes, and its result."""

    seconds: float
    peak: int
    result: object


def _peak():
    status = Path("/proc/self/status")
    if status.exists():
        # The peak of getrusage may be that of the parent process, from before exec.
        lines = status.read_text().splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _measure(function, arguments):
    start = time.perf_counter()
    result = function(*arguments)
    return Measured(time.perf_counter() - start, _peak(), result)


def measure_alone(function, *arguments):
    """Call a function in a new process, and measure it."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_measure, function, arguments).result()


def run_query(engine, file, query):
    """Run a query with an engine."""
    return ENGINES[engine](file, query)


def frame_bytes(reader, file):
    """Return the bytes of a frame of the whole file, with its Python objects."""
    frame = READERS[reader](file)
    gc.collect()
    return int(frame.memory_usage(deep=True).sum())


# All sizes, and their report


@dataclass(frozen=True)
class Size:
    """The measurements of one number of rows."""

    rows: int
    written: Measured
    bytes: int
    frames: dict[str, Measured]
    answers: dict[tuple[str, str], Measured]


def measure_size(rows, folder, engines=tuple(ENGINES), *, in_memory=IN_MEMORY):
    """Write an export, run every query with every engine, and compare the answers."""
    file = Path(folder) / f"{rows}.parquet"
    need, free = rows * BYTES_PER_ROW, shutil.disk_usage(folder).free
    if need > free:
        raise RuntimeError(f"{rows:,} rows may need {need:,} bytes; {folder} has {free:,} free")
    try:
        written = measure_alone(write, file, rows)
        small = rows <= in_memory
        frames = {name: measure_alone(frame_bytes, name, file) for name in READERS if small}
        answers = {}
        for query in SQL:
            for engine in engines:
                if engine != "pandas" or small:
                    answers[engine, query] = measure_alone(run_query, engine, file, query)
            first, *others = [run.result for (_, name), run in answers.items() if name == query]
            if not all(same_answers(first, other) for other in others):
                raise RuntimeError(f"answers to {query!r} of {rows:,} rows differ")
        return Size(rows, written, file.stat().st_size, frames, answers)
    finally:
        file.unlink(missing_ok=True)


def _cell(run):
    return f"{run.seconds:.1f} s, {run.peak / 2**30:.1f} GiB" if run else "not tried"


def format_report(sizes, *, when=None):
    """Return the measurements as Markdown."""
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("pandas", "pyarrow", "duckdb", "polars")
    )
    day = (when or datetime.now(UTC)).date()
    lines = [
        f"Measured {day}: Python {platform.python_version()}, {os.cpu_count()} cores, {versions}.",
        "",
        "| rows | Parquet | bytes per row | time and memory to write |",
        "|--:|--:|--:|--:|",
    ]
    for size in sizes:
        mebibytes, each = size.bytes / 2**20, size.bytes / size.rows
        lines.append(
            f"| {size.rows:,} | {mebibytes:,.0f} MiB | {each:.0f} | {_cell(size.written)} |"
        )
    head = "| reader of a frame | rows | bytes per row | time and memory to read |"
    lines += ["", head, "|---|--:|--:|--:|"]
    for name in READERS:
        for size in (size for size in sizes if size.frames):
            run = size.frames[name]
            lines.append(
                f"| `{name}` | {size.rows:,} | {run.result / size.rows:.0f} | {_cell(run)} |"
            )
    lines += ["", f"| query | rows | {' | '.join(ENGINES)} |", "|---|--:|--:|--:|--:|"]
    for query, title in TITLES.items():
        for size in sizes:
            cells = " | ".join(_cell(size.answers.get((name, query))) for name in ENGINES)
            lines.append(f"| {title} | {size.rows:,} | {cells} |")
    return "\n".join(lines)


def write_report(text, page=PAGE):
    """Write Markdown between the markers of a page."""
    before, start, rest = page.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise RuntimeError(f"{page} must contain {START!r} and {END!r}")
    page.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def main(arguments=None):
    """Measure every size, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000, help="rows of the largest export")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.name}")
    options = parser.parse_args(arguments)
    if options.rows < 1:
        parser.error(f"--rows must be at least 1, not {options.rows}")
    sizes = []
    with tempfile.TemporaryDirectory(prefix="sectorsdf-scale-") as folder:
        for rows in sorted({*(min(options.rows, n) for n in (1_000_000, IN_MEMORY)), options.rows}):
            sizes.append(measure_size(rows, folder))
            print(f"{rows:,} rows measured", file=sys.stderr)
    text = format_report(sizes)
    print(text)
    if options.write:
        write_report(text)


if __name__ == "__main__":
    main()
