"""Measure the speed and memory of this package beside the programs that users would run instead.

`make bench` runs it and writes `benchmarks/results.md` and `docs/images/speed.png`. ``--quick`` (or
``QUICK=1``) runs every contender in its smallest form, without a first run to warm up and in shared
processes, checks no goal, and writes nothing. ``--only TEXT --replace`` runs some cases again and
replaces their tables in the report.

`cases` declares what runs side by side and the goals. Each contender has a process of its own. They
take turns, so that other work of the machine slows all of them, and ratios are those of each round.
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

from cases import OURS, cases
from server import PAGE, ROOT, Replay, environment

HERE = Path(__file__).resolve().parent
REPORT = HERE / "results.md"
FIGURE = ROOT / "docs" / "images" / "speed.png"
# How many times its minimum time the same loop may take on a quiet machine.
NOISY = 1.3
PEERS = (
    *("datacompy", "dlt", "duckdb", "httpx", "numpy", "pandas", "polars", "pyarrow", "requests"),
    "urllib3",
)


class Worker:
    """A process that runs contenders.

    Parameters
    ----------
    variables : mapping of str to str
        Environment variables besides those of this process.
    """

    def __init__(self, variables):
        self._process = subprocess.Popen(
            [sys.executable, HERE / "worker.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(**variables),
        )

    def run(self, function, arguments, *, memory=False):
        """Run one contender once; return what was measured."""
        self._process.stdin.write(json.dumps([function, arguments, memory]) + "\n")
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
        """End the process if it is running."""
        if self._process.stdin.closed:
            return
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)


def _loop_time():
    start = time.perf_counter()
    sum(range(1_000_000))
    return time.perf_counter() - start


def _arguments(case, contender, servers):
    arguments = dict(contender.arguments)
    if case.server is None:
        size = {"row": "rows", "site": "sites"}.get(case.per)
        return {size: case.rows, **arguments} if size else arguments
    server = servers["main" if arguments.pop("tls", True) else "plain"]
    return {"url": server.url, "rows": case.rows, **arguments}


class SharedWorkers:
    """Processes that run the contenders of all cases, one for each set of variables.

    For runs whose times do not count: importing takes most of the time of a small run.
    """

    def __init__(self):
        self._workers = {}

    def get(self, variables):
        """Return the process with these environment variables, and start it if necessary."""
        key = tuple(sorted(variables.items()))
        if key not in self._workers:
            self._workers[key] = Worker(variables)
        return self._workers[key]

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        for worker in self._workers.values():
            worker.close()


def run(case, loop_times, shared=None):
    """Run a case.

    Parameters
    ----------
    case : Case
        The case.
    loop_times : list of float
        The time of a fixed loop before each run is appended here: it shows how busy the machine is.
    shared : SharedWorkers, optional
        The processes of a quick run, which also leaves out the first run to warm up. Without them
        each contender has a process of its own.

    Returns
    -------
    dict of str to list of dict
        What was measured in each round, by the label of the contender. Contenders that are not
        installed are missing.
    """
    runs = {contender.label: [] for contender in case.contenders}
    with ExitStack() as stack:
        servers = {}
        if case.server is not None:
            servers["main"] = stack.enter_context(Replay(case.rows, **case.server))
            if "tls" in case.server:
                servers["plain"] = stack.enter_context(Replay(case.rows))
        workers = {}

        for turn in range(0 if case.fresh or shared else -1, case.rounds):
            for contender in case.contenders:
                label = contender.label
                loop_times.append(_loop_time())
                worker = shared.get(case.environment) if shared else workers.get(label)
                if worker is None:
                    worker = stack.enter_context(Worker(case.environment))
                    workers[label] = worker
                arguments = _arguments(case, contender, servers)
                measured = worker.run(contender.function, arguments, memory=case.memory)
                if case.fresh and not shared:
                    workers.pop(label).close()
                if "absent" in measured:
                    runs.pop(label, None)
                elif turn >= 0:  # turn -1 is not counted: imports and caches are cold
                    runs[label].append(measured)
    return runs


def run_under_limit(*, quick, shared=None):
    """Sweep with a rate limit that the contenders do not know; return the table as lines."""
    requests, seconds = (5, 0.5) if quick else (30, 2.0)
    pages = 12 if quick else 300
    lines = []
    for label, function in ((OURS, "ours_uncached"), ("8 threads, backoff, 5 tries", "backoff")):
        with Replay(PAGE * pages, limit=(requests, seconds)) as server:
            worker = shared.get({}) if shared else Worker({})
            measured = worker.run(function, {"url": server.url, "rows": server.rows})
            if not shared:
                worker.close()
            # This request does not count in a window.
            with urllib.request.urlopen(f"{server.url}/_windows") as answer:
                windows = json.load(answer)
        # The first window is for learning the limit, the last is cut short.
        full = windows[1:-1]
        served = sum(window["served"] for window in full)
        elapsed = (windows[-1]["opened"] - windows[1]["opened"]) / seconds if full else 0.0
        refused = [window["refused"] for window in windows]
        share = served / (requests * elapsed) if elapsed else float("nan")
        lost = 1 - measured["rows"] / server.rows
        lines.append(
            f"| {label} | {measured['wall']:.1f} s | {lost:.0%} | {share:.1%} | "
            f"{', '.join(map(str, refused[:12]))} |"
        )
    title = f"## {pages} pages with an unknown rate limit of {requests} requests in {seconds:g} s"
    head = (
        "| | wall time | rows lost | share of the limit used after the first window "
        "| refused requests, by window |"
    )
    return [title, "", head, "|---|--:|--:|--:|---|", *lines, ""]


# The report


def _spread(values, form):
    low, high = form(min(values)), form(max(values))
    return f"{form(median(values))}" + (f" ({low} to {high})" if len(values) > 1 else "")


def _seconds(value):
    return f"{value:.2f} s" if value >= 0.995 else f"{1000 * value:.1f} ms"


def _rate(case, value):
    units = case.rows / PAGE if case.per == "page" else case.rows
    each = value / units
    return f"{1000 * each:.2f} ms" if each >= 1e-5 else f"{1e6 * each:.2f} us"


def format_case(case, runs, *, judge=True):
    """Return the tables of a case as lines, with its goals if they are to be judged."""
    first = case.contenders[0].label
    peak = " peak memory above the baseline |" if case.memory else ""
    lines = [f"## {case.title[0].upper()}{case.title[1:]}", ""]
    lines += [f"| | wall time | CPU per {case.per} | relative to {OURS} |{peak}"]
    lines += ["|---|--:|--:|--:|" + ("--:|" if peak else "")]
    for label, rounds in runs.items():
        wall = _spread([run["wall"] for run in rounds], _seconds)
        cpu = _rate(case, median(run["cpu"] for run in rounds)) if case.per != "start" else ""
        pairs = zip(rounds, runs[first], strict=True)
        ratio = _spread([run["wall"] / ours["wall"] for run, ours in pairs], "{:.2f}".format)
        memory = f" {median(run['peak'] for run in rounds) / 1e6:.0f} MB |" if peak else ""
        lines.append(f"| {label} | {wall} | {cpu} | {ratio} |{memory}")
    goals = [goal for goal in case.goals if judge and goal.against in runs]
    if goals:
        lines += ["", "| goal | measured | result |", "|---|--:|---|"]
    for goal in goals:
        ratios = goal.ratios(runs, first)
        verdict = "met" if goal.met(median(ratios)) else "not met"
        lines.append(f"| {goal.describe()} | {_spread(ratios, '{:.2f}'.format)} | {verdict} |")
    return [*lines, ""]


def _versions():
    versions = {}
    for name in PEERS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _slope(points, measure):
    # From ten thousand rows on: with fewer, the costs that do not depend on the rows dominate.
    pairs = [(log(rows), log(max(run[measure], 1e-9))) for rows, run in points if rows >= 1e4]
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
    times = [median(run["wall"] for run in runs[label]) for label in labels]
    colours = ["tab:blue" if label == OURS else "0.7" for label in labels]
    bars = left.barh(labels, times, color=colours)
    left.bar_label(bars, [f" {seconds:.2f}" for seconds in times])
    left.set(title=case.title, xlabel="seconds", xlim=(0, 1.15 * max(times)))
    for axes, measure, unit in ((middle, "wall", "seconds"), (right, "peak", "bytes")):
        rows, values = zip(*((n, run[measure]) for n, run in growth), strict=True)
        axes.loglog(rows, values, "o-")
        title = "time" if measure == "wall" else "peak memory"
        slope = _slope(growth, measure)
        axes.set(title=f"{title}, slope {slope:.2f}", xlabel="rows", ylabel=unit)
        axes.grid(which="major", alpha=0.3)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURE, dpi=110)


def main():
    """Run all cases, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smallest sizes; write nothing")
    parser.add_argument("--only", default="", help="cases whose title contains this; write nothing")
    parser.add_argument(
        "--replace", action="store_true", help="with --only, replace their tables in the report"
    )
    options = parser.parse_args()
    quick = options.quick or os.environ.get("QUICK", "") not in ("", "0")
    loop_times, results, lines = [], [], []
    with tempfile.TemporaryDirectory() as folder, SharedWorkers() as workers:
        shared = workers if quick else None
        chosen = [case for case in cases(folder, quick=quick) if options.only in case.title]
        for case in chosen:
            print(f"... {case.title}", file=sys.stderr, flush=True)
            runs = run(case, loop_times, shared)
            results.append((case, runs))
            section = format_case(case, runs, judge=not quick)
            print("\n".join(section), flush=True)
            if not case.title.startswith("growth"):
                lines += section
        if options.only in "limiter":
            section = run_under_limit(quick=quick, shared=shared)
            print("\n".join(section), flush=True)
            lines += section
    growth = [(c.rows, r[OURS][0]) for c, r in results if c.title.startswith("growth")]
    lines += format_growth(growth) if growth else []
    noise = max(loop_times) / min(loop_times) if loop_times else 1.0
    if not quick and not options.only:
        REPORT.write_text("\n".join([*_preface(noise), *lines]).rstrip() + "\n", encoding="utf-8")
        draw(results, growth)
    elif options.replace:
        page = replace_sections(REPORT.read_text(encoding="utf-8"), lines)
        REPORT.write_text(page, encoding="utf-8")


def replace_sections(page, lines):
    """Return a page with these sections in place of those of the same titles."""
    sections = dict(_sections(page.splitlines()))
    for title, section in _sections(lines):
        if not section:
            continue
        if title not in sections:
            raise KeyError(f"the report has no section {title!r}")
        sections[title] = section
    return "\n".join(line for section in sections.values() for line in section).rstrip() + "\n"


def _sections(lines):
    """Yield the title and the lines of each section; what is above the first one has no title."""
    title, section = "", []
    for line in lines:
        if line.startswith("## "):
            yield title, section
            title, section = line, []
        section.append(line)
    yield title, section


def format_growth(growth):
    """Return the table of time and memory by the number of rows, as lines."""
    lines = ["## Growth with the rows, no latency", ""]
    lines += ["| rows | wall time | peak memory above the baseline |"]
    lines += ["|--:|--:|--:|"]
    for rows, run in growth:
        lines.append(f"| {rows:,} | {_seconds(run['wall'])} | {run['peak'] / 1e6:.0f} MB |")
    wall, peak = (_slope(growth, measure) for measure in ("wall", "peak"))
    return [*lines, "", f"Slope on logarithmic scales: {wall:.2f} for time, {peak:.2f} for memory."]


def _preface(noise):
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    lines = [
        "# Measured speed and memory",
        "",
        "`make bench` writes this page. Everything runs on one machine over loopback, against a",
        "server that replays prebuilt pages of 30 synthetic licences. The programs take turns, and",
        "each ratio compares two runs of the same round: the tables give the median, and in",
        "brackets the minimum and the maximum. The time of `sectorsdf` includes its journal,",
        "ledger, Parquet cache and certificate, and the check of every value; the other programs",
        "do none of this.",
        "",
        f"{when}, Python {platform.python_version()}, {os.cpu_count()} cores.",
        f"{_versions()}.",
        "",
    ]
    if noise > NOISY:
        lines += [
            f"**The machine was noisy:** the same computation took up to {noise:.1f} times its",
            "minimum time, so the times are rough, and to a lesser degree the ratios.",
            "",
        ]
    return [*lines, "![Time and memory by the number of rows](../docs/images/speed.png)", ""]


if __name__ == "__main__":
    main()
