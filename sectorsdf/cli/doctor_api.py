"""What the API answers today, compared with the declarations: for `sectorsdf doctor --api`.

Asks each endpoint once, through the getters. Prints the names of fields and columns, and words that
are outside a vocabulary, but no record.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

import sectorsdf
from sectorsdf.cli.doctor import Finding, Report
from sectorsdf.client.client import Client
from sectorsdf.config.api_key import ApiKey
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import DataWarning, MissingKeyError, NotFoundError, SectorsdfError
from sectorsdf.frames.provenance import ATTRS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from sectorsdf.http.responses import RawResponse

__all__ = ["MOST_CREDITS", "check_api"]

MOST_CREDITS = 20
"""One for each endpoint, and one for a second window of prices."""

_COMMODITY = "Coal"
_MOST_WORDS = 3
_LONGEST_WORD = 40
_HEADERS = ("rate", "retry", "quota", "credit")


@dataclass(frozen=True)
class _Probe:
    """One call of a getter.

    Attributes
    ----------
    dataset : str
        The dataset whose declaration the answer is compared with.
    getter : str
        The getter's name, after ``get_mining_``.
    subject : str
        The kind of key that it takes first, which an earlier answer has; empty if it takes none.
    options : dict
        More arguments.
    """

    dataset: str
    getter: str
    subject: str = ""
    options: dict[str, Any] = field(default_factory=dict)


_COAL = {"commodity_types": _COMMODITY}
_PROBES = (
    # The sort shows where the API puts missing values.
    _Probe("mining_licenses", "licenses", "", {"max_rows": 30, "order_by": "-licensed_area_ha"}),
    _Probe("mining_license_auctions", "license_auctions", "", {"max_rows": 30}),
    _Probe("mining_license_auction", "license_auction", "auction"),
    _Probe("mining_sites", "sites", "", {"max_rows": 30, "order_by": "-production_volume"}),
    _Probe("mining_site", "site", "site"),
    # One that publishes its finances is likely to have the other addressed records too.
    _Probe("mining_companies", "companies", "", {"max_rows": 30, "has_financials": True}),
    _Probe("mining_company", "company", "company"),
    _Probe("mining_company_ownership", "company_ownership", "company"),
    _Probe("mining_company_financials", "company_financials", "company"),
    _Probe("mining_company_performance", "company_performance", "producer"),
    _Probe("mining_sales_destinations", "sales_destinations", "company"),
    _Probe("mining_contracts", "contracts"),
    _Probe("mining_commodities", "commodities"),
    _Probe("mining_commodity_prices", "commodity_prices", "series"),
    _Probe("mining_total_production", "total_production", "", _COAL),
    _Probe("mining_exports", "exports", "", _COAL),
    _Probe(
        "mining_global_commodities",
        "global_commodities",
        "",
        {"commodity_type": _COMMODITY, "allow_partial": True},
    ),
    _Probe("mining_reserves_index", "reserves_index"),
    _Probe("mining_province_resources", "province_resources", "province"),
)
# A kind of key, and the answer and column that it is taken from.
_KEYS = (
    ("auction", "mining_license_auctions", "wiup_code"),
    ("site", "mining_sites", "slug"),
    ("producer", "mining_sites", "company_slug"),
    ("company", "mining_companies", "slug"),
    ("province", "mining_reserves_index", "province"),
)


def check_api(report: Report, *, ask: bool) -> None:
    """Ask each endpoint once, and report how the answers differ from the declarations.

    Parameters
    ----------
    report : Report
        Prints the findings.
    ask : bool
        Whether to ask the user before credits are spent.

    Raises
    ------
    click.Abort
        If the user says no.
    """
    if ask:
        question = f"Spend up to {MOST_CREDITS} credits to ask the API's endpoints?"
        click.confirm(question, abort=True, err=True)
    headers: dict[str, str] = {}
    with Client(ApiKey.resolve_optional(), max_credits=MOST_CREDITS, cache=False) as client:

        def note_headers(response: RawResponse) -> None:
            for name, value in response.headers.items():
                if any(word in name.lower() for word in _HEADERS):
                    headers[name.lower()] = value

        client.context.transport.on_response = note_headers
        with sectorsdf.set_options(progress=False):
            report.add("Endpoints", _endpoints(client))
        report.add("Rate limit", _rate_limit(client, headers))
        click.echo(f"{client.spent} credits were spent.\n")


def _endpoints(client: Client) -> Iterator[Finding]:
    """Ask each endpoint once and compare the answer with its declaration."""
    keys: dict[str, str] = {}
    windows: dict[str, int] = {}
    for probe in _PROBES:
        name = DATASETS[probe.dataset].path.format("{key}")
        if probe.subject and probe.subject not in {*keys, "series"}:
            yield Finding(name, "not asked: an earlier answer has no key to ask it with")
            continue
        call = getattr(sectorsdf, f"get_mining_{probe.getter}")
        subject = [keys.get(probe.subject, _COMMODITY)] if probe.subject else []
        options = {**probe.options, **(windows if probe.subject == "series" else {})}
        if probe.getter == "exports" and windows:
            options["years"] = windows["end_year"] - 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)
                frame = call(*subject, **options, client=client)
        except NotFoundError:
            yield Finding(name, "the API has no record of the key that was asked for")
        except MissingKeyError:
            yield Finding(name, "not asked", "There is no API key.")
            return
        except SectorsdfError as error:
            yield Finding(name, "failed", str(error))
        else:
            keys.update(_keys_in(probe.dataset, frame))
            windows.update(_window_in(probe.dataset, frame))
            yield _compare(name, probe, frame)


def _keys_in(dataset: str, frame: pd.DataFrame) -> dict[str, str]:
    """Return keys for later probes; of a listed company first, because most data is about these."""
    if "symbol" in frame:
        frame = frame.sort_values("symbol", na_position="last")
    found = {kind: frame[column].dropna() for kind, source, column in _KEYS if source == dataset}
    return {kind: values.iloc[0] for kind, values in found.items() if not values.empty}


def _window_in(dataset: str, frame: pd.DataFrame) -> dict[str, int]:
    """Return the last year of the prices, so that the probe of prices asks for one window."""
    if dataset != "mining_commodities":
        return {}
    latest = frame.loc[frame["name"] == _COMMODITY, "latest_date"].dropna()
    return {} if latest.empty else dict.fromkeys(("start_year", "end_year"), latest.iloc[0].year)


def _compare(name: str, probe: _Probe, frame: pd.DataFrame) -> Finding:
    """Return what an answer has that the declaration does not, and the other way round."""
    provenance = frame.attrs[ATTRS]
    differences = [
        f"{label}: {', '.join(map(_short, words))}"
        for label, words in (
            ("unknown fields", provenance["unknown_fields"]),
            ("missing fields", provenance["missing_fields"]),
            ("columns with values that do not fit", _misfits(provenance)),
            *_outside_vocabulary(probe.dataset, frame),
        )
        if words
    ]
    text = f"{len(frame)} rows"
    sort = str(probe.options.get("order_by", "")).removeprefix("-")
    if sort:
        text = f"{text}, {_position_of_missing(frame[sort])}"
    if not differences:
        return Finding(name, text)
    return Finding(name, f"{text}; {'; '.join(differences)}", "It differs from the declaration.")


def _misfits(provenance: Mapping[str, Any]) -> list[str]:
    return sorted({str(problem["column"]) for problem in provenance["problems"]})


def _outside_vocabulary(dataset: str, frame: pd.DataFrame) -> Iterator[tuple[str, list[str]]]:
    for column in DATASETS[dataset].columns:
        if column.values and column.name in frame:
            found = set(frame[column.name].dropna()) - set(column.values)
            yield f"unknown values of {column.name}", sorted(map(str, found))[:_MOST_WORDS]


def _position_of_missing(values: pd.Series[Any]) -> str:
    if values.isna().any():
        first = bool(values.isna().iloc[0])
        return (
            f"missing values of {values.name} come {'first' if first else 'last'} in reverse order"
        )
    return f"no missing values of {values.name} on the first page in reverse order"


def _short(word: object) -> str:
    text = str(word)
    return text if len(text) <= _LONGEST_WORD else f"{text[:_LONGEST_WORD]}..."


def _rate_limit(client: Client, headers: Mapping[str, str]) -> Iterator[Finding]:
    words = ", ".join(f"{name}: {value}" for name, value in sorted(headers.items()))
    yield Finding("headers", words or "the API sends none about a rate limit")
    known = {name: value for name, value in client.pace().items() if value is not None}
    yield Finding("learnt", ", ".join(f"{name}={value}" for name, value in known.items()))
