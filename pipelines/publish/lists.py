"""Every paper is reachable: lists of all papers of each theme and cluster, as pages and as files.

Tens of thousands of papers would take MkDocs many minutes, so it builds one empty list (`SHELL`) and these pages are that
one, filled. They are plain HTML and need no script.
"""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.publish import escape, export
from pipelines.publish.facts import Facts, PaperLine, Topic

PER_PAGE = 200
SHELL = "papers/list"
TITLE, CONTENT = "PAPERTIDE LIST TITLE", "PAPERTIDE-LIST-CONTENT"
"""What stands in the empty list where a title and the papers belong."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list: its folder in the site, its title (plain text) and its papers as HTML."""

    path: str
    title: str
    content: str


def has_list(facts: Facts, subject: str) -> bool:
    """Whether a subject's papers are listed: themes and clusters that have any; a group's are those of its themes."""
    return not subject.startswith("group:") and facts.topics[subject].papers > 0


def address(subject: str, number: int = 1) -> str:
    """Return a list's address relative to the site's root."""
    kind, name = subject.split(":", 1)
    return escape.slug(f"papers/{kind}-{name.replace('/', '-')}-{number}/")


def build_lists(facts: Facts) -> Iterator[ListPage]:
    """Yield every page of every list, newest papers first."""
    entries: dict[str, str] = {}
    for subject, topic in sorted(facts.topics.items()):
        if not has_list(facts, subject):
            continue
        pages = -(-topic.papers // PER_PAGE)
        for number in range(1, pages + 1):
            start = (number - 1) * PER_PAGE
            chosen = topic.listed[start : start + PER_PAGE]
            for paper in chosen:
                if paper not in entries:
                    entries[paper] = _entry(facts.lines[paper])
            places = _places(topic, number, pages)
            listed = "".join(entries[paper] for paper in chosen)
            body = (
                f'<nav class="places" aria-label="Pages of this list">{places}</nav>'
                f'<ol class="papers" start="{start + 1}">{listed}</ol><p class="places">{places}</p>'
            )
            title = f"All papers: {topic.name}" + (f", page {number}" if number > 1 else "")
            yield ListPage(str(address(subject, number)), title, body)


def fill(shell: str, page: ListPage) -> str:
    """Return the empty list with a page's title and papers in it."""
    told = shell.replace(TITLE, html.escape(escape.plain(page.title))).replace(f"{SHELL}/", page.path)
    return told.replace(CONTENT, page.content)


def build_files(facts: Facts, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """Yield the downloads of every theme and cluster: its papers as CSV and BibTeX, its numbers and papers as JSON."""
    by_id = {row["id"]: _slim(row) for row in rows}
    for subject, topic in sorted(facts.topics.items()):
        if has_list(facts, subject):
            where = str(address(subject)).removeprefix("papers/").removesuffix("-1/")
            papers = [by_id[paper] for paper in topic.listed]
            yield f"{where}.csv", export.write(papers, "csv")
            yield f"{where}.bib", "\n".join(facts.lines[paper].bibtex for paper in topic.listed).encode()
            findings = [finding.to_dict() for finding in facts.findings if finding.subject == subject]
            told = {"subject": subject, "name": topic.name, "run": facts.run["id"], "findings": findings, "papers": papers}
            yield f"{where}.json", (json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _slim(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "title", "authors", "published", "venue", "kind", "licence")
    return {**{name: row[name] for name in names}, "link": (row["links"] or [""])[0]}


def _places(topic: Topic, number: int, pages: int) -> str:
    """Return the links to a list's other pages and back to its topic."""
    shown = sorted({1, pages, *range(max(1, number - 3), min(pages, number + 3) + 1)})
    links = [
        f'<a aria-current="page">{place}</a>'
        if place == number
        else f'<a href="../../{address(topic.subject, place)}">{place}</a>'
        for place in shown
    ]
    kind, name = topic.subject.split(":", 1)
    back = f'<a href="../../{"clusters" if kind == "cluster" else "themes"}/{escape.slug(name)}/">{_text(topic.name)}</a>'
    return f"{back} · {topic.papers:,} papers, newest first · page {' '.join(links)}"


def _entry(line: PaperLine) -> str:
    title = escape.formulas(line.title) if "$" in line.title else _text(line.title)
    link = escape.link(line.link)
    named = f'<a href="{link}">{title}</a>' if link != "#" else title
    facts = " · ".join(_text(part) for part in (line.authors, line.date, line.venue) if part)
    return (
        f'<li>{named}<br><span class="facts">{facts}</span>'
        f'<details class="cite"><summary>BibTeX</summary><pre>{_bibtex(line.bibtex)}</pre></details></li>'
    )


def _bibtex(entry: str) -> str:
    return "\n".join(_text(line) for line in entry.rstrip().split("\n"))


def _text(value: str) -> str:
    return html.escape(escape.plain(value))
