"""Say in words what a file is that is not Parquet, by its first bytes.

It must not import any other module of the package.
"""

from __future__ import annotations

__all__ = ["describe_foreign"]

_MARKS = {
    b"PAR1": "a Parquet file that was cut short or damaged",
    b"PARE": "a Parquet file that is encrypted",
    b"ARROW1": "an Arrow IPC (Feather) file; read it with pyarrow.feather.read_table",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; read a workbook with pandas.read_excel",
    b"SQLite format 3\0": "an SQLite database or a GeoPackage; read it with pandas.read_sql",
    b"\x1f\x8b": "a file compressed with gzip",
    b"\x28\xb5\x2f\xfd": "a file compressed with zstd",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
    b"<": "a page of HTML or XML",
    b"{": "JSON; read it with pandas.read_json",
    b"[": "JSON; read it with pandas.read_json",
}
_DUCKDB = b"DUCK"


def describe_foreign(head: bytes) -> str:
    """Return what a file is, given its first bytes.

    Parameters
    ----------
    head : bytes
        Some hundred bytes.

    Returns
    -------
    str
        Such as ``"an empty file"``.
    """
    if not head:
        return "an empty file"
    if head[8:12] == _DUCKDB:
        return "a DuckDB database; read it with duckdb.connect"
    stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, what in _MARKS.items():
        if head.startswith(mark) or (len(mark) == 1 and stripped.startswith(mark)):
            return what
    try:
        # The last character may be cut in two.
        text = head.decode("utf-8", "strict") if head.isascii() else head[:-4].decode("utf-8")
    except UnicodeDecodeError:
        return "a binary file of another format"
    if any(ord(char) < 32 and char not in "\t\r\n\f" for char in text):
        return "a binary file of another format"
    return "a text file, such as CSV; read that with pandas.read_csv"
