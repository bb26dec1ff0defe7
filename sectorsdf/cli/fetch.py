"""The commands that fetch, made from the declarations: options, a getter, and an output.

A command imports what it needs when it runs, so that help and completion import neither pandas
nor pyarrow.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command
from sectorsdf.cli.help_texts import command_help, key_metavar, looks_up_keys
from sectorsdf.datasets import DATASETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sectorsdf.datasets.schema import Dataset

__all__ = ["COMMANDS", "FetchCommand", "GetterCall", "commands_of"]


class GetterCall(NamedTuple):
    """One call of a getter.

    Attributes
    ----------
    getter : str
        The name of the function in `sectorsdf`.
    dataset : Dataset
        Declares the columns of the frame that it returns.
    args : tuple
        Its positional arguments.
    keywords : dict
        Its other arguments; without those that keep their default.
    """

    getter: str
    dataset: Dataset
    args: tuple[Any, ...]
    keywords: dict[str, Any]


@dataclass(frozen=True)
class FetchCommand:
    """A command that fetches a dataset.

    Attributes
    ----------
    dataset : Dataset
        Names the command; its filters and its key become options and an argument.
    parts : tuple of Dataset
        Datasets made from the same answers, each behind a flag.
    """

    dataset: Dataset
    parts: tuple[Dataset, ...] = ()

    @property
    def name(self) -> str:
        """The command's name."""
        return self.dataset.command

    def subject(self) -> list[click.Parameter]:
        """Return the parameters that say which rows are meant."""
        keys = [] if self.dataset.addressed_by is None else [self._key_argument()]
        listed_by = self.dataset.listed_by
        return [
            *keys,
            *opt.filter_options(self.dataset),
            *opt.walk_options(self.dataset),
            *self._details_options(),
            *opt.validation_options(self.dataset),
            *opt.row_options(self.dataset, None if listed_by is None else DATASETS[listed_by]),
        ]

    def call(self, options: dict[str, Any]) -> GetterCall:
        """Return the call that a command's options describe; remove from them what it uses."""
        from sectorsdf.cli.client import call_options  # noqa: PLC0415 - heavy, see above

        part = self._part(options)
        dataset = part or self.dataset
        getter = f"get_{dataset.name}"
        args: tuple[Any, ...] = ()
        keywords = call_options(options)
        repeated = opt.repeated_filters(self.dataset)
        names = ["max_rows", "walk", *(entry.name for entry in self.dataset.filters)]
        for name in names:
            value = options.pop(name, None)
            if name in repeated:
                # A plural keyword takes a list, also of one value.
                if value:
                    one = len(value) == 1 and repeated[name] == name
                    keywords[repeated[name]] = value[0] if one else _several(name, value)
            elif value is not None:
                keywords[name] = value
        if options.pop("no_validate", False):
            keywords["validate"] = False
        if options.pop("skip_missing", False):
            keywords["missing"] = "skip"
        if self.dataset.addressed_by is not None:
            keys = options.pop(self.dataset.addressed_by)
            args = (list(keys),) if keys or self.dataset.listed_by is None else ()
        if options.pop("details", False):
            keywords["details"] = True
            dataset = DATASETS[str(self.dataset.details)]
        for keyword, owners in self._contacts().items():
            if options.pop(keyword, False):
                if dataset not in owners:
                    raise click.UsageError(_contacts_refusal(keyword, owners, dataset))
                keywords[keyword] = True
                dataset = dataset.with_contacts()
        return GetterCall(getter, dataset, args, keywords)

    def fetch(self, **options: Any) -> None:  # noqa: ANN401 - the types are click's
        """Run the command."""
        from sectorsdf.cli.client import open_client  # noqa: PLC0415 - heavy, see above
        from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above
        from sectorsdf.client.call import keep_paid_pages  # noqa: PLC0415 - heavy, see above

        output = Output.from_options(options)
        getter, dataset, args, keywords = self.call(options)
        output.check(dataset)
        # The pages paid for are kept until the file is written. On a pipe the rows have been handed
        # over, even if its reader closes it early.
        keeping = nullcontext() if output.path is None else keep_paid_pages()
        with keeping:
            with open_client(options, quiet=output.quiet) as client:
                frame = getattr(sectorsdf, getter)(*args, client=client, **keywords)
                spent = client.spent
            output.write(frame)
        output.summarize(frame, spent)

    def command(self) -> Command:
        """Return the command for click."""
        return Command(
            self.name,
            params=[
                *self.subject(),
                *self._record_options(),
                *opt.fetch_options(),
                *opt.cache_options(),
                *opt.output_options(),
            ],
            callback=self.fetch,
            help=command_help(self.dataset, self.parts),
        )

    def _key_argument(self) -> click.Argument:
        key, needed = key_metavar(self.dataset), self.dataset.listed_by is None
        return click.Argument(
            [str(self.dataset.addressed_by)],
            nargs=-1,
            required=needed,
            metavar=f"{key}..." if needed else f"[{key}...]",
        )

    def _details_options(self) -> list[click.Parameter]:
        if self.dataset.details is None:
            return []
        details = DATASETS[self.dataset.details]
        text = (
            f"Add the columns of `sectorsdf {details.command}`, at one more credit for each "
            f"distinct {details.addressed_by}."
        )
        return [opt.flag_option("Rows", "--details", text)]

    def _record_options(self) -> list[click.Parameter]:
        """Return the options that `quote` does not have: they change neither rows nor cost."""
        flags = {str(part.part): part.summary for part in self.parts}
        flags |= {keyword: _contacts_help(owners) for keyword, owners in self._contacts().items()}
        if self.dataset.addressed_by is not None and not looks_up_keys(self.dataset):
            flags["skip_missing"] = "Leave out, with a warning, what the API does not know."
        return [opt.flag_option("Rows", opt.option_name(name), flags[name]) for name in flags]

    def _contacts(self) -> dict[str, list[Dataset]]:
        """Return the datasets that have personal data, by the getters' keyword for it."""
        found: dict[str, list[Dataset]] = {}
        for dataset in (self.dataset, *self.parts):
            if dataset.contacts:
                emails = [column.name for column in dataset.contacts] == ["email"]
                keyword = "include_emails" if emails else "include_contacts"
                found.setdefault(keyword, []).append(dataset)
        return found

    def _part(self, options: dict[str, Any]) -> Dataset | None:
        """Return the part whose flag is set; remove all these flags from the options."""
        chosen = [part for part in self.parts if options.pop(str(part.part), False)]
        if len(chosen) > 1:
            flags = " and ".join(opt.option_name(str(part.part)) for part in chosen)
            message = f"{flags} exclude each other: each is a table of its own."
            raise click.UsageError(message)
        return chosen[0] if chosen else None


def _several(name: str, values: Sequence[Any]) -> list[Any] | str:
    """Return the values of a repeated filter, or the word all."""
    if "all" not in values:
        return list(values)
    if set(values) != {"all"}:
        message = f"{opt.option_name(name)} all excludes any other {opt.option_name(name)}."
        raise click.UsageError(message)
    return "all"


def _contacts_refusal(keyword: str, owners: Sequence[Dataset], dataset: Dataset) -> str:
    flag = opt.option_name(keyword)
    parts = " or ".join(opt.option_name(owner.part) for owner in owners if owner.part)
    if parts:
        return f"{flag} needs {parts}."
    return f"{flag} and {opt.option_name(str(dataset.part))} exclude each other."


def _contacts_help(owners: Sequence[Dataset]) -> str:
    names = ", ".join(dict.fromkeys(column.name for owner in owners for column in owner.contacts))
    parts = " or ".join(opt.option_name(owner.part) for owner in owners if owner.part)
    add = f"With {parts}: add" if all(owner.part for owner in owners) else "Add"
    return f"{add} personal data ({names}). It is never cached, so this always asks the API."


def commands_of(datasets: Iterable[Dataset]) -> dict[str, FetchCommand]:
    """Return the commands that datasets declare, by name."""
    datasets = [dataset for dataset in datasets if dataset.command]
    parts = [dataset for dataset in datasets if dataset.part is not None]
    return {
        dataset.command: FetchCommand(
            dataset, tuple(part for part in parts if part.command == dataset.command)
        )
        for dataset in datasets
        if dataset.part is None
    }


COMMANDS = commands_of(DATASETS.values())
