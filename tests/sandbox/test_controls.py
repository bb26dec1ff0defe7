"""The arguments of a server, its log and controls, and the program that runs it."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time

import pytest
import requests

from sectorsdf.sandbox import DEFAULT_KEY, Faults, RateLimit, Sandbox

pytestmark = pytest.mark.newest

LICENSES = "/v2/mining/licenses/"


# The arguments of a server


def test_the_key_is_harmless_and_of_the_right_form():
    assert len(DEFAULT_KEY) == 64
    assert set(DEFAULT_KEY) <= set("0123456789abcdef")
    assert Sandbox(licenses=0).key == DEFAULT_KEY
    assert Sandbox(licenses=0, keys=["k1", "k2"]).key == "k1"


@pytest.mark.parametrize(
    "options",
    [
        {"keys": ()},
        {"data": ".", "records": {}},
        {"records": {"cheese": []}},
        {"licenses": -1},
    ],
)
def test_arguments_that_make_no_sense(options):
    with pytest.raises(ValueError, match=r"."):
        Sandbox(**options)


def test_given_records(serve):
    client = serve(records={"mining_licenses": [{"wiup_code": "0012"}]})
    assert client.rows(LICENSES) == [{"wiup_code": "0012"}]
    assert client.rows("/v2/mining/sites/") == []
    assert client.server.source == "given records (sectorsdf sandbox)"


def test_records_are_copies(serve):
    client = serve(records={"mining_licenses": [{"wiup_code": "1", "location": {"a": 1}}]})
    client.server.records("mining_licenses")[0]["location"]["a"] = 2
    assert client.server.records("mining_licenses")[0]["location"]["a"] == 1


def test_adding_and_removing_records(serve):
    client = serve(licenses=40)
    before = client.server.records("mining_licenses")
    made = client.server.add_records("mining_licenses", 3)
    given = client.server.add_records("mining_licenses", [{"wiup_code": "x", "cnc": None}])
    assert len(client.rows(LICENSES)) == 44
    assert client.server.records("mining_licenses") == before + made + given
    gone = client.server.remove_records("mining_licenses", lambda record: record["cnc"] is None)
    assert given[0] in gone
    assert len(client.server.remove_records("mining_licenses", 2)) == 2
    assert len(client.rows(LICENSES)) == 42 - len(gone)
    for dataset, key in (("mining_license_auctions", "wiup_code"), ("mining_sites", "slug")):
        taken = {record[key] for record in client.server.records(dataset)}
        added = client.server.add_records(dataset, 5) + client.server.add_records(dataset, 5)
        assert len({record[key] for record in added} - taken) == 10
    with pytest.raises(KeyError):
        client.server.add_records("cheese", 1)


def test_a_folder_of_records(serve, tmp_path):
    lines = ['{"wiup_code": "1"}', "", '{"wiup_code": "2", "city": "\N{SNOWMAN}"}']
    (tmp_path / "mining_licenses.jsonl").write_text("\n".join(lines), encoding="utf-8")
    client = serve(data=tmp_path)
    assert client.rows(LICENSES) == [{"wiup_code": "1"}, {"wiup_code": "2", "city": "\N{SNOWMAN}"}]
    assert client.rows("/v2/mining/sites/") == []
    assert client.get("/").headers["X-Data-Source"] == "records of a folder (sectorsdf sandbox)"


@pytest.mark.parametrize(("text", "said"), [("{", "line 1: not JSON"), ("[]", "not a JSON object")])
def test_a_folder_with_broken_lines(tmp_path, text, said):
    (tmp_path / "mining_sites.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        Sandbox(data=tmp_path)


def test_a_folder_without_records(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mining_licenses\.jsonl"):
        Sandbox(data=tmp_path)


def test_the_folder_of_real_records(serve, real_folder):
    client = serve(data=real_folder)
    rows = client.rows(LICENSES)
    lines = (real_folder / "mining_licenses.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(row["wiup_code"] for row in rows) == sorted(
        json.loads(line)["wiup_code"] for line in lines
    )
    sites = client.rows("/v2/mining/sites/", commodity_type="coal")
    for row in sites[:20]:
        if row["province"] is not None:
            detail = client.get(f"/v2/mining/sites/{row['slug']}/").json()
            assert detail["slug"] == row["slug"]
            assert detail["location"]["province"] == row["province"]
    for row in client.rows("/v2/mining/license-auctions/"):
        detail = client.get(f"/v2/mining/license-auctions/{row['wiup_code']}/").json()
        assert len(detail["participants"]) == row["participant_count"]


# The log and the controls


def test_the_log(serve):
    client = serve(tokens=("t",))
    begin = time.monotonic()
    client.get(f"{LICENSES}?limit=1&limit=2&company=")
    client.get(LICENSES, headers={"Authorization": "Bearer t"})
    client.get(LICENSES, headers={"Authorization": None})
    first, second, third = client.server.requests
    assert (first.seq, first.method, first.path) == (1, "GET", LICENSES)
    assert first.query == {"limit": "2", "company": ""}
    assert (first.status, first.billed, first.fault, first.delivered) == (200, True, None, True)
    assert begin <= first.time <= second.time <= time.monotonic()
    fingerprint = hashlib.sha256(client.server.key.encode()).hexdigest()
    assert fingerprint.startswith(first.key_fingerprint)
    assert len(first.key_fingerprint) == 12
    assert hashlib.sha256(b"t").hexdigest().startswith(second.key_fingerprint)
    assert third.key_fingerprint is None
    client.server.reset_counts()
    assert (client.server.requests, client.server.billed) == ([], 0)


def test_the_controls_are_free_and_without_key(serve):
    client = serve(faults=Faults(status_every={503: 1}, rate_limit=RateLimit(requests=1)))
    del client.headers["Authorization"]
    assert client.get(LICENSES, headers={"Authorization": client.server.key}).status_code == 503
    [record] = client.get("/_sandbox/requests").json()["requests"]
    assert (record["path"], record["status"], record["fault"]) == (LICENSES, 503, "status")
    stats = client.get("/_sandbox/stats").json()
    assert (stats["requests"], stats["billed"], stats["statuses"]) == (1, 0, {"503": 1})
    assert stats["records"]["mining_licenses"] == 100
    assert client.post("/_sandbox/reset").json() == {"reset": True}
    assert client.get("/_sandbox/stats").json()["requests"] == 0
    assert client.get("/").status_code == 200
    assert client.server.requests == []


def test_faults_by_request(serve):
    client = serve()
    changes = {
        "latency": [0, 0.001],
        "rate_limit": {"requests": 5, "window": 60, "retry_after": True},
        "status_every": {"500": 2},
        "drift": [{"after": 9, "dataset": "mining_sites", "add": 1, "remove": 2}],
    }
    answer = client.post("/_sandbox/faults", json=changes)
    assert answer.status_code == 200
    defaults = {"anchor": "first", "kind": "fixed", "counts": "all", "block_growth": 0.0}
    assert answer.json()["rate_limit"] == {**changes["rate_limit"], **defaults}
    assert answer.json() == client.get("/_sandbox/faults").json()
    assert client.server.faults.rate_limit == RateLimit(5, 60, retry_after=True)
    assert client.server.faults.drift[0].remove == 2
    assert [client.get(LICENSES).status_code for _ in range(6)] == [200, 500, 200, 500, 200, 429]
    # The answer can be sent back as it is.
    assert client.post("/_sandbox/faults", json=answer.json()).json() == answer.json()
    assert client.post("/_sandbox/faults", json={"rate_limit": None}).status_code == 200
    assert client.server.faults.rate_limit is None


@pytest.mark.parametrize(
    "body",
    ['{"nonsense": 1}', '{"reset_rate": "x"}', '{"reset_rate": 9}', "[]", "{", '{"drift": 1}'],
)
def test_faults_that_cannot_be_set(serve, body):
    client = serve()
    answer = client.post("/_sandbox/faults", data=body)
    assert answer.status_code == 400
    assert "error" in answer.json()
    assert client.server.faults == Faults()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/_sandbox/stats", 405),
        ("GET", "/_sandbox/reset", 405),
        ("PUT", "/_sandbox/faults", 405),
        ("GET", "/_sandbox/", 404),
        ("POST", "/", 405),
    ],
)
def test_controls_that_are_not_there(client, method, path, status):
    assert client.request(method, path).status_code == status


def test_the_front_page(client):
    facts = client.get("/").json()
    assert "synthetic" in facts["data_source"]
    assert facts["records"]["mining_licenses"] == 4151
    assert facts["key"] == DEFAULT_KEY
    page = client.get("/", headers={"Accept": "text/html,*/*"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert "synthetic sample" in page.text
    assert "/v2/mining/sites/{slug}/" in page.text


def test_the_front_page_keeps_other_keys_to_itself(serve):
    client = serve(keys=("c" * 64,))
    assert "c" * 64 not in client.get("/").text


# In a process of its own


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_alone(number):
    words = ["--licenses", "50", "--seed", "7", "--faults", '{"status_every": {"503": 2}}']
    process = subprocess.Popen(
        [sys.executable, "-m", "sectorsdf.sandbox", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        url = line.split()[-1]
        headers = {"Authorization": DEFAULT_KEY}
        answers = [requests.get(url + LICENSES, headers=headers, timeout=10) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 503]
        assert answers[0].json()["pagination"]["total_count"] == 50
        assert answers[0].headers["X-Data-Source"].endswith("seed 7)")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    "words", [["--data", "/nowhere/at/all"], ["--faults", '{"x": 1}'], ["--faults", "{"]]
)
def test_running_alone_with_wrong_words(words, capsys):
    from sectorsdf.sandbox.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err
