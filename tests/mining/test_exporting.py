"""A getter's rows as a file: the rows, types and proof of its frame, and nothing paid twice."""

from __future__ import annotations

import errno
import gzip
import tempfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal
from support.reference import licence

import sectorsdf
from sectorsdf.frames import batches, builder
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.io import parquet, text

NICKEL = {"commodity_type": "Nickel"}
# What may differ between two calls that ask for the same.
_OF_THE_MOMENT = {"fetched_at", "credits", "from_cache", "certificate"}


@pytest.fixture
def tiny(monkeypatch):
    """Let a few rows be many: typed, compressed and written a handful at a time."""
    monkeypatch.setattr(builder, "_BATCH_ROWS", 7)
    monkeypatch.setattr(batches, "_GROUP_ROWS_IN_FILE", 14)
    monkeypatch.setattr(parquet, "_PART_ROWS", 11)


def same(file, frame):
    """Compare a file with the frame that the getter gives."""
    read = sectorsdf.read_parquet(file)
    assert_frame_equal(read, frame)
    ours, theirs = read.attrs[ATTRS], frame.attrs[ATTRS]
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - _OF_THE_MOMENT:
        assert ours[name] == theirs[name], name
    proof, other = ours["certificate"], theirs["certificate"]
    for name in ("complete", "total", "rows", "digest", "repeated_keys"):
        assert proof[name] == other[name], name
    return read


@pytest.mark.filterwarnings("ignore:.*no row has")
@pytest.mark.parametrize(
    ("getter", "filters"),
    [
        (sectorsdf.get_mining_licenses, {}),
        (
            sectorsdf.get_mining_licenses,
            {"commodity_type": "Coal", "order_by": "-license_expiry_date"},
        ),
        (sectorsdf.get_mining_licenses, {"max_rows": 33}),
        (sectorsdf.get_mining_licenses, {"company": "no-such-company"}),
        (sectorsdf.get_mining_license_auctions, {}),
        (sectorsdf.get_mining_sites, {"year": 2023}),
    ],
)
def test_the_file_holds_what_the_frame_does(serve, here, tiny, getter, filters):
    client = serve()
    file = sectorsdf.export(getter, here / "rows.parquet", client=client, **filters)
    spent = client.spent
    frame = getter(client=client, **filters)
    assert client.spent == 2 * spent
    same(file, frame)
    assert [path.name for path in here.iterdir()] == ["rows.parquet"]
    # Other readers find the columns and types that a frame's own file has.
    whole = sectorsdf.write_parquet(frame, here / "whole.parquet")
    assert pq.read_schema(file).equals(pq.read_schema(whole))
    assert_frame_equal(pd.read_parquet(file), pd.read_parquet(whole))


def test_many_rows_come_in_many_row_groups(serve, here, tiny):
    file = sectorsdf.export(sectorsdf.get_mining_licenses, here / "rows.parquet", client=serve())
    head = pq.read_metadata(file)
    assert head.num_rows == 130
    assert [head.row_group(n).num_rows for n in range(head.num_row_groups)] == [11] * 11 + [9]


def test_rows_that_change_places_stand_in_order_in_the_file(serve, here, tiny):
    faults = sectorsdf.sandbox.Faults(unstable_order=True)
    client = serve(faults=faults)
    for getter in (sectorsdf.get_mining_sites, sectorsdf.get_mining_licenses):
        file = sectorsdf.export(
            getter, here / f"{getter.__name__}.parquet", client=client, repair_credits=200
        )
        frame = getter(client=client, repair_credits=200)
        read = sectorsdf.read_parquet(file)
        proof, other = (each.attrs[ATTRS]["certificate"] for each in (read, frame))
        assert proof["complete"]
        assert proof["digest"] == other["digest"]
        order = "year" if getter is sectorsdf.get_mining_sites else "license_expiry_date"
        assert read[order].tolist() == frame[order].tolist()


def odd():
    """Return licences with a value that fits no column, a new field, and a code that repeats."""
    records = [licence(wiup_code=f"{n:016d}", license_number=str(n)) for n in range(40)]
    records[33]["licensed_area_ha"] = "wide"
    records[20]["note"] = "new"
    records[39]["wiup_code"] = records[3]["wiup_code"]
    return {"mining_licenses": records, "mining_license_auctions": [], "mining_sites": []}


def test_what_does_not_fit_is_told_and_kept(serve, here, tiny):
    client = serve(odd())
    with pytest.warns(sectorsdf.DataWarning, match=r"wide|note") as told:
        file = sectorsdf.export(sectorsdf.get_mining_licenses, here / "rows.parquet", client=client)
    assert {entry.filename for entry in told} == {__file__}
    with pytest.warns(sectorsdf.DataWarning, match=r"wide|note"):
        frame = sectorsdf.get_mining_licenses(client=client)
    read = same(file, frame)
    assert read.attrs[ATTRS]["certificate"]["repeated_keys"] == 1
    assert read["note"].notna().sum() == 1


def test_strict_raises_with_the_frame_and_writes_nothing(serve, here, tiny):
    client = serve(odd())
    getter, path = sectorsdf.get_mining_licenses, here / "rows.parquet"
    with pytest.raises(sectorsdf.DataError, match="wide") as raised:
        sectorsdf.export(getter, path, client=client, strict=True)
    assert len(raised.value.frame) == 40
    assert not list(here.iterdir())
    spent = client.spent
    with pytest.warns(sectorsdf.DataWarning):
        sectorsdf.export(getter, path, client=client)
    assert client.spent == spent, "what was paid is used again"


def test_incomplete_rows_raise_or_are_written_with_a_warning(serve, here, tiny):
    client = serve(faults=sectorsdf.sandbox.Faults(unstable_order=True))
    how = {"client": client, "repair_credits": 0, "resume": False}
    getter, path = sectorsdf.get_mining_sites, here / "rows.parquet"
    with pytest.raises(sectorsdf.IncompleteSweepError) as raised:
        sectorsdf.export(getter, path, **how)
    assert 0 < len(raised.value.frame) < 80
    assert not list(here.iterdir())
    with pytest.warns(sectorsdf.DataWarning, match="could not be shown"):
        sectorsdf.export(getter, path, **how, allow_partial=True)
    assert not sectorsdf.read_parquet(path).attrs[ATTRS]["complete"]


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv.gz"])
def test_a_full_disk_loses_nothing_that_was_paid(serve, here, monkeypatch, name):
    client = serve()
    getter = sectorsdf.get_mining_licenses

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "write_parquet_tables", full)
        patch.setattr(text, "open_for_writing", full)
        with pytest.raises(OSError, match="No space left"):
            sectorsdf.export(getter, here / name, client=client)
    assert not list(here.iterdir())
    spent = client.spent
    assert spent == 5
    sectorsdf.export(getter, here / name, client=client)
    assert client.spent == spent


def test_somebody_who_was_faster_keeps_their_file(serve, here, monkeypatch):
    client, path = serve(), here / "rows.parquet"
    write = parquet.write_parquet_tables

    def slow(*args):
        write(*args)
        path.write_text("theirs")

    monkeypatch.setattr(parquet, "write_parquet_tables", slow)
    with pytest.raises(FileExistsError):
        sectorsdf.export(sectorsdf.get_mining_licenses, path, client=client)
    assert path.read_text() == "theirs"
    monkeypatch.undo()
    spent = client.spent
    sectorsdf.export(sectorsdf.get_mining_licenses, path, client=client, overwrite=True)
    assert client.spent == spent
    assert len(sectorsdf.read_parquet(path)) == 130


@pytest.mark.parametrize(
    ("name", "how", "error"),
    [
        ("rows.odd", {}, ValueError),
        ("there.parquet", {}, FileExistsError),
        ("no/such/folder.parquet", {}, FileNotFoundError),
        ("rows.csv", {"partition_by": "province"}, ValueError),
        ("rows", {"partition_by": ["province", "wiup_code"]}, ValueError),
        ("rows", {"partition_by": "licensed_area_ha"}, ValueError),
        ("rows", {"partition_by": "provinces"}, ValueError),
        ("rows.parquet", {"commodity_type": "Cheese"}, sectorsdf.FilterError),
        ("rows.parquet", {"colour": "blue"}, sectorsdf.FilterError),
        ("rows.parquet", {"max_rows": 0}, sectorsdf.FilterError),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_paid(serve, here, name, how, error):
    client = serve()
    (here / "there.parquet").write_text("there")
    with pytest.raises(error):
        sectorsdf.export(sectorsdf.get_mining_licenses, here / name, client=client, **how)
    assert client.spent == 0
    assert [path.name for path in here.iterdir()] == ["there.parquet"]


def test_other_formats_and_folders_take_a_getter(serve, here):
    client = serve()
    getter = sectorsdf.get_mining_licenses
    csv = sectorsdf.export(getter, here / "rows.csv.gz", client=client, license_type="IUP")
    with gzip.open(csv, "rt", encoding="utf-8") as lines:
        assert sum(1 for _ in lines) > 30
    folder = sectorsdf.export(getter, here / "parts", client=client, partition_by="activity")
    assert sum(pq.read_metadata(file).num_rows for file in folder.rglob("*.parquet")) == 130


def test_details_and_addressed_records_take_the_way_over_their_frame(serve, here):
    client = serve()
    sites = sectorsdf.export(
        sectorsdf.get_mining_sites, here / "sites.parquet", client=client, details=True, **NICKEL
    )
    read = sectorsdf.read_parquet(sites)
    assert read["resources_reserves"].notna().any()
    slug = read["slug"].iloc[0]
    spent = client.spent
    one = sectorsdf.export(
        sectorsdf.get_mining_site, here / "one.parquet", client=client, slug=slug
    )
    assert sectorsdf.read_parquet(one)["slug"].tolist() == [slug]
    assert client.spent == spent


def test_a_full_disk_loses_no_details_either(serve, here, monkeypatch):
    client = serve()
    how = {"client": client, "details": True, **NICKEL}

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "write_parquet_table", full)
        with pytest.raises(OSError, match="No space left"):
            sectorsdf.export(sectorsdf.get_mining_sites, here / "sites.parquet", **how)
    assert not list(here.iterdir())
    spent = client.spent
    assert spent > 2
    client.forget()
    sectorsdf.export(sectorsdf.get_mining_sites, here / "sites.parquet", **how)
    assert client.spent == spent
    # What ended well is not taken again.
    client.forget()
    sectorsdf.export(sectorsdf.get_mining_sites, here / "more.parquet", **how)
    assert client.spent == 2 * spent


def test_the_cache_is_used_where_the_call_says_so(serve, here, tmp_path):
    client = serve()
    getter, cache = sectorsdf.get_mining_licenses, tmp_path / "kept"
    first = sectorsdf.export(getter, here / "one.parquet", client=client, cache=cache)
    spent = client.spent
    second = sectorsdf.export(getter, here / "two.parquet", client=client, cache=cache)
    assert client.spent == spent
    one, two = map(sectorsdf.read_parquet, (first, second))
    assert_frame_equal(one, two)
    assert two.attrs[ATTRS]["from_cache"]["credits"] == 0


def test_only_getters_take_keywords(here):
    frame = pd.DataFrame({"a": [1]})
    with pytest.raises(TypeError, match=r"^export got province with a frame, .* Select them first"):
        sectorsdf.export(frame, here / "a.csv", province="Aceh")
    with pytest.raises(TypeError, match="or a getter, not"):
        sectorsdf.export(print, here / "a.csv")


def test_arrow_takes_its_memory_as_before_whatever_happens(serve, here):
    client, usual = serve(), pa.default_memory_pool().backend_name
    getter = sectorsdf.get_mining_licenses
    sectorsdf.export(getter, here / "rows.parquet", client=client)
    assert pa.default_memory_pool().backend_name == usual
    with pytest.raises(sectorsdf.CreditLimitError):
        sectorsdf.export(getter, here / "more.parquet", client=client, max_credits=2)
    assert pa.default_memory_pool().backend_name == usual


def test_rows_wait_in_a_file_without_a_name(serve, here, tiny, monkeypatch):
    seen = []
    made = tempfile.TemporaryFile

    def watched(*args, **kwargs):
        seen.append(made(*args, **kwargs))
        return seen[-1]

    monkeypatch.setattr("sectorsdf.mining.exporting.TemporaryFile", watched)
    sectorsdf.export(sectorsdf.get_mining_licenses, here / "rows.parquet", client=serve())
    assert [file.closed for file in seen] == [True]
