"""The command `cover`: what the production of listed companies stands on.

It imports what it needs when it runs, so that help and completion import neither pandas nor
pyarrow.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command, Option

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import pandas as pd

    from sectorsdf.cli.company_calls import Spending

__all__ = ["cover_command"]

# What a table on a terminal shows first; it leaves out what does not fit.
_SHOWN = (
    *("symbol", "commodity_type", "production_share_{}m_min", "production_share_{}m_max"),
    *("coverage", "attributable_production", "production_unit", "production_year", "licenses"),
    *("hectares_share_{}m", "attributable_hectares", "area_weighted_years", "reason_missing"),
)


@click.command(
    cls=Command,
    params=[
        click.Argument(["symbol"], required=False, metavar="[SYMBOL]"),
        opt.value_option(
            "Rows",
            "--as-of",
            "DATE",
            "Day from which years and months are counted; by default today.",
            type=click.DateTime(["%Y-%m-%d"]),
        ),
        Option(
            ["--months"],
            type=click.Choice(["12", "24", "36"]),
            default="36",
            show_default=True,
            help="How many months ahead the sentence looks.",
            section="Rows",
        ),
        Option(
            ["--yes", "-y"],
            is_flag=True,
            help="Spend the credits without asking.",
            section="Fetching",
        ),
        *opt.fetch_options(),
        *opt.cache_options(),
        *opt.output_options(),
    ],
)
def cover_command(
    symbol: str | None,
    as_of: datetime | None,
    months: str,
    yes: bool,  # noqa: FBT001 - click passes it by name
    **options: Any,  # noqa: ANN401 - the types are click's
) -> None:
    """Show under which licences listed companies produce, and when these end.

    One row is one listed company and commodity: its production by effective share, the part of it
    under licences that end soon, and why a figure is missing. With SYMBOL, such as AADI, only that
    company, and a sentence about each commodity that can be quoted. Costs what the licences and the
    list of companies cost, and at most two credits for each company of the groups: one for its
    owners, one for its production. The command prints this and asks first; without a terminal, it
    needs --yes or --max-credits.
    """
    from sectorsdf.cli.client import call_options, open_client  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.company_calls import Spending  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.streams import say  # noqa: PLC0415 - needed here only
    from sectorsdf.client.call import keep_paid_pages  # noqa: PLC0415 - heavy, see above
    from sectorsdf.companies import cover_sentences  # noqa: PLC0415 - heavy, see above

    output = Output.from_options(options)
    output.check_frame(_empty())
    day = (as_of or datetime.now(tz=UTC)).date()
    keywords = call_options(options)
    # Neither the cache nor made-up records cost anything.
    is_free = keywords.get("offline", False) or options.get("sandbox", False)
    may_spend = yes or is_free or "max_credits" in keywords
    if not may_spend and not sys.stdin.isatty():
        message = "This costs credits: without a terminal, --yes or --max-credits is needed."
        raise click.UsageError(message)
    with open_client(options, quiet=output.quiet) as client:
        spending = Spending(client, keywords)
        if not keywords.get("offline"):
            _agree(spending, symbol, ask=not may_spend, quiet=output.quiet)
        # The pages paid for are kept until the file is written, as in the commands that fetch.
        with nullcontext() if output.path is None else keep_paid_pages():
            frame, listed = _cover(spending, symbol, day)
            if symbol is not None and not output.quiet:
                sentences = cover_sentences(frame, as_of=day, months=int(months)).tolist()
                unknown = "Neither production nor a linked licence of the company is known."
                say("\n".join(sentences) or unknown)
            output.write(frame if not _is_table(output.format) else _ordered(frame, months))
        spent = client.spent
    if not output.quiet:
        say(_summary(frame, listed, spent))


def _empty() -> pd.DataFrame:
    """Return the columns of the output without rows."""
    import pandas as pd  # noqa: PLC0415 - heavy, see above

    from sectorsdf.companies.cover import COVER_COLUMNS  # noqa: PLC0415 - heavy, see above

    return pd.DataFrame(columns=list(COVER_COLUMNS)).astype(COVER_COLUMNS)


def _agree(spending: Spending, symbol: str | None, *, ask: bool, quiet: bool) -> None:
    """Print what the command will cost, and ask whether to spend it.

    Raises
    ------
    click.ClickException
        The user says no.
    """
    from sectorsdf.cli.company_calls import ListPrices  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.streams import say  # noqa: PLC0415 - needed here only

    lists = ListPrices.of(spending)
    owners = production = lists.rows
    if not lists.companies:
        companies = sectorsdf.get_mining_companies(**spending.keywords())
        owners, production = _group_prices(spending, companies, _listed(companies, symbol))
    total = lists.licenses + lists.companies + owners + production
    if not quiet:
        bound = f"at most {owners:,} for owners and {production:,} for production"
        say(f"Credits: {lists}, {bound}; what is cached costs nothing.")
    if not (ask and total > spending.client.spent):
        return
    if not click.confirm(f"Spend up to {total:,} credits?", err=True):
        message = "Nothing more was spent. The pages paid for are kept."
        raise click.ClickException(message)


def _listed(companies: pd.DataFrame, symbol: str | None) -> list[str]:
    """Return the slugs of the listed companies, or of the one with a symbol."""
    from sectorsdf.cli.company_calls import known_symbol  # noqa: PLC0415 - heavy, see above

    listed = companies[companies["symbol"].notna()]
    if symbol is not None:
        listed = listed[listed["symbol"] == known_symbol(symbol, companies)]
    slugs: list[str] = listed["slug"].tolist()
    return slugs


def _group_prices(spending: Spending, companies: pd.DataFrame, seeds: list[str]) -> tuple[int, int]:
    """Return at most how many credits the owners and the production of some groups cost.

    What is below a company is known once its answer is there, so this follows ownership as far as
    that costs nothing.
    """
    known, frontier = dict.fromkeys(seeds), list(seeds)
    owners, performance = (
        sectorsdf.get_mining_company_ownership,
        sectorsdf.get_mining_company_performance,
    )
    every = dict.fromkeys([*companies["slug"], *known])
    with warnings.catch_warnings():
        # The same warnings come again when the rows are fetched.
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        while frontier and not spending.quote(owners, frontier).credits:
            edges = owners(frontier, missing="skip", **spending.keywords())
            children = edges.loc[edges["parent_slug"].isin(frontier), "child_slug"].dropna()
            frontier = [slug for slug in children.unique() if slug not in known]
            known |= dict.fromkeys(frontier)
    if not frontier:
        return 0, spending.quote(performance, list(known)).credits
    needed = list(every | known)
    return spending.quote(owners, needed).credits, spending.quote(performance, needed).credits


def _cover(spending: Spending, symbol: str | None, day: date) -> tuple[pd.DataFrame, int]:
    """Fetch what is needed, and return the cover and the number of listed companies."""
    from sectorsdf.companies import license_cover, link_companies  # noqa: PLC0415 - heavy

    licenses = sectorsdf.get_mining_licenses(**spending.keywords())
    companies = sectorsdf.get_mining_companies(**spending.keywords())
    listed = _listed(companies, symbol)
    ownership = sectorsdf.get_mining_company_ownership(
        listed, walk="down", missing="skip", **spending.keywords()
    )
    performance = sectorsdf.get_mining_company_performance(
        _group(listed, ownership), missing="skip", **spending.keywords()
    )
    resources = sectorsdf.get_mining_company_resources(performance, **spending.keywords())
    links = link_companies(licenses, companies, ownership)
    cover = license_cover(
        *(licenses, links, performance),
        as_of=day,
        ownership=ownership,
        resources=resources,
        companies=companies,
    )
    frame = cover[cover["listed_slug"].isin(listed)].reset_index(drop=True)
    return frame, len(listed)


def _group(listed: Iterable[str], ownership: pd.DataFrame) -> list[str]:
    """Return companies with everything that they own, each once."""
    from sectorsdf.companies import owned_by  # noqa: PLC0415 - heavy, see above

    listed = list(listed)
    return list(dict.fromkeys([*listed, *owned_by(listed, ownership)["owned_slug"]]))


def _is_table(output_format: str | None) -> bool:
    return output_format == "table" or (output_format is None and sys.stdout.isatty())


def _ordered(frame: pd.DataFrame, months: str) -> pd.DataFrame:
    """Return the columns in the order in which a narrow terminal shows them."""
    first = [name.format(months) for name in _SHOWN]
    return frame[[*first, *(name for name in frame if name not in first)]]


def _summary(frame: pd.DataFrame, listed: int, spent: int) -> str:
    covered = frame["listed_slug"].nunique()
    known = frame["production_share_36m_min"].notna().sum()
    return (
        f"{covered:,} of {listed:,} listed compan{'y' if listed == 1 else 'ies'} with production "
        f"or a linked licence, {len(frame):,} row{'' if len(frame) == 1 else 's'}, {known:,} of "
        f"them with a share of production, {spent:,} credit{'' if spent == 1 else 's'} spent"
    )
