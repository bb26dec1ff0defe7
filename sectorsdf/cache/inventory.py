"""Which files of a folder are the cache's own, and what they hold.

This module must not import `client` or anything above it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sectorsdf.cache.answering import METADATA
from sectorsdf.cache.keys import content_digest, parse_file_name
from sectorsdf.datasets import DATASETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorsdf.cache.backends import Backend
    from sectorsdf.cache.keys import CachedFile

__all__ = ["is_cache_file", "scan"]


def is_cache_file(dataset: str, folder: str, name: str) -> bool:
    """Return whether the cache writes a file of this name into this folder."""
    return dataset in DATASETS and parse_file_name(dataset, folder, name) is not None


def scan(backend: Backend) -> Iterator[tuple[CachedFile, dict[str, Any] | None, int]]:
    """Yield each file of the cache, its description (None if it is damaged), and its size."""
    for dataset in filter(DATASETS.__contains__, backend.folders()):
        for folder, name in backend.entries(dataset, lambda _: True):
            file = parse_file_name(dataset, folder, name)
            if file is None:
                continue
            try:
                content = backend.read(file.name)
            except OSError:
                continue
            description = None
            if content_digest(content) == file.digest:
                head = pq.ParquetFile(pa.BufferReader(content)).metadata
                description = {**json.loads(head.metadata[METADATA]), "rows": head.num_rows}
            yield file, description, len(content)
