"""What was spent, summed by the endpoints of the datasets."""

from __future__ import annotations

import json
import re

import pytest

import sectorsdf
from sectorsdf import mining as m
from sectorsdf.client.ledger import open_ledger
from sectorsdf.datasets import DATASETS


def endpoints(frame):
    return dict(zip(frame["endpoint"], frame["credits"], strict=True))


def test_addressed_paths_are_one_endpoint(serve, tmp_path):
    answers = [
        {"key": slug, "answer": {"slug": slug, "parents": [], "subsidiaries": []}}
        for slug in ("a", "b (c)", "d")
    ]
    client = serve({"mining_company_ownership": answers}, cache_folder=tmp_path / "own")
    m.get_mining_company_ownership(["a", "b (c)", "d"], client=client)
    m.get_mining_companies(client=client)
    due = {"/v2/mining/companies/": 1, "/v2/mining/companies/ownership/{slug}/": 3}
    assert endpoints(client.ledger.frame("endpoint")) == due
    assert client.ledger.frame("entry")["endpoint"].nunique() == 4


@pytest.mark.parametrize("name", DATASETS)
def test_every_path_of_a_dataset_is_one_endpoint(tmp_path, name):
    ledger = open_ledger(tmp_path)
    paths = [DATASETS[name].path.replace("{}", key) for key in ("x", "y%20(z)")]
    for path in paths:
        ledger.record(endpoint=path, status=200, credits=1, key="k")
    (row,) = ledger.frame("endpoint").itertuples(index=False)
    assert row.credits == 2
    assert re.sub(r"{\w+}", "{}", row.endpoint) == DATASETS[name].path
    assert [json.loads(line)["endpoint"] for line in ledger.path.read_text().split()] == paths


def test_the_credits_of_this_machine(serve):
    assert sectorsdf.credits("endpoint").empty
    assert list(sectorsdf.credits("endpoint")) == ["endpoint", "credits", "pages", "key"]
