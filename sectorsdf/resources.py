"""Resources and reserves of many sites as the rows of one tidy table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sectorsdf.datasets import MINING_SITE_RESOURCES
from sectorsdf.errors import DataError
from sectorsdf.frame import ATTRS, FrameBuilder, decode_json, warn
from sectorsdf.reserves import figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["records_of", "resources_frame"]

_SITE = ("slug", "name", "year", "commodity_type", "company_slug", "company_name")
_FIELD = "resources_reserves"


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the site records that a frame with details holds, its JSON text parsed.

    Rows without resources and reserves of their own give no figure and are left out.
    """
    given = frame[frame[_FIELD].notna()]
    return [
        {
            **{str(k): None if pd.isna(v) else v for k, v in record.items()},
            _FIELD: decode_json(record[_FIELD]),
        }
        for record in given[[*_SITE, "province", _FIELD]].to_dict("records")
    ]


def resources_frame(
    records: Iterable[Mapping[str, Any]], provenance: Mapping[str, Any], *, strict: bool
) -> pd.DataFrame:
    """Return one row a figure, of all the sites, in their order.

    Raises
    ------
    DataError
        With `strict`, where a figure does not follow the grammar of the keys.
    """
    builder = FrameBuilder(MINING_SITE_RESOURCES)
    problems: list[dict[str, Any]] = []
    for record in records:
        commodity = record.get("commodity_type")
        place = record.get("location")
        province = place.get("province") if isinstance(place, dict) else record.get("province")
        site = {**{name: record.get(name) for name in _SITE}, "province": province}
        rows, unread = figures(
            record.get(_FIELD), commodity_type=commodity if isinstance(commodity, str) else None
        )
        builder.add({**site, **row} for row in rows)
        key = {name: None if site[name] is None else str(site[name]) for name in _SITE}
        problems += [{"key": key, **problem} for problem in unread]
    frame = builder.frame(provenance, strict=strict)
    if problems:
        frame.attrs[ATTRS]["problems"] += problems
        first = problems[0]
        message = (
            f"{len(problems)} figure(s) of resources_reserves do not follow the grammar of its "
            f"keys and are kept as rows without a measure; the first: {first['raw'][:80]} "
            f"({first['reason']}) at {first['key']['slug']}. All stand in "
            f'frame.attrs["{ATTRS}"]["problems"].'
        )
        if strict:
            raise DataError(message, problems=problems, frame=frame)
        warn(message)
    return frame
