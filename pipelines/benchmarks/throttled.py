"""A web host for measurements: files as a static host sends them, over a line as slow as is asked for."""

import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

CHUNK = 4_096
_TEXT = (".html", ".css", ".js", ".json", ".svg", ".xml", ".txt", "/")


class _Line:
    """What all answers share: each waits its turn for the next few bytes."""

    def __init__(self, latency: float, bytes_a_second: float) -> None:
        self.latency, self.bytes_a_second = latency, bytes_a_second
        self._lock, self._free_at = Lock(), 0.0

    def send(self, content: bytes, write: Any) -> None:
        time.sleep(self.latency)
        for start in range(0, len(content), CHUNK):
            piece = content[start : start + CHUNK]
            if self.bytes_a_second:
                with self._lock:
                    self._free_at = max(self._free_at, time.monotonic()) + len(piece) / self.bytes_a_second
                    wait = self._free_at - time.monotonic()
                time.sleep(max(0.0, wait))
            write(piece)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    line: _Line

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        squeezed = str(path).endswith(_TEXT)
        content = gzip.compress(content, 6, mtime=0) if squeezed else content
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")
        if squeezed:
            self.send_header("Content-Encoding", "gzip")
        try:
            self.line.send(content, self._begun)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the browser has left the page

    def _begun(self, piece: bytes) -> None:
        if getattr(self, "_headers_buffer", None):
            self.end_headers()
        self.wfile.write(piece)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that is closed leaves its connections as they are."""


@contextmanager
def open_site(folder: Path, *, latency: float = 0.0, bytes_a_second: float = 0.0) -> Iterator[str]:
    """Serve a folder on this machine and yield its address.

    Args:
        latency: seconds before the first byte of every answer.
        bytes_a_second: what all answers together may send; 0 is no limit.
    """
    handler = type("Handler", (_Handler,), {"line": _Line(latency, bytes_a_second)})
    server = _Server(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
