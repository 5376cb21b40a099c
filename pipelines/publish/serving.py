"""Show a built site on this machine, and notice when it should be built again."""

import gzip
import io
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from kb.errors import InvalidInput, StoreError
from kb.store import Store
from pipelines.publish import workspace

PAUSE = 1.0
"""Seconds between two looks."""
_COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".xml", ".csv", ".bib", "/")


class Handler(SimpleHTTPRequestHandler):
    """Files as a web host serves them: text is compressed, and nothing is kept by the browser, which would hide a new build."""

    def end_headers(self) -> None:
        """Add what every answer carries."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Answer with the compressed file where the browser takes that."""
        path = Path(self.translate_path(self.path))
        if path.is_dir() and self.path.endswith("/"):
            path /= "index.html"
        asked = self.headers.get("Accept-Encoding", "")
        if "gzip" not in asked or not path.is_file() or not str(path).endswith(_COMPRESSED):
            return super().send_head()
        content = gzip.compress(path.read_bytes(), 6, mtime=0)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)

    def handle(self) -> None:
        """Answer, unless the reader has left meanwhile."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal shows builds."""


def open_server(out: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of a folder that listens on this machine only.

    Raises:
        InvalidInput: the port is taken or forbidden.
    """
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=str(out)))
    except OSError as error:
        raise InvalidInput(f"cannot listen: {error.strerror}", value=port, cure="Choose another --port") from None


def watch(open_store: Callable[[], Store], pause: float = PAUSE) -> Iterator[str]:
    """Yield the reason whenever the knowledge base has a new run or a source of the site has changed."""
    run, changed = _newest(open_store), _latest_change()
    while True:
        time.sleep(pause)
        newer, later = _newest(open_store), _latest_change()
        if newer != run:
            yield f"refresh {newer}"
        elif later != changed:
            yield "the site's sources changed"
        run, changed = newer, later


def _newest(open_store: Callable[[], Store]) -> str:
    try:
        return str((open_store().run or {}).get("id", ""))
    except StoreError:
        return ""  # no knowledge base yet, or none is given: the site is shown as it is


def _latest_change() -> float:
    root = workspace.site_sources()
    files = [root / "mkdocs.yml", *(path for path in (root / "site").rglob("*") if path.is_file())]
    return max(path.stat().st_mtime for path in files)
