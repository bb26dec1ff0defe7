"""Where the rows of a command go, and what is told of them on stderr."""

from __future__ import annotations

import difflib
import io
import shutil
import sys
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from sectorsdf.cli.exit_codes import in_cli_words
from sectorsdf.cli.table import as_record, as_table
from sectorsdf.errors import CacheWarning, DataWarning
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.io.export import export

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from sectorsdf.datasets.schema import Dataset

__all__ = ["Output", "one_line_warnings"]

# The command's own line above, the summary and the prompt below.
_LINES_AROUND = 3


@dataclass
class Output:
    """Where rows go: a file, a terminal, or a pipe.

    Parameters
    ----------
    path : Path, optional
        The file.
    overwrite : bool
        Whether to replace it.
    format : str, optional
        What to print without a file.
    columns : sequence of str
        The only columns to give; all where it is empty.
    quiet : bool
        Whether to tell no summary.
    """

    path: Path | None = None
    overwrite: bool = False
    format: str | None = None
    columns: Sequence[str] = field(default=())
    quiet: bool = False

    @classmethod
    def taken(cls, given: dict[str, Any]) -> Output:
        """Take the output options out of a command's."""
        names = [part.strip() for part in (given.pop("columns", None) or "").split(",")]
        made = cls(
            given.pop("output", None),
            given.pop("overwrite", False),
            given.pop("format", None),
            list(dict.fromkeys(filter(None, names))),
            given.pop("quiet", False),
        )
        if made.path is not None and made.format is not None:
            message = "-o FILE and --format exclude each other: the file's suffix says its format."
            raise click.UsageError(message)
        return made

    def check(self, dataset: Dataset, more: Sequence[str] = ()) -> None:
        """Refuse what cannot be written, before a credit is spent for it.

        Raises
        ------
        click.UsageError
            A column is unknown, a file is there already, or its kind or folder is not.
        """
        known = [*dataset.schema.names, *more]
        for name in self.columns:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                message = f"There is no column {name!r}.{hint} There are {', '.join(known)}."
                raise click.BadParameter(message, param_hint="'--columns'")
        if self.path is None:
            return
        empty = dataset.schema.empty_table().to_pandas()
        wanted = [name for name in self.columns if name in empty] or list(empty)
        try:
            # The same refusals as later, on an empty frame beside nothing of value.
            with tempfile.TemporaryDirectory(prefix="sectorsdf-") as folder:
                export(empty[wanted], Path(folder) / self.path.name)
            if not self.path.parent.is_dir():
                message = f"There is no folder {str(self.path.parent)!r}: make it first."
                raise click.BadParameter(message, param_hint="'-o'")
            if self.path.exists() and not self.overwrite:
                message = f"{str(self.path)!r} is there already; --overwrite replaces it."
                raise click.BadParameter(message, param_hint="'-o'")
        except (ValueError, OSError) as error:
            raise click.BadParameter(str(error), param_hint="'-o'") from error

    def write(self, frame: pd.DataFrame) -> None:
        """Write the rows to where they go."""
        if self.columns:
            frame = frame[[name for name in self.columns if name in frame]]
        if self.path is not None:
            export(frame, self.path, overwrite=self.overwrite)
            return
        on_terminal = sys.stdout.isatty()
        chosen = self.format or ("table" if on_terminal else "csv")
        if chosen != "table":
            _pipe(frame, chosen)
            return
        size = shutil.get_terminal_size()
        width = size.columns if on_terminal else None
        if len(frame) == 1 and on_terminal and len(frame.columns) > 1:
            lines = as_record(frame, width=width)
        else:
            height = size.lines - _LINES_AROUND if on_terminal else None
            lines = as_table(frame, width=width, height=height)
        # Line by line: of one large text that nobody reads to its end, Python tells no error.
        for line in lines:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def summary(self, frame: pd.DataFrame, spent: int) -> None:
        """Tell on stderr how many rows there are, what they cost, and where they come from."""
        if self.quiet:
            return
        facts = frame.attrs.get(ATTRS, {})
        parts = [
            f"{len(frame):,} row{'' if len(frame) == 1 else 's'}",
            f"{spent:,} credit{'' if spent == 1 else 's'} spent",
            *_kept(facts, spent),
        ]
        if facts.get("not_found"):
            parts.append(f"{len(facts['not_found']):,} not known to the API")
        elif facts.get("complete") is False and facts.get("max_rows") is None:
            parts.append("not shown to be complete")
        where = "" if self.path is None else f"{self.path}: "
        click.echo(where + ", ".join(parts), err=True)


def _kept(facts: Mapping[str, Any], spent: int) -> list[str]:
    """Say whether the cache has answered, and how old its answer is."""
    kept = facts.get("from_cache")
    if not kept:
        return ["fetched now"]
    ages = [
        part["age_seconds"]
        for part in (kept, kept.get("list"), kept.get("details"))
        if part and "age_seconds" in part
    ]
    how = "partly from the cache" if spent else "from the cache"
    return [f"{how}, {_age(max(ages, default=0))} old"]


def _age(seconds: float) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{max(0, int(seconds))} s"


def _pipe(frame: pd.DataFrame, form: str) -> None:
    """Print what a file of that kind would hold, byte for byte."""
    with tempfile.TemporaryDirectory(prefix="sectorsdf-") as folder:
        path = export(frame, Path(folder) / f"rows.{form}")
        with path.open("rb") as file:
            binary = getattr(sys.stdout, "buffer", None)
            sys.stdout.flush()
            if binary is None:
                shutil.copyfileobj(io.TextIOWrapper(file, encoding="utf-8", newline=""), sys.stdout)
            else:
                shutil.copyfileobj(file, binary)
        sys.stdout.flush()


@contextmanager
def one_line_warnings(*, silent: bool = False) -> Iterator[None]:
    """Tell each warning about the data in one line of stderr, or, where `silent`, not at all."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(  # noqa: PLR0917 - as the standard library calls it
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, DataWarning | CacheWarning):
                click.echo(f"Warning: {in_cli_words(str(message))}", err=True)
            else:
                usual(message, category, filename, lineno, file, line)

        for category in (DataWarning, CacheWarning):
            warnings.simplefilter("ignore" if silent else "always", category)
        warnings.showwarning = show
        yield
