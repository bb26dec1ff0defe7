"""What optimizations of speed and memory must not change."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from support.list_server import Observer
from support.paths import ROOT

from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.errors import DataWarning
from sectorsdf.frames import batches as batches_module
from sectorsdf.frames import builder as frame_module
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.lossless_json import decode_json
from sectorsdf.frames.provenance import Provenance
from sectorsdf.paging.index import RowIndex
from sectorsdf.paging.page import FetchedPage, Page, PageRequest
from sectorsdf.paging.run import run_sweep
from sectorsdf.paging.sweep import Sweep

sys.path.insert(0, str(ROOT / "benchmarks"))

from server import Rows

ROWS = 95


@pytest.fixture(scope="module")
def rows():
    return Rows(ROWS)


@pytest.mark.parametrize("order", [None, list(range(ROWS))[::-1], [5, 3, 94], []])
@pytest.mark.parametrize("keep", [True, False])
def test_rows_in_several_groups_give_the_same_frame(rows, order, keep, monkeypatch):
    records = rows.records()
    records[7]["licensed_area_ha"] = "wide"
    records[50]["further"] = 1.5
    frames = []
    for group in (10_000, 20, 1):
        monkeypatch.setattr(batches_module, "_GROUP_ROWS", group)
        monkeypatch.setattr(frame_module, "_BATCH_ROWS", 10)
        builder = FrameBuilder(MINING_LICENSES)
        for start in range(0, ROWS, 5):
            builder.add(records[start : start + 5])
        with pytest.warns(DataWarning, match=r"further|wide") as caught:
            frames.append(builder.frame(Provenance(), order=order, keep=keep))
        assert len(caught) in {1, 2}
        if keep:
            # A builder can go on, and be asked again.
            builder.add(records[:1])
            assert builder.table().num_rows == ROWS + 1
    assert len(frames[0]) == (ROWS if order is None else len(order))
    for frame in frames[1:]:
        assert_frame_equal(frame, frames[0])
        assert frame.attrs == frames[0].attrs


@pytest.mark.parametrize(
    "text", ["1.50", "1e2", "1.0", "0.1", "-0.0", "1E400", "0.30000000000000004", "12345678.90"]
)
def test_a_number_with_a_point_keeps_its_text(text):
    builder = FrameBuilder(MINING_LICENSES)
    record = dict.fromkeys(MINING_LICENSES.fields)
    builder.add([{**record, **decode_json(f'{{"wiup_code": {text}}}')}])
    assert builder.frame(Provenance())["wiup_code"].tolist() == [text]


@given(st.permutations(range(6)), st.booleans())
def test_pages_are_placed_alike_in_any_order_of_arrival(arrival, whole):
    index = RowIndex(("a",), lambda _: None)
    rows = {}
    for page in arrival:
        records = [{"a": 5 * page + n if whole or page % 2 else 0} for n in range(5)]
        numbers = index.add_page(Page(records, 30, 5))
        for position, number in enumerate(numbers, 5 * page):
            rows.setdefault(position, number)
        index.set_positions(FetchedPage(PageRequest(5 * page), numbers, 30, None, 0, 1))
    assert dict(index.row_at.items()) == rows
    assert list(index.gaps(31, 5)) == [30]


def test_the_row_index_is_freed_with_its_sweep():
    pages = {offset: [{"a": offset + n} for n in range(30)] for offset in range(0, 90, 30)}
    observer, rows = Observer(), []
    sweep = Sweep(
        lambda request: Page(pages[request.offset], 90, 30),
        rows.extend,
        order="a",
        observer=observer,
    )
    index = weakref.ref(sweep.index)
    gc.collect()
    gc.disable()
    try:
        result = run_sweep(sweep)
        del sweep
        assert index() is None
    finally:
        gc.enable()
    assert [rows[number]["a"] for number in result.order] == list(range(90))
    assert observer.pages == [(1, 1), (2, 3), (3, 3)]
