"""What the tests of snapshots share: synthetic months, as frames of a getter."""

from __future__ import annotations

import pytest
from support.s3 import s3_bucket
from support.snapshots import complete_frame

from sectorsdf import sandbox


@pytest.fixture(scope="session")
def months():
    """Five synthetic months of a small register."""
    return list(sandbox.months(5, licenses=900))


@pytest.fixture(scope="session")
def frames(months):
    """The register of each month, by day."""
    return {str(month.day): complete_frame(month.records) for month in months}


@pytest.fixture
def register(frames):
    """The register of the first month; a copy that the test may change."""
    return next(iter(frames.values())).copy()


@pytest.fixture
def root(here):
    """A root that does not exist yet."""
    return here / "lake"


@pytest.fixture(scope="module")
def s3():
    """The address of a bucket on a server of the S3 protocol."""
    with s3_bucket() as url:
        yield url


@pytest.fixture(params=["folder", "memory", "s3"])
def any_root(request, tmp_path):
    """A root of each kind of storage."""
    if request.param == "folder":
        return tmp_path / "here" / "lake"
    if request.param == "memory":
        pytest.importorskip("fsspec", reason="the extra `remote` is not installed")
        return f"memory://{tmp_path.name}"
    return f"{request.getfixturevalue('s3')}/{tmp_path.name}"
