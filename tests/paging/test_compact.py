"""Compact containers behave as the plain ones that they stand for."""

from __future__ import annotations

import tracemalloc
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorsdf.paging.compact import DigestIndex, EncodedColumn, IntMap

CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, 1.0, -1.5])
    | st.text(max_size=2)
)
# Some end with NULs, some are longer by the number of a copy.
NAMES = st.builds(
    lambda number, end, copy: bytes([number]) * 15 + end + copy,
    st.integers(0, 20),
    st.sampled_from([b"\0", b"\1"]),
    st.sampled_from([b"", b"\0\0\0\1", b"\0\0\1\0"]),
)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 99))))
def test_places_are_a_mapping(entries):
    places, like = IntMap(), {}
    for key, value in entries:
        assert places.setdefault(key, value) == like.setdefault(key, value)
    assert dict(places.items()) == like
    assert [key for key, _ in places.items()] == sorted(like)
    assert list(places.values()) == [like[key] for key in sorted(like)]
    assert len(places) == len(like)
    assert places.end() == max(like, default=-1) + 1
    for key in range(33):
        assert places.get(key) == like.get(key)
        assert (key in places) is (key in like)
        assert places.next_free(key) == min(n for n in range(key, 99) if n not in like)
        assert places.all_free(key, 3) is not any(n in like for n in range(key, key + 3))
    with pytest.raises(KeyError):
        places[77]


@given(st.lists(st.lists(CELLS, max_size=4), max_size=6))
def test_values_are_a_list_and_keep_their_types(batches):
    values, like = EncodedColumn(), []
    for batch in batches:
        values.extend(batch)
        like += batch
        # Read in between: what comes later is found as well.
        assert [repr(values[row]) for row in range(len(values))] == list(map(repr, like))
    assert len(values) == len(like)


def test_many_values_stand_as_they_came():
    values, like = EncodedColumn(), [str(n * 31 % 70_001) for n in range(150_000)]
    for start in range(0, len(like), 97):
        values.extend(like[start : start + 97])
    assert len(set(like)) > 1 << 16
    assert [values[row] for row in range(len(values))] == like


@given(st.lists(st.lists(NAMES, unique=True, max_size=8), max_size=12), st.integers(1, 9))
def test_identities_are_a_dict_of_numbers(pages, recent):
    identities, like = DigestIndex(recent), {}
    for page in pages:
        fresh = not any(name in like for name in page)
        numbers = identities.numbers(page)
        assert list(numbers) == [like.setdefault(name, len(like)) for name in page]
        assert isinstance(numbers, range) is fresh
        assert len(identities) == len(like)
    contents = {name[:16].rstrip(b"\0") for name in like}
    assert set(identities.contents().tolist()) == contents
    assert len(identities.contents()) == len(like)
    assert [name.ljust(20, b"\0") for name in identities.names().tolist()] == [
        name.ljust(20, b"\0") for name in like
    ]


def test_identities_take_few_bytes_a_row():
    def name(number):
        return blake2b(b"%d" % number, digest_size=16).digest()

    tracemalloc.start()
    identities = DigestIndex(recent=5_000)
    for first in range(0, 100_000, 500):
        identities.numbers(list(map(name, range(first, first + 500))))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(identities) == 100_000
    assert kept < 100_000 * 40
