"""Child processes made by fork, which share the memory of the test at that moment."""

from __future__ import annotations

import os
import signal

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# From Python 3.12 on, a fork beside other threads warns; these tests are about just that.
allows_fork = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def run_in_fork(work, *, seconds=20):
    """Run a function in a forked process; fail if it raises or hangs there."""
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.alarm(seconds)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert not os.WIFSIGNALED(status), f"the child hung for {seconds} s"
    assert os.WEXITSTATUS(status) == 0, "the child raised an exception"
