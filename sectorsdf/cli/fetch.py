"""The commands that fetch: each is options, a getter, and an output.

What they need to run is imported when they run: `--help` and a shell's completion need none of it.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf import datasets as ds
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command, Option

if TYPE_CHECKING:
    from sectorsdf.datasets.schema import Dataset

__all__ = [
    "COMMANDS",
    "FetchCommand",
    "auction_command",
    "auctions_command",
    "licenses_command",
    "resources_command",
    "site_command",
    "sites_command",
]


_PARTS = {
    "phases": ("get_mining_license_auction_phases", ds.MINING_LICENSE_AUCTION_PHASES),
    "participants": (
        "get_mining_license_auction_participants",
        ds.MINING_LICENSE_AUCTION_PARTICIPANTS,
    ),
}


@dataclass(frozen=True)
class FetchCommand:
    """What a command that fetches is made of.

    Attributes
    ----------
    name : str
        The command.
    getter : str
        The function of `sectorsdf` that it calls.
    dataset : Dataset
        What the rows look like; a list's filters become options.
    help : str
        What one row is, what it costs, and examples.
    key : str or None
        What an addressed row is addressed by; None for a list.
    needed : bool
        Whether at least one key has to be given.
    """

    name: str
    getter: str
    dataset: Dataset
    help: str
    key: str | None = None
    needed: bool = True

    def subject(self) -> list[click.Parameter]:
        """Return the parameters that say which rows are meant."""
        if self.key is not None:
            word = "CODE" if self.key == "wiup_code" else "SLUG"
            many = f"{word}..." if self.needed else f"[{word}...]"
            return [click.Argument([self.key], nargs=-1, required=self.needed, metavar=many)]
        details = [opt.details_option()] if self.dataset is ds.MINING_SITES else []
        return [*opt.filter_options(self.dataset), *details, *opt.row_options()]

    def call(self, given: dict[str, Any]) -> tuple[str, Dataset, tuple[Any, ...], dict[str, Any]]:
        """Return the getter, what its rows look like, and its arguments; take them from `given`."""
        from sectorsdf.cli.client import call_options  # noqa: PLC0415 - heavy, see above

        getter, dataset = self.getter, self.dataset
        args: tuple[Any, ...] = ()
        keywords = {**call_options(given), "strict": given.pop("strict", False)}
        if self.key is not None:
            keys = given.pop(self.key)
            args = (list(keys),) if keys or self.needed else ()
            if given.pop("skip_missing", False):
                keywords["missing"] = "skip"
            getter, dataset = self._part(given, keywords)
        else:
            if given.get("details"):
                dataset = ds.MINING_SITE
            names = ["max_rows", "details", *(entry.name for entry in self.dataset.filters)]
            keywords |= {name: given.pop(name) for name in names if name in given}
            keywords["validate"] = not given.pop("no_validate", False)
        return getter, dataset, args, keywords

    def _part(self, given: dict[str, Any], keywords: dict[str, Any]) -> tuple[str, Dataset]:
        asked = [part for part in _PARTS if given.pop(part, False)]
        emails = given.pop("include_emails", False)
        if len(asked) > 1:
            message = "--phases and --participants exclude each other: each is a table of its own."
            raise click.UsageError(message)
        if emails and asked != ["participants"]:
            message = "--include-emails needs --participants."
            raise click.UsageError(message)
        if emails:
            keywords["include_emails"] = True
        return _PARTS[asked[0]] if asked else (self.getter, self.dataset)

    def fetch(self, **given: Any) -> None:  # noqa: ANN401 - whatever click makes of the options
        """Run the command."""
        from sectorsdf.cli.client import connected  # noqa: PLC0415 - heavy, see above
        from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above
        from sectorsdf.client.call import keep_paid_pages  # noqa: PLC0415 - heavy, see above

        output = Output.taken(given)
        getter, dataset, args, keywords = self.call(given)
        output.check(dataset, ["email"] if keywords.get("include_emails") else [])
        # What is written to a file is paid for until it is there; a pipe that nobody reads to its
        # end has had its rows.
        whole = nullcontext() if output.path is None else keep_paid_pages()
        with whole:
            with connected(given, quiet=output.quiet) as client:
                frame = getattr(sectorsdf, getter)(*args, client=client, **keywords)
                spent = client.spent
            output.write(frame)
        output.summary(frame, spent)

    def command(self, *more: click.Parameter) -> Command:
        """Return the command."""
        return Command(
            self.name,
            params=[
                *self.subject(),
                *more,
                *opt.fetch_options(),
                *opt.cache_options(),
                *opt.output_options(),
            ],
            callback=self.fetch,
            help=self.help,
        )


def _skip_option() -> Option:
    return Option(
        ["--skip-missing"],
        is_flag=True,
        help="Leave out, with a warning, what the API does not know.",
        section="Rows",
    )


COMMANDS = {
    entry.name: entry
    for entry in (
        FetchCommand(
            "licenses",
            "get_mining_licenses",
            ds.MINING_LICENSES,
            """Mining licences.

            One row is one licence. Costs one credit for each page of 30 rows.

            \b
            sectorsdf licenses --province "Kalimantan Timur" --commodity Coal -o coal.parquet
            sectorsdf licenses --expiring-soon --order-by -licensed_area_ha --max-rows 30
            """,
        ),
        FetchCommand(
            "auctions",
            "get_mining_license_auctions",
            ds.MINING_LICENSE_AUCTIONS,
            """Auctions of licence areas.

            One row is one auction. Costs one credit for each page of 30 rows.

            \b
            sectorsdf auctions --commodity Nickel
            """,
        ),
        FetchCommand(
            "auction",
            "get_mining_license_auction",
            ds.MINING_LICENSE_AUCTION,
            """Auctions in full, by code; their phases or participants.

            One row is one auction, or one phase or one participant of one. CODE is the auction's
            wiup_code, as the command auctions tells it. Costs one credit a code, also for an
            unknown one.

            \b
            sectorsdf auction CODE --phases
            """,
            key="wiup_code",
        ),
        FetchCommand(
            "sites",
            "get_mining_sites",
            ds.MINING_SITES,
            """Mine sites, by reporting year and commodity.

            One row is one site in one reporting year for one commodity. Costs one credit for each
            page of 30 rows; with --details one more for each distinct site.

            \b
            sectorsdf sites --commodity Nickel --year 2024 --details -o nickel.xlsx
            """,
        ),
        FetchCommand(
            "site",
            "get_mining_site",
            ds.MINING_SITE,
            """Mine sites in full, by slug.

            One row is one site. SLUG is the site's slug, as the command sites tells it. Costs one
            credit a slug, also for an unknown one.
            """,
            key="slug",
        ),
        FetchCommand(
            "resources",
            "get_mining_site_resources",
            ds.MINING_SITE_RESOURCES,
            """Resources and reserves of sites, one row a figure.

            Each figure has its own unit; never add up rows of different units. Without a SLUG it
            is those of every site. Costs one credit a distinct slug; for every site also one for
            each page of the list.
            """,
            key="slug",
            needed=False,
        ),
    )
}
licenses_command = COMMANDS["licenses"].command()
auctions_command = COMMANDS["auctions"].command()
sites_command = COMMANDS["sites"].command()
site_command = COMMANDS["site"].command(_skip_option())
resources_command = COMMANDS["resources"].command(_skip_option())
auction_command = COMMANDS["auction"].command(
    Option(["--phases"], is_flag=True, help="One row a phase, at no further cost.", section="Rows"),
    Option(
        ["--participants"],
        is_flag=True,
        help="One row a participant, at no further cost.",
        section="Rows",
    ),
    Option(
        ["--include-emails"],
        is_flag=True,
        help="With --participants: add their e-mail addresses, which are people's own. They are "
        "never kept, so that this asks the API.",
        section="Rows",
    ),
    _skip_option(),
)
