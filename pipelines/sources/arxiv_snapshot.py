"""The public arXiv metadata snapshot: one JSON object a line, plain, gzip or zip, millions of them, streamed.

Format: https://www.kaggle.com/datasets/Cornell-University/arxiv (metadata are CC0).
"""

import gzip
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import date
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from kb import ids
from kb.errors import InvalidInput
from kb.papers import DatePrecision, Paper, SourceRecord, make_paper, parse_date
from pipelines.sources.base import Batch, Source, Window, check_options, read_cursor

BATCH = 2_000
MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_MAIL_DATE = re.compile(rf"[A-Z][a-z]{{2}}, (\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}}) \d\d:\d\d:\d\d GMT$")
MAX_LINE = 20_000_000
"""Bytes. A line longer than this is no record; it is skipped without being held whole."""


def open_arxiv_snapshot(location: str, options: Mapping[str, object]) -> Source:
    """Open a snapshot file; option `categories` keeps papers listed in any of them."""
    check_options("arxiv_snapshot", options, {"categories": list})
    if not location:
        raise InvalidInput("arxiv_snapshot needs a file", cure="Say arxiv_snapshot=PATH")
    path = Path(location).expanduser()
    if not path.is_file():
        raise InvalidInput("no arXiv snapshot there", value=path, cure="Check the path")
    wanted = options.get("categories", [])
    return ArxivSnapshot(path, frozenset(map(str, wanted if isinstance(wanted, list) else [])))


class ArxivSnapshot:
    """A snapshot file as a `base.Source`."""

    def __init__(self, path: Path, categories: frozenset[str]) -> None:
        self.path = path
        self.categories = categories
        self.name = f"arxiv_snapshot {path.name}"
        self.online = False
        self._today = date.today()  # asked once: a snapshot has millions of records
        self.key = f"arxiv_snapshot:{path.name}:{','.join(sorted(categories))}"

    def size_hint(self) -> int | None:
        """Unknown before reading."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield the file's records from the line after the cursor; a finished, unchanged file yields nothing."""
        mark = {"file": _fingerprint(self.path), "window": window.key()}
        before = read_cursor(cursor)
        if any(before.get(name) != value for name, value in mark.items()):
            before = {}
        line_number, taken = int(before.get("line", 0)), int(before.get("taken", 0))
        if before.get("done") or (window.limit is not None and taken >= window.limit):
            return
        batch, seen = Batch(), set[str]()
        for number, line in _lines(self.path, line_number, batch):
            line_number = number
            self._take(line, number, window, batch, seen)
            if window.limit is not None and taken + len(batch.papers) >= window.limit:
                break
            if len(batch.papers) + batch.rejected.total() >= BATCH:
                taken += len(batch.papers)
                batch.cursor = json.dumps({**mark, "line": line_number, "taken": taken})
                yield batch
                batch = Batch()
        else:
            mark = {**mark, "done": True}  # type: ignore[dict-item]
        batch.cursor = json.dumps({**mark, "line": line_number, "taken": taken + len(batch.papers)})
        yield batch

    def _take(self, line: bytes, number: int, window: Window, batch: Batch, seen: set[str]) -> None:
        where = f"{self.path.name}:{number}"
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            batch.reject(where, "not a JSON object (truncated line?)")
            return
        try:
            if self.categories and not self.categories.intersection(str(record.get("categories") or "").split()):
                return
            if (window.since or window.until) and not window.holds(*_published(record)):
                return  # before the costly part: a refresh of one month passes over millions
            paper = parse_record(record, self._today)
        except InvalidInput as error:
            batch.reject(where, error.message)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError):
            batch.reject(where, "fields of the wrong kind")
        else:
            name = paper.sources[0].source_id
            if name in seen:
                batch.reject(where, "duplicate id in the file")
            else:
                seen.add(name)
                batch.papers.append(paper)


def parse_record(record: Mapping[str, Any], today: date | None = None) -> Paper:
    """Make a Paper of one record of the snapshot.

    Raises:
        InvalidInput: the record has no title, no abstract, no readable date or no id.
    """
    number = ids.restore_digits(str(record.get("id") or "").strip())
    identifier = ids.arxiv_id(number)
    if identifier is None:
        raise InvalidInput("no arXiv id", value=number, cure="A snapshot record needs its id")
    published, precision = _published(record)
    updated = str(record.get("update_date") or "")
    comments = str(record.get("comments") or "").lower()
    other = ids.doi(str(record["doi"])) if record.get("doi") else None
    address = f"https://arxiv.org/abs/{identifier.removeprefix('arxiv:')}"
    return make_paper(
        title=str(record.get("title") or ""),
        abstract=str(record.get("abstract") or ""),
        authors=_authors(record),
        published=published,
        date_precision=precision,
        updated=_date(updated)[0] if updated else None,
        categories=str(record.get("categories") or "").split(),
        venue="",
        kind="preprint",
        licence=str(record.get("license") or ""),
        links=[address],
        identifiers=[identifier, other] if other else [identifier],
        versions=_versions(record),
        withdrawn="withdrawn" in comments,
        source=SourceRecord("arxiv", identifier.removeprefix("arxiv:"), updated, address, "CC0 (metadata)"),
        today=today,
    )


def _published(record: Mapping[str, Any]) -> tuple[date, DatePrecision]:
    """Return the date of the first version."""
    versions = record.get("versions") or []
    return _date(str(versions[0]["created"]) if versions else str(record.get("update_date") or ""))


def _versions(record: Mapping[str, Any]) -> list[str]:
    """Return the days of all versions; none if one of them cannot be read, which is no reason to lose the paper."""
    try:
        return [_date(str(version["created"]))[0].isoformat() for version in record.get("versions") or []]
    except InvalidInput:
        return []


def _authors(record: Mapping[str, Any]) -> list[str]:
    parsed = record.get("authors_parsed")
    if parsed:
        return [" ".join(part for part in (name[1], name[0], *name[2:3]) if part) for name in parsed]
    return re.split(r",\s+(?:and\s+)?|\s+and\s+", str(record.get("authors") or ""))


def _date(text: str) -> tuple[date, DatePrecision]:
    """Read the snapshot's mail-style date ("Mon, 2 Apr 2007 19:18:42 GMT") or an ISO one."""
    found = _MAIL_DATE.match(text)
    try:
        if found:  # the usual form, five times as fast as the library's reading of any
            return date(int(found[3]), MONTHS[found[2]], int(found[1])), "day"
        return (parsedate_to_datetime(text).date(), "day") if "," in text else parse_date(text)
    except (ValueError, OverflowError):  # a year of twenty digits overflows
        raise InvalidInput("unreadable date", value=text, cure="Mend the record") from None


def _fingerprint(path: Path) -> str:
    """Name a file's content: size and hash of its first and last megabyte, enough to see that a file was replaced."""
    try:
        size = path.stat().st_size
        digest = hashlib.sha256(str(size).encode())
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, size - (1 << 20)))
            digest.update(file.read())
    except OSError as error:
        raise _unreadable(path, error) from None
    return digest.hexdigest()


def _unreadable(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(f"cannot read {path}: {error.strerror or error}", cure="Check the file")


def _lines(path: Path, after: int, batch: Batch) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line) after line `after`; a broken end is counted once and ends the reading."""
    try:
        with path.open("rb") as raw, _unpacked(raw, path) as file:
            number = 0
            while line := file.readline(MAX_LINE):
                number += 1
                while not line.endswith(b"\n") and len(line) >= MAX_LINE and (rest := file.readline(MAX_LINE)):
                    line = rest if not rest.endswith(b"\n") else b"\n"
                if number > after and line.strip():
                    yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile):
        batch.reject(path.name, "the compressed file ends too early; what came before it is kept")
    except OSError as error:
        raise _unreadable(path, error) from None


def _unpacked(raw: BinaryIO, path: Path) -> BinaryIO:
    """Return a file's content, unpacked while it is read; of a zip archive, its largest member."""
    start = raw.read(2)
    raw.seek(0)
    if start == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if start == b"PK":
        archive = zipfile.ZipFile(raw)
        members = [member for member in archive.infolist() if not member.is_dir()]
        if not members:
            raise InvalidInput("the zip archive is empty", value=path, cure="Download the snapshot again")
        largest = archive.open(max(members, key=lambda member: member.file_size))
        return io.BufferedReader(largest, 1 << 16)  # type: ignore[type-var]
    return raw
