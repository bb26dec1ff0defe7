"""The cache under real processes: many at once, killed while writing, without permission."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time

import pandas as pd
import pytest
from support.processes import Process

import sectorsdf
from sectorsdf import mining as m

FACTS = "sectorsdf"

# Imports once and forks ten times; a child goes on when the other end of the pipe is closed.
FETCH = """
import json, os, sys
import pandas as pd
import pyarrow.parquet, requests
import sectorsdf
get = sectorsdf.get_mining_licenses
url, key, folder, query, count = sys.argv[1:]
reading, writing = os.pipe()
children = []
for _ in range(int(count)):
    children.append(os.fork())
    if children[-1]:
        continue
    os.close(writing)
    client = sectorsdf.Client(key, url, cache=folder, cache_folder=folder + "-own")
    os.read(reading, 1)
    frame = get(client=client, **json.loads(query))
    kept = frame.attrs["sectorsdf"]["from_cache"]
    digest = int(pd.util.hash_pandas_object(frame).sum())
    line = json.dumps([client.spent, bool(kept), len(frame), digest])
    os.write(1, line.encode() + bytes([10]))
    os._exit(0)
os.close(writing)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_ten_processes_with_one_cold_question_cause_one_sweep(serve, tmp_path):
    client = serve()
    query = json.dumps({"order_by": "licensed_area_ha"})
    words = (client.base_url, client.sandbox.key, str(tmp_path / "cache"), query, "10")
    with Process("-c", FETCH, *words) as parent:
        lines = parent.popen.communicate(timeout=60)[0].splitlines()
    assert parent.popen.returncode == 0
    answers = [json.loads(line) for line in lines]
    assert len(answers) == 10
    pages = -(-answers[0][2] // 30)
    assert sorted(spent for spent, *_ in answers) == [0] * 9 + [pages]
    assert client.sandbox.billed == pages
    assert sum(kept for _, kept, *_ in answers) == 9
    assert len({(rows, digest) for *_, rows, digest in answers}) == 1


# Imports once and forks for each writer, so that fifty of them cost little more than one.
WRITERS = """
import os, sys
from datetime import timedelta
from pathlib import Path
import sectorsdf
from sectorsdf import datasets
from sectorsdf.cache import keys, store
from sectorsdf.cache.backends import LocalBackend
folder, source = sys.argv[1:]
question = keys.CacheKey.of(datasets.MINING_LICENSES, {}, None)
for _ in sys.stdin:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    frame = sectorsdf.read_parquet(source)
    host = frame.attrs["sectorsdf"]["host"]
    kept = store.FrameCache(LocalBackend(Path(folder)), host, timedelta(days=7))
    print(os.getpid(), flush=True)
    while True:
        kept.keep(question, frame)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_killed_while_writing_never_leaves_a_bad_file(serve, tmp_path):
    """Each child writes the same file over and over until it is killed at some moment."""
    client = serve(cache_folder=tmp_path / "own")
    whole = m.get_mining_licenses(client=client)
    source = sectorsdf.write_parquet(whole, tmp_path / "source.parquet")
    folder = tmp_path / "cache"
    draw = random.Random(7)
    with Process("-c", WRITERS, str(folder), str(source), stdin=subprocess.PIPE) as writers:
        for kills in range(50):
            writers.popen.stdin.write("go\n")
            writers.popen.stdin.flush()
            child = int(writers.popen.stdout.readline())
            end = time.monotonic() + draw.uniform(0, 0.03)
            while time.monotonic() < end:
                pass
            os.kill(child, signal.SIGKILL)
            # Warnings are errors here: nothing is even set aside.
            frame = m.get_mining_licenses(client=client, cache=folder, offline=kills > 10)
            pd.testing.assert_frame_equal(frame, whole)
        writers.popen.stdin.close()
    assert not list(folder.rglob("*.damaged"))
    # What the killed left half written goes with the next clearing.
    sectorsdf.cache.clear(cache=folder)
    assert not [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


READ_ONLY = """
import os, sys, warnings
import sectorsdf
url, key, folder = sys.argv[1:]
client = sectorsdf.Client(key, url, cache=folder, cache_folder=folder + "-own")
# All that is imported late, before another user may no longer read it.
for offline in (False, True):
    sectorsdf.get_mining_license_auctions(client=client, cache=folder + "-other", offline=offline)
if os.geteuid() == 0:
    # Nobody's permissions hold for the superuser.
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    frame = sectorsdf.get_mining_license_auctions(client=client)
print(len(frame), *[warning.category.__name__ for warning in caught])
kept = sectorsdf.get_mining_licenses(client=client, offline=True)
print(len(kept), kept.attrs["sectorsdf"]["from_cache"]["credits"])
"""


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_folder_without_write_permission(serve, tmp_path):
    """What is there is read, what is not there is fetched, and a warning says that it is lost."""
    client = serve(cache_folder=tmp_path / "own")
    folder = tmp_path / "cache"
    whole = m.get_mining_licenses(client=client, cache=folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for parent in [tmp_path, *tmp_path.parents][:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    try:
        words = (client.base_url, client.sandbox.key, str(folder))
        with Process("-c", READ_ONLY, *words) as child:
            told = child.popen.communicate(timeout=60)[0]
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
    assert told.splitlines() == ["14 CacheWarning", f"{len(whole)} 0"]


FULL = """
import resource, signal, sys, warnings
import sectorsdf
url, key, folder = sys.argv[1:]
client = sectorsdf.Client(key, url, cache=folder, cache_folder=folder + "/own")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    frame = sectorsdf.get_mining_licenses(client=client)
print(len(frame), frame.attrs["sectorsdf"]["complete"], *[w.category.__name__ for w in caught])
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_disk_that_takes_no_more(serve, tmp_path):
    client = serve()
    folder = tmp_path / "cache"
    with Process("-c", FULL, client.base_url, client.sandbox.key, str(folder)) as child:
        told = child.popen.communicate(timeout=60)[0]
    assert told.split() == ["130", "True", "CacheWarning"]
    assert not [path for path in folder.glob("mining_licenses/*/*") if path.is_file()]
