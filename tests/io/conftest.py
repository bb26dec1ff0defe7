"""Frames that the tests of the file formats write."""

from __future__ import annotations

import json
import warnings

import pandas as pd
import pytest

import sectorsdf
from sectorsdf.frames.arrow import frame_digest
from sectorsdf.frames.provenance import Provenance

pytest.register_assert_rewrite("support.exported")

KINDS = ("licences", "auctions", "sites", "resources", "empty", "missing")
_FRAMES = {}


def as_fetched(frame, like):
    """Give a frame the provenance of another one, as if its rows had been fetched."""
    provenance = Provenance.of_frame(like)
    return provenance.updated(rows=len(frame), digest=frame_digest(frame)).attach(frame)


@pytest.fixture
def frames(serve):
    """One frame of each kind, fetched once: exporting changes no frame."""
    if not _FRAMES:
        client = serve()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sectorsdf.DataWarning)
            sites = sectorsdf.get_mining_sites(client=client, details=True)
            resources = sectorsdf.get_mining_site_resources(sites, client=client)
        licences = sectorsdf.get_mining_licenses(client=client)
        missing = as_fetched(licences.head(0).reindex(range(3)), licences)
        _FRAMES.update(
            licences=licences,
            auctions=sectorsdf.get_mining_license_auctions(client=client),
            sites=sites,
            resources=resources,
            empty=as_fetched(licences.head(0), licences),
            missing=missing,
        )
    return _FRAMES


@pytest.fixture(params=KINDS)
def frame(frames, request):
    return frames[request.param]


@pytest.fixture
def licences(frames):
    return frames["licences"]


@pytest.fixture
def places():
    """Rows with a Point, an area, no coordinates, half of them, and a broken geometry."""
    from support.exported import AREA

    broken = '{"type": "Polygon", "coordinates": "?"}'
    return pd.DataFrame(
        {
            "wiup_code": ["001", "002", "003", "004", "005"],
            "longitude": [117.123456789012345, 100.5, None, 1.0, 3.0],
            "latitude": [-0.1, 0.5, None, None, 4.0],
            "location_geojson": [None, json.dumps(AREA), None, None, broken],
            "day": pd.to_datetime(["2026-01-15", None, None, None, "1999-01-01"]),
            "count": pd.array([2**63 - 1, None, 0, -1, 5], "Int64"),
            "flag": pd.array([True, None, False, True, False], "boolean"),
            "fid": ["a", "b", None, "", "e"],
            "geom": ["a", "b", "c", "d", "e"],
        }
    )


@pytest.fixture
def provinces():
    """Rows whose provinces and years are hard to write as the names of folders."""
    frame = pd.DataFrame(
        {
            "code": pd.array(["001", "002", "003", "004", "005"], "string"),
            "province": pd.array(
                ["Kalimantan Timur", "A/B=50%?", None, "Kalimantan Timur", "é\n:"], "string"
            ),
            "year": pd.array(["FY 2024", "0024", "FY 2024", "1e5", "FY 2024"], "string"),
        }
    )
    frame.attrs["sectorsdf"] = {"dataset": "mining_licenses"}
    return frame
