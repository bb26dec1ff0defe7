"""The server: sockets and threads around the service.

Must not import `sectorsdf.client`, `mining`, `frames` or `datasets`: the sandbox is an independent
check of the client, and would otherwise share its mistakes.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from sectorsdf.sandbox.api import error_response
from sectorsdf.sandbox.controls import handle_control
from sectorsdf.sandbox.endpoints import DATASETS
from sectorsdf.sandbox.faults import Faults
from sectorsdf.sandbox.http import Connection, ProtocolError, Request
from sectorsdf.sandbox.records import Record, load_folder
from sectorsdf.sandbox.sample import Sample
from sectorsdf.sandbox.service import DEFAULT_KEY, RequestRecord, Service

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path
    from types import TracebackType

__all__ = ["Sandbox"]

_BACKLOG = 1024
_JOIN_SECONDS = 5.0


class _Deferred:
    """The records of a dataset of the sample, made when they are first read."""

    def __init__(self, sample: Sample, dataset: str) -> None:
        self._sample = sample
        self._dataset = dataset

    def __iter__(self) -> Iterator[Record]:
        return iter(self._sample[self._dataset])


class Sandbox:
    """The embedded API, served over HTTP on loopback between start and stop.

    Parameters
    ----------
    data : path-like, optional
        A folder of JSON lines to serve instead of the synthetic sample, one file
        ``<dataset>.jsonl`` for each dataset of ``sandbox.endpoints.DATASETS``. A line of a
        dataset with addressed answers is ``{"key": ..., "answer": ...}``.
    seed : int
        Seed of the sample, and of records that are added later.
    licenses, auctions, sites : int
        Number of licences, auctions and sites of the sample.
    sizes : mapping of str to int, optional
        Numbers of records of other datasets of the sample, by the dataset's name.
    host : str
        Address to listen on.
    port : int
        Port to listen on, 0 for a free one.
    faults : Faults, optional
        What goes wrong; by default nothing.
    keys : iterable of str
        API keys that are accepted, sent as they are in `Authorization`.
    tokens : iterable of str
        OAuth tokens that are accepted, sent as `Bearer`.
    today : date, optional
        The day from which `expiring_soon` and the default years of prices count, by default today
        in Jakarta.
    records : mapping of str to sequence of dict, optional
        Records to serve instead of the sample, as the API's record endpoints return them, or
        with key and answer as in a folder. Datasets that are left out are empty.
    ssl_context : ssl.SSLContext, optional
        TLS context. With one, the server speaks https.

    Raises
    ------
    ValueError
        If both `data` and `records` are given, a dataset is unknown, or `keys` is empty.
    FileNotFoundError
        If the folder has no file of any dataset.

    Examples
    --------
    >>> with Sandbox(licenses=100) as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        *,
        data: Path | str | None = None,
        seed: int = 2026,
        licenses: int = 4151,
        auctions: int = 14,
        sites: int = 156,
        sizes: Mapping[str, int] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        keys: Iterable[str] = (DEFAULT_KEY,),
        tokens: Iterable[str] = (),
        today: date | None = None,
        records: Mapping[str, Sequence[dict[str, Any]]] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if data is not None and records is not None:
            msg = "give either data or records, not both"
            raise ValueError(msg)
        served: Mapping[str, Iterable[Record]]
        if data is not None:
            served, source = load_folder(data, DATASETS), "records of a folder (sectorsdf sandbox)"
        elif records is not None:
            served, source = records, "given records (sectorsdf sandbox)"
        else:
            own = {
                "mining_licenses": licenses,
                "mining_license_auctions": auctions,
                "mining_sites": sites,
            }
            sample = Sample(seed, {**own, **(sizes or {})})
            served = {dataset: _Deferred(sample, dataset) for dataset in sample}
            source = f"synthetic sample (sectorsdf sandbox, seed {seed})"
        unknown = set(served) - set(DATASETS)
        if unknown:
            names = ", ".join(sorted(unknown))
            msg = f"records has unknown datasets: {names}; known are {', '.join(DATASETS)}"
            raise ValueError(msg)
        keys = tuple(keys)
        if not keys:
            msg = "keys must contain at least one key"
            raise ValueError(msg)
        self._service = Service(
            served,
            source=source,
            seed=seed,
            faults=faults or Faults(),
            keys=keys,
            tokens=tokens,
            today=today,
        )
        self._host, self._port = host, port
        self._ssl = ssl_context
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._waker: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._open: dict[threading.Thread, socket.socket] = {}
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        state = "at " + self.url if self._listener else "stopped"
        return f"<Sandbox {state}, {self.source}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Starting and stopping

    def start(self) -> Self:
        """Listen and answer, in background threads.

        A sandbox that was stopped can be started again, and then listens on the same port.
        """
        if self._listener is not None:
            msg = "the sandbox is already running"
            raise RuntimeError(msg)
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server(
            (self._host, self._port), family=family, backlog=_BACKLOG, reuse_port=False
        )
        self._port = listener.getsockname()[1]
        listener.settimeout(0)
        self._stopping.clear()
        self._service.open_windows()
        self._listener = listener
        # A selector does not notice that its socket is closed; a byte on this pair wakes it.
        self._waker, wake = socket.socketpair()
        self._acceptor = threading.Thread(
            target=self._accept, args=(listener, wake), name=self._thread_name, daemon=True
        )
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close the listening socket and every connection. A stopped sandbox stays as it is."""
        listener, self._listener = self._listener, None
        if listener is None or self._waker is None or self._acceptor is None:
            return
        self._stopping.set()
        with contextlib.suppress(OSError):
            # The acceptor may have seen the flag already and closed its end.
            self._waker.send(b"x")
        self._acceptor.join(_JOIN_SECONDS)
        self._waker.close()
        with self._guard:
            threads = dict(self._open)
        for sock in threads.values():
            with contextlib.suppress(OSError):
                # Not the shutdown of a TLS socket, which would wait for the client's.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        deadline = time.monotonic() + _JOIN_SECONDS
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def _thread_name(self) -> str:
        return f"sandbox-{self._port}"

    def _accept(self, listener: socket.socket, wake: socket.socket) -> None:
        with listener, wake, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                try:
                    sock, peer = listener.accept()
                except OSError:
                    # The client has gone, or this process has no file descriptor left.
                    self._stopping.wait(0.01)
                    continue
                sock.settimeout(None)
                thread = threading.Thread(
                    target=self._serve,
                    args=(sock, str(peer[0])),
                    name=self._thread_name,
                    daemon=True,
                )
                with self._guard:
                    self._open[thread] = sock
                thread.start()

    # Connections, each in a thread of its own

    def _serve(self, sock: socket.socket, peer: str) -> None:
        me = threading.current_thread()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._ssl is not None:
                sock = self._ssl.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                with self._guard:
                    self._open[me] = sock
                sock.do_handshake()
            connection = Connection(sock)
            while not self._stopping.is_set() and self._exchange(connection, peer):
                pass
        except (OSError, ValueError):
            # The client or stop() has closed the connection: no one is left to answer.
            pass
        finally:
            sock.close()
            with self._guard:
                self._open.pop(me, None)

    def _exchange(self, connection: Connection, peer: str) -> bool:
        """Answer one request; return whether the connection stays open."""
        source = self._service.source
        try:
            request = connection.read()
        except ProtocolError as error:
            unread = Request("GET", "/")
            connection.send(error_response(error.status), source, unread, close=True)
            connection.drain()
            return False
        if request is None:
            return False
        response = handle_control(self._service, request, peer)
        if response is not None:
            connection.send(response, source, request, close=not request.keep_alive)
            return request.keep_alive
        delivery = self._service.handle(request)
        if delivery.reset:
            connection.abort()
            return False
        close = delivery.cut or not request.keep_alive
        try:
            if delivery.wait and self._stopping.wait(delivery.wait):
                msg = "the sandbox has stopped"
                raise ConnectionAbortedError(msg)
            connection.send(delivery.response, source, request, close=close, cut=delivery.cut)
        except OSError:
            self._service.mark_undelivered(delivery)
            raise
        return not close

    # Inspection and control

    @property
    def port(self) -> int:
        """The port. Before the first start, the port that was passed."""
        return self._port

    @property
    def url(self) -> str:
        """The address of the API, without a slash at the end."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self._ssl else 'http'}://{host}:{self._port}"

    @property
    def key(self) -> str:
        """The first of the keys that are accepted."""
        return self._service.keys[0]

    @property
    def source(self) -> str:
        """Where the records are from. Every response has it as its `X-Data-Source` header."""
        return self._service.source

    @property
    def faults(self) -> Faults:
        """What goes wrong at present."""
        return self._service.faults

    def set_faults(self, **changes: Any) -> Faults:  # noqa: ANN401 - fields of many types
        """Replace some of the faults while the server runs.

        The seeded draws start again. Records that drifted stay as they are. A drift counts list
        answers from the call that declares it.

        Parameters
        ----------
        **changes
            Fields of `Faults`.

        Returns
        -------
        Faults
            The faults from now on.
        """
        return self._service.set_faults(changes)

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests so far, in the order of their arrival."""
        return self._service.requests()

    @property
    def billed(self) -> int:
        """The credits that the requests so far would have cost."""
        return self._service.billed()

    def reset_counts(self) -> None:
        """Clear the log, the credits spent, the rate windows and the counts of the faults."""
        self._service.reset_counts()

    def records(self, dataset: str) -> list[dict[str, Any]]:
        """Return copies of the served records, as the API's record endpoints return them."""
        return self._service.records(dataset)

    def add_records(
        self, dataset: str, records: Iterable[dict[str, Any]] | int
    ) -> list[dict[str, Any]]:
        """Serve more records.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        records : iterable of dict or int
            The records, or a number of records to generate.

        Returns
        -------
        list of dict
            The records that were added.
        """
        return self._service.add_records(dataset, records)

    def remove_records(
        self, dataset: str, which: int | Callable[[dict[str, Any]], bool]
    ) -> list[dict[str, Any]]:
        """Stop serving some records.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        which : callable or int
            A function that returns whether a record is to be removed, or a number of records to
            remove at random.

        Returns
        -------
        list of dict
            The records that were removed.
        """
        return self._service.remove_records(dataset, which)
