"""A running sandbox together with a client for it.

The only module of the sandbox that imports the client.
"""

from __future__ import annotations

import atexit
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypedDict

from sectorsdf.client.client import (
    Client,
    ClientOptions,
    set_default_client,
    unset_default_client,
)
from sectorsdf.sandbox.server import Sandbox

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Unpack

    from sectorsdf.sandbox.faults import Faults

__all__ = ["SandboxClient", "running", "use_sandbox"]

_ENDED = (
    "The sandbox of this client has been stopped, so it answers no more requests. Call the getters "
    "inside the block of `with sectorsdf.sandbox.running() as client:`, or start a sandbox for the "
    "whole session with `sectorsdf.use_sandbox()`."
)


class SandboxOptions(TypedDict, total=False):
    """The parameters of `Sandbox` that a function can pass on, except data, seed and faults."""

    licenses: int
    auctions: int
    sites: int
    sizes: Mapping[str, int] | None
    host: str
    port: int
    keys: Iterable[str]
    tokens: Iterable[str]
    today: date | None
    records: Mapping[str, Sequence[dict[str, Any]]] | None
    ssl_context: ssl.SSLContext | None


class SandboxClient(Client):
    """A client of a sandbox, with the sandbox as an attribute.

    Attributes
    ----------
    sandbox : Sandbox
        The server. It logs the requests and what they would have cost, and its faults can be
        set.
    """

    sandbox: Sandbox
    _resources: ExitStack

    def stop(self) -> None:
        """Stop the sandbox and remove the client's temporary folder.

        A later request of this client is a `ConfigurationError`. If `use_sandbox` has made this
        client the default one, the getters go back to the client of your key.
        """
        self.context.ended = _ENDED
        unset_default_client(self)
        atexit.unregister(self.stop)
        self._resources.close()


def _start(
    data: str | os.PathLike[str] | None,
    seed: int,
    faults: Faults | None,
    server: SandboxOptions | None,
    client: ClientOptions,
) -> SandboxClient:
    """Start a sandbox and return a client for it, which stops it."""
    folder = None if data is None else str(data)
    with ExitStack() as stack:
        cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="sectorsdf-sandbox-"))
        service = Sandbox(data=folder, seed=seed, faults=faults, **(server or {}))
        stack.enter_context(service)
        options: ClientOptions = {"cache_folder": cache, **client}
        connected = SandboxClient(service.key, service.url, **options)
        stack.callback(connected.close)
        connected.sandbox = service
        connected._resources = stack.pop_all()
    return connected


@contextmanager
def running(
    *,
    data: str | os.PathLike[str] | None = None,
    seed: int = 2026,
    faults: Faults | None = None,
    server: SandboxOptions | None = None,
    **client: Unpack[ClientOptions],
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

    See Also
    --------
    use_sandbox : Make a sandbox the default for the whole session.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     auctions = sectorsdf.get_mining_license_auctions(client=client)
    >>> auctions.attrs["sectorsdf"]["source"]
    'synthetic sample (sectorsdf sandbox, seed 2026)'
    """
    connected = _start(data, seed, faults, server, client)
    try:
        yield connected
    finally:
        connected.stop()


_lock = threading.Lock()
_session: SandboxClient | None = None


def use_sandbox(
    *,
    data: str | os.PathLike[str] | None = None,
    seed: int = 2026,
    faults: Faults | None = None,
    server: SandboxOptions | None = None,
    **client: Unpack[ClientOptions],
) -> SandboxClient:
    """Make a sandbox the default for the rest of the session, so that getters need no ``client=``.

    The sandbox is a real HTTP server on loopback that serves synthetic records of the API's shape
    and size. One line on the standard error stream says that it is in use, and the provenance of
    every frame names its source. A second call replaces the sandbox. It ends with the Python
    process, or with ``.stop()`` of the client that this function returns.

    Parameters
    ----------
    data, seed, faults, server, **client
        As for `sandbox.running`.

    Returns
    -------
    SandboxClient
        The client that the getters now use. Its ``stop()`` makes them use your API key again.

    Examples
    --------
    >>> import sectorsdf
    >>> client = sectorsdf.use_sandbox()
    >>> auctions = sectorsdf.get_mining_license_auctions()
    >>> auctions.attrs["sectorsdf"]["source"]
    'synthetic sample (sectorsdf sandbox, seed 2026)'
    >>> client.stop()
    """
    global _session
    connected = _start(data, seed, faults, server, client)
    with _lock:
        earlier, _session = _session, connected
        if earlier is not None:
            earlier.stop()
        set_default_client(connected)
        atexit.register(connected.stop)
    if sys.stderr is not None:
        print(  # noqa: T201 - the user must see that the data is synthetic
            f"sectorsdf: getters without client= now ask the sandbox: {connected.sandbox.source}. "
            "Call stop() of the returned client to go back to the API.",
            file=sys.stderr,
        )
    return connected
