"""Paper Copilot's public lists: one JSON file per venue and year, from a folder, a file, or over HTTP.

Layout: https://github.com/papercopilot/paperlists (`iclr/iclr2018.json`, ...).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from kb import ids
from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.sources.base import Batch, Source, Window, check_options, listed, read_files, unpack
from pipelines.sources.http import NOWHERE, Network, Polite

REPOSITORY = "https://raw.githubusercontent.com/papercopilot/paperlists/main"
NAMES = {"nips": "NeurIPS", "automl": "AutoML", "corl": "CoRL", "www": "WWW"}
"""How a venue is written where capital letters alone would be wrong."""
NOT_ACCEPTED = ("reject", "withdraw", "active", "desk")
_FILE = re.compile(r"(?P<venue>[a-z0-9]*?[a-z])(?P<year>(?:19|20)\d\d)\.json(?:\.gz)?$")
_ADDRESSES = ("arxiv", "doi", "site", "openreview", "oa", "pdf")


def open_paperlists(location: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Open the lists at a folder, a file or an address (default: their repository).

    Options: `base_url` (a mirror), `venues` and `years` (needed over HTTP, filters otherwise), `rejected = true`
    (take rejected and withdrawn submissions too), `contact`, `delay_seconds`.

    Raises:
        InvalidInput: there is no such folder or file.
        SettingsError: over HTTP without venues and years.
    """
    known = {"base_url": str, "venues": list, "years": list, "rejected": bool, "contact": str, "delay_seconds": float}
    check_options("paperlists", options, known)
    venues = [str(venue).lower() for venue in listed(options, "venues")]
    years = [str(year) for year in listed(options, "years")]
    rejected = bool(options.get("rejected", False))
    if location and "://" not in location:
        path = Path(location).expanduser()
        if not path.exists():
            raise InvalidInput("no paper lists there", value=path, cure="Check the path")
        return Paperlists(str(path), _found(path, venues, years), None, rejected)
    if not venues or not years:
        raise SettingsError("paperlists over HTTP needs venues and years", cure="Set them under [sources.paperlists]")
    base = (location or str(options.get("base_url", REPOSITORY))).rstrip("/")
    pairs = [(f"{base}/{venue}/{venue}{year}.json", venue, year) for venue in venues for year in years]
    client = network.client("paperlists", options, delay=1.0)
    return Paperlists(base, pairs, client, rejected)


def _found(path: Path, venues: list[str], years: list[str]) -> list[tuple[str, str, str]]:
    files = sorted(path.rglob("*.json*")) if path.is_dir() else [path]
    found = [(file, _FILE.search(file.name.lower())) for file in files]
    named = [(str(file), name["venue"], name["year"]) for file, name in found if name]
    chosen = [item for item in named if (not venues or item[1] in venues) and (not years or item[2] in years)]
    if not chosen:
        raise InvalidInput("no paper lists there", value=path, cure="Files are named like iclr2018.json or iclr2018.json.gz")
    return chosen


class Paperlists:
    """Paper Copilot's lists as a `base.Source`; a batch is a file."""

    def __init__(self, location: str, files: list[tuple[str, str, str]], client: Polite | None, rejected: bool) -> None:
        self.name = "paperlists"
        self.online = client is not None
        self.key = f"paperlists:{Path(location).name if client is None else location}:{'rejected' if rejected else ''}"
        self._files = files
        self._client = client
        self._rejected = rejected

    def size_hint(self) -> int | None:
        """Unknown before reading."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield every file whose content has not been read yet, one batch each."""
        files = [(f"{venue}{year}", (address, venue, year)) for address, venue, year in self._files]
        return read_files(
            files,
            window,
            cursor,
            self._read,
            lambda place, content, batch, room: self._parse(content, place[1], int(place[2]), batch, window, room),
        )

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the papers of a kept list into the batch."""
        found = _FILE.search(url.lower())
        if found:
            self._parse(unpack(content), found["venue"], int(found["year"]), batch, window, None)

    def _read(self, place: tuple[str, str, str], batch: Batch) -> bytes | None:
        address = place[0]
        try:
            return unpack(self._client.get(address) if self._client else Path(address).read_bytes())
        except (InvalidInput, OSError) as error:
            if self._client is not None:
                raise SourceUnreachable(f"{address} is damaged ({error})", cure="Try again later") from None
            batch.reject(Path(address).name, "the file cannot be read or ends too early")
            return None

    def _parse(self, content: bytes, venue: str, year: int, batch: Batch, window: Window, room: int | None) -> None:
        where = f"{venue}{year}.json"
        try:
            records = orjson.loads(content)
        except orjson.JSONDecodeError:
            batch.reject(where, "the file is not JSON")
            return
        if not isinstance(records, list):
            batch.reject(where, "the file is not a JSON list")
            return
        seen = set()
        for number, record in enumerate(records):
            if room is not None and len(batch.papers) >= room:
                return
            place = f"{where}[{number}]"
            if not isinstance(record, dict):
                batch.reject(place, "not an object")
                continue
            if not self._rejected and str(record.get("status") or "").lower().startswith(NOT_ACCEPTED):
                batch.rejected["not accepted (rejected, withdrawn or under review)"] += 1
                continue
            try:
                paper = parse_record(record, venue, year)
            except InvalidInput as error:
                batch.reject(place, error.message)
                continue
            if paper.sources[0].source_id in seen:
                batch.reject(place, "duplicate id in the file")
            elif window.contains(paper):
                seen.add(paper.sources[0].source_id)
                batch.papers.append(paper)


def parse_record(record: Mapping[str, Any], venue: str, year: int, today: date | None = None) -> Paper:
    """Make a Paper of one entry of a venue's list. It is dated to the year: the lists say no more.

    Raises:
        InvalidInput: the entry has no title or no abstract.
    """
    addresses = [text for field in _ADDRESSES if (text := str(record.get(field) or "").strip())]
    known = dict.fromkeys(identifier for text in addresses for identifier in _identifiers(text))
    title = str(record.get("title") or "")
    authors = [name.strip() for name in str(record.get("author") or "").split(";")]
    own_id = str(record.get("id") or "") or ids.title_id(title, authors[0])
    name = f"{NAMES.get(venue, venue.upper())} {year}"
    status = str(record.get("status") or "")
    links = [text for text in addresses if text.startswith("http")]
    return make_paper(
        title=title,
        abstract=str(record.get("abstract") or ""),
        authors=authors,
        published=date(year, 1, 1),
        date_precision="year",
        venue=name if not status.lower().startswith(NOT_ACCEPTED) else "",
        kind="conference" if not status.lower().startswith(NOT_ACCEPTED) else "preprint",
        links=links,
        identifiers=known,
        keywords=[word.strip() for word in re.split(r"[;,]", str(record.get("keywords") or ""))],
        withdrawn=status.lower().startswith("withdraw"),
        source=SourceRecord(f"paperlists:{venue}{year}", own_id, str(year), links[0] if links else "", ""),
        today=today,
    )


def _identifiers(address: str) -> tuple[str, ...]:
    try:
        return ids.identifiers_in(address)
    except ValueError:  # no address at all ("http://["), which is no reason to lose the paper
        return ()
