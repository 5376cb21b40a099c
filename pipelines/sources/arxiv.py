"""arXiv, live, through its API: https://info.arxiv.org/help/api/user-manual.html

The `arxiv` package builds queries and parses answers; asking is ours (`http.Polite`), because the package repeats a
failed request at a fixed pace without reading Retry-After, and believes an empty first page.

Where the API stays closed, the same categories are read through OAI-PMH, and that is said.

A date range is cut in halves until each part has fewer results than the API will page through. The cursor names the
part in progress and the offset in it, so a stop costs one page.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import arxiv
from arxiv import _feed

from kb import ids
from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.sources.arxiv_oai import ArxivOai, open_arxiv_oai
from pipelines.sources.base import Batch, Source, Window, check_options, read_cursor
from pipelines.sources.http import ATTEMPTS, NOWHERE, Network, Polite

API = "https://export.arxiv.org/api/query"
MOST_RESULTS = 30_000
"""The API pages through no more of one query's results."""
FIRST_DAYS = 30
"""How far back a first refresh goes when it is not told."""
ASK_AGAIN = 3
"""How often an empty first page is doubted: it is at times empty although papers exist."""
TOP_SETS = frozenset({"cs", "econ", "eess", "math", "physics", "q-bio", "q-fin", "stat"})
"""OAI-PMH's sets of arXiv; every other archive is a set within physics."""
CATEGORIES = ("cs.LG", "stat.ML", "cs.CL", "cs.CV", "cs.AI", "cs.NE")


def open_arxiv(location: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Open the live API. `arxiv=cs.LG,cs.CL` names categories.

    Options: `categories`, `query` (in the API's syntax, joined with the categories by AND), `contact`, `base_url` (a
    mirror; then there is no way round through OAI-PMH, unless `oai_base_url` names one), `page_size` (100),
    `delay_seconds` (3.0; arXiv's terms allow no less).

    Raises:
        SettingsError: an option is unknown or of the wrong type.
    """
    known = {
        "categories": list, "query": str, "contact": str, "base_url": str, "oai_base_url": str, "page_size": int,
        "delay_seconds": float,
    }  # fmt: skip
    check_options("arxiv", options, known)
    listed = options.get("categories", list(CATEGORIES))
    named = location.split(",") if location else listed
    categories = [name for part in named if (name := str(part).strip())]  # type: ignore[attr-defined]
    size = options.get("page_size", 100)
    if not isinstance(size, int) or not 1 <= size <= 2000:
        raise SettingsError("option page_size of source arxiv must be 1 to 2000", value=size, cure="Mend kb.toml")
    client = network.client("arxiv", options, delay=3.0)
    query = " OR ".join(f"cat:{category}" for category in categories)
    if options.get("query"):
        query = f"({query}) AND ({options['query']})" if query else str(options["query"])
    way_round = None
    if not options.get("query") and categories and ("base_url" not in options or "oai_base_url" in options):
        sets = sorted({oai_set(category) for category in categories})
        told = {name: options[name] for name in ("contact", "delay_seconds") if name in options}
        told |= {"base_url": options["oai_base_url"]} if "oai_base_url" in options else {}
        way_round = open_arxiv_oai(",".join(sets), {**told, "categories": categories}, network, "arxiv")
    return ArxivApi(query, client, str(options.get("base_url", API)).rstrip("/"), size, way_round)


def oai_set(category: str) -> str:
    """Return the OAI-PMH set that has a category's papers.

    >>> oai_set("cs.LG"), oai_set("hep-th"), oai_set("physics.optics")
    ('cs', 'physics:hep-th', 'physics')
    """
    archive = category.split(".")[0]
    return archive if archive in TOP_SETS else f"physics:{archive}"


class ArxivApi:
    """The live API as a `base.Source`; a batch is a page."""

    name = "arxiv"
    online = True

    def __init__(self, query: str, client: Polite, base_url: str, page_size: int, way_round: ArxivOai | None = None) -> None:
        self.query = query
        self.key = f"arxiv:{query}"
        self._client = client
        self._base_url = base_url
        self._page_size = page_size
        self._way_round = way_round

    def size_hint(self) -> int | None:
        """Unknown before asking."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield a batch per page, oldest papers first; through OAI-PMH, in its order, where the API does not answer."""
        state = read_cursor(cursor)
        kept = {"oai": state["oai"]} if "oai" in state else {}
        try:
            for batch in self._pages_of(window, state):
                state = {**json.loads(batch.cursor), **kept}
                batch.cursor = json.dumps(state)
                yield batch
        except SourceUnreachable as error:
            if self._way_round is None:
                raise
            logging.getLogger("papertide").warning("%s; going on through arXiv's OAI-PMH", error.message)
            for batch in self._way_round.batches(window, state.get("oai")):
                state = {**state, "oai": batch.cursor}
                batch.cursor = json.dumps(state)
                yield batch

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the papers of a kept answer, of the API or of OAI-PMH, into the batch."""
        feed = _parse(content)
        if feed is None:
            if self._way_round is not None:
                self._way_round.read_again(url, content, batch, window)
            return
        for result in feed.results:
            self._take(result, batch, window)

    def _pages_of(self, window: Window, before: dict[str, Any]) -> Iterator[Batch]:
        today = datetime.now(UTC).date()
        start = window.since or today - timedelta(days=FIRST_DAYS)
        if "reached" in before and (window.since is None or before.get("start", "9") <= start.isoformat() <= before["reached"]):
            start = date.fromisoformat(before["start"])
        else:
            before = {}
        reached = _minute(before["reached"]) if before else datetime.combine(start, time.min)
        end = datetime.combine(window.until or today, time(23, 59))
        taken, offset = int(before.get("taken", 0)), int(before.get("offset", 0))
        parts = [(reached, end)]
        stopped = _minute(before["part_end"]) if offset else reached
        if stopped > end:  # fewer days are asked for than the part in progress has: read them from its start
            offset = 0
        elif offset:  # finish that part first
            parts = [(stopped, end), (reached, stopped)]
        while parts:
            first, last = parts.pop()
            if first >= last and offset == 0:
                continue
            if window.limit is not None and taken >= window.limit:
                return
            feed = self._page(first, last, offset)
            if feed.header.total_results > MOST_RESULTS and last - first > timedelta(minutes=2):
                middle = first + (last - first) / 2
                middle = middle.replace(second=0, microsecond=0)
                parts += [(middle, last), (first, middle)]
                offset = 0  # a part may outgrow the limit while it is read: its halves begin anew
                continue
            if offset == 0 and not feed.results:
                self._doubt(first, last)
            batch, passed = self._batch(feed, None if window.limit is None else window.limit - taken)
            taken += len(batch.papers)
            offset += passed
            mark = {"start": start.isoformat(), "taken": taken, "reached": first.isoformat(timespec="minutes")}
            if offset < feed.header.total_results and feed.results:
                parts.append((first, last))
                mark |= {"offset": offset, "part_end": last.isoformat(timespec="minutes")}
            else:
                offset = 0
                # today's list still grows: the next run looks at the last day again
                yesterday = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
                mark["reached"] = max(first, min(last, yesterday)).isoformat(timespec="minutes")
            batch.cursor = json.dumps(mark)
            yield batch

    def _doubt(self, first: datetime, last: datetime) -> None:
        """Check an answer of "nothing was submitted then" with OAI-PMH, where that knows the same categories.

        Raises:
            SourceUnreachable: there are such papers, or OAI-PMH does not answer either.
        """
        if self._way_round is not None and self._way_round.has_papers(first.date(), last.date()):
            raise SourceUnreachable(
                f"arXiv's API finds no paper from {first:%Y-%m-%d} to {last:%Y-%m-%d}, but OAI-PMH does",
                cure="Run it again later",
            )

    def _page(self, first: datetime, last: datetime, offset: int) -> "_feed.ParsedFeed":
        """Ask for one page until it is well-formed and, where results are due, not empty."""
        span = f"submittedDate:[{first:%Y%m%d%H%M} TO {last:%Y%m%d%H%M}]"
        search = arxiv.Search(
            query=f"({self.query}) AND {span}" if self.query else span,
            sort_by=arxiv.SortCriterion.SubmittedDate,
            sort_order=arxiv.SortOrder.Ascending,
        )
        reader = arxiv.Client(page_size=self._page_size)
        reader.query_url_format = self._base_url + "?{}"
        url = reader._format_url(search, offset, self._page_size)
        problem = ""
        for attempt in range(ATTEMPTS):
            feed = _parse(self._client.get(url))
            if feed is None:
                problem = "it sent a malformed page"
            elif feed.results or (attempt + 1 >= ASK_AGAIN and _ended(feed.header.total_results, offset)):
                return feed
            else:
                problem = "it sent an empty page where results are due"
        raise SourceUnreachable(
            f"arXiv did not answer usefully: {problem}, {ATTEMPTS} times ({url})",
            cure="Run it again later; it goes on where it stopped",
        )

    def _batch(self, feed: "_feed.ParsedFeed", room: int | None) -> tuple[Batch, int]:
        """Return a page's papers and how many results were passed for them: not all where there is no more room."""
        batch, passed = Batch(), 0
        for result in feed.results:
            if room is not None and len(batch.papers) >= room:
                break
            passed += 1
            self._take(result, batch, Window())
        return batch, passed

    def _take(self, result: arxiv.Result, batch: Batch, window: Window) -> None:
        try:
            paper = parse_result(result)
        except InvalidInput as error:
            batch.reject(result.entry_id, error.message)
            return
        if window.contains(paper):
            batch.papers.append(paper)


def _ended(total: int, offset: int) -> bool:
    """Whether an empty page at `offset` can be true: nothing at all was found, or less than when the part was begun."""
    return total == 0 if offset == 0 else 0 < total <= offset


def _parse(content: bytes) -> "_feed.ParsedFeed | None":
    """Return the parsed page, or None if it is not the whole Atom feed that it should be."""
    if not content.rstrip().endswith(b"</feed>"):
        return None  # the package would take what a cut page still holds, or a web page for a feed without results
    try:
        feed = _feed.parse(content)
    except Exception:  # an unreadable date or number in the feed escapes the package as whatever it is
        return None
    return None if feed.malformed else feed


def parse_result(result: arxiv.Result, today: date | None = None) -> Paper:
    """Make a Paper of one result of the API.

    Raises:
        InvalidInput: the entry has no arXiv id, title, abstract or usable date.
    """
    identifier = ids.arxiv_id(result.entry_id)
    if identifier is None:
        raise InvalidInput("no arXiv id", value=result.entry_id, cure="An entry needs its address")
    other = ids.doi(result.doi or "")
    address = f"https://arxiv.org/abs/{identifier.removeprefix('arxiv:')}"
    remarks = f"{result.comment or ''} {result.summary}".lower()
    return make_paper(
        title=result.title,
        abstract=result.summary,
        authors=[author.name for author in result.authors],
        published=result.published.date(),
        date_precision="day",
        updated=result.updated.date(),
        categories=_primary_first(result.primary_category, result.categories),
        links=[address],
        identifiers=[identifier, other] if other else [identifier],
        withdrawn="has been withdrawn" in remarks or "withdrawn by" in remarks,
        source=SourceRecord(
            "arxiv", identifier.removeprefix("arxiv:"), result.updated.date().isoformat(), address, "CC0 (metadata)"
        ),
        today=today,
    )


def _primary_first(primary: str, categories: Sequence[str]) -> list[str]:
    return [primary, *(category for category in categories if category != primary)]


def _minute(text: str) -> datetime:
    return datetime.fromisoformat(text)
