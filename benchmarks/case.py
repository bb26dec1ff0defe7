"""What a case is: contenders side by side, and the goals of this package, which is the first.

Imports no contender: a case names the functions that `worker` runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OURS = "sectorsdf"


@dataclass(frozen=True)
class Contender:
    """One contender: its label, the name of its function, and the function's arguments.

    The server's URL and the number of rows are added to the arguments.
    """

    label: str
    function: str
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """A bound on the ratio of the first contender of a case, which is this package, to another.

    With `least`, the other must take at least that many times what the package takes. With `most`,
    the package may take at most that many times what the other takes.
    """

    measure: str
    against: str
    least: float | None = None
    most: float | None = None

    def ratios(self, runs, first):
        """Return the ratio of each round."""
        pairs = zip(runs[first], runs[self.against], strict=True)
        values = [(ours[self.measure], other[self.measure]) for ours, other in pairs]
        if self.most is None:
            return [other / ours for ours, other in values]
        return [ours / other for ours, other in values]

    def met(self, ratio):
        """Return whether a ratio is within the bound."""
        return ratio >= self.least if self.most is None else ratio <= self.most

    def describe(self):
        """Return the goal in words."""
        resource = {"wall": "time", "cpu": "CPU", "peak": "memory"}[self.measure]
        if self.most is None:
            return f"{self.against} takes at least {self.least:g} times the {resource} of {OURS}"
        return f"{OURS} takes at most {self.most:g} times the {resource} of {self.against}"


@dataclass(frozen=True)
class _Limit:
    """A bound on what the first contender takes, which is compared with no other."""

    against = OURS

    most: float

    def met(self, value):
        """Return whether a value is within the bound."""
        return value <= self.most


@dataclass(frozen=True)
class PeakLimit(_Limit):
    """A bound on the peak memory of the first contender, in megabytes or in sizes of its frame."""

    unit: str

    def ratios(self, runs, first):
        """Return the peak of each round in the unit."""
        return [run["peak"] / (1e6 if self.unit == "MB" else run["frame"]) for run in runs[first]]

    def describe(self):
        """Return the goal in words."""
        return f"the peak memory of {OURS} is at most {self.most:g} {self.unit}"


@dataclass(frozen=True)
class CpuLimit(_Limit):
    """A bound on the processor time of the first contender, in milliseconds for each unit."""

    units: int

    def ratios(self, runs, first):
        """Return the milliseconds of each round."""
        return [1000 * run["cpu"] / self.units for run in runs[first]]

    def describe(self):
        """Return the goal in words."""
        return f"the CPU of {OURS} is at most {self.most:g} ms each"


@dataclass(frozen=True)
class Case:
    """Contenders side by side.

    Attributes
    ----------
    title : str
        Its heading in the report.
    rows : int
        Number of rows, or of sites.
    contenders : tuple of Contender
        The contenders, this package first.
    goals : tuple of Goal, PeakLimit or CpuLimit
        What the package must achieve.
    rounds : int
        How often each contender runs.
    server : dict, optional
        Arguments of `Replay` besides the rows. Without it the case has no server.
    environment : dict
        Environment variables for the contenders.
    fresh : bool
        Whether each run has a new process.
    memory : bool
        Whether the peak memory is measured.
    per : str
        The unit for which CPU time is reported: page, record, row, site or start.
    """

    title: str
    rows: int
    contenders: tuple[Contender, ...]
    goals: tuple[Goal | PeakLimit | CpuLimit, ...] = ()
    rounds: int = 3
    server: dict | None = None
    environment: dict = field(default_factory=dict)
    fresh: bool = False
    memory: bool = False
    per: str = "page"
