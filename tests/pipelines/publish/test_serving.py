"""`kb site serve`: files as a web host gives them, and a new build when something changes."""

import gzip
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from urllib.request import Request, urlopen

import pytest

from kb.errors import InvalidInput, StoreError
from kb.store import Store
from pipelines.publish import serving

TOLD = dict.fromkeys(("finished", "fingerprint", "model", "weights", "version", "settings", "counts", "sources"), "")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "index.html").write_text("<h1>Report</h1>", encoding="utf-8")
    server = serving.open_server(tmp_path, 0)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_pages_are_compressed_for_a_browser_that_takes_that(address: str) -> None:
    with urlopen(Request(address, headers={"Accept-Encoding": "gzip"})) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.read()) == b"<h1>Report</h1>"


def test_the_browser_is_told_to_ask_again_so_that_it_shows_the_newest_build(address: str) -> None:
    with urlopen(address) as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.read() == b"<h1>Report</h1>"


def test_a_reader_who_leaves_in_the_middle_of_a_file_is_no_error(
    address: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.bin").write_bytes(bytes(30_000_000))
    port = int(address.rsplit(":", 1)[1].strip("/"))
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.sendall(b"GET /model.bin HTTP/1.0\r\n\r\n")
            reader.recv(10)
    with urlopen(address) as answer:
        assert answer.read() == b"<h1>Report</h1>"
    time.sleep(0.2)
    assert capfd.readouterr().err == ""


def test_a_taken_port_is_one_clear_error(address: str, tmp_path: Path) -> None:
    port = int(address.rsplit(":", 1)[1].strip("/"))
    with pytest.raises(InvalidInput, match="cannot listen"):
        serving.open_server(tmp_path, port)


def test_a_finished_refresh_asks_for_a_new_build(tmp_path: Path) -> None:
    uri = str(tmp_path / "store")
    Store.write(uri).commit({**TOLD, "id": "r0001"})
    looks = iter(range(9))

    def open_store() -> Store:
        if next(looks) == 1:  # a refresh finishes between two looks
            Store.write(uri).commit({**TOLD, "id": "r0002"})
        return Store.read(uri)

    assert next(serving.watch(open_store, pause=0.01)) == "refresh r0002"


def test_a_change_of_the_sites_sources_asks_for_a_new_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "sources"
    (root / "site").mkdir(parents=True)
    shutil.copy(serving.workspace.site_sources() / "mkdocs.yml", root / "mkdocs.yml")
    page = root / "site" / "page.md"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(serving.workspace, "site_sources", lambda: root)
    looks = iter(range(100))

    def no_store() -> Store:
        if next(looks) == 2:  # the page is edited while somebody looks at the site
            later = page.stat().st_mtime + 5
            page.write_text("new", encoding="utf-8")
            os.utime(page, (later, later))
        raise StoreError("no knowledge base")

    assert next(serving.watch(no_store, pause=0.01)) == "the site's sources changed"
