"""Answers as they came: every body that a source sent, compressed, so that it can be parsed again without asking again.

One file an address, `raw/SOURCE/HASH.gz`, whose first line says in JSON where the rest came from and when; a newer answer
from the same address takes the place of the older one. `zcat` reads them. No HTTP cache serves here: those keep what may be
reused and forget the rest by age, and this is an archive.
"""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kb.errors import StoreError

VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
"""Headers that name a version of an answer, and those that ask for a newer one only (RFC 9110, sections 8.8 and 13.1)."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer.

    Attributes:
        fetched: when it came, "2026-11-24T08:15:00.123456+00:00".
        validators: its ETag and Last-Modified headers, as far as it had them.
    """

    url: str
    fetched: str
    validators: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Room:
    """The folder of one source's answers."""

    folder: Path

    def keep(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Keep an answer, in one step: a stop leaves the former file or this one.

        Raises:
            StoreError: it cannot be written.
        """
        told = {
            "url": url,
            "fetched": datetime.now(UTC).isoformat(),
            "validators": {name: headers[name] for name in VALIDATORS if name in headers},
        }
        path = self._path(url)
        unfinished = path.with_suffix(f".{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with gzip.GzipFile(unfinished, "wb", compresslevel=6, mtime=0) as file:
                file.write(json.dumps(told).encode() + b"\n")
                file.write(body)
            unfinished.replace(path)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            cure = "Free some space, or set keep_answers = false under [network] in kb.toml"
            raise StoreError(f"cannot keep an answer in {self.folder}: {error.strerror}", cure=cure) from None

    def find(self, url: str) -> Kept | None:
        """Return the answer that an address gave last, if it was kept whole."""
        return _read(self._path(url))

    def answers(self) -> Iterator[Kept]:
        """Yield every answer, oldest first; files that are damaged are passed over."""
        dated = ((_fetched(path), path.name, path) for path in self.folder.glob("*.gz"))
        for _, _, path in sorted(dated):
            kept = _read(path)
            if kept is not None:
                yield kept

    def forget(self, words: frozenset[bytes]) -> int:
        """Remove every answer whose body has one of these words in it; return how many."""
        gone = 0
        for path in sorted(self.folder.glob("*.gz")):
            kept = _read(path)
            if kept is not None and any(word in kept.body for word in words):
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _path(self, url: str) -> Path:
        return self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.gz"


def _fetched(path: Path) -> str:
    """Return when an answer came, from the first line alone; empty if that is damaged."""
    try:
        with gzip.open(path) as file:
            return str(json.loads(file.readline())["fetched"])
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return ""


def _read(path: Path) -> Kept | None:
    try:
        head, _, body = gzip.decompress(path.read_bytes()).partition(b"\n")
        told = json.loads(head)
        return Kept(str(told["url"]), str(told["fetched"]), dict(told["validators"]), body)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return None
