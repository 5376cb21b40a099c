"""Crawling proceedings that have a list of papers and a page a paper: what NeurIPS' and CVF's sites share.

HTML is read by lxml (BSD): it closes what a page left open, finds by XPath, and `arxiv` installs it anyway; the standard library
only reports tags one by one. Since it mends silently, a page counts as whole only if something follows its abstract.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from lxml import etree, html

from kb.errors import InvalidInput, SourceUnreachable
from kb.papers import Paper
from pipelines.sources.base import Batch, Window, read_cursor
from pipelines.sources.files import given_first
from pipelines.sources.http import Missing, Polite

BATCH = 40
"""Papers. At a request a second, a stop loses less than a minute of asking."""
TRIES = 3
"""How often a page that is not whole is asked for, and how many of those in a row end the crawl."""
_DIGITS = 10
"""Hexadecimal digits by which the cursor remembers a page: among 10,000 pages two share them once in 20,000 crawls."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
Found = TypeVar("Found")


class Damaged(Exception):
    """A page is not whole, or is something else than expected; asking again may help."""


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of proceedings: a name that stays the same, and its year."""

    name: str
    year: int


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page; whether its end was seen; and whether it came twice the same, so that it must be meant that way."""

    root: Any
    whole: bool
    settled: bool = False

    def meta(self, name: str) -> list[str]:
        """Return the contents of its <meta> elements of a name, in order (Highwire's citation_title, ...)."""
        found = self.root.xpath("//meta[@name=$name]/@content", name=name)
        return [text for content in found if (text := " ".join(str(content).split()))]

    def authors(self) -> list[str]:
        """Return "Given Family" of each citation_author."""
        return [given_first(name) for name in self.meta("citation_author")]

    def paths(self, *hosts: str) -> list[str]:
        """Return the path and query of every link that leads to one of these hosts or names none, once each, in order.

        Raises:
            Damaged: the page ends too early, so there may be more.
        """
        if not (self.whole or self.settled):
            raise Damaged("the list ends too early")
        found = (_path(str(href), hosts) for href in self.root.xpath("//a/@href"))
        return list(dict.fromkeys(filter(None, found)))

    def abstract(self) -> str:
        """Return the abstract, or nothing if the page has none.

        Three forms are known: an element that is marked as the abstract; such a <p> that is empty, because the site nests
        paragraphs in it, which HTML closes before them; and paragraphs after the heading "Abstract".

        Raises:
            Damaged: the page ends within it.
        """
        marked = self.root.xpath('//*[@id="abstract" or @class="abstract" or @class="paper-abstract"]')
        headed = self.root.xpath('//*[self::h2 or self::h3 or self::h4 or self::h5][normalize-space()="Abstract"]')
        start = next(iter([*marked, *headed]), None)
        if start is None:
            if not self.whole:
                raise Damaged("the page ends before its abstract")
            return ""
        parts = [start] if marked and words(start) else _paragraphs_after(start)
        if not self.whole and not (parts and parts[-1].xpath("following::*")):
            raise Damaged("the page ends within its abstract")
        return " ".join(text for part in parts if (text := words(part)))


def parse_html(content: bytes) -> Page:
    """Read a page of HTML.

    Raises:
        Damaged: there is nothing in it.
    """
    try:
        root = html.document_fromstring(content, parser=html.HTMLParser(encoding="utf-8", huge_tree=False))
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise Damaged(f"no HTML ({error})") from None
    return Page(root, b"</html" in content[-2_000:].lower())


def words(element: Any) -> str:
    """Return an element's text on one line; a line break and the end of a paragraph part words, other markup does not."""
    pieces = []
    for event, part in etree.iterwalk(element, events=("start", "end", "comment")):
        if event == "start" and isinstance(part.tag, str):
            pieces.append(part.text or "")
        elif event != "start" and part is not element:
            pieces.append(" " if part.tag in ("br", "p", "div", "li") else "")
            pieces.append(part.tail or "")
    return " ".join("".join(pieces).split())


def _paragraphs_after(start: Any) -> list[Any]:
    found = []
    for part in start.itersiblings():
        if part.tag in _HEADINGS or part.tag == "div":
            break
        if part.tag == "p" and words(part):
            found.append(part)
    return found


def _path(href: str, hosts: Sequence[str]) -> str:
    try:
        parts = urlsplit(href.strip())
    except ValueError:  # no address at all ("http://[")
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return parts.path + query if not parts.netloc or parts.netloc.lower() in hosts else ""


@dataclass(frozen=True, slots=True)
class Site:
    """A site to crawl.

    Attributes:
        list_papers: returns the paths of a volume's pages.
        parse: makes a Paper of a page, given its volume and its path.
    """

    client: Polite
    base_url: str
    list_papers: Callable[[Volume], Sequence[str]]
    parse: Callable[[Volume, str, Page], Paper]


def ask(client: Polite, url: str, read: Callable[[Page], Found]) -> Found:
    """Return what `read` makes of a page, asking again for one that is not whole.

    Raises:
        Damaged: it never was.
        Missing, SourceUnreachable: as `Polite.get`.
    """
    problem, former = "", b""
    for _ in range(TRIES):
        content = client.get(url)
        try:
            return read(replace(parse_html(content), settled=content == former))
        except Damaged as error:
            problem, former = str(error), content
    raise Damaged(problem)


def crawl(site: Site, volumes: Sequence[Volume], window: Window, cursor: str | None) -> Iterator[Batch]:
    """Yield the papers of every volume whose pages were not read yet, a batch for every few dozen of them.

    The cursor remembers every page that was read, so a stop or a list that grew leads to no second request for it. A page that
    was missing or damaged is not remembered.

    Raises:
        SourceUnreachable: the site stopped answering, or answers with something else; what was read before is yielded.
    """
    mark = read_cursor(cursor)
    if mark.get("window") != window.key():
        mark = {"window": window.key(), "taken": 0, "volumes": {}}
    for volume in volumes:
        full = window.limit is not None and mark["taken"] >= window.limit
        if not full and window.holds(date(volume.year, 1, 1), "year"):
            yield from _crawl_volume(site, volume, window, mark)


def read_again(
    parse: Callable[[Volume, str, Page], Paper], volume: Volume, path: str, content: bytes, batch: Batch, window: Window
) -> None:
    """Put the paper of a kept page into the batch."""
    try:
        paper = parse(volume, path, replace(parse_html(content), settled=True))
    except InvalidInput as error:
        batch.reject(path, error.message)
    except Damaged:
        batch.reject(path, "the page is not whole")
    else:
        if window.contains(paper):
            batch.papers.append(paper)


def _crawl_volume(site: Site, volume: Volume, window: Window, mark: dict[str, Any]) -> Iterator[Batch]:
    batch, damaged = Batch(), 0

    def close() -> Batch:
        mark["taken"] += len(batch.papers)
        batch.cursor = json.dumps(mark)
        return batch

    paths = _listed(site, volume, batch)
    held = mark["volumes"].get(volume.name, "")
    had = {held[place : place + _DIGITS] for place in range(0, len(held), _DIGITS)}
    for path in paths:
        name = hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
        if name in had:
            continue
        if window.limit is not None and mark["taken"] + len(batch.papers) >= window.limit:
            break
        try:
            paper = ask(site.client, f"{site.base_url}{path}", partial(site.parse, volume, path))
            if window.contains(paper):
                batch.papers.append(paper)
        except InvalidInput as error:  # whole, but no paper: a preface, or an old one without an abstract
            batch.reject(path, error.message)
        except Missing:
            batch.reject(path, "the page is missing")
            continue
        except Damaged as error:
            damaged += 1
            batch.reject(path, "the page is not whole")
            if damaged < TRIES:
                continue
            yield close()
            raise SourceUnreachable(
                f"{site.base_url} sends something else than papers ({path}: {error})",
                cure="Look at that page, and run it again later; it goes on where it stopped",
            ) from None
        except SourceUnreachable:
            yield close()
            raise
        damaged = 0
        mark["volumes"][volume.name] = mark["volumes"].get(volume.name, "") + name
        if len(batch.papers) + batch.rejected.total() >= BATCH:
            yield close()
            batch = Batch()
    if batch.papers or batch.rejected or mark["volumes"].get(volume.name, "") != held:
        yield close()


def _listed(site: Site, volume: Volume, batch: Batch) -> list[str]:
    try:
        paths = list(dict.fromkeys(site.list_papers(volume)))
    except Missing:
        batch.reject(volume.name, "there is no such volume")
        return []
    except Damaged as error:
        raise SourceUnreachable(
            f"{site.base_url} sent no list of the papers of {volume.name} ({error})", cure="Run it again later"
        ) from None
    if not paths:
        batch.reject(volume.name, "it lists no papers")
    return paths
