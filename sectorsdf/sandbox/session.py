"""A running sandbox together with a client for it.

The only module of the sandbox that imports the client.
"""

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
    """A client of a sandbox, with the sandbox as an attribute.

    Attributes
    ----------
    sandbox : Sandbox
        The server. It logs the requests and what they would have cost, and its faults can be
        set.
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
    """Start a sandbox on loopback, and yield a client for it; close both after the block.

    The client has a temporary cache folder, so the user's cache and credit ledger do not change.

    Parameters
    ----------
    data : path-like, optional
        A folder of JSON lines (``mining_licenses.jsonl``, ``mining_company.jsonl`` and so on) to
        serve instead of the synthetic sample; `Sandbox` describes the files.
    seed : int, default 2026
        Seed of the synthetic sample.
    faults : Faults, optional
        What goes wrong.
    server : dict, optional
        More parameters of `Sandbox`.
    **client
        More parameters of `sectorsdf.Client`.

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
