"""arXiv through OAI-PMH, its way for harvesting: https://info.arxiv.org/help/oa/index.html

Protocol: http://www.openarchives.org/OAI/openarchivesprotocol.html (version 2.0). The answers are parsed here and not by a
harvesting library, because those at hand mend broken XML silently: a page that was cut off would lose its last records and
its resumption token, and the harvest would look complete.

Records are brought into the form of arXiv's metadata snapshot, so that one parser reads both.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from kb.papers import Paper
from pipelines.sources.arxiv_snapshot import parse_record
from pipelines.sources.base import Batch, Window, check_options, parse_xml, read_cursor
from pipelines.sources.http import ATTEMPTS, NOWHERE, Network, Polite

ENDPOINT = "https://oaipmh.arxiv.org/oai"
"""Its home since March 2025."""
FORMATS = ("arXiv", "arXivRaw")
SETS = ("cs", "stat")
FIRST_DAYS = 30
"""How far back a first harvest goes when it is not told."""
OAI = "{http://www.openarchives.org/OAI/2.0/}"


def open_arxiv_oai(
    location: str, options: Mapping[str, object], network: Network = NOWHERE, room: str = "arxiv_oai"
) -> "ArxivOai":
    """Open the harvest. `arxiv_oai=cs,stat` names sets.

    Options: `sets` (cs and stat), `categories` (keep papers listed in any of them), `format` ("arXiv", or "arXivRaw" with
    every version's date), `contact`, `base_url` (a mirror), `delay_seconds` (3.0; arXiv's terms allow no less).

    Raises:
        SettingsError: an option is unknown or cannot be used.
    """
    known = {"sets": list, "categories": list, "format": str, "contact": str, "base_url": str, "delay_seconds": float}
    check_options("arxiv_oai", options, known)
    listed = options.get("sets", list(SETS))
    named = location.split(",") if location else listed
    sets = [name for part in named if (name := str(part).strip())]  # type: ignore[attr-defined]
    form = str(options.get("format", FORMATS[0]))
    if form not in FORMATS:
        raise SettingsError("option format of source arxiv_oai is unknown", value=form, cure=f"One of {', '.join(FORMATS)}")
    categories = options.get("categories", [])
    client = network.client(room, options, delay=3.0)
    return ArxivOai(
        sets,
        form,
        frozenset(map(str, categories if isinstance(categories, list) else [])),
        client,
        str(options.get("base_url", ENDPOINT)).rstrip("/"),
    )


class ArxivOai:
    """The harvest as a `base.Source`; a batch is a page.

    The cursor keeps, for every set, the day from which records are asked for and, in the middle of a list, its resumption
    token. Once a list is done, that day becomes the one on which its harvest began: datestamps are days.
    """

    name = "arxiv_oai"
    online = True

    def __init__(self, sets: list[str], form: str, categories: frozenset[str], client: Polite, base_url: str) -> None:
        self.key = f"arxiv_oai:{form}:{','.join(sets)}:{','.join(sorted(categories))}"
        self._sets = sets
        self._format = form
        self._categories = categories
        self._client = client
        self._base_url = base_url

    def size_hint(self) -> int | None:
        """Unknown before asking."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield a batch per page, set after set."""
        mark = read_cursor(cursor)
        if mark.get("window") != window.key():
            mark = {"window": window.key(), "sets": {}, "taken": 0}
        for name in self._sets:
            first = window.since or datetime.now(UTC).date() - timedelta(days=FIRST_DAYS)
            state = mark["sets"].setdefault(name, {"from": first.isoformat()})
            yield from self._list(name, state, mark, window)

    def _list(self, name: str, state: dict[str, Any], mark: dict[str, Any], window: Window) -> Iterator[Batch]:
        begun = 0
        while window.limit is None or mark["taken"] < window.limit:
            try:
                page = self._page(name, state)
            except BadToken:  # it ran out: the list begins anew, and what was stored stays
                begun += 1
                if state.pop("token", None) is None or begun >= ATTEMPTS:
                    raise SourceUnreachable(
                        f"arXiv's OAI-PMH refuses its own resumption tokens ({self._base_url})", cure="Run it again later"
                    ) from None
                state.pop("passed", None)
                continue
            state.setdefault("began", page.day)
            batch = Batch()
            room = None if window.limit is None else window.limit - mark["taken"]
            passed = self._take(page, int(state.pop("passed", 0)), batch, room, window)
            mark["taken"] += len(batch.papers)
            if passed < len(page.records):
                state["passed"] = passed
            elif page.token:
                state["token"] = page.token
            else:
                state.pop("token", None)
                state["from"] = max(state["from"], state.pop("began"))
            batch.cursor = json.dumps(mark)
            yield batch
            if "token" not in state and "passed" not in state:
                return

    def has_papers(self, first: date, last: date) -> bool:
        """Whether a paper of the wanted categories was first submitted in these days, as far as one page a set tells.

        Records are dated by their last change, so a week more is asked for: a paper is announced days after it is submitted.

        Raises:
            SourceUnreachable: it did not answer.
        """
        until = min(last + timedelta(days=7), datetime.now(UTC).date()).isoformat()
        for name in self._sets:
            batch = Batch()
            try:
                page = self._page(name, {"from": first.isoformat(), "until": until})
            except BadToken:
                continue
            self._take(page, 0, batch, None, Window(first, last))
            if batch.papers:
                return True
        return False

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the papers of a kept answer into the batch."""
        with suppress(BadToken):
            self._take(parse_page(content), 0, batch, None, window)

    def _page(self, name: str, state: Mapping[str, Any]) -> "Page":
        asked = {"verb": "ListRecords"}
        if "token" in state:
            asked["resumptionToken"] = state["token"]
        else:
            asked |= {"metadataPrefix": self._format, "set": name, "from": state["from"]}
            asked |= {"until": state["until"]} if "until" in state else {}
        url = f"{self._base_url}?{urlencode(asked)}"
        for _ in range(ATTEMPTS):
            try:
                return parse_page(self._client.get(url))
            except InvalidInput as error:  # cut off or garbled on the way: ask again
                problem = error.message
        raise SourceUnreachable(
            f"arXiv's OAI-PMH did not answer usefully: {problem}, {ATTEMPTS} times ({self._base_url})",
            cure="Run it again later; it goes on where it stopped",
        )

    def _take(self, page: "Page", start: int, batch: Batch, room: int | None, window: Window) -> int:
        """Put a page's papers into the batch; return how many records were passed: not all where there is no more room."""
        for place in range(start, len(page.records)):
            if room is not None and len(batch.papers) >= room:
                return place
            record = page.records[place]
            where = (record.findtext(f"{OAI}header/{OAI}identifier") or "a record").strip()
            try:
                paper = parse_entry(record)
            except InvalidInput as error:
                batch.reject(where, error.message)
                continue
            if (not self._categories or self._categories.intersection(paper.categories)) and window.contains(paper):
                batch.papers.append(paper)
        return len(page.records)


class BadToken(Exception):
    """The resumption token is no longer good."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to ListRecords.

    Attributes:
        records: its <record> elements.
        token: where the list goes on; empty at its end.
        day: the server's date, "2026-11-24".
    """

    records: list[Element]
    token: str
    day: str


def parse_page(content: bytes) -> Page:
    """Read an answer to ListRecords.

    Raises:
        BadToken: the server no longer knows the resumption token.
        InvalidInput: the answer is no whole OAI-PMH document, or reports another error.
    """
    root = parse_xml(content)
    if root.tag != f"{OAI}OAI-PMH":
        raise InvalidInput("it sent something else than OAI-PMH", cure="Check base_url")
    day = (root.findtext(f"{OAI}responseDate") or "")[:10]
    error = root.find(f"{OAI}error")
    if error is not None:
        code = error.get("code") or ""
        if code == "badResumptionToken":
            raise BadToken
        if code != "noRecordsMatch":
            raise InvalidInput(f"it reports {code}: {' '.join((error.text or '').split())[:200]}", cure="Check sets and base_url")
        return Page([], "", day)
    listed = root.find(f"{OAI}ListRecords")
    if listed is None:
        raise InvalidInput("it sent no list of records", cure="Try again later")
    return Page(listed.findall(f"{OAI}record"), (listed.findtext(f"{OAI}resumptionToken") or "").strip(), day)


def parse_entry(record: Element, today: date | None = None) -> Paper:
    """Make a Paper of one <record> in the format arXiv or arXivRaw.

    Raises:
        InvalidInput: it was deleted, or lacks a title, an abstract, a date or an id.
    """
    header = record.find(f"{OAI}header")
    if header is not None and header.get("status") == "deleted":
        raise InvalidInput("deleted by arXiv", cure="Nothing to do")
    entry = next(iter(record.find(f"{OAI}metadata") or ()), None)
    if entry is None:
        raise InvalidInput("no metadata", cure="The record is empty")
    space = entry.tag.partition("}")[0] + "}" if "}" in entry.tag else ""

    def text(name: str) -> str:
        return (entry.findtext(f"{space}{name}") or "").strip()

    versions = [{"created": (version.findtext(f"{space}date") or "").strip()} for version in entry.iterfind(f"{space}version")]
    authors = [
        [(author.findtext(f"{space}{part}") or "").strip() for part in ("keyname", "forenames", "suffix")]
        for author in entry.iterfind(f"{space}authors/{space}author")
    ]
    paper = parse_record(
        {
            "id": text("id"), "title": text("title"), "abstract": text("abstract"), "categories": text("categories"),
            "comments": text("comments"), "doi": text("doi"), "license": text("license"), "authors": text("authors"),
            "authors_parsed": authors, "versions": versions or [{"created": text("created")}],
            "update_date": versions[-1]["created"] if versions else text("updated") or text("created"),
        },
        today,
    )  # fmt: skip
    return paper if versions else replace(paper, versions=())  # the plain format tells the first day and the last only
