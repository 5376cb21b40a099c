"""Atom feeds (RFC 4287): one of the refreshes and what they changed, one of each theme's newest papers. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from pipelines.publish import escape
from pipelines.publish.facts import Facts, PaperLine, RunFacts

ATOM = "http://www.w3.org/2005/Atom"
NEWEST = 30
"""Entries of a feed."""
_OUTSIDE_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: what makes its id (never changed), title, address, RFC 3339 moment, authors and plain text."""

    key: str
    title: str
    link: str
    updated: str
    authors: tuple[str, ...]
    summary: str


def build_feeds(facts: Facts, url: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield every feed by its path in the site.

    Args:
        url: where the site will be published, ending in a slash. Without it addresses are relative to the feed.
    """
    finished = _moment(str(facts.run["finished"]))
    runs = [_run_entry(run, url) for run in reversed(facts.runs[-NEWEST:])]
    yield "feed.xml", _feed("Papertide: what each refresh changed", "all", "feed.xml", "", finished, runs, url)
    for theme in facts.taxonomy.themes:
        topic = facts.topics[f"theme:{theme.id}"]
        path = f"themes/{theme.id}/"
        papers = [facts.lines[name] for name in topic.listed[:NEWEST]]
        entries = [_paper_entry(line, theme.id) for line in papers]
        yield f"{path}feed.xml", _feed(f"Papertide: {theme.name}", theme.id, f"{path}feed.xml", path, finished, entries, url)


def _run_entry(run: RunFacts, url: str) -> Entry:
    told = [f"{run.added:+,} papers, {run.counts['papers']:,} in all."]
    told += [change.statement for change in run.changes[:40]] or ["No subject changed its direction."]
    return Entry(
        f"run/{run.id}/{run.finished}", f"Refresh {run.id}", f"{url}runs/{run.id}/", _moment(run.finished), (), " ".join(told)
    )


def _paper_entry(line: PaperLine, theme: str) -> Entry:
    names = tuple(name for name in line.authors.removesuffix(" et al.").split(", ") if name)
    link = line.link if escape.link(line.link) != "#" else ""
    told = " · ".join(part for part in (line.authors, line.date, line.venue) if part)
    return Entry(f"paper/{theme}/{line.id}", line.title, link, _moment(line.date), names, told)


def _feed(title: str, name: str, path: str, page: str, updated: str, entries: Sequence[Entry], url: str) -> bytes:
    ElementTree.register_namespace("", ATOM)
    feed = Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    _add(feed, "id", _identifier(f"{url}feed/{name}"))
    _add(feed, "title", title)
    _add(feed, "updated", updated)
    _add(SubElement(feed, f"{{{ATOM}}}author"), "name", "Papertide")
    if url:
        SubElement(feed, f"{{{ATOM}}}link", {"rel": "self", "type": "application/atom+xml", "href": f"{url}{path}"})
    SubElement(feed, f"{{{ATOM}}}link", {"rel": "alternate", "type": "text/html", "href": f"{url}{page}" if url else "./"})
    for entry in entries:
        one = SubElement(feed, f"{{{ATOM}}}entry")
        _add(one, "id", _identifier(entry.key))
        _add(one, "title", entry.title)
        _add(one, "updated", entry.updated)
        for author in entry.authors:
            _add(SubElement(one, f"{{{ATOM}}}author"), "name", author)
        if entry.link:
            SubElement(one, f"{{{ATOM}}}link", {"rel": "alternate", "href": entry.link})
        _add(one, "summary", entry.summary)
    ElementTree.indent(feed, " ")
    return bytes(ElementTree.tostring(feed, "utf-8", xml_declaration=True)) + b"\n"


def _add(parent: Element, name: str, text: str) -> None:
    child = SubElement(parent, f"{{{ATOM}}}{name}")
    child.text = _OUTSIDE_XML.sub(" ", escape.plain(text)).strip() or "untitled"


def _identifier(key: str) -> str:
    """Return a permanent id: it must not change when the site moves or is built again."""
    return uuid5(NAMESPACE_URL, f"https://papertide.invalid/{key}").urn


def _moment(told: str) -> str:
    """Return a date or moment as RFC 3339 has it; a year or month becomes its first day."""
    if len(told) <= 10:
        return f"{told}-01-01"[:10] + "T00:00:00Z"
    moment = told if re.search(r"(?:Z|[+-]\d\d:\d\d)$", told) else f"{told}Z"
    return moment.replace(" ", "T")
