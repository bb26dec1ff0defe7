"""What a sweep gave: rows, their order and the proof; as a frame, or straight as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sectorsdf.errors import DataError
from sectorsdf.frames.problems import warn
from sectorsdf.io.parquet import write_parquet_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from sectorsdf.errors import IncompleteSweepError
    from sectorsdf.frames.builder import FrameBuilder

__all__ = ["ListResult"]


@dataclass(frozen=True)
class ListResult:
    """The rows of a sweep that has ended.

    Attributes
    ----------
    builder : FrameBuilder
        The rows as they came.
    order : sequence of int
        The order that was asked for.
    provenance : dict
        Where they come from, and the certificate.
    failure : IncompleteSweepError or None
        Why they are not proven complete.
    strict : bool
        Raise where a value or field does not fit, instead of warning.
    allow_partial : bool
        Warn where they are not complete, instead of raising.
    """

    builder: FrameBuilder
    order: Sequence[int]
    provenance: Mapping[str, Any]
    failure: IncompleteSweepError | None
    strict: bool
    allow_partial: bool

    def frame(self, keep: Callable[[pd.DataFrame], None] | None = None) -> pd.DataFrame:
        """Return the frame, once; a whole one is given to `keep` whatever is odd about its data.

        Raises
        ------
        DataError, IncompleteSweepError
            Either carries the frame.
        """
        trouble = None
        try:
            frame = self.builder.frame(
                self.provenance, order=self.order, strict=self.strict, keep=False
            )
        except DataError as error:
            # What is wrong with the data does not make it less paid for.
            trouble, frame = error, cast("pd.DataFrame", error.frame)
        if self.failure is None and keep is not None:
            keep(frame)
        if trouble is not None:
            raise trouble
        if self.failure is not None:
            self.failure.frame = frame
            if not self.allow_partial:
                raise self.failure
            self._tell()
        return frame

    def write(self, file: Path) -> None:
        """Write Parquet as `write_parquet` would write the frame, which is not made.

        Raises
        ------
        DataError, IncompleteSweepError
            Either carries the frame, which is made then.
        """
        facts = self.builder.facts(self.provenance, self.order)
        complaints = self.builder.complaints(facts)
        if (complaints and self.strict) or (self.failure is not None and not self.allow_partial):
            self.frame()
        write_parquet_parts(lambda rows: self.builder.tables(self.order, rows), facts, file)
        for complaint in complaints:
            warn(complaint)
        self._tell()

    def _tell(self) -> None:
        if self.failure is not None:
            warn(f"{self.builder.dataset.name}: {self.failure}")
