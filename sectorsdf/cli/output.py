"""Where the rows of a command go, and the summary and warnings on stderr.

Imports pandas and pyarrow: a command imports this module when it runs.
"""

from __future__ import annotations

import difflib
import io
import os
import shutil
import sys
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from sectorsdf.cli.base import State
from sectorsdf.cli.exit_codes import in_cli_words
from sectorsdf.cli.streams import say
from sectorsdf.cli.table import as_record, as_table
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import CacheWarning, DataWarning, IncompleteWarning, printable
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.io.export import check_target, export_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from sectorsdf.datasets.schema import Dataset

__all__ = ["Output", "one_line_warnings"]

# The line of the command above the table, the summary and the prompt below it.
_LINES_AROUND = 3


@dataclass
class Output:
    """Where rows go: to a file, a terminal, or a pipe.

    Parameters
    ----------
    path : Path, optional
        The file.
    overwrite : bool
        Whether to replace it.
    format : str, optional
        What to print without a file.
    columns : sequence of str
        The only columns to write; all if it is empty.
    quiet : bool
        Whether to print no summary.
    partition_by : sequence of str
        The columns that divide the rows into the files of a folder.
    """

    path: Path | None = None
    overwrite: bool = False
    format: str | None = None
    columns: Sequence[str] = field(default=())
    quiet: bool = False
    partition_by: Sequence[str] = field(default=())

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Output:
        """Make an output from a command's options; remove from them what it uses."""
        output = cls(
            options.pop("output", None),
            options.pop("overwrite", False),
            options.pop("format", None),
            _names(options.pop("columns", ())),
            options.pop("quiet", False),
            _names(options.pop("partition_by", ())),
        )
        if output.path is not None and output.format is not None:
            message = "-o FILE and --format exclude each other: the file's suffix says its format."
            raise click.UsageError(message)
        if output.partition_by and output.path is None:
            message = "--partition-by needs -o FOLDER, into which the files are written."
            raise click.UsageError(message)
        return output

    def check(self, dataset: Dataset) -> None:
        """Refuse what cannot be written of a dataset, before a credit is spent for it.

        Raises
        ------
        click.UsageError
            As in `check_frame`.
        """
        self.check_frame(dataset.schema.empty_table().to_pandas(), dataset)

    def check_frame(self, empty: pd.DataFrame, dataset: Dataset | None = None) -> None:
        """Refuse what cannot be written of a frame with these columns.

        Raises
        ------
        click.UsageError
            A column is unknown, the file exists already, its format is unknown, or its folder does
            not exist.
        """
        known = [str(name) for name in empty.columns]
        _refuse_unknown(self.columns, known, "--columns")
        if self.path is None:
            return
        selected = [name for name in self.columns if name in known] or known
        _refuse_unknown(self.partition_by, selected, "--partition-by")
        parts = list(self.partition_by) or None
        try:
            # Parquet takes every column. Another format refuses an empty frame with these as well.
            if parts or self.path.suffix.lower() != ".parquet":
                with tempfile.TemporaryDirectory(prefix="sectorsdf-") as folder:
                    export_frame(empty[selected], Path(folder) / self.path.name, partition_by=parts)
            if not self.path.parent.is_dir():
                message = f"The folder {str(self.path.parent)!r} does not exist: make it first."
                raise click.BadParameter(message, param_hint="'-o'")
            if os.path.lexists(self.path) and not self.overwrite:
                message = f"{str(self.path)!r} exists already; --overwrite replaces it."
                raise click.BadParameter(message, param_hint="'-o'")
            check_target(self.path, overwrite=self.overwrite, dataset=dataset, partition_by=parts)
        except (ValueError, OSError) as error:
            raise click.BadParameter(in_cli_words(_reason(error)), param_hint="'-o'") from error

    def write(self, frame: pd.DataFrame) -> None:
        """Write the rows to the file, or print them."""
        if self.columns:
            frame = frame[[name for name in self.columns if name in frame]]
        if self.path is not None:
            parts = list(self.partition_by) or None
            export_frame(frame, self.path, overwrite=self.overwrite, partition_by=parts)
            return
        on_terminal = sys.stdout.isatty()
        output_format = self.format or ("table" if on_terminal else "csv")
        if output_format != "table":
            _print_file(frame, output_format)
            return
        size = shutil.get_terminal_size()
        width = size.columns if on_terminal else None
        if len(frame) == 1 and on_terminal and len(frame.columns) > 1:
            lines = as_record(frame, width=width)
        else:
            height = size.lines - _LINES_AROUND if on_terminal else None
            lines = as_table(
                frame, width=width, height=height, units=_units_in(frame), more=_ways_to_see_all()
            )
        # Line by line: if the pipe is closed during one large write, Python raises no error.
        for line in lines:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def summarize(self, frame: pd.DataFrame, spent: int) -> None:
        """Print on stderr how many rows there are, what they cost, and where they come from."""
        if self.quiet:
            return
        provenance = frame.attrs.get(ATTRS, {})
        parts = [
            f"{len(frame):,} row{'' if len(frame) == 1 else 's'}",
            f"{spent:,} credit{'' if spent == 1 else 's'} spent",
            _source(provenance, spent),
        ]
        if provenance.get("not_found"):
            parts.append(f"{len(provenance['not_found']):,} not known to the API")
        elif not provenance.get("complete", True) and provenance.get("max_rows") is None:
            parts.append("not shown to be complete")
        prefix = "" if self.path is None else f"{self.path}: "
        say(prefix + ", ".join(parts))


def _names(texts: Iterable[str]) -> list[str]:
    """Return the distinct names in texts with commas between them."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return list(dict.fromkeys(filter(None, parts)))


def _refuse_unknown(names: Iterable[str], known: Sequence[str], option: str) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            message = f"There is no column {name!r}.{hint} The columns are {', '.join(known)}."
            raise click.BadParameter(message, param_hint=f"'{option}'")


def _ways_to_see_all() -> str:
    """Return the ways to see all of a table that the command which runs has."""
    context = click.get_current_context(silent=True)
    state = State() if context is None else context.ensure_object(State)
    ways = [("-o", "-o FILE"), ("--columns", "--columns"), ("--format", "--format csv")]
    found = [text for option, text in ways if option in (state.options or ())]
    return ", or ".join([*found[:2], "a pipe"])


def _units_in(frame: pd.DataFrame) -> dict[str, str]:
    """Return the column with the unit of each column of numbers, as the dataset declares it."""
    dataset = DATASETS.get(frame.attrs.get(ATTRS, {}).get("dataset"))
    if dataset is None:
        return {}
    details = () if dataset.details is None else DATASETS[dataset.details].columns
    declared = {column.name: column.unit_in for column in (*details, *dataset.columns)}
    return {name: unit for name, unit in declared.items() if unit is not None}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return str(error)


def _source(provenance: Mapping[str, Any], spent: int) -> str:
    """Return whether the rows come from the cache, and how old they are."""
    cached = provenance.get("from_cache")
    if not cached:
        return "fetched now"
    ages = [
        part["age_seconds"]
        for part in (cached, cached.get("list"), cached.get("details"))
        if part and "age_seconds" in part
    ]
    source = "partly from the cache" if spent else "from the cache"
    return f"{source}, {_age(max(ages, default=0))} old"


def _age(seconds: float) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{max(0, int(seconds))} s"


def _print_file(frame: pd.DataFrame, suffix: str) -> None:
    """Print what a file with this suffix would contain: byte for byte, except to a terminal."""
    with tempfile.TemporaryDirectory(prefix="sectorsdf-") as folder:
        path = export_frame(frame, Path(folder) / f"rows.{suffix}")
        if sys.stdout.isatty():
            with path.open(encoding="utf-8") as text:
                for line in text:
                    fields = line.removesuffix("\n").split("\t")
                    sys.stdout.write("\t".join(map(printable, fields)) + "\n")
            return
        with path.open("rb") as file:
            binary = getattr(sys.stdout, "buffer", None)
            sys.stdout.flush()
            if binary is None:
                shutil.copyfileobj(io.TextIOWrapper(file, encoding="utf-8", newline=""), sys.stdout)
            else:
                shutil.copyfileobj(file, binary)
        sys.stdout.flush()


@contextmanager
def one_line_warnings(*, silent: bool = False, quiet: bool = False) -> Iterator[None]:
    """Print each warning about the data in one line on stderr.

    Parameters
    ----------
    silent : bool
        Print none of them.
    quiet : bool
        Print only those about missing rows and the cache, which cost or change the result.
    """
    with warnings.catch_warnings():
        show_other = warnings.showwarning

        def show(  # noqa: PLR0917 - the signature of `warnings.showwarning`
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, DataWarning | CacheWarning):
                context = click.get_current_context(silent=True)
                state = context.find_object(State) if context is not None else None
                options = None if state is None else state.options
                say(f"Warning: {in_cli_words(str(message), options)}")
            else:
                show_other(message, category, filename, lineno, file, line)

        for known in (DataWarning, IncompleteWarning, CacheWarning):
            hidden = silent or (quiet and known is DataWarning)
            warnings.simplefilter("ignore" if hidden else "always", known)
        warnings.showwarning = show
        yield
