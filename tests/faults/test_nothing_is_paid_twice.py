"""No sequence of calls, failures and kills pays twice for a page, or returns a wrong frame.

The server counts what it bills. The model beside it knows only the rule of the journal: a paid page
stays until the question that it was paid for was answered, and every call that may use it does so.
"""

from __future__ import annotations

import os
import signal
import tempfile
import traceback
import warnings
from collections import defaultdict
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from support.billing_api import KEYS, LISTS, Api, auction, licence, site
from support.budgets import examples
from support.forks import allows_fork

import sectorsdf
from sectorsdf.cache import append_file

PAGE = 8
SITES = [f"site-{number}" for number in range(11)]
CODES = [f"{9100000000000000 + number}" for number in range(4)]
UNKNOWN = {"sites": "nowhere", "auctions": "9999999999999999"}
PATHS = {name: path for path, name in LISTS.items()}
CHANGES = "company_name"


@cache
def records(version):
    """Return all records of the server, in one of the versions of the register."""
    company = {CHANGES: f"PT Version {version}"}
    kinds = ("IUP", "IUPK", "IPR")
    return {
        "licenses": [licence(n, license_type=kinds[n % 3], **company) for n in range(27)],
        "sites": [site(n, year=2000 + n, **company) for n in range(len(SITES))],
        "auctions": [
            auction(n, ("PT A", f"a{n}@example.id"), ("PT B", "b@example.id"), **company)
            for n in range(len(CODES) - 1)
        ]
        + [auction(len(CODES) - 1, ("PT C", None), **company)],
    }


class Question(NamedTuple):
    """A list, the ways to spell it, and its rows."""

    name: str
    spellings: tuple[dict, ...]
    sort: str
    kind: str | None = None

    @property
    def getter(self):
        return getattr(sectorsdf, f"get_mining_{self.name}")

    def rows(self, version):
        rows = records(version)[self.name]
        if self.kind is not None:
            rows = [row for row in rows if row["license_type"] == self.kind]
        field, down = self.sort.lstrip("-"), self.sort.startswith("-")
        return sorted(rows, key=lambda row: row[field], reverse=down)


_EXPIRY = "license_expiry_date"
QUESTIONS = {
    "licences": Question(
        "licenses", ({}, {"order_by": _EXPIRY}, {"expiring_soon": False}), _EXPIRY
    ),
    "licences of one type": Question(
        "licenses", ({"license_type": "IUP"}, {"license_type": "iup"}), _EXPIRY, "IUP"
    ),
    "the largest licences": Question(
        "licenses", ({"order_by": "-licensed_area_ha"},), "-licensed_area_ha"
    ),
    "sites": Question("sites", ({}, {"order_by": "-year"}), "-year"),
    # Every row passes the filter, but it is another question.
    "sites by production": Question(
        "sites", ({"min_production": 0}, {"min_production": 0.0}), "-year"
    ),
}
RECORD_GETTERS = {
    "sites": [sectorsdf.get_mining_site],
    "auctions": [
        sectorsdf.get_mining_license_auction,
        sectorsdf.get_mining_license_auction_phases,
        sectorsdf.get_mining_license_auction_participants,
    ],
}


class Fault(NamedTuple):
    """What stops a call: a refusal, a limit, or a kill, once it was billed so many credits."""

    kind: str
    after: int


class Version(NamedTuple):
    """A call that has paid for a page and was not answered."""

    asked: object
    refresh: bool
    with_addresses: bool = True
    for_addresses: bool = False


class Asked(NamedTuple):
    """The options of a call that decide what it may use."""

    refresh: bool = False
    resume: bool = True
    cache: bool = False
    with_addresses: bool = False

    def allows(self, versions):
        return self.resume and any(
            (v.refresh or not self.refresh) and (v.with_addresses or not self.with_addresses)
            for v in versions
        )

    @property
    def options(self):
        return {"refresh": self.refresh, "resume": self.resume, "cache": self.cache}


class PaidPages:
    """What was paid for and not answered, by the rule."""

    def __init__(self):
        self.pages = defaultdict(set)
        self.records = defaultdict(set)
        self.cached = set()

    def offsets(self, question, asked):
        return {
            offset
            for (of, offset), versions in self.pages.items()
            if of == question and asked.allows(versions)
        }

    def cost_of_list(self, question, asked, max_rows):
        """Return the most credits that a list may cost."""
        if asked.cache and not asked.refresh and (question, max_rows) in self.cached:
            return 0
        total = len(QUESTIONS[question].rows(0))
        goal = total if max_rows is None else min(total, max_rows)
        usable = self.offsets(question, asked)
        cost = 0 if 0 in usable else 1
        covered = {p for offset in {0, *usable} for p in range(offset, offset + PAGE)}
        position = 0
        while position < goal:
            if position in covered:
                position += 1
            else:
                cost += 1
                position += PAGE
        return cost

    def cost_of_records(self, paths, asked, remembered):
        """Return how many credits addressed records may cost."""
        return sum(not self._is_there(path, asked, remembered) for path in paths)

    def _is_there(self, path, asked, remembered):
        if not asked.refresh:
            if asked.cache and not asked.with_addresses and path in self.cached:
                return True
            if path in remembered and (remembered[path] or not asked.with_addresses):
                return True
        return asked.allows(self.records[path])

    def settle_list(self, question, max_rows):
        """Forget the pages of a question for so many rows, and of those that are part of it."""
        for (of, _), versions in self.pages.items():
            if of == question:
                versions -= {v for v in versions if _is_part(v.asked, max_rows)}

    def settle_records(self, paths, asked):
        """Forget the records of calls that asked for none but these."""
        for path in paths:
            self.records[path] -= {
                version
                for version in self.records[path]
                if version.asked <= set(paths)
                and (asked.with_addresses or not version.for_addresses)
            }


def _is_part(rows, of):
    """Return whether so many rows are part of so many; None is all of them."""
    return of is None or (rows is not None and rows <= of)


ASKED = st.sampled_from(
    [
        *[Asked()] * 5,
        *[Asked(cache=True)] * 3,
        Asked(refresh=True),
        Asked(resume=False),
        Asked(refresh=True, resume=False),
        Asked(cache=True, refresh=True),
    ]
)
FAULTS = st.none() | st.builds(
    Fault,
    st.sampled_from(["refused", "failed", "limit", "killed", "killed in flight"]),
    st.integers(0, 5),
)
MAX_ROWS = st.sampled_from([None, None, None, 3, PAGE, 13, 20, 99])


class Calls(RuleBasedStateMachine):
    """Random calls, and after each the count of the server and the rows of the frame."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.version = 0
        self.api = Api(**records(0), page_size=PAGE)
        self.paid = PaidPages()
        self.remembered = {}
        # The last call that failed, by its method and arguments.
        self.unfinished = None
        # Questions that pages were left of, and so perhaps pages of an earlier version.
        self.left = set()
        self._connect()

    def teardown(self):
        if hasattr(self, "api"):
            self.client.close()
            self.api.__exit__()
            self.folder.cleanup()

    def _connect(self):
        retry = sectorsdf.RetryPolicy(tries=1)
        self.client = self.api.client(Path(self.folder.name) / "home", retry=retry)
        self.remembered = {}

    # What may happen between two calls

    @rule(clear=st.booleans())
    def another_process(self, clear):
        self.client.close()
        self._connect()
        if clear:
            sectorsdf.cache.clear(cache=self.client.context.folder)
            self.paid.cached.clear()

    @rule()
    def forget(self):
        self.client.forget()
        self.remembered = {}

    @precondition(lambda self: self.unfinished)
    @rule(fault=st.none() | FAULTS)
    def the_same_call_again(self, fault):
        call, arguments = self.unfinished
        call(self, **arguments, fault=fault)

    @precondition(lambda self: self.unfinished)
    @rule(refresh=st.booleans(), addresses=st.booleans())
    def a_part_of_the_same_call(self, refresh, addresses):
        call, arguments = self.unfinished
        part = {"max_rows": 3} if "max_rows" in arguments else {"addresses": addresses, "getter": 2}
        if "numbers" in arguments:
            part["numbers"] = arguments["numbers"][:1]
        call(self, **{**arguments, **part, "asked": Asked(refresh=refresh), "fault": None})

    @precondition(lambda self: not self.left)
    @rule()
    def the_register_changes(self):
        self.version += 1
        self.api.rows = records(self.version)

    # Calls

    @rule(
        question=st.sampled_from([*["licences"] * 3, *sorted(QUESTIONS)]),
        spelling=st.integers(0, 5),
        max_rows=MAX_ROWS,
        asked=ASKED,
        workers=st.sampled_from([1, 1, 3]),
        details=st.booleans(),
        fault=FAULTS,
    )
    def list_rows(self, **arguments):
        self._make(Calls._list_rows, arguments)

    def _make(self, call, arguments):
        """Make a call, and remember it if it fails."""
        fault = arguments.pop("fault")
        if not call(self, **arguments, fault=fault):
            self.unfinished = call, arguments

    def _list_rows(self, question, spelling, max_rows, asked, workers, details, fault):
        """Return whether the call was answered."""
        known = QUESTIONS[question]
        details = {"details": True} if details and known.name == "sites" else {}
        every = known.rows(self.version)
        rows = every[:max_rows]
        paths = [f"{PATHS['sites']}{row['slug']}/" for row in rows] if details else []
        whole = None if max_rows is None or max_rows >= len(every) else max_rows
        if not asked.resume:
            self.paid.settle_list(question, max_rows)
        cost = self.paid.cost_of_list(question, asked, max_rows)
        cost += self.paid.cost_of_records(paths, asked, self._remembered_by(fault))
        frame, billed = self._call(
            known.getter,
            {**known.spellings[spelling % len(known.spellings)], **details, **asked.options},
            fault,
            max_rows=max_rows,
            workers=workers,
        )
        pages = [offset for path, offset in billed if path in LISTS]
        self._check_bill(billed, cost)
        assert not self.paid.offsets(question, asked).intersection(pages)
        self._settle_records(paths, asked, billed, answered=frame is not None)
        if frame is None:
            version = Version(max_rows, asked.refresh)
            for offset in pages:
                self.paid.pages[question, offset].add(version)
            if pages or asked.cache:
                self.left.add(question)
            return False
        anew = not asked.cache and question not in self.left
        anew |= asked.refresh and not asked.resume
        self.paid.settle_list(question, whole)
        if asked.cache:
            self.paid.cached.add((question, max_rows))
        elif whole is None:
            self.left.discard(question)
        if frame is not True:
            self._check_rows(frame, rows, anew=anew)
            field = known.sort.lstrip("-")
            assert [_plain(cell) for cell in frame[field]] == [row[field] for row in rows]
        return True

    @rule(question=st.sampled_from(sorted(QUESTIONS)), max_rows=MAX_ROWS, refresh=st.booleans())
    def quote(self, question, max_rows, refresh):
        asked = Asked(refresh=refresh)
        cost = self.paid.cost_of_list(question, asked, max_rows)
        before = len(self.api.log)
        quoted = sectorsdf.quote(
            QUESTIONS[question].getter,
            client=self.client,
            max_rows=max_rows,
            refresh=refresh,
            **QUESTIONS[question].spellings[0],
        )
        billed = self._new_bills(before)
        assert quoted.spent == len(billed) <= 1
        assert not self.paid.offsets(question, asked).intersection(o for _, o in billed)
        assert quoted.credits + quoted.spent <= cost
        for _, offset in billed:
            self.paid.pages[question, offset].add(Version(max_rows, refresh))
            self.left.add(question)

    @rule(
        name=st.sampled_from(["sites", "auctions"]),
        numbers=st.sampled_from([(0,), (1,), (0, 1), (1, 2), (0, 1, 2), (0, 4), (0, 1, 2, 3)]),
        getter=st.integers(0, 2),
        addresses=st.booleans(),
        skip=st.booleans(),
        asked=ASKED,
        workers=st.sampled_from([1, 1, 3]),
        fault=FAULTS,
    )
    def addressed(self, **arguments):
        self._make(Calls._addressed, arguments)

    def _addressed(self, name, numbers, getter, addresses, skip, asked, workers, fault):
        """Return whether the call was answered."""
        known = (SITES if name == "sites" else CODES)[:4]
        keys = [[*known, UNKNOWN[name]][number] for number in numbers]
        getter = RECORD_GETTERS[name][getter % len(RECORD_GETTERS[name])]
        options = {**asked.options, "missing": "skip" if skip else "raise"}
        if addresses and getter is sectorsdf.get_mining_license_auction_participants:
            options["include_emails"] = True
            asked = asked._replace(with_addresses=True, cache=False)
        paths = [f"{PATHS[name]}{key}/" for key in keys]
        if not asked.resume:
            self.paid.settle_records(paths, asked)
        cost = self.paid.cost_of_records(paths, asked, self._remembered_by(fault))
        frame, billed = self._call(getter, options, fault, keys, workers=workers)
        self._check_bill(billed, cost)
        assert not [path for path, _ in billed if asked.allows(self.paid.records[path])]
        self._settle_records(paths, asked, billed, answered=frame is not None)
        if frame is None or frame is True:
            return frame is not None
        # A site's record has its place as an object.
        hidden = {"province", "city"} if name == "sites" else set()
        now = {
            row[KEYS[name]]: {field: row[field] for field in row.keys() - hidden}
            for row in records(self.version)[name]
        }
        rows = [now[key] for key in keys if key in now]
        if getter is sectorsdf.get_mining_license_auction_participants:
            rows = [
                {"wiup_code": row["wiup_code"], **{k.lower(): v for k, v in person.items()}}
                for row in rows
                for person in row["participants"]
            ]
            assert ("email" in frame.columns) == asked.with_addresses
            frame = frame.rename(columns=str.lower)
        elif getter is sectorsdf.get_mining_license_auction_phases:
            rows = []
        self._check_rows(frame, rows, anew=asked.refresh and not asked.resume)
        return True

    def _remembered_by(self, fault):
        """Return the records that the process of a call remembers; a new process knows none."""
        return {} if _is_forked(fault) else self.remembered

    def _settle_records(self, paths, asked, billed, *, answered):
        """Note what a call leaves of addressed records."""
        paths = [path for path in paths if path not in LISTS]
        new = [path for path, _ in billed if path not in LISTS]
        for path in new:
            whole = asked.with_addresses or not self._has_addresses(path)
            self.paid.records[path].add(
                Version(frozenset(paths), asked.refresh, whole, asked.with_addresses)
            )
        if not self.forked:
            for path in paths if answered else []:
                self.remembered.setdefault(path, False)
            self.remembered.update(dict.fromkeys(new, True))
        if answered:
            self.paid.settle_records(paths, asked)
            if asked.cache and not asked.with_addresses:
                self.paid.cached.update(paths)

    def _has_addresses(self, path):
        number = path.rstrip("/").rpartition("/")[2]
        return number in CODES[:-1]

    # Making a call, and looking at what came of it

    def _call(self, getter, options, fault, *args, **more):
        """Make a call; return its frame, True for one that another process has, or None."""
        before = len(self.api.log)
        self.killed, self.lost = False, []
        self.forked = _is_forked(fault)
        options = {**options, **more}
        if options["cache"]:
            options["cache"] = str(self.client.context.folder)
        if fault is not None and fault.kind == "limit":
            options["max_credits"] = fault.after
        if fault is not None and fault.kind in ("refused", "failed"):
            self.api.refusal = 400 if fault.kind == "refused" else 500
            self.api.refuse_after(fault.after)
        if self.forked:
            frame = self._in_a_process_to_kill(getter, options, fault, *args)
        else:
            frame = self._in_this_process(getter, options, *args, client=self.client)
        self.api.recover()
        billed = self._new_bills(before)
        if self.killed and fault.kind == "killed in flight":
            # Its answer was on the way when the process was killed, so it may be paid for again.
            self.lost = [billed.pop()]
        return frame, billed

    def _in_this_process(self, getter, options, *args, client):
        with warnings.catch_warnings(), suppress(sectorsdf.SectorsdfError):
            warnings.filterwarnings("ignore", message=".*does not know.*left out")
            return getter(*args, client=client, **options)
        return None

    def _in_a_process_to_kill(self, getter, options, fault, *args):
        """Make a call in a process that is killed once the server has billed so much."""
        # With one request at a time, only one can be in flight.
        options["workers"] = 1
        most = self.api.billed + fault.after
        read, write = os.pipe()
        child = os.fork()
        if not child:
            code = 2
            try:
                signal.alarm(30)
                os.read(read, 1)
                client = self.api.client(self.client.context.folder)
                frame = self._in_this_process(getter, options, *args, client=client)
                code = 1 if frame is None else 0
            except BaseException:  # noqa: BLE001 - a child must not go on with the test
                traceback.print_exc()
            finally:
                os._exit(code)

        def kill(path, query):
            if self.api.billed < most:
                return False
            os.kill(child, signal.SIGKILL)
            return fault.kind == "killed"

        self.api.refuses = kill
        os.write(write, b"x")
        _, status = os.waitpid(child, 0)
        os.close(read)
        os.close(write)
        self.killed = os.WIFSIGNALED(status)
        assert self.killed or os.WEXITSTATUS(status) in (0, 1), "the process has failed"
        assert not self.killed or os.WTERMSIG(status) == signal.SIGKILL, "the process hung"
        return True if not self.killed and os.WEXITSTATUS(status) == 0 else None

    def _new_bills(self, before):
        """Return the path, and the offset if any, of each request that was billed since then."""
        return [(path, int(dict(query).get("offset", 0))) for path, query in self.api.log[before:]]

    def _check_bill(self, billed, cost):
        assert len(set(billed)) == len(billed), "one call has paid for a page twice"
        assert len(billed) <= cost

    def _check_rows(self, frame, rows, *, anew):
        versions = [f"PT Version {n}" for n in range(self.version + 1)]
        versions = versions[-1:] if anew else versions
        assert len(frame) == len(rows)
        for found, true in zip(frame.to_dict("records"), rows, strict=True):
            for column, value in true.items():
                if column not in found or isinstance(value, dict | list):
                    continue
                cell = _plain(found[column])
                if column == CHANGES and str(value).startswith("PT Version"):
                    assert cell in versions
                else:
                    assert (cell is value is None) or str(cell) == str(value), (column, cell, value)


def _is_forked(fault):
    return fault is not None and fault.kind.startswith("killed") and hasattr(os, "fork")


def _plain(cell):
    if pd.isna(cell):
        return None
    return f"{cell:%Y-%m-%d}" if isinstance(cell, date) else cell


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch):
    """A killed process loses nothing that the system has, so nothing waits for the disk."""
    monkeypatch.setattr(append_file, "flush", lambda number: None)


TestCalls = allows_fork(Calls.TestCase)
TestCalls.settings = settings(
    max_examples=examples(0.5),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
