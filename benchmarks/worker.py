"""A process that runs contenders and measures them.

`bench` starts it with pipes. Each line of its standard input names a contender, its arguments, and
whether to watch the memory; each line of its standard output is what was measured. Wall time,
processor time and memory are read here, around the call alone.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext

import pandas as pd
from contenders import caching, fetching, parts, records, registers, steps, typing

MODULES = (fetching, parts, records, registers, typing, caching, steps)


def start(code):
    """Run Python code in a new process, and wait for its end."""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return 1


def find(name):
    """Return a contender, and the function that prepares it, if any."""
    if name == "start":
        return start, None
    module = next(module for module in MODULES if hasattr(module, name))
    return getattr(module, name), getattr(module, "prepare", None)


@contextmanager
def _watch_memory(measured):
    """Measure by how many bytes this process grows at most."""
    process = importlib.import_module("psutil").Process()
    gc.collect()
    base = process.memory_info().rss
    peak, done = [base], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak.append(max(peak.pop(), process.memory_info().rss))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        measured["peak"] = max(peak[0], process.memory_info().rss) - base


def _cpu_time():
    """Return the processor time of this process and of those that it has started and awaited."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def measure(name, arguments, *, memory=False):
    """Run a contender once; return seconds, rows, and bytes of the peak and of the frame."""
    contender, prepare = find(name)
    if prepare is not None:
        prepare(contender, **arguments)
    measured = {}
    gc.collect()
    with _watch_memory(measured) if memory else nullcontext():
        wall, cpu = time.perf_counter(), _cpu_time()
        result = contender(**arguments)
        measured["wall"] = time.perf_counter() - wall
        measured["cpu"] = _cpu_time() - cpu
    if isinstance(result, pd.DataFrame):
        measured["frame"] = int(result.memory_usage(deep=True).sum())
        result = len(result)
    return {**measured, "rows": result}


def main():
    """Run what each line of standard input names, and write what was measured as a line."""
    results = os.fdopen(os.dup(1), "w")
    # Some contenders print, which must not mix with the results.
    os.dup2(2, 1)
    for line in sys.stdin:
        name, arguments, memory = json.loads(line)
        try:
            measured = measure(name, arguments, memory=memory)
        except ImportError as error:
            measured = {"absent": str(error)}
        print(json.dumps(measured), file=results, flush=True)


if __name__ == "__main__":
    main()
