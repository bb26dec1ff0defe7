"""Build the tidy table of the resources and reserves of many sites.

`reserves` reads what a site's JSON says; this module owns the table that its figures make. It must
not import a module that fetches or stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sectorsdf.datasets.sites import MINING_SITE_RESOURCES
from sectorsdf.errors import DataError
from sectorsdf.frames.addresses import left_out_of
from sectorsdf.frames.arrow import from_arrow
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.casting import cast_column
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lossless_json import decode_json
from sectorsdf.frames.problems import describe_left_out, raise_or_warn, warn
from sectorsdf.frames.provenance import ATTRS, Provenance
from sectorsdf.reserves.grammar import Label
from sectorsdf.reserves.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sectorsdf.frames.flatten import BadValue

__all__ = ["records_of", "resources_frame"]


_SITE = ("slug", "name", "year", "commodity_type", "company_slug", "company_name")
_FIELD = "resources_reserves"


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the site records of a frame with details, with their JSON text parsed.

    Rows without resources and reserves of their own have no figure and are left out.
    """
    with_figures = frame[frame[_FIELD].notna()]
    return [
        {
            **{str(k): None if pd.isna(v) else v for k, v in record.items()},
            _FIELD: decode_json(record[_FIELD]),
        }
        for record in with_figures[[*_SITE, "province", _FIELD]].to_dict("records")
    ]


def _province(record: Mapping[str, Any]) -> object:
    place = record.get("location")
    return place.get("province") if isinstance(place, dict) else record.get("province")


class _Figures:
    """The figures of many sites, with what many rows share kept once.

    A row is its numbers, its label and the position of its site. One dict for each row would have
    to be split into columns again, which takes twice as long.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        reader, years, rows = Reader(), [], []
        self.problems: list[dict[str, Any]] = []
        for record in records:
            before, commodity = len(reader), record.get("commodity_type")
            year, unread = reader.read(
                record.get(_FIELD), commodity if isinstance(commodity, str) else None
            )
            years.append(year)
            rows.append(len(reader) - before)
            if unread:
                site = {name: record.get(name) for name in _SITE}
                key = {name: None if cell is None else str(cell) for name, cell in site.items()}
                self.problems += [{"key": key, **problem} for problem in unread]
        self._sites: dict[str, list[Any]] = {
            **{name: [record.get(name) for record in records] for name in _SITE},
            "province": list(map(_province, records)),
            "measurement_year": years,
        }
        self._site_of_row = np.repeat(np.arange(len(records)), rows)
        self._labels = reader.rows.labels
        self._numbers: dict[str, list[Any]] = {
            "value": reader.rows.values,
            "value_min": reader.rows.lows,
            "value_max": reader.rows.highs,
            "raw": reader.rows.raws,
        }

    def table(self) -> pa.Table | None:
        """Return the typed rows, or None if a cell does not fit its column."""
        # Labels are compared by identity: comparing their values would take longer than the rest.
        ids = list(map(id, self._labels))
        labels = dict(zip(ids, self._labels, strict=True))
        position_of = dict(zip(labels, range(len(labels)), strict=True))
        label_of_row = pa.array(map(position_of.__getitem__, ids), pa.int64())
        parts = {
            name: [label[i] for label in labels.values()] for i, name in enumerate(Label._fields)
        }
        bad: list[BadValue] = []
        columns = {}
        for column in MINING_SITE_RESOURCES.columns:
            name, kind = column.name, column.kind
            if name in self._sites:
                sites = cast_column(self._sites[name], kind, name, bad)
                columns[name] = sites.take(pa.array(self._site_of_row))
            elif name in self._numbers:
                columns[name] = cast_column(self._numbers[name], kind, name, bad)
            else:
                columns[name] = cast_column(parts[name], kind, name, bad).take(label_of_row)
        return None if bad else pa.table(columns)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the rows as records."""
        rows = zip(self._site_of_row.tolist(), self._labels, *self._numbers.values(), strict=True)
        for site, label, *numbers in rows:
            yield {
                **{name: cells[site] for name, cells in self._sites.items()},
                **label._asdict(),
                **dict(zip(self._numbers, numbers, strict=True)),
            }


def resources_frame(
    records: Iterable[Mapping[str, Any]], provenance: Provenance, *, strict: bool
) -> pd.DataFrame:
    """Return one row for each figure of these sites, in their order.

    Raises
    ------
    DataError
        With `strict`, if a figure does not follow the grammar of the keys; it carries the frame.
    """
    figures = _Figures(list(records))
    table = figures.table()
    if table is None:
        # A cell does not fit its column. Records are typed one by one, so that each is reported.
        builder = FrameBuilder(MINING_SITE_RESOURCES)
        for row in figures.records():
            builder.add([row])
        frame = builder.frame(provenance, strict=strict)
    else:
        frame = from_arrow(table)
        provenance.with_rows(len(table), digest=table_digest(table)).attach(frame)
    if problems := figures.problems:
        Provenance.of_frame(frame).with_problems(problems).attach(frame)
        first = problems[0]
        message = (
            f"{len(problems)} figure(s) of resources_reserves do not follow the grammar of its "
            f"keys and are rows without a measure; the first is {first['raw'][:80]} "
            f"({first['reason']}) at {first['key']['slug']}. "
            f'frame.attrs["{ATTRS}"]["problems"] lists all of them.'
        )
        if strict:
            raise DataError(message, problems=problems, frame=frame)
        warn(message)
    _report_left_out(frame, strict=strict)
    return frame


def _report_left_out(frame: pd.DataFrame, *, strict: bool) -> None:
    """Report the sites with a text out of which an e-mail address was left, once each."""
    sites = frame[[*_SITE, "province"]].drop_duplicates()
    if found := left_out_of(sites, ("slug",)):
        problems = [{**problem, "row": int(sites.index[problem["row"]])} for problem in found]
        Provenance.of_frame(frame).with_problems(problems).attach(frame)
        raise_or_warn([describe_left_out(MINING_SITE_RESOURCES, problems)], frame, strict=strict)
