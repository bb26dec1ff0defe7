"""What the commands about companies share: the credits left, the price of the lists, the symbol.

Imports the library's client, and with it pandas: a command imports this module when it runs.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NamedTuple

import click

import sectorsdf

if TYPE_CHECKING:
    import pandas as pd

    from sectorsdf.client.client import Client
    from sectorsdf.mining.quoting import Quote

__all__ = ["ListPrices", "Spending", "known_symbol"]

_SUFFIX = ".JK"


class Spending:
    """The keywords of the calls of one command, with what is left of the credits.

    Parameters
    ----------
    client : Client
        The client of all calls.
    keywords : dict
        The keywords that the command's options describe.
    """

    def __init__(self, client: Client, keywords: dict[str, Any]) -> None:
        self.client = client
        self._keywords = dict(keywords)
        self.limit: int | None = self._keywords.pop("max_credits", None)

    def keywords(self) -> dict[str, Any]:
        """Return the keywords of the next call."""
        if self.limit is None:
            return {"client": self.client, **self._keywords}
        left = max(0, self.limit - self.client.spent)
        return {"client": self.client, "max_credits": left, **self._keywords}

    def quote(self, getter: Any, *args: Any) -> Quote:  # noqa: ANN401 - any getter and its keys
        """Return what a call with the command's options would cost."""
        how = {name: value for name, value in self._keywords.items() if name == "refresh"}
        if self.limit is not None:
            how["max_credits"] = self.limit
        return sectorsdf.quote(getter, *args, client=self.client, **how)


class ListPrices(NamedTuple):
    """What the licences and the list of companies cost, with what their quote has cost itself.

    Attributes
    ----------
    licenses, companies : int
        Credits.
    rows : int
        How many companies the list has.
    """

    licenses: int
    companies: int
    rows: int

    @classmethod
    def of(cls, spending: Spending) -> ListPrices:
        """Quote the two lists.

        Raises
        ------
        CreditLimitError
            They alone cost more than the limit.
        """
        getters = (sectorsdf.get_mining_licenses, sectorsdf.get_mining_companies)
        licenses, companies = map(spending.quote, getters)
        prices = cls(
            licenses.credits + licenses.spent,
            companies.credits + companies.spent,
            companies.rows or 0,
        )
        need = prices.licenses + prices.companies
        if spending.limit is not None and need > spending.limit:
            message = (
                f"licences and companies cost {need:,} credits, but --max-credits is "
                f"{spending.limit:,}. What was paid is kept."
            )
            raise sectorsdf.CreditLimitError(message, need=need, have=spending.limit)
        return prices

    def __str__(self) -> str:
        """Return the prices in words."""
        return f"{self.licenses:,} for the licences, {self.companies:,} for the list of companies"


def known_symbol(symbol: str, companies: pd.DataFrame) -> str:
    """Return a symbol as the list has it.

    Raises
    ------
    click.BadParameter
        The list does not have it.
    """
    known = companies["symbol"].dropna().tolist()
    code = symbol.upper() if "." in symbol else f"{symbol.upper()}{_SUFFIX}"
    if code not in known:
        near = difflib.get_close_matches(code, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = f"No company of the list has the symbol {code!r}.{hint}"
        raise click.BadParameter(message, param_hint="'SYMBOL'")
    return code
