"""The command `link`: licences with their companies and nearest listed owners.

It imports what it needs when it runs, so that help and completion import neither pandas nor
pyarrow.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf.cli import options as opt
from sectorsdf.cli.base import Command, Option

if TYPE_CHECKING:
    import pandas as pd

    from sectorsdf.cli.company_calls import Spending

__all__ = ["link_command"]

# What the links show of a licence beside its holder.
_SHOWN = ("license_type", "commodity_type", "province", "licensed_area_ha", "license_expiry_date")


@click.command(
    cls=Command,
    params=[
        click.Argument(["symbol"], required=False, metavar="[SYMBOL]"),
        opt.flag_option("Rows", "--linked", "Only licences that are linked to a company."),
        opt.flag_option(
            "Rows",
            "--records",
            "Also use the licences that the companies' records list, at one more credit for each "
            "company.",
        ),
        Option(
            ["--reviewed"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="A CSV file of links that a person has confirmed: holder, company_slug and "
            "confirmed, as sectorsdf.companies.suggest_links writes them.",
            section="Rows",
        ),
        *opt.fetch_options(),
        *opt.cache_options(),
        *opt.output_options(),
    ],
)
def link_command(
    symbol: str | None,
    linked: bool,  # noqa: FBT001 - click passes it by name
    records: bool,  # noqa: FBT001 - click passes it by name
    reviewed: Path | None,
    **options: Any,  # noqa: ANN401 - the types are click's
) -> None:
    """Link licences to companies and to their listed owners.

    One row is one licence, with the company that holds it and its nearest listed owner. With
    SYMBOL, such as AADI, only the licences of that company and of what it owns, with its own share.
    Costs what the licences and the list of companies cost, and one credit for each linked company
    and each owner above it; the command prints this first.
    """
    from sectorsdf.cli.client import call_options, open_client  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.company_calls import Spending  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.output import Output  # noqa: PLC0415 - heavy, see above
    from sectorsdf.cli.streams import say  # noqa: PLC0415 - needed here only
    from sectorsdf.client.call import keep_paid_pages  # noqa: PLC0415 - heavy, see above

    output = Output.from_options(options)
    output.check_frame(_empty())
    keywords = call_options(options)
    with open_client(options, quiet=output.quiet) as client:
        spending = Spending(client, keywords)
        if not keywords.get("offline"):
            quoted = _quote(spending, records=records)
            if not output.quiet:
                say(quoted)
        # The pages paid for are kept until the file is written, as in the commands that fetch.
        with nullcontext() if output.path is None else keep_paid_pages():
            frame = _links(spending, symbol, reviewed, records=records)
            if linked:
                frame = frame[frame["company_slug"].notna()].reset_index(drop=True)
            output.write(frame)
        spent = client.spent
    if not output.quiet:
        say(_summary(frame, spent))


def _empty() -> pd.DataFrame:
    """Return the columns of the output without rows."""
    from sectorsdf.companies import link_companies  # noqa: PLC0415 - heavy, see above
    from sectorsdf.datasets import MINING_COMPANIES, MINING_LICENSES  # noqa: PLC0415 - as above

    licenses, companies = (
        dataset.schema.empty_table().to_pandas() for dataset in (MINING_LICENSES, MINING_COMPANIES)
    )
    return _with_licenses(link_companies(licenses, companies), licenses)


def _quote(spending: Spending, *, records: bool) -> str:
    """Return what the command will cost, as a sentence.

    Raises
    ------
    CreditLimitError
        The two lists alone cost more than the limit.
    """
    from sectorsdf.cli.company_calls import ListPrices  # noqa: PLC0415 - heavy, see above

    lists = ListPrices.of(spending)
    each = f"at most {lists.rows:,} for the companies' owners"
    if records:
        each += " and as many for their records"
    return f"Credits: {lists}, {each}; what is cached costs nothing."


def _links(
    spending: Spending, symbol: str | None, reviewed: Path | None, *, records: bool
) -> pd.DataFrame:
    """Fetch what is needed, and return the links."""
    from sectorsdf.cli.company_calls import known_symbol  # noqa: PLC0415 - heavy, see above
    from sectorsdf.companies import link_companies, owners_of  # noqa: PLC0415 - heavy, see above

    licenses = sectorsdf.get_mining_licenses(**spending.keywords())
    companies = sectorsdf.get_mining_companies(**spending.keywords())
    code = None if symbol is None else known_symbol(symbol, companies)
    details = None
    if records:
        details = sectorsdf.get_mining_company_licenses(companies, **spending.keywords())
    first = link_companies(licenses, companies, details=details, reviewed=reviewed)
    slugs = first["company_slug"].dropna().drop_duplicates()
    # Only the owners of linked companies are needed, which are far fewer than all companies.
    ownership = sectorsdf.get_mining_company_ownership(
        slugs.tolist(), walk="up", missing="skip", **spending.keywords()
    )
    links = link_companies(licenses, companies, ownership, details=details, reviewed=reviewed)
    if code is not None:
        owners = owners_of(slugs, ownership)
        links = _held_by(links, code, owners[owners["symbol"] == code].set_index("slug"))
    return _with_licenses(links, licenses).reset_index(drop=True)


def _held_by(links: pd.DataFrame, symbol: str, owners: pd.DataFrame) -> pd.DataFrame:
    """Return the links of a listed company and of what it owns, with its own share."""
    itself = links["symbol"].eq(symbol) & links["hops"].eq(0)
    held = links[itself.fillna(value=False) | links["company_slug"].isin(owners.index)].copy()
    below = held["company_slug"].isin(owners.index)
    slugs = held.loc[below, "company_slug"]
    held.loc[below, "symbol"] = symbol
    held.loc[below, "listed_slug"] = slugs.map(owners["owner_slug"])
    for name in ("hops", "effective_pct", "reason_missing"):
        held.loc[below, name] = slugs.map(owners[name])
    return held


def _with_licenses(links: pd.DataFrame, licenses: pd.DataFrame) -> pd.DataFrame:
    """Return the links with what describes each licence, after its holder."""
    shown = licenses.loc[links.index, list(_SHOWN)]
    split = list(links.columns).index("holder") + 1
    return links.iloc[:, :split].join(shown).join(links.iloc[:, split:])


def _summary(frame: pd.DataFrame, spent: int) -> str:
    linked, listed = frame["company_slug"].notna().sum(), frame["symbol"].notna().sum()
    return (
        f"{len(frame):,} licence{'' if len(frame) == 1 else 's'}, {linked:,} linked to a company, "
        f"{listed:,} with a listed owner (symbols: {frame['symbol'].nunique():,}), "
        f"{spent:,} credit{'' if spent == 1 else 's'} spent"
    )
