"""What rows say of their origin that are not, or not all of, the rows of one fetch.

A frame keeps its provenance in `attrs` when pandas filters, joins or concatenates it. This module
owns what such a provenance becomes when the rows are written: the digest shows whether they are
still the rows that it describes. It must not import a module that fetches or stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

__all__ = ["derived", "of_part", "origins", "true_provenance", "whole_of"]

# What is true of a fetch, even if its rows were changed. The numbers of rows in `problems` are
# those of the fetched frame.
_OF_THE_FETCH = (
    "dataset",
    "digest",
    "fetched_at",
    "endpoint",
    "host",
    "source",
    "filters",
    "rows",
    "complete",
    "problems",
    "unknown_fields",
    "missing_fields",
)


def origins(provenance: Provenance) -> list[dict[str, Any]]:
    """Return what is known of each fetch that rows with this provenance come from."""
    entries = provenance.entries
    if "derived_from" in entries:
        found = entries["derived_from"]
        return [dict(each) for each in (found if isinstance(found, list) else [found])]
    if "part_of" in entries:
        return origins(Provenance(entries["part_of"]))
    return [{name: entries[name] for name in _OF_THE_FETCH if name in entries}] if entries else []


def true_provenance(provenance: Provenance, table: pa.Table) -> Provenance:
    """Return the provenance itself if it describes a table's rows, otherwise that of derived rows.

    A provenance without a digest, as earlier versions wrote it, stays as it is if it has the right
    number of rows: nothing shows whether it describes them.
    """
    expected, rows = provenance.get("digest"), provenance.get("rows", len(table))
    if not provenance.entries or (expected is None and rows == len(table)):
        return provenance
    digest = table_digest(table)
    return provenance if digest == expected else derived([provenance], len(table), digest)


def of_part(whole: Provenance, rows: int, digest: str) -> Provenance:
    """Return the provenance of some rows that are written beside the others of a table."""
    if not whole.entries:
        return whole
    return _described([whole.entries], rows, digest).updated(part_of=dict(whole.entries))


def whole_of(parts: Sequence[Provenance], rows: int) -> Provenance | None:
    """Return the provenance of the table that files are the parts of.

    Parameters
    ----------
    parts : sequence of Provenance
        The provenance of each file; an empty one of a file without provenance.
    rows : int
        The number of rows of all files.

    Returns
    -------
    Provenance or None
        None if the files are of several tables, or do not have all rows of their table.
    """
    wholes = _distinct(Provenance(part.get("part_of", part.entries)) for part in parts)
    return wholes[0] if len(wholes) == 1 and wholes[0].get("rows", rows) == rows else None


def derived(sources: Sequence[Provenance], rows: int, digest: str) -> Provenance:
    """Return the provenance of rows that were made from others.

    Parameters
    ----------
    sources : sequence of Provenance
        The provenance of each frame or file that they were made from.
    rows : int
        How many rows there are now.
    digest : str
        Their digest.

    Returns
    -------
    Provenance
        Empty if no source has a provenance.
    """
    found = _distinct(Provenance(each) for source in sources for each in origins(source))
    if not found:
        return Provenance()
    entries = [dict(each.entries) for each in found]
    provenance = _described(entries, rows, digest).updated(
        derived_from=entries[0] if len(entries) == 1 else entries
    )
    unknown = sum(not source.entries for source in sources)
    return provenance.updated(files_without_provenance=unknown) if unknown else provenance


def _distinct(provenances: Iterable[Provenance]) -> list[Provenance]:
    found: list[Provenance] = []
    for each in provenances:
        if each.entries not in [other.entries for other in found]:
            found.append(each)
    return found


def _described(found: Sequence[Mapping[str, Any]], rows: int, digest: str) -> Provenance:
    """Return what is true of rows that come from these fetches but are not those of one."""
    same = {
        name: found[0][name]
        for name in ("dataset", "source")
        if name in found[0] and all(each.get(name) == found[0][name] for each in found)
    }
    return Provenance({**same, "rows": rows, "complete": None, "digest": digest})
