"""What becomes a snapshot and what does not, and what a root has then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pandas as pd
import pytest
from support.snapshots import complete_frame

import sectorsdf
from sectorsdf import snapshots
from sectorsdf.errors import ConfigurationError

PARTIAL = r"allow_partial=True writes and marks it$"
DAYS = ("2026-10-01", "2026-11-01")


def files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_snapshot_is_one_file_in_the_layout_of_hive(root, register):
    path = snapshots.write(register, root)
    assert path == str(root / "dataset=mining_licenses/snapshot_date=2026-11-01/part-0.parquet")
    assert files(root) == ["dataset=mining_licenses/snapshot_date=2026-11-01/part-0.parquet"]
    assert [entry.name for entry in root.parent.iterdir()] == ["lake"]


def test_a_snapshot_is_read_as_the_getter_returned_it(any_root, register):
    snapshots.write(register, any_root, date="2026-10-01")
    found = snapshots.read(any_root, "mining_licenses")
    pd.testing.assert_frame_equal(found, register)
    provenance = dict(found.attrs["sectorsdf"])
    assert provenance.pop("snapshot_date") == "2026-10-01"
    assert provenance == register.attrs["sectorsdf"]
    assert sectorsdf.verify(found)


def test_the_list_says_what_a_root_has(any_root, register):
    assert snapshots.list(any_root).empty
    paths = [snapshots.write(register, any_root, date=day) for day in DAYS]
    found = snapshots.list(any_root)
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == {
        "dataset": "string",
        "snapshot_date": "datetime64[us]",
        "rows": "Int64",
        "complete": "boolean",
        "digest": "string",
        "fetched_at": "datetime64[us, UTC]",
        "bytes": "Int64",
        "path": "string",
    }
    assert found["path"].tolist() == paths
    assert found["snapshot_date"].tolist() == [pd.Timestamp(day) for day in DAYS]
    assert found["rows"].tolist() == [len(register)] * 2
    assert found["complete"].all()
    assert found["digest"].nunique() == 1
    assert (found["bytes"] > 1000).all()
    empty = snapshots.list(f"{any_root}-other")
    pd.testing.assert_frame_equal(empty, found.head(0), check_index_type=False)


def test_the_same_rows_on_the_same_day_are_written_once(any_root, register):
    first = snapshots.write(register, any_root)
    before = snapshots.list(any_root)
    shuffled = complete_frame([], fetched_at="2026-11-01T09:00:00+00:00")
    assert snapshots.write(register, any_root) == first
    pd.testing.assert_frame_equal(snapshots.list(any_root), before)
    with pytest.raises(FileExistsError, match="with other rows; overwrite=True replaces it"):
        snapshots.write(shuffled, any_root)
    pd.testing.assert_frame_equal(snapshots.list(any_root), before)
    assert snapshots.write(shuffled, any_root, overwrite=True) == first
    assert snapshots.list(any_root)["rows"].tolist() == [0]


def test_the_day_is_that_of_the_fetch_or_the_given_one(root, months):
    frame = complete_frame(months[0].records[:5], fetched_at="2026-11-30T23:59:00+00:00")
    assert "snapshot_date=2026-11-30" in snapshots.write(frame, root)
    for given in (date(2026, 12, 1), pd.Timestamp("2026-12-01 11:00"), "2026-12-01"):
        assert "snapshot_date=2026-12-01" in snapshots.write(frame, root, date=given)
    for wrong in ("yesterday", 5, "2026-13-01"):
        with pytest.raises(ConfigurationError, match="is not a day: give a date, or a text"):
            snapshots.write(frame, root, date=wrong)


def test_rows_that_are_not_all_are_refused_or_marked(root, register):
    changed = register.assign(company_name="PT Lain")
    part = register.head(10)
    for frame in (changed, part):
        with pytest.raises(ConfigurationError, match=f"these rows were changed.*{PARTIAL}"):
            snapshots.write(frame, root)
    incomplete = register.copy()
    incomplete.attrs["sectorsdf"] = {**register.attrs["sectorsdf"], "complete": False}
    with pytest.raises(ConfigurationError, match=f"not proved to be all.*{PARTIAL}"):
        snapshots.write(incomplete, root)
    assert not root.exists()
    for frame, day in ((part, "2026-11-01"), (incomplete, "2026-11-02")):
        snapshots.write(frame, root, date=day, allow_partial=True)
        assert snapshots.read(root, "mining_licenses").attrs["sectorsdf"]["complete"] is False
    assert not snapshots.list(root)["complete"].any()


def test_the_proof_of_the_same_rows_is_no_other_content(root, register):
    incomplete = register.copy()
    incomplete.attrs["sectorsdf"] = {**register.attrs["sectorsdf"], "complete": False}
    snapshots.write(register, root)
    snapshots.write(incomplete, root, allow_partial=True)
    assert snapshots.list(root)["complete"].all()
    snapshots.write(incomplete, root, date="2026-12-01", allow_partial=True)
    with pytest.raises(FileExistsError):
        snapshots.write(register, root, date="2026-12-01")


def test_a_frame_without_provenance_is_refused(root, register):
    frame = pd.DataFrame(register)
    frame.attrs = {}
    with pytest.raises(ConfigurationError, match="does not say which dataset it is of"):
        snapshots.write(frame, root, allow_partial=True)
    for wrong in ([], print, "licenses"):
        with pytest.raises(TypeError, match=r"takes a pandas\.DataFrame or a getter, not"):
            snapshots.write(wrong, root)
    with pytest.raises(TypeError, match="got province with a frame, whose rows are already there"):
        snapshots.write(register, root, province="Aceh")


def test_a_root_has_one_question_of_a_dataset(root, register):
    other = register.copy()
    other.attrs["sectorsdf"] = {**register.attrs["sectorsdf"], "filters": {"province": "Aceh"}}
    snapshots.write(other, root, date="2026-10-01")
    with pytest.raises(ConfigurationError, match=r"'Aceh'.*these rows have none: write them to a"):
        snapshots.write(register, root, date="2026-11-01")
    # The question may be corrected as long as there is no other snapshot.
    snapshots.write(register, root, date="2026-10-01")
    snapshots.write(register, root, date="2026-10-01", overwrite=True)
    sorted_by = {**register.attrs["sectorsdf"], "filters": {"order_by": "-licensed_area_ha"}}
    register.attrs["sectorsdf"] = sorted_by
    snapshots.write(register, root.parent / "second", date="2026-11-01")


def test_a_getter_is_called_and_its_pages_kept(root, serve):
    client = serve()
    how = {"client": client, "date": "2026-11-01"}
    path = snapshots.write(sectorsdf.get_mining_licenses, root, **how)
    spent = client.spent
    assert spent > 0
    assert snapshots.read(root, "mining_licenses").attrs["sectorsdf"]["credits"] == spent
    client.sandbox.add_records("mining_licenses", 1)
    with pytest.raises(FileExistsError):
        snapshots.write(sectorsdf.get_mining_licenses, root, **how)
    paid = client.spent
    assert snapshots.write(sectorsdf.get_mining_licenses, root, overwrite=True, **how) == path
    # The pages of the refused call were kept.
    assert client.spent == paid


def test_a_call_that_cannot_be_complete_costs_nothing(root, serve):
    client = serve()
    with pytest.raises(ConfigurationError, match="max_rows makes the rows incomplete"):
        snapshots.write(sectorsdf.get_mining_licenses, root, client=client, max_rows=5)
    with pytest.raises(ConfigurationError, match="root="):
        snapshots.write(sectorsdf.get_mining_licenses, "no\0path", client=client)
    assert client.spent == 0
    snapshots.write(sectorsdf.get_mining_licenses, root, client=client, date="2026-10-01")
    spent = client.spent
    with pytest.raises(ConfigurationError, match=r"these rows have {'province': 'Aceh'}"):
        snapshots.write(sectorsdf.get_mining_licenses, root, client=client, province="Aceh")
    assert client.spent == spent


def test_rows_up_to_a_limit_are_marked(root, serve):
    client = serve()
    snapshots.write(
        sectorsdf.get_mining_licenses, root, client=client, max_rows=5, allow_partial=True
    )
    assert snapshots.list(root)[["rows", "complete"]].to_numpy().tolist() == [[5, False]]


def test_of_two_writers_of_one_day_one_wins(any_root, frames):
    candidates = list(frames.values())[:2]

    def write(number):
        try:
            return snapshots.write(candidates[number % 2], any_root, date="2026-11-01")
        except FileExistsError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(write, range(8)))
    refused = [isinstance(result, FileExistsError) for result in results]
    assert sum(refused) == 4
    assert refused[0] != refused[1]
    found = snapshots.read(any_root, "mining_licenses", date="2026-11-01")
    pd.testing.assert_frame_equal(found, candidates[refused.index(False) % 2])


def test_a_read_names_what_there_is(root, register):
    with pytest.raises(FileNotFoundError, match="no snapshot of mining_sites; it has none at all"):
        snapshots.read(root, "mining_sites")
    snapshots.write(register, root, date="2026-10-01")
    with pytest.raises(FileNotFoundError, match="it has snapshots of mining_licenses"):
        snapshots.read(root, "mining_sites")
    with pytest.raises(FileNotFoundError, match="of 2026-11-01; there are those of 2026-10-01"):
        snapshots.read(root, "mining_licenses", date="2026-11-01")
    with pytest.raises(ConfigurationError, match="no dataset 'licenses'; did you mean 'mining_lic"):
        snapshots.read(root, "licenses")
    with pytest.raises(ConfigurationError, match=r"'gold'; see sectorsdf\.describe\(\)"):
        snapshots.read(root, "gold")
    with pytest.raises(ConfigurationError, match="'sites'; did you mean 'mining_sites' or"):
        snapshots.read(root, "sites")


def test_a_read_selects_days_columns_and_rows(any_root, frames):
    for day, frame in frames.items():
        snapshots.write(frame, any_root, date=day)
    days = [pd.Timestamp(day) for day in frames]
    latest = snapshots.read(any_root, "mining_licenses")
    pd.testing.assert_frame_equal(latest, frames[str(days[-1].date())])
    earlier = snapshots.read(any_root, "mining_licenses", date=days[1])
    pd.testing.assert_frame_equal(earlier, frames[str(days[1].date())])
    found = snapshots.read(
        any_root,
        "mining_licenses",
        date="all",
        columns=["wiup_code", "license_expiry_date"],
        filters=[("province", "==", "Aceh")],
    )
    assert list(found.columns) == ["snapshot_date", "wiup_code", "license_expiry_date"]
    assert found["snapshot_date"].dtype == "datetime64[us]"
    expected = [(frame["province"] == "Aceh").sum() for frame in frames.values()]
    assert found.groupby("snapshot_date").size().reindex(days, fill_value=0).tolist() == expected
    provenance = found.attrs["sectorsdf"]
    assert (provenance["dataset"], provenance["complete"]) == ("mining_licenses", None)
    assert provenance["partial_snapshots"] == []


def test_a_file_that_is_no_snapshot_is_named(root, register):
    path = snapshots.write(register, root)
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"no Parquet")
    with pytest.raises(OSError, match="is not a whole Parquet file, so it is not a snapshot"):
        snapshots.list(root)
    sectorsdf.write_parquet(register, path)
    with pytest.raises(OSError, match="its metadata name no day"):
        snapshots.list(root)
    snapshots.write(register, root, overwrite=True)
    assert len(snapshots.list(root)) == 1


def test_other_files_of_a_root_are_left_alone(root, register):
    snapshots.write(register, root)
    (root / "README.txt").write_text("mine")
    (root / "dataset=mining_licenses" / "snapshot_date=tomorrow").mkdir()
    (root / "dataset=mining_licenses" / "snapshot_date=tomorrow" / "part-0.parquet").touch()
    assert len(snapshots.list(root)) == 1
    snapshots.write(register, root, overwrite=True)
    assert (root / "README.txt").read_text() == "mine"


def test_long_metadata_are_read_as_well(root, register):
    register.attrs["notes"] = "x" * 100_000
    snapshots.write(register, root)
    assert snapshots.list(root)["rows"].tolist() == [len(register)]
    assert snapshots.read(root, "mining_licenses")["wiup_code"].equals(register["wiup_code"])
