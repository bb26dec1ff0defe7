"""Arrow allocates from the system while a list is fetched, and as usual afterwards."""

from __future__ import annotations

import threading

import pyarrow as pa
import pytest

import sectorsdf
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.memory import memory_from_system


def backend():
    return pa.default_memory_pool().backend_name


@pytest.fixture
def usual():
    """Make Arrow use a certain pool, and return its name."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.mimalloc_memory_pool())
    yield "mimalloc"
    pa.set_memory_pool(before)


def test_the_usual_pool_returns_with_the_last_block(usual):
    entered, leave = threading.Event(), threading.Event()

    def other():
        with memory_from_system():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with memory_from_system():
        thread.start()
        assert entered.wait(10)
        assert backend() == "system"
    assert backend() == "system"
    leave.set()
    thread.join()
    assert backend() == usual


def test_an_error_ends_the_block(usual):
    with pytest.raises(ValueError, match="wrong"), memory_from_system():
        raise ValueError("wrong")
    assert backend() == usual


def test_a_list_is_made_in_the_block(usual, monkeypatch):
    seen = []
    make = FrameBuilder.frame

    def frame(self, *args, **kwargs):
        seen.append(backend())
        return make(self, *args, **kwargs)

    monkeypatch.setattr(FrameBuilder, "frame", frame)
    with sectorsdf.sandbox.running() as client:
        sectorsdf.get_mining_licenses(max_rows=30, client=client)
    assert seen == ["system"]
    assert backend() == usual
