"""The synthetic sample: it never changes, resembles the real records, and is visibly made up."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import date

import pytest
from support.companies import framed

from sectorsdf import check_licenses, places
from sectorsdf.datasets import MINING_LICENSES
from sectorsdf.geo import INDONESIA, coastline
from sectorsdf.sandbox.endpoints import ENDPOINTS
from sectorsdf.sandbox.filters import OneOf
from sectorsdf.sandbox.records import texts_of
from sectorsdf.sandbox.sample import SIZES, Sample
from sectorsdf.sandbox.sample.geography import _provinces

pytestmark = pytest.mark.newest

LISTS = ("mining_licenses", "mining_license_auctions", "mining_sites")
# The documented values of each field, by dataset.
DOCUMENTED = {
    endpoint.dataset: {
        rule.field: rule.values for rule in endpoint.rules.values() if isinstance(rule, OneOf)
    }
    for endpoint in ENDPOINTS
    if endpoint.kind == "page"
}
# A change of the sample changes every figure that was measured on it, so it must be deliberate.
DIGEST = "0720cf2b6a13d2ba73d126bae3accc1b4337a18426f4c7004c8299435d566ff6"
DIGESTS = {
    "mining_companies": "d791904c116810ba",
    "mining_company": "2f6c56d0f7b95f00",
    "mining_company_ownership": "027d6c867876fa9f",
    "mining_company_financials": "d8e8b10efe9d5f33",
    "mining_company_performance": "d3f79476ec37521c",
    "mining_contracts": "d7a00d7bfec58b6e",
    "mining_sales_destination": "5aab86643a9e06c3",
    "mining_commodities": "8d778d82f58d8b62",
    "mining_commodity_prices": "f8c01f2cf846ca67",
    "mining_exports": "5b1c86737b992fbf",
    "mining_global_commodity": "209f0ee7799969c0",
    "mining_total_production": "fa89a084ba8663d6",
    "mining_resources_reserves_index": "2a1dc06d6c605b15",
    "mining_resources_reserves": "1ac638b9e546ab98",
}


@pytest.fixture(scope="module")
def made():
    return Sample(2026)


@pytest.fixture(scope="module")
def licenses(made):
    return made["mining_licenses"]


@pytest.fixture(scope="module")
def sites(made):
    return made["mining_sites"]


def digest(records):
    return hashlib.sha256(json.dumps(records).encode()).hexdigest()


def test_the_sample_never_changes(made):
    assert digest({dataset: made[dataset] for dataset in LISTS}) == DIGEST
    others = {dataset: digest(records)[:16] for dataset, records in made.items()}
    assert {name: text for name, text in others.items() if name not in LISTS} == DIGESTS


def test_the_sample_is_the_same_in_another_process(made):
    # Backwards, since a dataset does not depend on which other ones were made before it.
    code = (
        "import hashlib, json; from sectorsdf.sandbox.sample import Sample;"
        "made = Sample(2026);"
        "made = dict(reversed([(name, made[name]) for name in reversed(list(made))]));"
        "print(hashlib.sha256(json.dumps(made).encode()).hexdigest())"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(dict(made))


def test_seeds_differ(made):
    other = Sample(1)
    constant = {"mining_commodities"}
    assert {name for name in made if digest(other[name]) == digest(made[name])} == constant


@pytest.mark.parametrize("size", [0, 1, 2, 30, 400])
def test_samples_of_any_size(size):
    made = Sample(5, dict.fromkeys((*LISTS, "mining_companies"), size))
    for dataset, records in made.items():
        free = dataset in LISTS or dataset == "mining_companies"
        assert len(records) == size if free else len(records) <= SIZES[dataset], dataset
    slugs = [company["slug"] for company in made["mining_companies"]]
    assert len(set(slugs)) == size


def test_sizes_of_the_datasets(made):
    assert {dataset: len(records) for dataset, records in made.items()} == SIZES
    small = Sample(2026, {"mining_exports": 3, "mining_company_performance": 5})
    for dataset in ("mining_exports", "mining_company_performance"):
        count = len(small[dataset])
        assert small[dataset] == made[dataset][:count]
    assert (len(small["mining_exports"]), len(small["mining_company_performance"])) == (3, 5)


def test_every_dataset_that_is_served_is_in_the_sample(made):
    assert set(made) == {endpoint.dataset for endpoint in ENDPOINTS}


@pytest.mark.parametrize("sizes", [{"mining_cheese": 1}, {"mining_sites": -1}])
def test_sizes_that_are_refused(sizes):
    with pytest.raises(ValueError, match=next(iter(sizes))):
        Sample(1, sizes)


def test_a_dataset_is_made_when_it_is_first_read(monkeypatch):
    from sectorsdf.sandbox import Sandbox, server
    from sectorsdf.sandbox.sample import _MAKERS

    # Not the sample that all tests share.
    monkeypatch.setattr(server, "Sample", Sample)
    made = []
    for dataset, maker in _MAKERS.items():

        def make(*arguments, dataset=dataset, make=maker.make):
            made.append(dataset)
            return make(*arguments)

        monkeypatch.setitem(_MAKERS, dataset, maker._replace(make=make))
    with Sandbox() as running:
        assert made == []
        running.records("mining_exports")
        assert made == ["mining_exports"]
        running.records("mining_contracts")
        running.records("mining_companies")
        # Contracts are between companies, who hold licences and the like.
        assert sorted(made[1:]) == sorted([*LISTS, "mining_companies", "mining_contracts"])


# Visibly made up


def test_every_company_is_an_example(made):
    for dataset in LISTS:
        for record in made[dataset]:
            assert "CONTOH" in record["company_name"].upper() or record["company_name"] == "-"
    for record in made["mining_companies"]:
        assert "Contoh" in record["name"]
        assert record["symbol"] is None or re.fullmatch(r"CQ[A-Z]{2}\.JK", record["symbol"])
    for record in made["mining_company"]:
        detail = record["answer"]
        for field, pattern in {
            "representative_address": "Jalan Contoh .*",
            "website": r"www\..*contoh.*\.example",
            "email": r"kontak@.*contoh.*\.example",
            "phone_number": "00-.*",
        }.items():
            assert detail[field] is None or re.fullmatch(pattern, detail[field])
    for record in made["mining_license_auctions"]:
        for bidder in record["participants"]:
            assert "Contoh" in bidder["company_name"]
            assert bidder["email"] is None or bidder["email"].endswith(".example")


def test_places_are_real_provinces_and_numbered_regencies(licenses, sites):
    provinces = DOCUMENTED["mining_licenses"]["province"]
    for record in licenses:
        assert record["province"] is None or record["province"] in provinces
        # An auctioned area can lie in two regencies.
        assert record["city"] is None or re.fullmatch(
            r"((Kabupaten|Kota) )?Contoh \d+(, Contoh \d+)?", record["city"]
        )
    for record in sites:
        place = record["location"]
        assert place["province"] is None or place["province"] in provinces
        assert place["city"] is None or "Contoh" in place["city"]


def squares_of(city, province):
    """The squares in which the numbered places of a text lie."""
    code, squares = _provinces()[province.split(", ")[0]]
    for full in re.findall(r"Contoh (\d+)", city):
        assert full.startswith(code)
        yield squares[int(full[2:]) % 10 - 1]


def points_of(licenses, sites):
    """Each point of the sample: longitude, latitude, province and city."""
    for row in licenses:
        if isinstance(row["location"], dict) and row["province"]:
            yield *row["location"]["coordinates"], row["province"], row["city"]
    for row in sites:
        place = row["location"]
        if place["province"]:
            yield place["longitude"], place["latitude"], place["province"], place["city"]


def test_points_lie_in_their_province_and_regency(licenses, sites):
    boxes = places.provinces().set_index("name")
    found = list(points_of(licenses, sites))
    assert len(found) > 200
    for longitude, latitude, province, city in found:
        box = boxes.loc[province.split(", ")[0]]
        assert box["west"] <= longitude <= box["east"], province
        assert box["south"] <= latitude <= box["north"], province
        middle, centre, half = next(squares_of(city, province))
        assert abs(latitude - middle) <= half + 1e-6
        assert abs(longitude - centre) <= half + 1e-6


def test_squares_have_codes_of_their_province_and_of_no_real_regency():
    codes = places.provinces().set_index("name")["code"].to_dict()
    real = set(places.regencies()["code"])
    for name, (code, squares) in _provinces().items():
        assert codes[name] == code
        assert 3 <= len(squares) <= 9
        assert not {f"{code}{tens}{n}" for tens in (4, 9) for n in range(1, 10)} & real


def test_the_whole_square_of_a_regency_is_land():
    shapely = pytest.importorskip("shapely")
    shores = coastline(*INDONESIA)
    if shores is None:
        pytest.skip("the extra maps, which has the coastline, is not installed")
    land, lakes = (
        shapely.union_all(
            [shapely.make_valid(shapely.Polygon(s.line)) for s in shores if s.land is is_land]
        )
        for is_land in (True, False)
    )
    for _, squares in _provinces().values():
        for latitude, longitude, half in squares:
            square = shapely.box(
                longitude - half, latitude - half, longitude + half, latitude + half
            )
            assert shapely.contains(land, square)
            assert not shapely.intersects(lakes, square)


def test_codes_have_the_digits_of_their_place_and_commodity(licenses):
    fitting = [
        row
        for row in licenses
        if len(row["wiup_code"]) == 16 and row["wiup_code"][0] != "0" and row["province"]
    ]
    assert len(fitting) > 0.97 * len(licenses)
    codes = places.provinces().set_index("name")["code"].to_dict()
    islands = {}
    right = 0
    for row in fitting:
        digits, province = row["wiup_code"], row["province"]
        right += digits[2:4] == ("00" if ", " in province else codes[province])
        islands.setdefault(digits[1], set()).add(codes[province.split(", ")[0]][0])
    # Codes that are given to a second licence keep the place of the first.
    assert right >= len(fitting) - 8
    assert set(islands) == {"1", "2", "3", "4", "5", "6", "7"}


def test_auctioned_areas_are_in_the_register_and_a_few_have_another_holder(made, licenses):
    holders = {row["wiup_code"]: row["company_name"] for row in licenses}
    sold = [row for row in made["mining_license_auctions"] if row["winner"]]
    assert {row["wiup_code"] for row in sold} <= set(holders)
    changed = [row for row in sold if holders[row["wiup_code"]] != f"PT {row['company_name']}"]
    assert (len(sold), len(changed)) == (13, 2)


def test_no_real_record_is_in_the_sample(made, real_folder):
    for dataset, fields in {
        "mining_licenses": ("wiup_code", "company_name", "city", "location", "license_number"),
        "mining_license_auctions": ("wiup_code", "company_name", "city", "kdi", "license_number"),
        "mining_sites": ("slug", "name", "company_name", "company_slug", "project_name"),
    }.items():
        lines = (real_folder / f"{dataset}.jsonl").read_text(encoding="utf-8").splitlines()
        real = [json.loads(line) for line in lines]
        for field in fields:
            texts = {row[field] for row in real if isinstance(row[field], str)}
            ours = {row[field] for row in made[dataset] if isinstance(row[field], str)}
            assert not texts & ours, field
    lines = (real_folder / "mining_companies.jsonl").read_text(encoding="utf-8").splitlines()
    real = [json.loads(line) for line in lines]
    for field in ("slug", "name", "symbol"):
        texts = {row[field] for row in real} - {None}
        assert not texts & {row[field] for row in made["mining_companies"]}


@pytest.mark.parametrize(
    "dataset",
    [
        "mining_company_financials",
        "mining_company_performance",
        "mining_commodity_prices",
        "mining_exports",
        "mining_global_commodity",
        "mining_resources_reserves",
        "mining_sales_destination",
        "mining_total_production",
    ],
)
def test_no_real_figure_is_in_the_sample(made, real_folder, dataset):
    def figures(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return {figure for item in value for figure in figures(item)}
        # Short figures agree by chance.
        exact = isinstance(value, float) and len(str(value).replace(".0", "").rstrip("0")) > 6
        return {value} if exact else set()

    lines = (real_folder / f"{dataset}.jsonl").read_text(encoding="utf-8").splitlines()
    real = figures([json.loads(line) for line in lines])
    ours = figures(made[dataset])
    assert len(real & ours) <= len(ours) / 50


# Shaped like the real records


def test_values_are_documented_ones(made):
    for dataset, fields in DOCUMENTED.items():
        for field, allowed in fields.items():
            values = [record.get(field) for record in made[dataset]]
            present = {each for value in values for each in texts_of(value)}
            # A company of a commodity that the filter does not have.
            odd = {"Oil"} if dataset == "mining_companies" and field == "commodity_type" else set()
            assert present - allowed == odd, (dataset, field)


def test_expiry_days_tie(licenses):
    days = Counter(record["license_expiry_date"] for record in licenses)
    counts = sorted(days.values(), reverse=True)
    assert 60 <= counts[0] <= 76
    assert counts[1] <= 35
    assert 4 <= sum(count >= 10 for count in counts[1:]) <= 20
    assert 0.3 <= counts.count(1) / len(licenses) <= 0.4
    assert sum(record["license_expiry_date"] < "2026-01-01" for record in licenses) > 100
    soon = [row for row in licenses if "2026-01-01" <= row["license_expiry_date"] <= "2027-01-01"]
    assert len(soon) > 200


def test_days_are_days_and_begin_before_they_end(licenses):
    for record in licenses:
        first = date.fromisoformat(record["license_effective_date"])
        assert first < date.fromisoformat(record["license_expiry_date"])


def test_most_licenses_are_as_the_law_allows(licenses):
    frame = framed(MINING_LICENSES, licenses)
    findings = check_licenses(frame, as_of="2026-01-15")["check"].value_counts()
    # As in the real register, a few run too long, and very few are too large or have not begun.
    assert 0.02 <= findings["term_above_cap"] / len(licenses) <= 0.05
    assert 0.002 <= findings["area_above_cap"] / len(licenses) <= 0.01
    assert 0.001 <= findings["not_yet_effective"] / len(licenses) <= 0.005
    assert "effective_after_expiry" not in findings


def test_areas_tie_on_round_numbers(licenses):
    areas = Counter(record["licensed_area_ha"] for record in licenses)
    for size in (5.0, 100.0, 5000.0):
        assert 20 <= areas[size] <= 50
    assert 0.65 <= list(areas.values()).count(1) / len(licenses) <= 0.85
    assert min(areas) > 0


def test_codes_are_odd_where_real_ones_are(licenses):
    codes = Counter(record["wiup_code"] for record in licenses)
    repeated = [code for code, count in codes.items() if count > 1]
    assert len(repeated) == 4
    for code in repeated:
        first, second = (row for row in licenses if row["wiup_code"] == code)
        assert first != second
    lengths = Counter(len(code) for code in codes)
    assert {13, 16, 20} <= set(lengths)
    assert lengths[16] > 0.98 * len(codes)
    assert all(code.isdigit() for code in codes)
    assert 5 <= sum(code.startswith("0") for code in codes) <= 60


def test_licenses_have_the_nulls_and_shapes_of_real_ones(licenses):
    assert 0.93 <= sum(row["company_slug"] is None for row in licenses) / len(licenses) <= 0.97
    points = [row["location"] for row in licenses if isinstance(row["location"], dict)]
    assert len(points) > 50
    for point in points:
        longitude, latitude = point["coordinates"]
        assert 95 <= longitude <= 141
        assert -11 <= latitude <= 6
    assert any(row["location"] is None for row in licenses)
    assert any(row["province"] is None for row in licenses)
    assert any(row["province"] and "," in row["province"] for row in licenses)
    assert {"CNC", "CNC-1", "CNC-27", "CnC", "I.T", None} <= {row["cnc"] for row in licenses}
    assert {None, "IUP PMA", "GEN I"} <= {row["generation"] for row in licenses}
    assert {row["license_type"] for row in licenses} == DOCUMENTED["mining_licenses"][
        "license_type"
    ]
    slugs = {}
    for row in licenses:
        assert slugs.setdefault(row["company_name"], row["company_slug"]) == row["company_slug"]


def test_auctions(made):
    auctions = made["mining_license_auctions"]
    assert len({record["wiup_code"] for record in auctions}) == 14
    assert sum(record["winner_date"] is None for record in auctions) == 1
    sizes = {record["participant_count"] for record in auctions}
    assert {2, 32} <= sizes
    for record in auctions:
        assert len(record["participants"]) == record["participant_count"]
        assert {item["qualification_result"] for item in record["participants"]} == {
            "Lolos",
            "Tidak Lolos",
        }
        assert int(record["kdi"]) > 2**32
        assert [phase["order"] for phase in record["phases"]] == list(
            range(1, len(record["phases"]) + 1)
        )
        if record["winner"]:
            passed = {
                item["company_name"]
                for item in record["participants"]
                if item["qualification_result"] == "Lolos"
            }
            assert record["company_name"] in passed
    phases = [phase for record in auctions for phase in record["phases"]]
    assert 0 < sum(phase["end_date"] is not None for phase in phases) < len(phases) / 5


def test_sites_repeat_as_real_ones_do(sites):
    keys = Counter((row["slug"], row["year"], row["commodity_type"]) for row in sites)
    assert sorted(keys.values(), reverse=True)[:2] == [2, 1]
    [shared] = [key for key, count in keys.items() if count == 2]
    owners = {
        row["company_slug"]
        for row in sites
        if (row["slug"], row["year"], row["commodity_type"]) == shared
    }
    assert len(owners) == 2
    years: dict[str, set[int]] = {}
    metals: dict[str, set[str]] = {}
    for row in sites:
        years.setdefault(row["slug"], set()).add(row["year"])
        metals.setdefault(row["slug"], set()).add(row["commodity_type"])
    assert {2022, 2023, 2024} in years.values()
    assert {2023, 2024} in years.values()
    assert {"Gold", "Copper"} in metals.values()
    assert 0.85 <= Counter(row["year"] for row in sites)[2024] / len(sites) <= 0.97
    assert 0.6 <= sum(row["commodity_type"] == "Coal" for row in sites) / len(sites) <= 0.7
    units = {"Coal": "Mt", "Gold": "koz", "Copper": "kton", "Nickel": "wmt"}
    assert all(row["unit"] == units[row["commodity_type"]] for row in sites)
    assert 0 < sum(row["production_volume"] is not None for row in sites) < len(sites) / 3
    assert 0 < sum(row["strip_ratio"] is not None for row in sites) < len(sites) / 5
    abroad = [row for row in sites if row["location"]["province"] is None]
    assert len(abroad) == 1
    assert set(abroad[0]["location"].values()) == {None}


def test_reserves_come_in_every_shape(sites):
    shapes = [row["resources_reserves"] for row in sites]
    assert None in shapes
    listed = [shape for shape in shapes if isinstance(shape, list)]
    assert listed
    assert {tuple(item) for shape in listed for item in shape} == {("category", "volume", "unit")}
    objects = [shape for shape in shapes if isinstance(shape, dict)]
    bounds = [shape["calorific_value_kcal"] for shape in objects if "calorific_value_kcal" in shape]
    assert None in bounds
    told = {tuple(bound[side] is None for side in ("min", "max")) for bound in bounds if bound}
    assert told == {(False, False), (True, False), (False, True)}
    assert any(shape.get("Au_reserves_g_per_ton") for shape in objects)
    assert any(shape.get("Cu_resources_pct") for shape in objects)
    assert any(shape["limonite"]["Ni_resources_pct"] for shape in objects if "limonite" in shape)
    assert any(shape["saprolite"]["Co_resources_Kt"] for shape in objects if "saprolite" in shape)


def test_reserves_hold_documented_names_only(sites):
    name = re.compile(
        r"measurement_year|calorific_value_kcal|limonite|saprolite"
        r"|(proven|probable|total)_reserves_Mt|(measured|indicated|inferred|total)_resources_Mt"
        r"|total_(reserves|resources)_(wmt|dmt)"
        r"|(Au|Ag)_(reserves|resources)_(koz|g_per_ton)|Cu_(reserves|resources)_(Mt|pct)"
        r"|(Ni|Co)_(reserves|resources)_Kt|(Ni|Co|Fe|SiO2|MgO|Al2O3)_(reserves|resources)_pct"
    )

    def names(shape):
        for key, value in shape.items():
            yield key
            if key in {"limonite", "saprolite"}:
                yield from value

    for row in sites:
        if isinstance(row["resources_reserves"], dict):
            assert all(name.fullmatch(key) for key in names(row["resources_reserves"]))


def test_coal_adds_up_but_for_the_oddities(sites):
    wrong, late = 0, 0
    for row in sites:
        shape = row["resources_reserves"]
        if isinstance(shape, dict) and (shape["measurement_year"] or 0) > row["year"]:
            late += 1
        if row["commodity_type"] != "Coal" or not isinstance(shape, dict):
            continue
        parts = [shape["proven_reserves_Mt"], shape["probable_reserves_Mt"]]
        if None not in parts and shape["total_reserves_Mt"] is not None:
            wrong += abs(sum(parts) - shape["total_reserves_Mt"]) > 0.11
    assert wrong == 1
    assert late >= 1
