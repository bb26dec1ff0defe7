"""Read folders with Spark, and write what it finds as JSON; `test_spark` runs it as a process.

The arguments are a file with a program that makes the session ``spark``, and for each folder its
path and the DDL of its columns, which may be empty.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path


def main(program, *folders):
    """Run the program, read the folders, and print one JSON object."""
    names = {"__name__": "page"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(Path(program).read_text(encoding="utf-8"), program, "exec"), names)
    spark = names["spark"]
    found = []
    for folder, columns in zip(folders[::2], folders[1::2], strict=True):
        reader = spark.read.schema(columns) if columns else spark.read
        frame = reader.parquet(folder)
        types = {field.name: type(field.dataType).__name__ for field in frame.schema.fields}
        found.append({"types": types, "rows": [row.asDict() for row in frame.collect()]})
    spark.stop()
    result = {"printed": printed.getvalue(), "folders": found}
    sys.stdout.write(json.dumps(result, default=str) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
