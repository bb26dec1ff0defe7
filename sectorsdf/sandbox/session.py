"""The sandbox's door to the rest of the package: a running server with a client for it."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sectorsdf.client.client import Client
from sectorsdf.sandbox.server import Sandbox

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from sectorsdf.sandbox.faults import Faults

__all__ = ["SandboxClient", "running"]


class SandboxClient(Client):
    """A client of a sandbox, which it holds as `sandbox`.

    Attributes
    ----------
    sandbox : Sandbox
        The server: its faults can be set, and it counts what it was asked and would have billed.
    """

    sandbox: Sandbox


@contextmanager
def running(
    *,
    data: str | os.PathLike[str] | None = None,
    seed: int = 2026,
    faults: Faults | None = None,
    server: dict[str, Any] | None = None,
    **client: Any,  # noqa: ANN401
) -> Iterator[SandboxClient]:
    """Start a sandbox on loopback and give a client for it; both end with the block.

    Nothing of it touches the user's own cache folder or credit ledger.

    Parameters
    ----------
    data : path-like, optional
        A folder of JSON lines (``mining_licenses.jsonl``, ``mining_license_auctions.jsonl``,
        ``mining_sites.jsonl``) to serve in place of the synthetic sample.
    seed : int, default 2026
        Seed of the synthetic sample.
    faults : Faults, optional
        What goes wrong.
    server : dict, optional
        More of `Sandbox`'s parameters.
    **client
        More of `sectorsdf.Client`'s parameters.

    Yields
    ------
    SandboxClient
        A client to pass as ``client=`` to the getters.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     auctions = sectorsdf.get_mining_license_auctions(client=client)
    >>> auctions.attrs["sectorsdf"]["source"]
    'synthetic sample (sectorsdf sandbox, seed 2026)'
    """
    folder = None if data is None else str(data)
    with (
        tempfile.TemporaryDirectory(prefix="sectorsdf-sandbox-") as cache,
        Sandbox(data=folder, seed=seed, faults=faults, **(server or {})) as service,
        SandboxClient(service.key, service.url, **{"cache_folder": cache, **client}) as connected,
    ):
        connected.sandbox = service
        yield connected
