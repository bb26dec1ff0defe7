"""Files that appear whole or not at all."""

from __future__ import annotations

import pytest

from sectorsdf.io.atomic import atomic_file


def files(folder, pattern="*"):
    return sorted(path.name for path in folder.glob(pattern))


def test_atomic_file_replaces_in_one_step(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with atomic_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"
    assert files(tmp_path) == ["file"]


def test_atomic_file_leaves_the_old_one_where_writing_fails(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert files(tmp_path) == ["file"]


def test_of_two_writers_the_last_one_wins(tmp_path):
    path = tmp_path / "file"
    with atomic_file(path) as first, atomic_file(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert files(tmp_path) == ["file"]
