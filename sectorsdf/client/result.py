"""The rows of a list that was fetched, as a frame or straight as a Parquet file.

This module must not import a module that fetches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sectorsdf.errors import DataError, IncompleteWarning
from sectorsdf.frames.problems import warn
from sectorsdf.io.parquet import write_parquet_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pandas as pd

    from sectorsdf.errors import IncompleteSweepError
    from sectorsdf.frames.builder import FrameBuilder
    from sectorsdf.frames.provenance import Provenance

__all__ = ["ListResult"]


@dataclass(frozen=True)
class ListResult:
    """The rows of a sweep that has ended.

    Attributes
    ----------
    builder : FrameBuilder
        The rows as they arrived.
    order : sequence of int
        The row numbers in the order that the caller asked for.
    provenance : Provenance
        Where the rows come from, with the certificate.
    failure : IncompleteSweepError or None
        Why completeness could not be shown.
    strict : bool
        Raise if a value or field does not fit, instead of warning.
    allow_partial : bool
        Warn if completeness could not be shown, instead of raising.
    """

    builder: FrameBuilder
    order: Sequence[int]
    provenance: Provenance
    failure: IncompleteSweepError | None
    strict: bool
    allow_partial: bool

    def frame(self, store: Callable[[pd.DataFrame], None] | None = None) -> pd.DataFrame:
        """Return the frame, once; give a complete one to `store`, even if its data has problems.

        Raises
        ------
        DataError, IncompleteSweepError
            Either carries the frame.
        """
        data_error = None
        try:
            frame = self.builder.frame(
                self.provenance, order=self.order, strict=self.strict, keep=False
            )
        except DataError as error:
            # The rows are paid for, even if something is wrong with them, so they are stored first.
            data_error, frame = error, cast("pd.DataFrame", error.frame)
        if self.failure is None and store is not None:
            store(frame)
        if data_error is not None:
            raise data_error
        if self.failure is not None:
            self.failure.frame = frame
            if not self.allow_partial:
                raise self.failure
            self._warn_of_failure()
        return frame

    def write(self, file: Path) -> None:
        """Write the Parquet that `write_parquet` would write for the frame, without making it.

        Raises
        ------
        DataError, IncompleteSweepError
            Either carries the frame, which is made in this case.
        """
        provenance = self.builder.describe(self.provenance, self.order)
        sentences = self.builder.problems_in_words(provenance)
        if (sentences and self.strict) or (self.failure is not None and not self.allow_partial):
            self.frame()
        write_parquet_parts(lambda rows: self.builder.tables(self.order, rows), provenance, file)
        for sentence in sentences:
            warn(sentence)
        self._warn_of_failure()

    def _warn_of_failure(self) -> None:
        if self.failure is not None:
            warn(f"{self.builder.dataset.name}: {self.failure}", IncompleteWarning)
