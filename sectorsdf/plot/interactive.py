"""Maps that a reader can zoom, with a text for each dot. Needs the extra ``interactive``.

A page that this module makes loads nothing from the network, if Leaflet is installed: there are no
tiles, and the background is the coastline of the extra ``maps``.
"""

from __future__ import annotations

import importlib.util
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import MissingExtraError
from sectorsdf.frames.provenance import Provenance
from sectorsdf.geo import INDONESIA, coastline
from sectorsdf.plot.located import locate
from sectorsdf.plot.style import colours_for, note_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import folium

__all__ = ["interactive_map"]

_HEIGHT, _NOTE_HEIGHT = 440, 80
_FEWEST_POINTS, _MARGIN = 5, 4.0
_LICENSES: Final = "Licences"
_STYLE: Final = (
    ".leaflet-container {background: #eef4f9} "
    ".leaflet-control-layers {font-size: 11px; line-height: 1.3} "
    ".sectorsdf-source {padding: 4px 8px; font: 11px sans-serif; color: #4b525c; background: #fff}"
)
_SEA, _LAND, _SHORE = "#eef4f9", "#dcd9d0", "#b5b0a2"
_NAMES: Final = ("name", "wiup_code", "company_name", "commodity_type", "province")
_DOT: Final = {"radius": 5, "weight": 1, "color": "white", "fill": True, "fill_opacity": 0.9}
_RING: Final = {"radius": 4, "weight": 2, "fill": True, "fill_opacity": 0.1}


def interactive_map(
    *frames: pd.DataFrame,
    colour: str = "commodity_type",
    text: Sequence[str] | None = None,
) -> folium.Map:
    """Draw sites and licences on a map that can be zoomed, with a text for each dot.

    Parameters
    ----------
    *frames : pandas.DataFrame
        One or more frames with ``longitude`` and ``latitude``: from get_mining_sites with
        ``details=True``, get_mining_site, or get_mining_licenses. If a site has several years, the
        latest is drawn. Licences are rings, sites are dots.
    colour : str, default "commodity_type"
        A text column that all frames have. Each of its six largest groups in a frame is a layer of
        its own, which the reader can switch off; the rest are Others.
    text : sequence of str, optional
        The columns in the text of a dot, each written with its name. By default the text has the
        names, the licensed area in hectares, and the production with its unit and year, as far as
        the frame has them.

    Returns
    -------
    folium.Map
        A map, which a notebook shows, and whose method ``save("map.html")`` writes a page. The note
        in its corner has the source, and the number of rows without coordinates.

    Raises
    ------
    ValueError
        No frame is given, or a column is missing.
    TypeError
        An argument is not a DataFrame.
    MissingExtraError
        The extra ``interactive`` is not installed.

    See Also
    --------
    site_map : The same as a picture.

    Notes
    -----
    No request is made. All texts from the data are escaped before they become HTML.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     licences = sectorsdf.get_mining_licenses(province="Papua", client=client)
    >>> page = sectorsdf.plot.interactive_map(licences)
    >>> page.save("licences.html")
    """
    if not frames:
        message = "interactive_map needs at least one frame with longitude and latitude"
        raise ValueError(message)
    folium = _folium()
    drawn = [_Layers.of(frame, colour, text) for frame in frames]
    chart = folium.Map(
        min_zoom=4, max_zoom=9, zoom_snap=0.25, tiles=None, height=_HEIGHT,
        attribution_control=False, prefer_canvas=True,
    )  # fmt: skip
    # In a notebook, the height of the page is otherwise a share of its width.
    folium.Figure(height=f"{_HEIGHT + _NOTE_HEIGHT}px").add_child(chart)
    west, east, south, north = INDONESIA
    chart.fit_bounds([[south, west], [north, east]])
    _include_scripts(chart, folium)
    shores = _shores()
    if shores:
        folium.GeoJson(
            {"type": "FeatureCollection", "features": shores}, control=False, smooth_factor=0,
            style_function=_shore_style,
        ).add_to(chart)  # fmt: skip
    for layers in drawn:
        layers.add_to(chart, folium)
    note = "<br>".join(escape(line) for layers in drawn for line in layers.note)
    if not shores:
        note += "<br>No coastline: install the extra maps"
    html = chart.get_root().html
    html.add_child(folium.Element(f'<div class="sectorsdf-source">{note}</div>'))
    folium.LayerControl("bottomright", collapsed=False).add_to(chart)
    return chart


class _Layers(NamedTuple):
    """The dots of one frame.

    Attributes
    ----------
    title : str
        What the rows are.
    dots : pandas.DataFrame
        ``longitude``, ``latitude``, ``text`` (HTML) and ``group`` of each dot.
    groups : list of str
        The groups, the largest first.
    note : list of str
        The source of the frame, and what is not drawn.
    """

    title: str
    dots: pd.DataFrame
    groups: list[str]
    note: list[str]

    @classmethod
    def of(cls, frame: pd.DataFrame, colour: str, text: Sequence[str] | None) -> _Layers:
        """Read the dots from a frame."""
        shown, dots, names, left_out = locate(frame, colour, columns=text or ())
        provenance = Provenance.of_frame(frame)
        source = str(provenance.get("source") or "").partition(" (")[0]
        dots["text"] = [_html([*lines, source]) for lines in _texts(shown, text)]
        dataset = DATASETS.get(provenance.get("dataset", ""))
        title = "Locations"
        if dataset:
            title = f"{dataset.title.removeprefix('mining ').capitalize()}s"
        lines = note_lines(frame, left_out)
        return cls(title, dots, names, [f"{title}. {lines[0]}", *lines[1:]])

    def add_to(self, chart: Any, folium: Any) -> None:  # noqa: ANN401
        """Add a layer for each group."""
        for name, colour in colours_for(self.groups).items():
            rows = self.dots[self.dots["group"] == name]
            # Three decimals are about a hundred metres.
            points = rows[["longitude", "latitude"]].round(3).to_numpy().tolist()
            features = [
                _feature("Point", point, text=text)
                for point, text in zip(points, rows["text"], strict=True)
            ]
            mark, style = "●", {**_DOT, "fill_color": colour}
            if self.title == _LICENSES:
                mark, style = "○", {**_RING, "color": colour}
            label = f"{self.title}: {name} ({len(rows)})"
            folium.GeoJson(
                {"type": "FeatureCollection", "features": features},
                name=f'<span style="color: {colour}">{mark}</span> {escape(label)}',
                marker=folium.CircleMarker(**style),
                tooltip=folium.GeoJsonTooltip(["text"], labels=False),
            ).add_to(chart)


def _feature(kind: str, coordinates: object, **properties: object) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _html(lines: Iterable[str]) -> str:
    return "<br>".join(escape(line) for line in lines if line)


def _texts(rows: pd.DataFrame, columns: Sequence[str] | None) -> Iterator[list[str]]:
    """Yield the lines of each row's text, without missing values."""
    for row in rows.to_dict("records"):
        if columns is not None:
            yield [f"{name}: {row[name]}" for name in columns if not pd.isna(row[name])]
            continue
        lines = [str(row[name]) for name in _NAMES if name in row and not pd.isna(row[name])]
        if not pd.isna(area := row.get("licensed_area_ha")):
            lines.append(f"{area:,.0f} ha")
        if not pd.isna(volume := row.get("production_volume")):
            unit = row.get("unit")
            lines.append(
                f"Production: {volume:,g} {'(unit not given)' if pd.isna(unit) else unit}"
                + ("" if pd.isna(row.get("year")) else f" in {row['year']}")
            )
        yield lines


def _shores() -> list[dict[str, Any]]:
    """Return land and lakes as GeoJSON; none without the extra ``maps``."""
    west, east, south, north = INDONESIA
    low, high = (west - _MARGIN, south - _MARGIN), (east + _MARGIN, north + _MARGIN)
    features = []
    for shore in coastline(*INDONESIA) or ():
        # What is far outside falls on the edge. Two decimals are about a kilometre.
        line = np.round(np.clip(shore.line.astype(np.float64), low, high), 2)
        line = line[np.append(True, (np.diff(line, axis=0) != 0).any(axis=1))]
        before, after = np.diff(line[:-1], axis=0), np.diff(line[1:], axis=0)
        bends = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
        line = line[np.concatenate(([True], bends, [True]))[: len(line)]]
        if len(line) >= _FEWEST_POINTS:
            features.append(_feature("Polygon", [line.tolist()], land=shore.land))
    return features


def _shore_style(feature: Mapping[str, Any]) -> dict[str, Any]:
    land = feature["properties"]["land"]
    return {
        "fillColor": _LAND if land else _SEA, "fillOpacity": 1, "color": _SHORE, "weight": 0.7
    }  # fmt: skip


def _folium() -> Any:  # noqa: ANN401 - folium is optional
    try:
        import folium  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f'interactive maps need folium: pip install "sectorsdf[interactive]" ({error})'
        raise MissingExtraError(message) from None
    return folium


def _include_scripts(chart: Any, folium: Any) -> None:  # noqa: ANN401
    """Put Leaflet into the page, if it is installed, so that nothing is loaded from the network."""
    head = chart.get_root().header
    found = importlib.util.find_spec("js_lib_leaflet")
    if found is not None and found.origin:
        files = Path(found.origin).parent / "static" / "js_lib_leaflet"
        chart.default_js = chart.default_css = []
        for name, tag in (("leaflet.css", "style"), ("leaflet.js", "script")):
            text = (files / name).read_text(encoding="utf-8")
            head.add_child(folium.Element(f"<{tag}>{text}</{tag}>"))
    head.add_child(folium.Element(f"<style>{_STYLE}</style>"))
