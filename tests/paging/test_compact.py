"""The compact containers behave like a dict, a list and a dict of row numbers."""

from __future__ import annotations

import tracemalloc
from hashlib import blake2b

import numpy as np
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
# Some keys end with NUL bytes, and some include the number of a copy.
KEYS = st.builds(
    lambda number, end, copy: bytes([number]) * 15 + end + copy,
    st.integers(0, 20),
    st.sampled_from([b"\0", b"\1"]),
    st.sampled_from([b"", b"\0\0\0\1", b"\0\0\1\0"]),
)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 99))))
def test_int_map_is_a_mapping(entries):
    numbers, expected = IntMap(), {}
    for key, value in entries:
        assert numbers.setdefault(key, value) == expected.setdefault(key, value)
    assert dict(numbers.items()) == expected
    assert [key for key, _ in numbers.items()] == sorted(expected)
    assert list(numbers.values()) == [expected[key] for key in sorted(expected)]
    assert len(numbers) == len(expected)
    assert numbers.end() == max(expected, default=-1) + 1
    for key in range(33):
        assert numbers.get(key) == expected.get(key)
        assert (key in numbers) is (key in expected)
        assert numbers.next_free(key) == min(n for n in range(key, 99) if n not in expected)
        assert numbers.all_free(key, 3) is not any(n in expected for n in range(key, key + 3))
    with pytest.raises(KeyError):
        numbers[77]


@given(st.lists(st.lists(CELLS, max_size=4), max_size=6))
def test_encoded_column_is_a_list_and_keeps_types(batches):
    values, expected = EncodedColumn(), []
    for batch in batches:
        values.extend(batch)
        expected += batch
        # Read after each batch, because the column caches the values that it has decoded.
        assert [repr(values[row]) for row in range(len(values))] == list(map(repr, expected))
    assert len(values) == len(expected)


def test_encoded_column_with_more_values_than_two_bytes_count():
    values, expected = EncodedColumn(), [str(n * 31 % 70_001) for n in range(150_000)]
    for start in range(0, len(expected), 97):
        values.extend(expected[start : start + 97])
    assert len(set(expected)) > 1 << 16
    assert [values[row] for row in range(len(values))] == expected


@given(st.lists(st.lists(KEYS, unique=True, max_size=8), max_size=12), st.integers(1, 9))
def test_digest_index_is_a_dict_of_numbers(pages, max_recent):
    index, expected = DigestIndex(max_recent), {}
    for page in pages:
        all_new = not any(key in expected for key in page)
        numbers = index.add(page)
        assert list(numbers) == [expected.setdefault(key, len(expected)) for key in page]
        assert isinstance(numbers, range) is all_new
        assert len(index) == len(expected)
    digests = sorted(key[:16].ljust(16, b"\0") for key in expected)
    assert b"".join(part.tobytes() for part in index.sorted_digests()) == b"".join(digests)
    some = np.arange(0, len(expected), 2)
    digests = sorted(key[:16].ljust(16, b"\0") for key in list(expected)[::2])
    assert b"".join(part.tobytes() for part in index.sorted_digests(some)) == b"".join(digests)
    assert [key.ljust(20, b"\0") for key in index.keys().tolist()] == [
        key.ljust(20, b"\0") for key in expected
    ]


def test_digest_index_takes_few_bytes_per_row():
    def key(number):
        return blake2b(b"%d" % number, digest_size=16).digest()

    tracemalloc.start()
    index = DigestIndex(max_recent=5_000)
    for first in range(0, 100_000, 500):
        index.add(list(map(key, range(first, first + 500))))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(index) == 100_000
    assert size < 100_000 * 40
