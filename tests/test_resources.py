"""The tidy table and the wide columns, through the getters."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import sectorsdf
from sectorsdf.datasets import MINING_SITE_RESOURCES
from sectorsdf.reserves import rebuild, without_nulls

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
