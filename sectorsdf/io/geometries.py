"""Take the geometries of a GeoDataFrame out of its rows.

This module owns which geometries a file can have. It imports neither geopandas nor shapely: a frame
that has geometries comes with both. It must not import the modules of file formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sectorsdf.errors import listed

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

__all__ = ["split_geometries", "without_geometries"]

# Longitude and latitude on WGS 84.
_SYSTEMS = ("EPSG:4326", "OGC:CRS84")


def without_geometries(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without its columns of geometries."""
    names = [name for name, dtype in frame.dtypes.items() if str(dtype) == "geometry"]
    return frame.drop(columns=names) if names else frame


def split_geometries(
    frame: pd.DataFrame, suffix: str, *, supported: bool
) -> tuple[pd.DataFrame, npt.NDArray[np.object_] | None]:
    """Return a frame without its column of geometries, and the geometries.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame of any kind.
    suffix : str
        The format, for error messages.
    supported : bool
        Whether the format has geometries.

    Returns
    -------
    tuple of pandas.DataFrame and numpy.ndarray or None
        The geometries are shapely's; None if the frame has no column of geometries.

    Raises
    ------
    ValueError
        The format has no geometries, a row would have several, or they are not in degrees of
        longitude and latitude.
    """
    names = [name for name, dtype in frame.dtypes.items() if str(dtype) == "geometry"]
    if not names:
        return frame, None
    columns = listed(names)
    if not supported:
        message = (
            f"column {columns} has geometries, which export does not write to {suffix}: export to "
            ".gpkg or .geojson, drop the column, or use geopandas itself, such as "
            'frame.to_parquet("sites.parquet") or frame.to_file("sites.fgb")'
        )
        raise ValueError(message)
    if len(names) > 1:
        message = (
            f"several columns have geometries ({columns}), and a row of {suffix} has one: drop the "
            "others, or use frame.to_file of geopandas"
        )
        raise ValueError(message)
    geometries: Any = frame[names[0]].array
    system = geometries.crs
    if not any(system == known for known in _SYSTEMS):
        how = "set_crs" if system is None else "to_crs"
        is_in = "has no coordinate reference system" if system is None else f"is in {system.name}"
        message = (
            f"column {columns} {is_in}, and {suffix} gets longitude and latitude on WGS 84: use "
            f'frame.{how}("EPSG:4326") first'
        )
        raise ValueError(message)
    plain = frame.drop(columns=names)
    plain.attrs = frame.attrs
    return plain, np.asarray(geometries, dtype=object)
