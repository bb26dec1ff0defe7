"""What an answer's body says, and what is refused because it says nothing."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted_server import RECORD, Scripted, always, answer

import sectorsdf
from sectorsdf.client.parsing import parse_object, parse_page, parse_record
from sectorsdf.datasets.schema import PAGE_SIZE

KEY = "0123456789abcdef" * 4
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def envelope(results, **pagination):
    return json.dumps({"results": results, "pagination": pagination}).encode()


def test_an_envelope():
    page = parse_page(envelope([{"a": 1}], total_count=7, limit=20, has_next=True, offset=0))
    assert (page.total, page.limit, page.has_next, page.paid) == (7, 20, True, 1)
    assert page.records == [{"a": 1}]


def test_an_empty_envelope():
    page = parse_page(envelope([], total_count=0, limit=30, has_next=False))
    assert (page.records, page.total, page.has_next) == ([], 0, False)


@pytest.mark.parametrize("records", [[], [{}], [{"a": 1}, {"a": 2}]])
def test_a_bare_list_tells_no_total(records):
    page = parse_page(json.dumps(records).encode())
    assert (page.records, page.total, page.limit, page.has_next) == (
        records,
        None,
        PAGE_SIZE,
        None,
    )


@pytest.mark.parametrize("limit", [None, 0, -1, True, "20", 20.5, [30]])
def test_a_limit_that_is_none_counts_as_the_documented_one(limit):
    assert parse_page(envelope([], total_count=0, limit=limit)).limit == PAGE_SIZE


@pytest.mark.parametrize("more", [None, 0, 1, "true", []])
def test_a_next_page_is_told_by_a_boolean_only(more):
    assert parse_page(envelope([], total_count=0, has_next=more)).has_next is None


@pytest.mark.parametrize("total", [None, -1, True, False, "7", 7.0, 7.5, [7], {}])
def test_a_total_that_is_no_count(total):
    with pytest.raises(ValueError, match="total_count"):
        parse_page(envelope([{"a": 1}], total_count=total))


@pytest.mark.parametrize(
    "content",
    [
        {"results": [{"a": 1}]},
        {"results": [{"a": 1}], "pagination": None},
        {"results": [{"a": 1}], "pagination": []},
        {"results": [{"a": 1}], "pagination": [{"total_count": 1}]},
        {"results": [{"a": 1}], "pagination": "1"},
        {"results": [{"a": 1}], "total_count": 1},
        {"error": "not today"},
        {},
    ],
)
def test_an_envelope_without_a_total(content):
    with pytest.raises(ValueError, match="total_count"):
        parse_page(json.dumps(content).encode())


@pytest.mark.parametrize("results", [None, {}, {"a": 1}, "rows", 3, [1], [{}, None], [[{}]]])
def test_results_that_are_no_list_of_records(results):
    with pytest.raises(ValueError, match="list of records"):
        parse_page(envelope(results, total_count=1))


@pytest.mark.parametrize("body", [b"null", b"1", b'"text"', b"true", b"[1]", b"[[]]", b"[null]"])
def test_neither_an_envelope_nor_a_list(body):
    with pytest.raises(ValueError, match="neither"):
        parse_page(body)


@pytest.mark.parametrize("body", [b"", b"   ", b"<html></html>", b'{"results": [', b"\xff\xfe"])
@pytest.mark.parametrize("parse", [parse_page, parse_record])
def test_no_json(parse, body):
    with pytest.raises(ValueError):  # noqa: PT011 - each parser has words of its own
        parse(body)


def test_an_answer_of_all_rows_may_have_none():
    assert parse_object(b"{}") == {}
    assert parse_object(b'{"Aceh": {}}') == {"Aceh": {}}
    for body in (b"[]", b"null", b"1", b'"x"'):
        with pytest.raises(ValueError, match="not an object"):
            parse_object(body)


def test_a_record_is_an_object_with_something_in_it():
    assert parse_record(b'{"slug": "a"}') == {"slug": "a"}
    for body in (b"{}", b"[]", b"null", b'[{"slug": "a"}]', b'"a"', b"1"):
        with pytest.raises(ValueError, match="not a record"):
            parse_record(body)


@given(JSON | st.fixed_dictionaries({"results": JSON, "pagination": JSON}))
def test_any_json_is_a_page_or_a_value_error(content):
    try:
        page = parse_page(json.dumps(content).encode())
    except ValueError:
        return
    assert all(isinstance(record, dict) for record in page.records)
    assert page.total is None or page.total >= 0
    assert page.limit >= 1


@given(st.binary(max_size=60))
def test_any_bytes_are_a_page_or_a_value_error(body):
    for parse in (parse_page, parse_record):
        with contextlib.suppress(ValueError):
            parse(body)


@pytest.mark.parametrize(
    "body", [{"results": []}, {"results": [1], "pagination": {"total_count": 1}}, [1], 3, {}]
)
def test_json_of_another_shape_is_paid_once_and_not_asked_for_again(tmp_path, body):
    with (
        Scripted(always(answer(body))) as server,
        sectorsdf.Client(KEY, server.url, cache_folder=tmp_path) as client,
    ):
        with pytest.raises(sectorsdf.ResponseError, match="could not be parsed") as caught:
            sectorsdf.get_mining_licenses(client=client)
        assert len(server.requests) == client.spent == 1
    assert (caught.value.status, caught.value.billed, caught.value.retryable) == (200, True, False)


def test_a_bare_list_becomes_a_frame_too(tmp_path):
    with (
        Scripted(always(answer([RECORD]))) as server,
        sectorsdf.Client(KEY, server.url, cache_folder=tmp_path) as client,
        pytest.warns(sectorsdf.DataWarning),
    ):
        frame = sectorsdf.get_mining_license_auctions(client=client)
    assert frame["wiup_code"].tolist() == [RECORD["wiup_code"]]
