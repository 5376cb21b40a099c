"""arXiv's daily feed: what was announced today, in one request. https://info.arxiv.org/help/rss.html

Both forms are read, Atom (the default) and RSS 2.0; they hold the same few elements under different names. Replacements are
left to the other ways into arXiv: the feed does not say when such a paper first appeared.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree.ElementTree import Element

from kb import ids
from kb.errors import InvalidInput, SourceUnreachable
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.sources.base import Batch, Source, Window, check_options, parse_xml, read_cursor
from pipelines.sources.http import ATTEMPTS, NOWHERE, Network, Polite

FEED = "https://rss.arxiv.org/atom"
CATEGORIES = ("cs.LG", "stat.ML", "cs.CL", "cs.CV", "cs.AI", "cs.NE")
RSS_NAMES = {"guid": "id", "description": "summary", "pubDate": "published"}
_SUMMARY = re.compile(r"\s*arXiv:\S+\s+Announce Type:\s*(?P<kind>[\w-]+)\s+Abstract:\s*(?P<abstract>.*)", re.S)


def open_arxiv_feed(location: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Open the feed of categories: `arxiv_feed=cs.LG,stat.ML`.

    Options: `categories`, `contact`, `base_url` (a mirror; .../rss for RSS 2.0), `delay_seconds` (3.0).
    """
    check_options("arxiv_feed", options, {"categories": list, "contact": str, "base_url": str, "delay_seconds": float})
    listed = options.get("categories", list(CATEGORIES))
    named = location.split(",") if location else listed
    categories = [name for part in named if (name := str(part).strip())]  # type: ignore[attr-defined]
    client = network.client("arxiv_feed", options, delay=3.0)
    return ArxivFeed(categories, client, str(options.get("base_url", FEED)).rstrip("/"))


class ArxivFeed:
    """The feed as a `base.Source`; it is one batch."""

    name = "arxiv_feed"
    online = True

    def __init__(self, categories: list[str], client: Polite, base_url: str) -> None:
        self.key = f"arxiv_feed:{','.join(categories)}"
        self._client = client
        self._url = f"{base_url}/{'+'.join(categories)}"

    def size_hint(self) -> int | None:
        """Unknown before asking."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield today's papers, unless this edition of the feed was read before; a day without announcements has none."""
        before = read_cursor(cursor)
        edition, entries = self._ask()
        if edition and before.get("edition") == edition and before.get("limit") == window.limit:
            return
        batch = Batch(cursor=json.dumps({"edition": edition, "limit": window.limit}))
        self._take(entries, batch, window)
        yield batch

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the papers of a kept answer into the batch."""
        self._take(parse_feed(content)[1], batch, window)

    def _take(self, entries: list[Mapping[str, Any]], batch: Batch, window: Window) -> None:
        for entry in entries:
            if window.limit is not None and len(batch.papers) >= window.limit:
                break
            if announced(entry).startswith("replace"):
                continue
            try:
                paper = parse_entry(entry)
            except InvalidInput as error:
                batch.reject(str(entry.get("id") or "an entry"), error.message)
                continue
            if window.contains(paper):
                batch.papers.append(paper)

    def _ask(self) -> tuple[str, list[Mapping[str, Any]]]:
        for _ in range(ATTEMPTS):
            try:
                return parse_feed(self._client.get(self._url))
            except InvalidInput as error:  # cut off on the way: ask again
                problem = error.message
        raise SourceUnreachable(f"arXiv's feed did not answer usefully: {problem} ({self._url})", cure="Run it again later")


def parse_feed(content: bytes) -> tuple[str, list[Mapping[str, Any]]]:
    """Return (the edition's date as the feed writes it, its entries as name -> text, with lists for `category`).

    Raises:
        InvalidInput: this is no whole feed.
    """
    root = parse_xml(content)
    if _local(root) not in {"feed", "rss"}:
        raise InvalidInput("it sent something else than a feed", cure="Check base_url")
    head = root.find("channel") if _local(root) == "rss" else root
    dated = [child for child in (head if head is not None else ()) if _local(child) in {"updated", "lastBuildDate"}]
    entries = [_entry(element) for element in root.iter() if _local(element) in {"entry", "item"}]
    return (dated[0].text or "").strip() if dated else "", entries


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _entry(element: Element) -> Mapping[str, Any]:
    told: dict[str, Any] = {"category": []}
    for child in element:
        name = RSS_NAMES.get(_local(child), _local(child))
        text = (child.get("href") or child.get("term") or child.text or "").strip()
        if name == "category":
            told[name].append(text)
        else:
            told[name] = f"{told[name]}, {text}" if name == "creator" and name in told else text
    return told


def announced(entry: Mapping[str, Any]) -> str:
    """Return how an entry is announced: "new", "cross", "replace" or "replace-cross"."""
    said = _SUMMARY.match(str(entry.get("summary") or ""))
    return str(entry.get("announce_type") or (said["kind"] if said else "new"))


def parse_entry(entry: Mapping[str, Any], today: date | None = None) -> Paper:
    """Make a Paper of one entry: new ones are dated to the announcement, cross-listed ones to the month in their id.

    Raises:
        InvalidInput: the entry lacks an id, a title, an abstract or a date.
    """
    name = str(entry.get("id") or "").removeprefix("oai:arXiv.org:")
    identifier = ids.arxiv_id(name) or ids.arxiv_id(str(entry.get("link") or ""))
    if identifier is None:
        raise InvalidInput("no arXiv id", value=name, cure="An entry needs its id")
    said = _SUMMARY.match(str(entry.get("summary") or ""))
    day = _day(str(entry.get("published") or entry.get("updated") or ""))
    month = ids.arxiv_month(identifier)
    new = announced(entry) == "new"
    published = day if new else month
    if published is None:
        raise InvalidInput("unreadable date", value=name, cure="An entry needs its date")
    address = f"https://arxiv.org/abs/{identifier.removeprefix('arxiv:')}"
    return make_paper(
        title=str(entry.get("title") or ""),
        abstract=said["abstract"] if said else str(entry.get("summary") or ""),
        authors=re.split(r",\s+", str(entry.get("creator") or "")),
        published=published,
        date_precision="day" if new else "month",
        categories=entry.get("category") or [],
        licence=str(entry.get("rights") or ""),
        links=[address],
        identifiers=[identifier],
        source=SourceRecord("arxiv_feed", identifier.removeprefix("arxiv:"), published.isoformat(), address, "CC0 (metadata)"),
        today=today,
    )


def _day(text: str) -> date | None:
    """Read an Atom date (RFC 3339) or an RSS one (RFC 822), as the day in the feed's own time zone."""
    try:
        return parsedate_to_datetime(text).date() if "," in text else datetime.fromisoformat(text).date()
    except (ValueError, TypeError, OverflowError):
        return None
