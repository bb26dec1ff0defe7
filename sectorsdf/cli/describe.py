"""The command `describe`: the data dictionary of a dataset.

It imports what it needs when it runs, so that help and completion import neither pandas nor
pyarrow.
"""

from __future__ import annotations

import difflib
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command
from sectorsdf.datasets import DATASETS

if TYPE_CHECKING:
    import pandas as pd

    from sectorsdf.datasets.schema import Dataset

__all__ = ["describe_command"]

_COMMANDS = {dataset.command: name for name, dataset in DATASETS.items() if dataset.part is None}


class _DatasetName(opt.Vocabulary):
    """A dataset, by the command that fetches it or by its own name."""

    name = "dataset"

    def __init__(self) -> None:
        super().__init__([*_COMMANDS, *DATASETS])

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Dataset:
        """Return the dataset, or refuse a name that none has."""
        name = _COMMANDS.get(value, value)
        if name not in DATASETS:
            near = difflib.get_close_matches(value, self.values, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            self.fail(
                f"{value!r} is not a dataset.{hint} `sectorsdf describe` lists them.", param, ctx
            )
        return DATASETS[name]


@click.command(
    cls=Command,
    params=[
        click.Argument(["dataset"], required=False, type=_DatasetName(), metavar="[DATASET]"),
        click.Option(
            ["--format"],
            type=click.Choice(opt.FORMATS),
            help="What to print: by default text on a terminal, and CSV otherwise.",
        ),
    ],
)
def describe_command(dataset: Dataset | None, **options: Any) -> None:  # noqa: ANN401
    """Show the columns of a dataset, with their types and units.

    DATASET is a command that fetches, such as sites, or the name of a dataset, such as
    mining_license_auction_phases. Without it, one row is one dataset. Costs no credits.
    """
    from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above

    frame = _overview() if dataset is None else _columns(dataset)
    if options["format"] is None and sys.stdout.isatty():
        click.echo(_as_text(frame, dataset), nl=False)
    else:
        Output.from_options(options).write(frame)


def _overview() -> pd.DataFrame:
    frame = sectorsdf.describe()
    commands = [DATASETS[name].command for name in frame["dataset"]]
    frame.insert(1, "command", commands)
    return frame


def _columns(dataset: Dataset) -> pd.DataFrame:
    frame = sectorsdf.describe(dataset.name)
    units_in = [column.unit_in for column in dataset.columns]
    frame.insert(list(frame.columns).index("unit") + 1, "unit_in", units_in)
    return frame.astype({"unit_in": frame["unit"].dtype})


def _as_text(frame: pd.DataFrame, dataset: Dataset | None) -> str:
    """Return a frame as a list of definitions, as wide as the terminal."""
    import pandas as pd  # noqa: PLC0415 - heavy, see above

    formatter = click.HelpFormatter(width=min(100, shutil.get_terminal_size().columns))
    rows: list[dict[str, Any]] = [
        {str(name): value for name, value in row.items() if not pd.isna(value)}
        for row in frame.to_dict("records")
    ]
    if dataset is None:
        formatter.write_dl([(row["dataset"], _dataset_in_words(row)) for row in rows])
        return formatter.getvalue()
    formatter.write_text(
        f"{dataset.name}: one row is {dataset.row}. Key: {', '.join(dataset.key)}. "
        f"Source: Sectors API, {dataset.path}"
    )
    formatter.write_paragraph()
    formatter.write_dl([(row["column"], _column_in_words(row)) for row in rows])
    return formatter.getvalue()


def _dataset_in_words(row: dict[str, Any]) -> str:
    size = f"{row['columns']} columns, credits: {row['credits']}"
    return f"`sectorsdf {row['command']}`: {row['row']}; {size}."


def _column_in_words(row: dict[str, Any]) -> str:
    unit = row.get("unit") or (f"unit in {row['unit_in']}" if "unit_in" in row else "")
    values = f" Known values: {row['known_values']}." if "known_values" in row else ""
    return f"{', '.join(filter(None, (row['dtype'], unit)))}. {row['meaning']}.{values}"
