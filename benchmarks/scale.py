"""Past one machine's memory: the same questions of ever larger exports, in memory and from disk.

``python benchmarks/scale.py`` streams made-up licences to Parquet, as `sectorsdf.write_parquet`
would write them, asks pandas, DuckDB and Polars the same three questions, each in a process of its
own, and prints what that took; ``--write`` puts it into `docs/howto/scale.md`. It works in a
temporary folder and leaves nothing behind. What a sweep costs is arithmetic, and stands here too.
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
from sectorsdf.sandbox.sample import generate

PAGE = Path(__file__).resolve().parents[1] / "docs" / "howto" / "scale.md"
START, END = "<!-- measured: benchmarks/scale.py --write -->", "<!-- end of measured -->"

ROWS_A_PAGE = 30
REQUESTS_A_MINUTE = 30
REGISTER = 4_151

GROUP = 1 << 18
HOLDERS = 1_000_000
PROVINCE = "Kalimantan Timur"
LIMIT = "2GB"
# No more than this is read into a frame: ten times as many would not fit this machine.
IN_MEMORY = 10_000_000
# More than a row was ever seen to take, so that a full disk is noticed before it is full.
ROOM_A_ROW = 250
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = (datetime(2005, 1, 1, tzinfo=UTC) - _EPOCH).days


# What a sweep costs


def pages(rows):
    """Return how many pages a sweep of so many rows asks for: an empty one costs as much."""
    return max(1, math.ceil(rows / ROWS_A_PAGE))


def credits_for(rows):
    """Return what that costs: a credit a page."""
    return pages(rows)


def minutes(rows):
    """Return how long the rate limit alone keeps that sweep."""
    return pages(rows) / REQUESTS_A_MINUTE


# An export to ask


def _register(seed):
    builder = FrameBuilder(MINING_LICENSES)
    builder.add(generate(seed, licenses=REGISTER, auctions=0, sites=0)["mining_licenses"])
    # By way of a frame, so that the schema has what pandas reads its dtypes from.
    return to_arrow(from_arrow(builder.table(), {}))


def _joined(*parts):
    texts = [part if isinstance(part, str) else part.cast(pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, "")


def _stems(names):
    return pc.unique(pc.replace_substring_regex(names, r"\s*\d+$", ""))


def _days(numbers):
    return pa.array(numbers.astype(np.int32)).cast(pa.date32())


class Licences:
    """Made-up licences without end, each group of them the same in every run.

    What has few values (type, province, commodity) comes from the sample's rows, with their
    frequencies and gaps; codes, numbers, days, areas and places are drawn row by row, because a
    repeated sample would compress as no register does. Every row has a code of its own, and
    `HOLDERS` companies hold all, the first of them far more than the last.
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
        # Ten digits that no two rows share and five by chance: counting up would compress too well.
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
    """Stream so many licences to a file, two groups of them in memory at any time."""
    licences = Licences()
    # What `sectorsdf.write_parquet` writes with, a row group at a time.
    how = {
        "compression": "zstd",
        "use_dictionary": True,
        "write_statistics": True,
        "write_page_index": True,
    }
    firsts = list(range(0, rows, group))
    with ThreadPoolExecutor(1) as ahead, pq.ParquetWriter(file, licences.schema, **how) as writer:
        coming = ahead.submit(licences.group, 0, min(group, rows))
        for first in firsts:
            table, then = coming.result(), first + group
            if then < rows:
                coming = ahead.submit(licences.group, then, min(group, rows - then))
            writer.write_table(table, row_group_size=group)


# The questions, of each of those who can answer


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
ASKED = {
    "expiring": "hectares by year and commodity",
    "holders": "largest holders",
    "province": "rows of a province",
}


def ask_duckdb(file, question):
    """Answer from the file, with DuckDB held to a limit of memory."""
    duckdb = importlib.import_module("duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{LIMIT}'")
        connection.execute(f"SET temp_directory = '{Path(file).with_suffix('.spill')}'")
        given = {"file": str(file)}
        if question == "province":
            given["province"] = PROVINCE
        return connection.execute(SQL[question], given).fetchall()


def ask_polars(file, question):
    """Answer from the file, with Polars' streaming engine."""
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
    }[question]
    return lazy.collect(engine="streaming").rows()


def ask_pandas(file, question):
    """Answer from a frame of the whole file, as `sectorsdf.read_parquet` gives it."""
    frame = sectorsdf.read_parquet(file)
    if question == "province":
        return [(int((frame["province"] == PROVINCE).sum()),)]
    if question == "holders":
        sums = frame.groupby("company_name")["licensed_area_ha"].sum().reset_index()
        ranked = sums.sort_values(["licensed_area_ha", "company_name"], ascending=[False, True])
        return list(ranked.head(10).itertuples(index=False, name=None))
    year = frame["license_expiry_date"].dt.year
    sums = frame.groupby([year, frame["commodity_type"]])["licensed_area_ha"].sum().reset_index()
    return list(sums.itertuples(index=False, name=None))


ANSWERERS = {"pandas": ask_pandas, "DuckDB": ask_duckdb, "Polars": ask_polars}
READERS = {"sectorsdf.read_parquet": sectorsdf.read_parquet, "pandas.read_parquet": pd.read_parquet}


def same(one, other):
    """Tell whether two answers agree, up to the order in which floats were added."""
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) else a == b
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left, right, strict=True)
    )


# Each in a process of its own


@dataclass(frozen=True)
class Taken:
    """What a piece of work took: seconds, the process's greatest memory in bytes, what came."""

    seconds: float
    peak: int
    came: object


def _peak():
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike getrusage's, this is of the program itself, not of what started it.
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _timed(function, given):
    begun = time.perf_counter()
    came = function(*given)
    return Taken(time.perf_counter() - begun, _peak(), came)


def alone(function, *given):
    """Do a piece of work in a new process; return what it took."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_timed, function, given).result()


def ask(who, file, question):
    """Answer a question."""
    return ANSWERERS[who](file, question)


def frame_bytes(reader, file):
    """Return what a frame of the whole file takes, its Python objects included."""
    frame = READERS[reader](file)
    gc.collect()
    return int(frame.memory_usage(deep=True).sum())


# All sizes, and what is told of them


@dataclass(frozen=True)
class Size:
    """What was measured of one number of rows."""

    rows: int
    written: Taken
    bytes: int
    frames: dict[str, Taken]
    answers: dict[tuple[str, str], Taken]


def measure(rows, folder, who=tuple(ANSWERERS), *, in_memory=IN_MEMORY):
    """Generate an export, ask everyone, compare the answers, remove it."""
    file = Path(folder) / f"{rows}.parquet"
    need, free = rows * ROOM_A_ROW, shutil.disk_usage(folder).free
    if need > free:
        raise RuntimeError(f"{rows:,} rows may need {need:,} bytes; {folder} has {free:,} free")
    try:
        written = alone(write, file, rows)
        small = rows <= in_memory
        frames = {name: alone(frame_bytes, name, file) for name in READERS if small}
        answers = {}
        for question in SQL:
            for name in who:
                if name != "pandas" or small:
                    answers[name, question] = alone(ask, name, file, question)
            came = [taken.came for (_, asked), taken in answers.items() if asked == question]
            if not all(same(came[0], other) for other in came[1:]):
                raise RuntimeError(f"answers to {question!r} of {rows:,} rows differ")
        return Size(rows, written, file.stat().st_size, frames, answers)
    finally:
        file.unlink(missing_ok=True)


def _cell(taken):
    return f"{taken.seconds:.1f} s, {taken.peak / 2**30:.1f} GiB" if taken else "not tried"


def told(sizes, *, when=None):
    """Return what was measured, as Markdown."""
    versions = ", ".join(
        f"{x} {metadata.version(x)}" for x in ("pandas", "pyarrow", "duckdb", "polars")
    )
    day = (when or datetime.now(UTC)).date()
    lines = [
        f"Measured {day}: Python {platform.python_version()}, {os.cpu_count()} cores, {versions}.",
        "",
        "| rows | Parquet | bytes a row | generated in |",
        "|--:|--:|--:|--:|",
    ]
    for size in sizes:
        mebibytes, each = size.bytes / 2**20, size.bytes / size.rows
        lines.append(
            f"| {size.rows:,} | {mebibytes:,.0f} MiB | {each:.0f} | {_cell(size.written)} |"
        )
    lines += ["", "| a frame by | rows | bytes a row | read in, peak |", "|---|--:|--:|--:|"]
    for name in READERS:
        for size in (size for size in sizes if size.frames):
            taken = size.frames[name]
            lines.append(
                f"| `{name}` | {size.rows:,} | {taken.came / size.rows:.0f} | {_cell(taken)} |"
            )
    lines += ["", f"| question | rows | {' | '.join(ANSWERERS)} |", "|---|--:|--:|--:|--:|"]
    for question, words in ASKED.items():
        for size in sizes:
            cells = " | ".join(_cell(size.answers.get((name, question))) for name in ANSWERERS)
            lines.append(f"| {words} | {size.rows:,} | {cells} |")
    return "\n".join(lines)


def put(text, page=PAGE):
    """Put Markdown between the page's markers."""
    before, start, rest = page.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise RuntimeError(f"{page} lacks {START!r} or {END!r}")
    page.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def main(arguments=None):
    """Measure every size, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000, help="rows of the largest export")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    given = parser.parse_args(arguments)
    if given.rows < 1:
        parser.error(f"--rows must be at least 1, not {given.rows}")
    sizes = []
    with tempfile.TemporaryDirectory(prefix="sectorsdf-scale-") as folder:
        for rows in sorted({min(given.rows, 1_000_000), min(given.rows, IN_MEMORY), given.rows}):
            sizes.append(measure(rows, folder))
            print(f"{rows:,} rows measured", file=sys.stderr)
    text = told(sizes)
    print(text)
    if given.write:
        put(text)


if __name__ == "__main__":
    main()
