"""Frames of licences, companies and ownership: small ones, and those of whole datasets."""

from __future__ import annotations

import json

import pandas as pd

from sectorsdf.datasets.companies import (
    MINING_COMPANIES,
    MINING_COMPANY_LICENSES,
    MINING_COMPANY_OWNERSHIP,
)
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder


def framed(dataset, rows):
    """Return rows as the getter of a dataset would."""
    builder = FrameBuilder(dataset)
    builder.add([{**dict.fromkeys(dataset.fields), **row} for row in rows])
    return builder.frame({})


def licenses(*rows):
    """Return licences from names, or from dicts of fields."""
    dicts = [{"company_name": row} if not isinstance(row, dict) else row for row in rows]
    return framed(
        MINING_LICENSES, [{"wiup_code": f"{i:016d}", **row} for i, row in enumerate(dicts)]
    )


def slug_of(name):
    return name.lower().replace(" ", "-")


def companies(*rows):
    """Return the list of companies from names, or from dicts of fields."""
    dicts = [{"name": row} if not isinstance(row, dict) else row for row in rows]
    full = [{"slug": slug_of(row["name"]), "commodity_type": [], **row} for row in dicts]
    return framed(MINING_COMPANIES, full)


def details(*pairs):
    """Return the licences in companies' records from pairs of slug and code."""
    rows = [{"slug": slug, "wiup_code": code} for slug, code in pairs]
    return framed(MINING_COMPANY_LICENSES, rows)


def edges(*rows, symbols=None):
    """Return edges of ownership from owner, owned company and percentage."""
    symbols = symbols or {}
    records = [
        {
            "parent_slug": parent,
            "parent_symbol": symbols.get(parent),
            "child_slug": child,
            "child_symbol": symbols.get(child),
            "percentage_ownership": percentage,
        }
        for parent, child, percentage in rows
    ]
    return framed(MINING_COMPANY_OWNERSHIP, records)


def values(frame, *columns):
    """Return columns of a frame as tuples, with None for missing values."""
    plain = frame[list(columns)].astype("object")
    return [tuple(row) for row in plain.where(plain.notna(), None).itertuples(index=False)]


def read(folder, dataset):
    with (folder / f"{dataset}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def frames_of(records):
    """Return licences, companies, ownership and details from the records of each dataset."""
    pairs = {}
    symbols = {}
    for record in records("mining_company_ownership"):
        answer = record["answer"]
        ends = [(parent, answer, parent) for parent in answer["parents"]]
        ends += [(answer, child, child) for child in answer["subsidiaries"]]
        for parent, child, shown in ends:
            pairs[parent["slug"], child["slug"]] = shown["percentage_ownership"]
            symbols[shown["slug"]] = shown["symbol"]
    listed = [
        (record["key"], row["wiup_code"])
        for record in records("mining_company")
        for row in record["answer"]["mining_license"]
    ]
    rows = records("mining_companies")
    commodities = [", ".join(row["commodity_type"]) or None for row in rows]
    edge_rows = [(*pair, percentage) for pair, percentage in pairs.items()]
    return {
        "licenses": pd.DataFrame(records("mining_licenses")),
        "companies": pd.DataFrame(rows).assign(commodity_types=commodities),
        "ownership": edges(*edge_rows, symbols=symbols),
        "details": details(*listed),
    }
