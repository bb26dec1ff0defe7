"""The tidy table and the wide columns, through the getters."""

from __future__ import annotations

import json
import math
import warnings
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples

import sectorsdf
from sectorsdf.datasets.sites import MINING_SITE_RESOURCES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.lossless_json import JsonNumber, NotANumber
from sectorsdf.frames.provenance import Provenance
from sectorsdf.frames.resources import resources_frame
from sectorsdf.reserves import reader as reserves
from sectorsdf.reserves.reader import rebuild, without_nulls

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = [column.name for column in MINING_SITE_RESOURCES.columns]


def _site(slug: str, reserves: object, **more: object) -> dict[str, object]:
    return {
        "name": slug.title(),
        "project_name": None,
        "year": 2024,
        "commodity_type": "Coal",
        "production_volume": None,
        "unit": "Mt",
        "overburden_removal_volume": None,
        "strip_ratio": None,
        "resources_reserves": reserves,
        "location": {"province": "Jambi", "city": "Bungo", "latitude": -1.5, "longitude": 102.0},
        "company_slug": f"pt-{slug}",
        "company_name": f"PT {slug.title()}",
        "slug": slug,
        **more,
    }


def _leaves(value: object, path: str = "") -> list[tuple[str, object]]:
    """Every leaf that is not null, by walking the JSON: shares nothing with the package."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{path}/{key}")]
    return [] if value is None else [(path, value)]


def _figures(frame: pd.DataFrame) -> list[tuple[str, object]]:
    """The table's numbers as leaves of the JSON."""
    found: list[tuple[str, object]] = []
    for row in frame.to_dict("records"):
        path = "/" + row["source_field"].replace(".", "/")
        ends = {end: row[f"value_{end}"] for end in ("min", "max")}
        ends = {end: value for end, value in ends.items() if not pd.isna(value)}
        if ends:
            found += [(f"{path}/{end}", value) for end, value in ends.items()]
        elif not pd.isna(row["value"]):
            found.append((path, row["value"]))
    return found


def test_every_real_figure_is_there_once(real_data: Path) -> None:
    lines = (real_data / "mining_sites.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    newest: dict[str, dict[str, object]] = {}
    for record in records:
        known = newest.get(record["slug"])
        if known is None or record["year"] > known["year"]:
            newest[record["slug"]] = record
    with sectorsdf.sandbox.running(data=real_data) as client:
        frame = sectorsdf.get_mining_site_resources(client=client)
        assert client.spent == client.sandbox.billed
    by_slug = dict(tuple(frame.groupby("slug", sort=False)))
    figures = 0
    for slug, record in newest.items():
        expected = [
            leaf for leaf in _leaves(record["resources_reserves"]) if leaf[0] != "/measurement_year"
        ]
        if record["location"]["province"] is None:  # abroad: the detail endpoint knows it not
            assert slug not in by_slug
            continue
        if not expected:
            continue
        rows = by_slug[slug]
        assert sorted(_figures(rows)) == sorted(expected)
        assert without_nulls(record["resources_reserves"]) == rebuild(rows.to_dict("records"))
        figures += len(expected)
    assert figures > 800
    assert frame.attrs["sectorsdf"]["problems"] == []


def test_the_frame_has_one_shape() -> None:
    served = {
        "mining_sites": [
            _site("full", {"total_reserves_Mt": 5.0, "calorific_value_kcal": {"min": 5000}}),
            _site("none", None),
            _site("list", [{"category": "Measured Resources", "volume": 50.5, "unit": "Mt"}]),
        ]
    }
    with sectorsdf.sandbox.running(server={"records": served}) as client:
        for sites, rows in (("full", 2), ("none", 0), (["list", "full"], 3), (None, 3), ([], 0)):
            frame = sectorsdf.get_mining_site_resources(sites, client=client)
            assert list(frame.columns) == COLUMNS
            assert frame.dtypes.equals(
                sectorsdf.get_mining_site_resources("full", client=client).dtypes
            )
            assert len(frame) == rows


def test_a_frame_with_details_costs_nothing_more() -> None:
    with sectorsdf.sandbox.running() as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        sites = sectorsdf.get_mining_sites(details=True, client=client)
        spent = client.spent
        asked = sectorsdf.get_mining_site_resources(sites[["slug"]], client=client)
        assert client.spent == spent  # the client remembers what it has paid for
    held = sectorsdf.get_mining_site_resources(sites)  # no client, no key, no request
    assert held.attrs["sectorsdf"]["credits"] == 0
    keys = ["slug", "source_field"]
    left = held.sort_values(keys, ignore_index=True)
    right = asked.sort_values(keys, ignore_index=True)
    left.attrs = right.attrs = {}
    pd.testing.assert_frame_equal(left, right)


def test_parquet_round_trips(tmp_path: Path) -> None:
    with sectorsdf.sandbox.running() as client:
        frame = sectorsdf.get_mining_site_resources("contoh-hilir-66", client=client)
    frame.to_parquet(tmp_path / "a.parquet")
    ours = sectorsdf.write_parquet(frame, tmp_path / "b.parquet")
    for again in (pd.read_parquet(tmp_path / "a.parquet"), sectorsdf.read_parquet(ours)):
        pd.testing.assert_frame_equal(again, frame)
        assert again.attrs == frame.attrs


def test_a_key_that_cannot_be_read_is_kept_and_reported() -> None:
    served = {"mining_sites": [_site("odd", {"total_reserves_Mt": 5.0, "ore body": "thick"})]}
    with sectorsdf.sandbox.running(server={"records": served}) as client:
        with pytest.warns(sectorsdf.DataWarning, match="grammar"):
            frame = sectorsdf.get_mining_site_resources("odd", client=client)
        with pytest.raises(sectorsdf.DataError) as caught:
            sectorsdf.get_mining_site_resources("odd", strict=True, client=client)
    assert frame["raw"].dropna().tolist() == ['"thick"']
    assert frame["measure"].isna().tolist() == [False, True]
    (problem,) = frame.attrs["sectorsdf"]["problems"]
    assert problem["key"]["slug"] == "odd"
    assert caught.value.problems == [problem]


def test_an_unknown_site_raises_when_named_and_is_left_out_of_a_frame() -> None:
    with sectorsdf.sandbox.running() as client:
        with pytest.raises(sectorsdf.NotFoundError) as caught:
            sectorsdf.get_mining_site_resources(["contoh-hilir-66", "nowhere"], client=client)
        assert caught.value.missing == ("nowhere",)
        assert set(caught.value.frame["slug"]) == {"contoh-hilir-66"}
        sites = pd.DataFrame({"slug": ["nowhere", "contoh-hilir-66"]})
        frame = sectorsdf.get_mining_site_resources(sites, client=client)
        assert frame.attrs["sectorsdf"]["not_found"] == ["nowhere"]
        with pytest.warns(sectorsdf.DataWarning, match="nowhere"):
            sectorsdf.get_mining_site_resources("nowhere", missing="skip", client=client)


def test_the_wide_columns_never_mix_units() -> None:
    served = {
        "mining_sites": [
            _site("coal", {"proven_reserves_Mt": 1.5, "total_reserves_Mt": 2.0}),
            _site(
                "gold",
                {"total_reserves_Mt": 40.0, "Au_reserves_koz": 900.0, "Cu_reserves_Mt": 0.2},
                commodity_type="Gold",
                unit="koz",
            ),
            _site(
                "nickel",
                {
                    "limonite": {"total_reserves_wmt": 30.0, "total_resources_wmt": 70.0},
                    "saprolite": {"total_reserves_wmt": 10.0, "total_resources_wmt": None},
                },
                commodity_type="Nickel",
                unit="wmt",
            ),
        ]
    }
    with sectorsdf.sandbox.running(server={"records": served}) as client:
        frame = sectorsdf.get_mining_sites(details=True, client=client).set_index("slug")
    assert frame["total_reserves"].to_dict() == {"coal": 2.0, "gold": 40.0, "nickel": 40.0}
    assert frame["tonnage_unit"].to_dict() == {"coal": "Mt", "gold": "Mt", "nickel": "wmt"}
    assert pd.isna(frame.loc["nickel", "total_resources"])  # never a partial sum
    assert frame.columns[-1] == "resources_reserves"
    assert json.loads(frame.loc["gold", "resources_reserves"])["Cu_reserves_Mt"] == 0.2


# --- columns and records give one frame ---------------------------------------------------

ODD = st.sampled_from(
    (
        *(None, True, 5, 2024.5, 2**70, math.nan, "2024", "\ud800", [], {}),
        *(JsonNumber("1.50"), NotANumber("NaN")),
    )
)
KEYS = st.sampled_from(
    (
        *("total_reserves_Mt", "Ni_reserves_pct", "calorific_value_kcal", "total_reserves_koz"),
        *("measurement_year", "limonite", "odd", "a.b", "", "x\ny", "\ud800"),
    )
)
NUMBERS = st.floats(0, 900) | st.integers(0, 900)
LEAVES = NUMBERS | st.fixed_dictionaries({"min": NUMBERS | ODD, "max": NUMBERS | ODD}) | ODD
OBJECTS = st.dictionaries(KEYS, LEAVES | st.dictionaries(KEYS, LEAVES, max_size=4), max_size=6)
ITEMS = st.fixed_dictionaries(
    {"category": st.sampled_from(["Proved reserves", "other"]), "volume": LEAVES},
    optional={"unit": st.sampled_from(["Mt", "kt", "?", NotANumber("NaN")]), "note": ODD},
)
FIELDS = {
    "slug": st.sampled_from(["a", "b"]),
    "name": st.sampled_from(["A", None]),
    "year": st.sampled_from([2023, 2024, None]),
    "commodity_type": st.sampled_from(["Coal", "Gold", None]),
    "company_slug": st.just("c"),
    "location": st.sampled_from([{"province": "P"}, {}, None, "x"]),
}
ANY_RESERVES = OBJECTS | st.lists(ITEMS | ODD, max_size=3) | ODD
ANSWERS = {"resources_reserves": ANY_RESERVES}
PLAIN_SITES = st.fixed_dictionaries(ANSWERS | FIELDS)
ODD_SITES = st.fixed_dictionaries(
    ANSWERS, optional={name: cell | ODD for name, cell in FIELDS.items()} | {"province": ODD}
)


def _record_by_record(sites: list[dict[str, object]]) -> pd.DataFrame:
    """Make the table from a dict a row, as plainly as it can be said."""
    builder = FrameBuilder(MINING_SITE_RESOURCES)
    problems = []
    for site in sites:
        place = site.get("location")
        row = {name: site.get(name) for name in COLUMNS[:6]}
        key = {name: None if cell is None else str(cell) for name, cell in row.items()}
        row["province"] = (place if isinstance(place, dict) else site).get("province")
        commodity = row["commodity_type"] if isinstance(row["commodity_type"], str) else None
        figures, unread = reserves.figures(site["resources_reserves"], commodity_type=commodity)
        builder.add([{**row, **figure} for figure in figures])
        problems += [{"key": key, **problem} for problem in unread]
    frame = builder.frame(Provenance({"asked": "x"}))
    return Provenance.of_frame(frame).with_problems(problems).attach(frame)


@settings(max_examples=examples(3), deadline=None)
@given(st.lists(PLAIN_SITES, max_size=6) | st.lists(ODD_SITES, max_size=3))
def test_the_table_is_that_of_records_typed_one_by_one(sites: list[dict[str, object]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        frame = resources_frame(iter(sites), Provenance({"asked": "x"}), strict=False)
        expected = _record_by_record(sites)
    pd.testing.assert_frame_equal(frame, expected, check_exact=True)
    assert json.dumps(frame.attrs) == json.dumps(expected.attrs)


def test_a_cell_that_does_not_fit_is_reported_for_each_of_its_rows() -> None:
    figures = {"total_reserves_Mt": 5.0, "total_resources_Mt": 9.0}
    sites = [_site("good", figures), _site("bad", figures, year="soon"), _site("none", None)]
    with pytest.warns(sectorsdf.DataWarning, match=r"2 value\(s\) do not fit"):
        frame = resources_frame(sites, Provenance(), strict=False)
    assert frame["year"].isna().tolist() == [False, False, True, True]
    problems = frame.attrs["sectorsdf"]["problems"]
    assert [problem["row"] for problem in problems] == [2, 3]
    assert {problem["raw"] for problem in problems} == {"soon"}
    with pytest.raises(sectorsdf.DataError, match="do not fit"):
        resources_frame(sites, Provenance(), strict=True)
