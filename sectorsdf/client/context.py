"""What the calls of one client share. Holds values only, and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sectorsdf.client.seen import SeenNames

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import timedelta
    from pathlib import Path

    from sectorsdf.cache.journal import Journal
    from sectorsdf.cache.memo import RecordMemo
    from sectorsdf.config.api_key import ApiKey
    from sectorsdf.http.credits import CreditBudget
    from sectorsdf.http.transport import Transport

__all__ = ["ClientContext"]


@dataclass
class ClientContext:
    """What the calls of one client share.

    Attributes
    ----------
    key : ApiKey
        The key; a call asks it to be there before its first request.
    transport : Transport
        Sends requests.
    journal : Journal
        The paid pages of calls that have not ended.
    budget : CreditBudget
        What the client may spend in its life.
    memo : RecordMemo
        Addressed records of the last hour, in memory.
    folder : Path or None
        Where the client keeps its files; None if the user has no home folder.
    workers : int
        How many pages are fetched at once, unless a call says otherwise.
    cache : bool, str, path-like or None
        The client's own choice of a cache; None if it has none.
    max_age : timedelta or None
        The client's own limit for the age of a cached answer; None if it has none.
    on_progress : callable or None
        Called with the dataset's name, how many pages or records have arrived, and how many are
        due.
    source : str or None
        What the last answer said of where its data comes from.
    seen : SeenNames
        The names that the client's frames have shown.
    ended : str or None
        Why the client can be used no more, such as that its sandbox was stopped.
    """

    key: ApiKey
    transport: Transport
    journal: Journal
    budget: CreditBudget
    memo: RecordMemo
    folder: Path | None
    workers: int
    cache: bool | str | os.PathLike[str] | None = None
    max_age: timedelta | None = None
    on_progress: Callable[[str, int, int], None] | None = None
    source: str | None = None
    seen: SeenNames = field(default_factory=SeenNames)
    ended: str | None = None
