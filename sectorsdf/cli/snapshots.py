"""The commands `snapshot`, `changes` and `diff`: a register over time.

A command imports what it needs when it runs, so that help and completion import neither pandas
nor pyarrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command, Option
from sectorsdf.cli.fetch import COMMANDS
from sectorsdf.datasets import DATASETS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

__all__ = ["changes_command", "diff_command", "snapshot_command"]

# The commands that fetch a whole dataset without naming a key or a year.
_WHOLE = {
    name: command
    for name, command in COMMANDS.items()
    if not any(parameter.required for parameter in command.subject())
}
_DEFAULT = "licenses"


class _DatasetName(click.ParamType):  # type: ignore[type-arg]
    """A dataset, by the command that fetches it or by its own name."""

    name = "dataset"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        if value in COMMANDS:
            return COMMANDS[value].dataset.name
        if value not in DATASETS:
            self.fail(f"{value!r} is not a dataset; they are {', '.join(COMMANDS)}.", param, ctx)
        return str(value)


def _root_argument() -> click.Argument:
    return click.Argument(["root"], metavar="ROOT")


def _day_option(section: str, name: str, text: str) -> Option:
    return opt.value_option(section, name, "DATE", text, type=click.DateTime(["%Y-%m-%d"]))


@click.command(
    cls=Command,
    params=[
        _root_argument(),
        click.Argument(["names"], nargs=-1, type=click.Choice([*_WHOLE]), metavar="[COMMAND...]"),
        _day_option(
            "Snapshot",
            "--date",
            "Day of the snapshot; by default that of the fetch, in UTC.",
        ),
        opt.flag_option("Snapshot", "--overwrite", "Replace a snapshot of that day."),
        opt.flag_option(
            "Snapshot",
            "--allow-partial",
            "Also write rows that cannot be shown to be complete, and mark the snapshot.",
        ),
        *opt.fetch_options(),
        *opt.cache_options(),
        Option(["--quiet", "-q"], is_flag=True, help=opt.QUIET),
    ],
)
def snapshot_command(root: str, names: Sequence[str], **options: Any) -> None:  # noqa: ANN401
    """Fetch whole tables, and keep them as dated snapshots.

    ROOT is the folder or URL (s3://...) of the snapshots; COMMAND is a command that fetches, such
    as licenses (the default), sites or companies. A snapshot with the same rows that is there
    already stays as it is, so the command can run from cron.
    """
    from sectorsdf.cli.client import call_options, open_client  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.streams import say  # noqa: PLC0415 - needed here only
    from sectorsdf.client.call import keep_paid_pages  # noqa: PLC0415 - heavy, see above
    from sectorsdf.snapshots.stores import open_store  # noqa: PLC0415 - heavy, see above

    quiet, partial = options.pop("quiet"), options["allow_partial"]
    how = {name: options.pop(name) for name in ("date", "overwrite")}
    keywords = call_options(options)
    # A root that cannot be used is refused before anything is paid for it.
    open_store(root)
    looks = not (quiet or how["overwrite"])
    known = set(sectorsdf.snapshots.list(root)["path"]) if looks else set()
    with open_client(options, quiet=quiet) as client:
        for name in names or (_DEFAULT,):
            command, before = _WHOLE[name], client.spent
            accepted = {parameter.name for parameter in command.subject()}
            own = {k: v for k, v in keywords.items() if k != "allow_partial" or k in accepted}
            getter = getattr(sectorsdf, f"get_{command.dataset.name}")
            with keep_paid_pages():
                frame = getter(client=client, **own)
                try:
                    path = sectorsdf.snapshots.write(frame, root, allow_partial=partial, **how)
                except FileExistsError as error:
                    message = f"{error.filename}: there is a snapshot of that day with other rows."
                    raise click.ClickException(f"{message} --overwrite replaces it.") from None
            if not quiet:
                spent = client.spent - before
                parts = [f"{len(frame):,} row{'' if len(frame) == 1 else 's'}"]
                parts += ["there already"] if path in known else []
                parts += [f"{spent:,} credit{'' if spent == 1 else 's'} spent"]
                say(f"{path}: {', '.join(parts)}")


@click.command(
    cls=Command,
    params=[
        _root_argument(),
        click.Argument(["dataset"], type=_DatasetName(), default=_DEFAULT, metavar="[DATASET]"),
        _day_option("Rows", "--since", "Only changes that snapshots since then show."),
        _day_option("Rows", "--until", "Only changes that snapshots until then show."),
        *opt.output_options(),
    ],
)
def changes_command(
    root: str,
    dataset: str,
    since: datetime | None,
    until: datetime | None,
    **options: Any,  # noqa: ANN401
) -> None:
    """Show what has changed from each snapshot to the next.

    ROOT is the folder or URL of the snapshots. DATASET is a command that fetches, such as licenses
    (the default), or the name of a dataset. Costs no credits.
    """
    frame = sectorsdf.snapshots.changes(root, dataset, since=since, until=until)
    _write(frame, options)


@click.command(
    cls=Command,
    params=[
        *(
            click.Argument([name], metavar=name.upper(), type=click.Path(exists=True))
            for name in ("old", "new")
        ),
        opt.value_option(
            "Rows",
            "--key",
            "NAME,NAME",
            "The columns that identify a row; by default the dataset's natural key.",
        ),
        *opt.output_options(),
    ],
)
def diff_command(old: str, new: str, key: str | None, **options: Any) -> None:  # noqa: ANN401
    """Show what has changed between two Parquet files of one dataset.

    OLD and NEW are files that this program wrote. Costs no credits.
    """
    from sectorsdf.cli.exit_codes import in_cli_words  # noqa: PLC0415 - needed here only

    names = [part.strip() for part in (key or "").split(",") if part.strip()]
    try:
        frames = [sectorsdf.read_parquet(path) for path in (old, new)]
    except ValueError as error:
        raise click.ClickException(in_cli_words(str(error))) from None
    _write(sectorsdf.snapshots.diff(*frames, key=names or None), options)


def _write(frame: pd.DataFrame, options: dict[str, Any]) -> None:
    """Write or print changes, and say on stderr how many there are."""
    from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.streams import say  # noqa: PLC0415 - needed here only

    output = Output.from_options(options)
    if unknown := [name for name in output.columns if name not in frame]:
        known = ", ".join(map(str, frame.columns))
        message = f"There is no column {unknown[0]!r}. The columns are {known}."
        raise click.BadParameter(message, param_hint="'--columns'")
    output.write(frame)
    if not output.quiet:
        say(f"{len(frame):,} change{'' if len(frame) == 1 else 's'}")
        if unknown_rows := _not_compared(frame):
            say(f"Not compared, because a snapshot is partial: {unknown_rows:,} rows")


def _not_compared(frame: pd.DataFrame) -> int:
    """Return how many rows only one side has, of which it is unknown whether they have changed."""
    provenance = frame.attrs["sectorsdf"]
    report = provenance.get("changes") or provenance["diff"]
    counts = (report["unknown_removed"], report["unknown_added"])
    return sum(sum(each.values()) if isinstance(each, dict) else each for each in counts)
