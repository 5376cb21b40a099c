"""What the tests of sources share: a server on this machine that says what a test tells it, and a clock to read off."""

import socket
import socketserver
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from kb.papers import Paper
from pipelines.sources import Network, Source, Window, replay


@dataclass(frozen=True)
class Asked:
    """One request, as the server saw it."""

    url: str
    headers: Message
    method: str = "GET"
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query))


@dataclass(frozen=True)
class Answer:
    """One answer; `promised` is a Content-Length that is not true."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None


class Wire:
    """A server: it says what `then` lined up, after that whatever `reply` makes of the request, else 404.

    Attributes:
        url: where it listens.
        asked: every request so far.
        reply: makes a body out of a request.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.reply: Callable[[Asked], bytes] | None = None
        self._queue: deque[Answer] = deque()

    def then(
        self, body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None, promised: int | None = None
    ) -> None:
        """Line up one answer."""
        self._queue.append(Answer(body, status, headers or {}, promised))

    def answer(self, asked: Asked) -> Answer:
        """Return what to say to a request."""
        self.asked.append(asked)
        if self._queue:
            return self._queue.popleft()
        return Answer(self.reply(asked)) if self.reply else Answer(b"nothing here", 404)


class Server(socketserver.TCPServer):
    """The standard server, but for its host name, which it would look up in the network."""

    allow_reuse_address = True
    wire: Wire

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hung up: some tests are about that."""


class Handler(BaseHTTPRequestHandler):
    """Passes every request to the wire, and closes the connection, so that no test leaves one behind."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        answer = self.server.wire.answer(Asked(self.path, self.headers, self.command, body))
        self.send_response(answer.status)
        told = {"Content-Length": str(len(answer.body) if answer.promised is None else answer.promised), "Connection": "close"}
        for name, value in {**told, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = True

    do_POST = do_GET  # noqa: N815 - the standard server looks for that name

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server of this test's own."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.wire = Wire(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.wire
        server.shutdown()
        thread.join()


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class Clock:
    """Time as a source's client sees it: it stands still but for sleeping, which takes no time and is written down."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replaces the clock of the client and of its retries, so no test waits and every test can tell what was waited."""
    clock = Clock()
    monkeypatch.setattr("pipelines.sources.http.time", clock)
    monkeypatch.setattr("pipelines.sources.http._LAST", {})
    monkeypatch.setattr("tenacity.nap.time", clock)
    return clock


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go to this machine itself even where a proxy is set."""
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def read_twice(wire: Wire, tmp_path: Path) -> Callable[[Callable[[Network], Source]], list[Paper]]:
    """Read a source from the server, then again from the answers kept; fail unless both give the same papers, unasked."""

    def read(make: Callable[[Network], Source]) -> list[Paper]:
        network = Network(folder=tmp_path / "raw")
        first = [paper for batch in make(network).batches(Window(), None) for paper in batch.papers]
        asked = len(wire.asked)
        again = [paper for batch in replay(make(network), Window(), network) for paper in batch.papers]
        assert (sorted(again, key=lambda paper: paper.id), len(wire.asked)) == (sorted(first, key=lambda paper: paper.id), asked)
        return first

    return read
