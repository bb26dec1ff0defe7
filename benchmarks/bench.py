"""How fast, and in how much memory: this package side by side with what a user would run instead.

`make bench` runs it and writes `benchmarks/results.md` and `docs/images/speed.png`; ``--quick`` (or
``QUICK=1``) runs every case in its smallest form, judges nothing by time, and writes nothing.

What is run side by side, and what is wanted of it, stands in `bench_cases`. Every contestant has a
process of its own; they take turns, so that a busy minute of the machine is shared by all, and what
is compared is the ratio of each round.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import metadata
from math import log
from pathlib import Path
from statistics import median

from bench_cases import OURS, cases
from replay import PAGE, ROOT, Replay, environment

HERE = Path(__file__).resolve().parent
REPORT = HERE / "results.md"
FIGURE = ROOT / "docs" / "images" / "speed.png"
# Of the same loop of sums, the slowest turn against the fastest.
NOISY = 1.3
PEERS = ("dlt", "httpx", "numpy", "pandas", "polars", "pyarrow", "requests", "urllib3")


class Worker:
    """A process that runs contestants when told."""

    def __init__(self, more):
        self._process = subprocess.Popen(
            [sys.executable, HERE / "contestants.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(**more),
        )

    def run(self, function, given, *, memory=False):
        """Run one contestant once; return what was measured."""
        self._process.stdin.write(json.dumps([function, given, memory]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{function} ended its process")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def close(self):
        """End the process, if it has not ended."""
        if self._process.stdin.closed:
            return
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)


def _pulse():
    begun = time.perf_counter()
    sum(range(1_000_000))
    return time.perf_counter() - begun


def _given(case, entry, servers):
    if case.server is None:
        size = {"row": "rows", "site": "sites"}.get(case.per)
        return {size: case.rows, **entry.given} if size else entry.given
    server = servers["plain" if "tls" in entry.given else "main"]
    given = {name: value for name, value in entry.given.items() if name != "tls"}
    return {"url": server.url, "rows": case.rows, **given}


def run(case, pulses):
    """Run a case; return the runs of each contestant that is installed, by its label."""
    runs = {entry.label: [] for entry in case.entries}
    with ExitStack() as stack:
        servers = {}
        if case.server is not None:
            servers["main"] = stack.enter_context(Replay(case.rows, **case.server))
            if "tls" in case.server:
                servers["plain"] = stack.enter_context(Replay(case.rows))
        workers = {}

        for turn in range(0 if case.fresh else -1, case.rounds):
            for entry in case.entries:
                pulses.append(_pulse())
                worker = workers.get(entry.label)
                if worker is None:
                    worker = stack.enter_context(Worker(case.environment))
                    workers[entry.label] = worker
                given = _given(case, entry, servers)
                facts = worker.run(entry.function, given, memory=case.memory)
                if case.fresh:
                    workers.pop(entry.label).close()
                if "absent" in facts:
                    runs.pop(entry.label, None)
                elif turn >= 0:  # the turn before the first warms up
                    runs[entry.label].append(facts)
    return runs


def limiter(*, quick):
    """Sweep under a limiter that is not known at first; return what came of it, in words."""
    requests, seconds = (5, 0.5) if quick else (30, 2.0)
    pages = 12 if quick else 300
    lines = []
    for label, function in ((OURS, "ours_uncached"), ("8 threads, backoff, 5 tries", "backoff")):
        with Replay(PAGE * pages, limit=(requests, seconds)) as server:
            worker = Worker({})
            facts = worker.run(function, {"url": server.url, "rows": server.rows})
            worker.close()
            # Whatever the limit is, asking for the windows is not counted.
            with urllib.request.urlopen(f"{server.url}/_windows") as answer:
                windows = json.load(answer)
        whole = windows[1:-1]
        used = sum(window["served"] for window in whole)
        passed = (windows[-1]["opened"] - windows[1]["opened"]) / seconds if whole else 0.0
        refused = [window["refused"] for window in windows]
        share = used / (requests * passed) if passed else float("nan")
        lost = 1 - facts["rows"] / server.rows
        lines.append(
            f"| {label} | {facts['wall']:.1f} s | {lost:.0%} | {share:.1%} | "
            f"{', '.join(map(str, refused[:12]))} |"
        )
    title = f"## {pages} pages under a limiter of {requests} in {seconds:g} s, unknown at first"
    head = "| | wall | rows lost | of the limit used after the first window | refused, by window |"
    return [title, "", head, "|---|--:|--:|--:|---|", *lines, ""]


# Telling


def _spread(values, form):
    low, high = form(min(values)), form(max(values))
    return f"{form(median(values))}" + (f" ({low} to {high})" if len(values) > 1 else "")


def _seconds(value):
    return f"{value:.2f} s" if value >= 0.995 else f"{1000 * value:.1f} ms"


def _rate(case, value):
    units = case.rows / PAGE if case.per == "page" else case.rows
    each = value / units
    return f"{1000 * each:.2f} ms" if each >= 1e-5 else f"{1e6 * each:.2f} us"


def told(case, runs, *, judge=True):
    """Return a case's tables as lines; without its goals where nothing is to be judged."""
    first = case.entries[0].label
    peak = " peak above the base |" if case.memory else ""
    lines = [f"## {case.title[0].upper()}{case.title[1:]}", ""]
    lines += [f"| | wall | CPU a {case.per} | times ours |{peak}"]
    lines += ["|---|--:|--:|--:|" + ("--:|" if peak else "")]
    for label, found in runs.items():
        wall = _spread([facts["wall"] for facts in found], _seconds)
        cpu = _rate(case, median(facts["cpu"] for facts in found)) if case.per != "start" else ""
        pairs = zip(found, runs[first], strict=True)
        times = _spread([facts["wall"] / ours["wall"] for facts, ours in pairs], "{:.2f}".format)
        more = f" {median(f['peak'] for f in found) / 1e6:.0f} MB |" if peak else ""
        lines.append(f"| {label} | {wall} | {cpu} | {times} |{more}")
    goals = [goal for goal in case.goals if judge and goal.against in runs]
    if goals:
        lines += ["", "| wanted | came | |", "|---|--:|---|"]
    for goal in goals:
        ratios = goal.ratios(runs, first)
        verdict = "met" if goal.met(median(ratios)) else "not met"
        lines.append(f"| {goal.words()} | {_spread(ratios, '{:.2f}'.format)} | {verdict} |")
    return [*lines, ""]


def _versions():
    found = {}
    for name in PEERS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _slope(points, measure):
    # From ten thousand rows on: below, what does not depend on the rows outweighs them.
    pairs = [(log(rows), log(max(facts[measure], 1e-9))) for rows, facts in points if rows >= 1e4]
    if len(pairs) < 2:
        return float("nan")
    x = sum(a for a, _ in pairs) / len(pairs)
    y = sum(b for _, b in pairs) / len(pairs)
    return sum((a - x) * (b - y) for a, b in pairs) / sum((a - x) ** 2 for a, _ in pairs)


def draw(results, growth):
    """Draw the first case's times, and how time and memory grow with the rows."""
    mpl = importlib.import_module("matplotlib")
    mpl.use("Agg")
    plt = importlib.import_module("matplotlib.pyplot")
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
    case, runs = results[0]
    labels = list(runs)[::-1]
    times = [median(facts["wall"] for facts in runs[label]) for label in labels]
    colours = ["tab:blue" if label == OURS else "0.7" for label in labels]
    bars = left.barh(labels, times, color=colours)
    left.bar_label(bars, [f" {seconds:.2f}" for seconds in times])
    left.set(title=case.title, xlabel="seconds", xlim=(0, 1.15 * max(times)))
    for axes, measure, unit in ((middle, "wall", "seconds"), (right, "peak", "bytes")):
        rows, found = zip(*((n, facts[measure]) for n, facts in growth), strict=True)
        axes.loglog(rows, found, "o-")
        title = "time" if measure == "wall" else "peak memory above the base"
        slope = _slope(growth, measure)
        axes.set(title=f"{title}, slope {slope:.2f}", xlabel="rows", ylabel=unit)
        axes.grid(which="major", alpha=0.3)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURE, dpi=110)


def main():
    """Run all cases, and write what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smallest sizes; write nothing")
    parser.add_argument("--only", default="", help="cases whose title holds this; write nothing")
    given = parser.parse_args()
    quick = given.quick or os.environ.get("QUICK", "") not in ("", "0")
    pulses, results, lines = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        chosen = [case for case in cases(folder, quick=quick) if given.only in case.title]
        for case in chosen:
            print(f"... {case.title}", file=sys.stderr, flush=True)
            runs = run(case, pulses)
            results.append((case, runs))
            told_now = told(case, runs, judge=not quick)
            print("\n".join(told_now), flush=True)
            if not case.title.startswith("growth"):
                lines += told_now
        if given.only in "limiter":
            told_now = limiter(quick=quick)
            print("\n".join(told_now), flush=True)
            lines += told_now
    growth = [(c.rows, r[OURS][0]) for c, r in results if c.title.startswith("growth")]
    lines += grown(growth) if growth else []
    noise = max(pulses) / min(pulses) if pulses else 1.0
    if not quick and not given.only:
        REPORT.write_text("\n".join([*_preface(noise), *lines]).rstrip() + "\n", encoding="utf-8")
        draw(results, growth)


def grown(growth):
    """Return the table of growth as lines."""
    lines = ["## Growth with the rows, no latency", ""]
    lines += ["| rows | wall | peak above the base |"]
    lines += ["|--:|--:|--:|"]
    for rows, facts in growth:
        lines.append(f"| {rows:,} | {_seconds(facts['wall'])} | {facts['peak'] / 1e6:.0f} MB |")
    wall, peak = (_slope(growth, measure) for measure in ("wall", "peak"))
    return [*lines, "", f"Slope on logarithmic scales: {wall:.2f} of time, {peak:.2f} of memory."]


def _preface(noise):
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    lines = [
        "# Measured speed and memory",
        "",
        "Written by `make bench`. Everything runs on one machine over loopback, against a server",
        "that replays prebuilt pages of 30 synthetic licences; contestants take turns, and ratios",
        "are those of each round: the median, and in brackets the least and the greatest. What",
        "`sectorsdf` does in that time includes its journal, ledger, Parquet cache, certificate,",
        "and the check of every value; what others do does not.",
        "",
        f"{when}, Python {platform.python_version()}, {os.cpu_count()} cores.",
        f"{_versions()}.",
        "",
    ]
    if noise > NOISY:
        lines += [
            f"**The machine was noisy:** the same sum took up to {noise:.1f} times its least time,",
            "so that times, and to a lesser degree ratios, are rough.",
            "",
        ]
    return [*lines, "![Times and growth](../docs/images/speed.png)", ""]


if __name__ == "__main__":
    main()
