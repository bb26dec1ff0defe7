"""Spark reads roots and partitioned folders as they lie, with the types intact.

Starting Spark takes most of the time, so one process with one session reads everything.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from support.paths import ROOT
from support.snapshots import complete_frame, plain, rows

import sectorsdf
from sectorsdf import sandbox, snapshots
from sectorsdf.datasets import DATASETS

pytestmark = [
    pytest.mark.newest,
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed"
    ),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs a Java runtime"),
]

PROGRAM = ROOT / "tests" / "support" / "spark_reads.py"
PAGE = ROOT / "docs" / "howto" / "history.md"
TYPES = {
    "text": "StringType",
    "json": "StringType",
    "date": "DateType",
    "integer": "LongType",
    "number": "DoubleType",
    "flag": "BooleanType",
}
# The recipe on the page starts Spark as it is installed; a test needs one core and no web page.
SETTINGS = """
spark.master local[1]
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.driver.memory 512m
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
spark.sql.codegen.wholeStage false
spark.sql.shuffle.partitions 1
spark.ui.enabled false
spark.ui.showConsoleProgress false
"""
LICENSES = "mining_licenses"
AUCTIONS = "mining_license_auctions"


def recipe():
    """The program for Spark on the page, and what the page says that it prints.

    It is marked as python3, because the test that runs the python blocks has no Java.
    """
    (found,) = re.findall(
        r"^```python3\n(.*?)^```\n\n```text\n(.*?)^```", PAGE.read_text(), re.M | re.S
    )
    return found


def read_with_spark(work, folders):
    """Run the recipe in a folder, read further folders, and return what Spark has found."""
    program, _ = recipe()
    (work / "recipe.py").write_text(program, encoding="utf-8")
    (work / "spark-defaults.conf").write_text(SETTINGS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, PROGRAM, "recipe.py", *(str(part) for pair in folders for part in pair)],
        cwd=work,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "SPARK_CONF_DIR": str(work),
            "SPARK_LOCAL_DIRS": str(work / "scratch"),
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_spark_reads_what_is_written_with_every_type(tmp_path):
    for month in sandbox.months(3):
        snapshots.write(complete_frame(month.records), tmp_path / "lake", date=month.day)
    written = ROOT / "tests" / "data" / "written_roots" / "newest"
    licenses = snapshots.read(tmp_path / "lake", LICENSES).head(300)
    licenses.loc[:4, "activity"] = None
    folder = sectorsdf.export(licenses, tmp_path / "parts", partition_by="activity")
    found = read_with_spark(
        tmp_path,
        [
            (written / f"dataset={AUCTIONS}", snapshots.schema(AUCTIONS, "spark")),
            (written, ""),
            (folder, ""),
        ],
    )
    assert found["printed"] == recipe()[1]
    with_schema, as_it_lies, parts = found["folders"]

    declared = {column.name: TYPES[column.kind] for column in DATASETS[AUCTIONS].columns}
    assert set(declared.values()) == set(TYPES.values())
    assert list(with_schema["types"].items()) == [*declared.items(), ("snapshot_date", "DateType")]
    partitions = {"dataset": "StringType", "snapshot_date": "DateType"}
    assert as_it_lies["types"] == {**declared, **partitions}
    assert {row["dataset"] for row in as_it_lies["rows"]} == {AUCTIONS}
    for each in (with_schema, as_it_lies):
        for day in ("2026-10-01", "2026-11-01"):
            own = [row for row in each["rows"] if row["snapshot_date"] == day]
            frame = snapshots.read(written, AUCTIONS, date=day)
            assert in_order(own, declared) == in_order(rows(frame), declared)
    assert "0071422122023000" in {row["wiup_code"] for row in with_schema["rows"]}

    declared = {column.name: TYPES[column.kind] for column in DATASETS[LICENSES].columns}
    assert parts["types"] == declared
    assert in_order(parts["rows"], declared) == in_order(rows(licenses), declared)
    assert sum(plain(row["activity"]) is None for row in parts["rows"]) >= 5


def in_order(found, names):
    """Rows with these columns, in the order of their content."""
    return sorted(json.dumps([row[name] for name in names]) for row in found)
