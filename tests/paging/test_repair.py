"""A sweep is complete or an error if ties move, or if rows are added or removed meanwhile."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.list_server import Observer, Run, ScriptedPool, Server, make_rows, multiset

from sectorsdf.sandbox.sample import Sample

FACETS = ("kind", "place")
LICENSES = {
    "finest": "licensed_area_ha",
    "facets": ("province", "commodity_type", "license_type"),
}
SITES = {"order": "-year", "facets": ("commodity_type", "province", "year")}


@pytest.fixture
def scripted(monkeypatch):
    """Draw the order of arrival from a seed, so that a run can be repeated."""

    def seed(number):
        monkeypatch.setattr("sectorsdf.paging.sweep.WorkerPool", ScriptedPool.with_seed(number))

    seed(0)
    return seed


@cache
def sample():
    return Sample(2026)


@cache
def licenses():
    return sample()["mining_licenses"]


@cache
def sites():
    """Return the rows of the list of sites, with the province and city of the location."""
    hidden = {"location", "resources_reserves", "overburden_removal_volume"}
    rows = []
    for record in sample()["mining_sites"]:
        location = record["location"] or {}
        row = {name: value for name, value in record.items() if name not in hidden}
        rows.append({**row, "province": location.get("province"), "city": location.get("city")})
    return rows


def added(seed, count, like):
    """Return a change that adds rows at random positions."""

    def change(rows):
        dice = random.Random(seed)
        for number in range(count):
            new = {**dice.choice(like), "id": f"new {seed} {number}"}
            rows.insert(dice.randrange(len(rows) + 1), new)
        return rows

    return change


def removed(seed, count):
    """Return a change that removes rows at random positions."""

    def change(rows):
        dice = random.Random(seed)
        for _ in range(min(count, len(rows))):
            rows.pop(dice.randrange(len(rows)))
        return rows

    return change


def settle(run):
    """Assert that a run has the right rows or reports that it does not."""
    return run.check() if run.complete else run.check_error()


class TestLicenses:
    @pytest.mark.parametrize(
        "order", ["license_expiry_date", "-license_expiry_date", "commodity_type"]
    )
    def test_unstable_ties_cost_a_quarter_more_on_average(self, scripted, order):
        spent = []
        for seed in range(6):
            scripted(seed)
            run = Run(Server(licenses(), unstable=seed), order=order, **LICENSES).check()
            assert len(run.rows) == 4151
            spent.append(run.credits)
        assert sum(spent) / len(spent) <= 173
        assert max(spent) <= 180

    def test_an_order_that_says_little_is_changed_and_restored(self, scripted):
        run = Run(Server(licenses(), unstable=1), order="commodity_type", **LICENSES).check()
        assert run.notes == ["swept in the order licensed_area_ha, which ties least"]
        assert {request.order for request in run.server.log} == {
            "commodity_type",
            "licensed_area_ha",
        }
        assert run.report["order_moved"] is True

    @pytest.mark.parametrize("order", ["license_expiry_date", "commodity_type"])
    def test_stable_ties_cost_nothing(self, order):
        run = Run(Server(licenses()), order=order, **LICENSES).check(exact_order=True)
        assert run.credits == 139

    @pytest.mark.parametrize(("at", "unstable"), [(20, None), (55, None), (20, 1)])
    @pytest.mark.parametrize("change", [added(1, 1, [{}]), removed(2, 5)])
    def test_a_change_costs_the_pages_before_it(self, scripted, change, at, unstable):
        scripted(8)

        def like_a_license(rows):
            rows = change(rows)
            return [row if len(row) > 1 else {**rows[0], **row} for row in rows]

        server = Server(licenses(), events={at: like_a_license}, unstable=unstable)
        run = Run(server, order="license_expiry_date", **LICENSES).check()
        assert run.credits <= (139 if unstable is None else 173) + at + 10


class TestSites:
    @pytest.mark.parametrize("seed", range(15))
    def test_are_complete_or_an_error(self, scripted, seed):
        scripted(seed)
        run = settle(Run(Server(sites(), unstable=seed), **SITES))
        assert run.credits <= 6 + 20 + 1

    def test_take_four_times_their_pages_at_most_nearly_always(self, scripted):
        """One row has no province and a few have a unique one, so that they arrive by chance.

        Of the eighty seeds, three in a hundred may be unlucky.
        """
        runs = []
        for seed in range(80):
            scripted(seed)
            runs.append(settle(Run(Server(sites(), unstable=seed), **SITES)))
        done = [run.credits for run in runs if run.complete]
        assert sum(paid <= 4 * 6 for paid in done) >= 76
        assert len(done) >= 78
        assert sum(done) / len(done) <= 19

    def test_an_order_that_says_nothing_is_given_up_after_two_pages(self, scripted):
        server = Server(sites(), unstable=1)
        Run(server, **SITES, repair_credits=60).check()
        assert [request.offset for request in server.log[:2]] == [0, 30]
        assert server.log[2].filters

    @pytest.mark.parametrize("seed", range(15))
    def test_are_complete_with_more_credits(self, scripted, seed):
        scripted(seed)
        run = Run(Server(sites(), unstable=seed), **SITES, repair_credits=60).check()
        assert len(run.rows) == 156

    def test_stable_ties_cost_nothing(self):
        assert Run(Server(sites()), **SITES).check(exact_order=True).credits == 6

    def test_filters_of_the_caller_are_kept_and_not_repeated(self, scripted):
        filters = {"commodity_type": "Coal"}
        server = Server(sites(), unstable=1)
        run = Run(server, filters=filters, **SITES, repair_credits=60)
        assert run.complete
        assert all(dict(r.filters)["commodity_type"] == "Coal" for r in server.log)
        coal = [row for row in sites() if row["commodity_type"] == "Coal"]
        assert multiset(run.rows) == multiset(coal)


class TestTies:
    @pytest.mark.parametrize("seed", range(8))
    @pytest.mark.parametrize("replicas", [None, 2, 3])
    @pytest.mark.parametrize("ranks", [1, 3, 20, 100])
    def test_are_complete_or_an_error(self, scripted, ranks, replicas, seed):
        scripted(seed)
        rows = make_rows(seed, 170, ranks=ranks, kinds=4, places=4, nulls=0.1)
        server = Server(rows, unstable=seed, replicas=replicas)
        run = settle(Run(server, facets=FACETS, order=("rank", "-rank")[seed % 2]))
        # The plan, chains that overlap by half a page, repair, and a last look at the end.
        assert run.credits <= 6 + 6 + 20 + 1

    @pytest.mark.parametrize("seed", range(12))
    def test_groups_within_a_page_are_always_whole(self, scripted, seed):
        scripted(seed)
        server = Server(make_rows(seed, 400, ranks=100), unstable=seed)
        run = Run(server).check()
        # Each boundary between two pages costs at most one more page.
        assert run.credits <= 14 + 13

    def test_credits_for_repair_are_not_exceeded(self, scripted):
        for allowed in (0, 1, 5):
            server = Server(make_rows(1, 300, ranks=1), unstable=1)
            run = Run(server, repair_credits=allowed).check_error()
            assert run.report["repaired_pages"] == allowed
            assert len(server.log) <= 10 + allowed

    def test_a_filter_shows_what_windows_would_not(self, scripted):
        """There are sixteen cells of about ten rows each, and one page shows a whole cell."""
        rows = make_rows(1, 160, ranks=1, kinds=4, places=4)
        with_facets = Run(Server(rows, unstable=1), facets=FACETS, repair_credits=60).check()
        without = Run(Server(rows, unstable=1), repair_credits=60)
        assert any(request.filters for request in with_facets.server.log)
        assert not without.complete or without.credits > with_facets.credits

    def test_the_whole_list_is_requested_once_more_after_filtered_ones(self, scripted):
        server = Server(make_rows(1, 160, ranks=1, kinds=4, places=4), unstable=1)
        Run(server, facets=FACETS, repair_credits=60).check()
        assert server.log[-1].filters == ()

    @pytest.mark.parametrize("rewinds", [False, True])
    @pytest.mark.parametrize("seed", range(8))
    def test_the_last_look_is_one_look_even_with_pages_of_one_row(self, scripted, seed, rewinds):
        scripted(seed)
        server = Server(make_rows(seed, 9, ranks=1), limit=1, unstable=seed, rewinds=rewinds)
        run = settle(Run(server, facets=FACETS, repair_credits=200))
        assert run.credits <= 9 + 200 + 1


class TestDrift:
    """Rows are added or removed at any time, and pages arrive in any order."""

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("workers", [1, 3, 8])
    @pytest.mark.parametrize("unstable", [False, True])
    @pytest.mark.parametrize("times", [(1,), (2,), (6,), (12,), (14,), (3, 12), (4, 7, 16)])
    @pytest.mark.parametrize("kind", ["added", "removed"])
    def test_of_one_kind(self, scripted, kind, times, unstable, workers, seed):
        scripted(seed)
        dice = random.Random(f"{kind} {times} {unstable} {workers} {seed}")
        rows = make_rows(seed, 330, ranks=dice.choice([1, 4, 90, 1000]), nulls=0.1)
        count = dice.choice([1, 2, 5, 40])
        events = {
            at: added(at, count, rows) if kind == "added" else removed(at, count) for at in times
        }
        server = Server(rows, unstable=seed if unstable else None, events=events)
        finest = dice.choice([None, "fine"])
        run = Run(server, facets=dice.choice([(), FACETS]), finest=finest, workers=workers)
        settle(run)

    @pytest.mark.parametrize("seed", range(15))
    @pytest.mark.parametrize("unstable", [False, True])
    @pytest.mark.parametrize("first", ["added", "removed"])
    def test_of_both_kinds(self, scripted, first, unstable, seed):
        """The total goes up and down, perhaps back to its old value, so no old page is valid."""
        scripted(seed)
        dice = random.Random(f"{first} {unstable} {seed}")
        rows = make_rows(seed, 330, ranks=dice.choice([90, 1000]))
        counts = dice.choice([(1, 1), (3, 1), (1, 3), (20, 20)])
        one, two = dice.choice([(3, 5), (3, 12), (10, 12)])
        more, less = (one, two) if first == "added" else (two, one)
        events = {more: added(1, counts[0], rows), less: removed(2, counts[1])}
        server = Server(rows, unstable=seed if unstable else None, events=events)
        run = settle(Run(server, workers=1, repair_credits=60))
        assert len(set(server.totals)) > 1
        assert run.complete

    @pytest.mark.parametrize("at", [2, 7, 13])
    @pytest.mark.parametrize("kind", ["added", "removed"])
    def test_pages_before_the_change_are_requested_again(self, scripted, kind, at):
        rows = make_rows(1, 400, ranks=1000)
        change = added(1, 1, rows) if kind == "added" else removed(1, 1)
        observer = Observer()
        run = Run(Server(rows, events={at: change}), observer=observer).check()
        assert run.credits <= 14 + at + 8 + 1
        assert run.notes[0] == f"the total changed to {len(run.server.rows)} during the sweep"
        assert run.server.log[0] in observer.stale

    @pytest.mark.parametrize("seed", range(12))
    @pytest.mark.parametrize("unstable", [False, True])
    @pytest.mark.parametrize("counts", [(3, 1), (1, 3)])
    def test_of_both_kinds_at_once(self, scripted, counts, unstable, seed):
        """One row is added where another is removed, so their neighbours keep their positions."""
        scripted(seed)
        rows = make_rows(seed, 330, ranks=random.Random(seed).choice([90, 1000]))
        more, fewer = added(seed, counts[0], rows), removed(seed + 1, counts[1])
        events = {2 + seed: lambda current: fewer(more(current))}
        server = Server(rows, unstable=seed if unstable else None, events=events)
        settle(Run(server, repair_credits=60))

    @pytest.mark.parametrize("max_rows", [31, 100, 200])
    @pytest.mark.parametrize("seed", range(6))
    def test_while_only_the_head_is_requested(self, scripted, seed, max_rows):
        scripted(seed)
        rows = make_rows(seed, 330, ranks=90)
        change = added(1, 5, rows) if seed % 2 else removed(1, 5)
        server = Server(rows, events={2 + seed // 2: change})
        settle(Run(server, max_rows=max_rows))

    def test_to_nothing(self, scripted):
        for at in (2, 5):
            run = settle(Run(Server(make_rows(1, 300, ranks=90), events={at: lambda rows: []})))
            assert run.rows == []

    def test_to_a_few_rows_is_not_paid_to_the_former_end(self):
        server = Server(make_rows(1, 900, ranks=2000), events={5: lambda rows: rows[:45]})
        run = Run(server, workers=1).check()
        # Four pages, one that is after the end, one that confirms the new end, and two.
        assert run.credits <= 8

    def test_below_the_page_that_is_requested(self, scripted):
        """A server that rewinds sends its last page instead, whose rows are not at that offset."""
        for seed in range(10):
            scripted(seed)
            rows = make_rows(seed, 200, ranks=1000)
            server = Server(rows, rewinds=True, events={4: removed(seed, 120)})
            Run(server, workers=3).check()

    def test_between_two_orders_is_noticed(self, scripted):
        """Pages in the former order still show that the total was different."""
        rows = make_rows(1, 300, ranks=1, fine=100_000)
        # Two pages show that ties move. The change comes before all pages in the finer order.
        server = Server(rows, unstable=1, events={3: removed(1, 20)})
        run = Run(server, finest="fine").check()
        assert "the total changed to 280 during the sweep" in run.notes

    def test_that_does_not_end_is_an_error(self, scripted):
        rows = make_rows(1, 300, ranks=1000)
        events = {at: added(at, 1, rows) for at in range(2, 200)}
        run = Run(Server(rows, events=events)).check_error()
        assert run.credits <= 10 + 20 + 2


@st.composite
def servers(draw, *, drift=False):
    """Draw a small server and the options of a sweep over it."""
    seed = draw(st.integers(0, 10_000))
    count = draw(st.integers(0, 120))
    rows = make_rows(
        seed,
        count,
        ranks=draw(st.sampled_from([1, 2, 5, 40, 1000])),
        fine=draw(st.sampled_from([3, 1000])),
        nulls=draw(st.sampled_from([0.0, 0.3])),
    )
    if count and not drift:
        for number in draw(st.lists(st.integers(0, count - 1), max_size=4)):
            rows[number] = dict(rows[number - 1])
    limit = draw(st.integers(1, 30))
    events = {}
    if drift:
        plus = draw(st.booleans())
        last = -(-count // limit) + 6
        for at in draw(st.lists(st.integers(1, last), max_size=3)):
            size = draw(st.sampled_from([1, 2, 30]))
            like = rows or make_rows(seed, 1, ranks=1)
            events[at] = added(at, size, like) if plus else removed(at, size)
    server = Server(
        rows,
        limit=limit,
        unstable=draw(st.none() | st.just(seed)),
        replicas=draw(st.sampled_from([None, None, 2])),
        events=events,
        has_next=draw(st.sampled_from([None, None, True])),
        rewinds=draw(st.booleans()),
        refused=draw(st.sampled_from([(), (), ("place",)])),
    )
    options = {
        "order": draw(st.sampled_from(["rank", "-rank", "fine"])),
        "finest": draw(st.sampled_from([None, "fine"])),
        "facets": draw(st.sampled_from([(), ("place",), FACETS])),
        "workers": draw(st.sampled_from([1, 2, 8])),
        "max_rows": draw(st.none() | st.none() | st.integers(1, 130)),
        "repair_credits": draw(st.sampled_from([None, 0, 60])),
    }
    return server, options, seed


@pytest.fixture(scope="module")
def patched():
    with pytest.MonkeyPatch.context() as patch:
        yield lambda seed: patch.setattr(
            "sectorsdf.paging.sweep.WorkerPool", ScriptedPool.with_seed(seed)
        )


_SETTINGS = settings(
    max_examples=examples(4), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class TestProperties:
    @_SETTINGS
    @given(drawn=servers())
    def test_a_sweep_is_right_or_an_error(self, patched, drawn):
        server, options, seed = drawn
        patched(seed)
        run = settle(Run(server, **options))
        event("complete" if run.complete else "incomplete")

    @_SETTINGS
    @given(drawn=servers(drift=True))
    def test_a_sweep_over_rows_that_are_added_or_removed(self, patched, drawn):
        server, options, seed = drawn
        patched(seed)
        run = settle(Run(server, **options))
        event("complete" if run.complete else "incomplete")
