"""Answers that were recorded from the API itself give the right frames, field by field.

What is due is read from the answers by plain `json`; nothing of them stands here.
"""

from __future__ import annotations

import json
import socket

import pytest
import requests
import requests_mock
from support import reference

import sectorsdf
from sectorsdf import datasets

API = "https://api.sectors.app"
KEY = "0123456789abcdef" * 4


@pytest.fixture
def client():
    with sectorsdf.Client(KEY) as connected:
        yield connected


@pytest.fixture
def api(monkeypatch):
    """The API's host, as far as a test says what it answers."""
    adapter = requests_mock.Adapter()
    # Wherever a session sends, so that it does not matter how the package sends with it.
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: adapter)
    return adapter


@pytest.fixture
def licences(recorded, api):
    (path,) = recorded.glob("licenses-*.json")
    text = path.read_text(encoding="utf-8")
    api.register_uri("GET", f"{API}/v2/mining/licenses/", text=text)
    return json.loads(text)["results"]


@pytest.fixture
def site(recorded, api):
    (path,) = recorded.glob("site-*.json")
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    api.register_uri("GET", f"{API}/v2/mining/sites/{record['slug']}/", text=text)
    return record


def test_the_recorded_licences(client, licences, api):
    frame = sectorsdf.get_mining_licenses(
        commodity_type="copper", order_by="-licensed_area_ha", client=client
    )
    assert len(licences) == 10
    reference.check(
        frame, [reference.license_row(record) for record in licences], reference.LICENSES
    )
    (request,) = api.request_history
    assert request.headers["Authorization"] == KEY
    assert request.qs == {
        "commodity_type": ["copper"],
        "order_by": ["-licensed_area_ha"],
        "limit": ["30"],
        "offset": ["0"],
    }
    facts = frame.attrs["sectorsdf"]
    assert facts["host"] == API
    assert facts["source"] == "Sectors API"
    assert facts["filters"] == {"commodity_type": "copper", "order_by": "-licensed_area_ha"}
    assert (facts["rows"], facts["pages"], facts["credits"]) == (10, 1, 1)
    assert facts["complete"] is True
    assert facts["problems"] == facts["unknown_fields"] == facts["missing_fields"] == []
    assert KEY not in json.dumps(frame.attrs)


def test_the_recorded_site(client, site):
    frame = sectorsdf.get_mining_site(site["slug"], client=client)
    reference.check(frame, [reference.site_row(site)], reference.SITE)
    facts = frame.attrs["sectorsdf"]
    assert facts["endpoint"] == "/v2/mining/sites/{}/"
    assert (facts["rows"], facts["credits"]) == (1, 1)
    assert facts["complete"] is True
    assert facts["problems"] == facts["unknown_fields"] == facts["missing_fields"] == []


def test_recorded_answers_survive_parquet(client, licences, site, tmp_path):
    for frame in (
        sectorsdf.get_mining_licenses(client=client),
        sectorsdf.get_mining_site(site["slug"], client=client),
    ):
        path = sectorsdf.write_parquet(frame, tmp_path / "frame.parquet")
        reference.check_same(sectorsdf.read_parquet(path), frame)


@pytest.mark.parametrize(
    "dataset",
    [datasets.MINING_LICENSES, datasets.MINING_LICENSE_AUCTIONS, datasets.MINING_SITES],
    ids=lambda dataset: dataset.name,
)
def test_filters_and_their_values_are_those_of_the_provider(shared, dataset):
    file = shared / "reference" / "sectors-mining-openapi.json"
    described = json.loads(file.read_text(encoding="utf-8"))["paths"][dataset.path]["get"]
    values = {
        entry["name"]: tuple(sorted(entry["schema"].get("enum", ())))
        for entry in described["parameters"]
        if entry["in"] == "query" and entry["name"] not in {"limit", "offset"}
    }
    declared = {entry.name: tuple(sorted(entry.values)) for entry in dataset.filters}
    assert declared == values


@pytest.mark.parametrize("host", ["192.0.2.1", "api.sectors.app"])
def test_nothing_reaches_another_machine(host):
    with pytest.raises(Exception, match=r"may not (connect|look up)"):
        socket.create_connection((host, 443), timeout=0.1)
    with socket.socket() as plug, pytest.raises(Exception, match=r"may not (connect|look up)"):
        plug.connect((host, 443))
