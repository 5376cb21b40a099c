"""The starter library: landmark works, annotated by our editors, inside the package."""

import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files

import orjson

from kb.errors import InvalidInput
from kb.papers import Paper, SourceRecord, make_paper, parse_date
from pipelines.sources.base import Batch, Source, Window, check_options, read_cursor


def open_starter(location: str, options: Mapping[str, object]) -> Source:
    """Open the packaged library; it has neither location nor options."""
    check_options("starter", options, {})
    if location:
        raise InvalidInput("the starter library has no location", value=location, cure="Say --source starter")
    return Starter()


class Starter:
    """The packaged library as a `base.Source`."""

    name = "starter"
    online = False
    key = "starter"

    def size_hint(self) -> int | None:
        """Return the number of works."""
        return len(_lines())

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield the whole library, unless this very edition was read before."""
        lines = _lines()
        edition = f"{hash_lines(lines)} {window.key()} {window.limit or ''}"
        if read_cursor(cursor).get("edition") == edition:
            return
        papers = [paper for line in lines if window.contains(paper := parse_line(line))]
        yield Batch(papers=papers[: window.limit], cursor=orjson.dumps({"edition": edition}).decode())


def library() -> list[Paper]:
    """Return all works of the library, in order of date."""
    return [parse_line(line) for line in _lines()]


def parse_line(line: str) -> Paper:
    """Make a Paper of one line of the library."""
    record = orjson.loads(line)
    published, precision = parse_date(record["published"])
    compared = "; ".join(f"{against} ({', '.join(facts)})" for against, facts in record["checked"].items())
    facts = f"checked: {compared}" if compared else "unchecked"
    return make_paper(
        title=record["title"],
        summary=record["summary"],
        authors=record["authors"],
        published=published,
        date_precision=precision,
        venue=record["venue"],
        kind=record["kind"],
        categories=record["categories"],
        licence="summary: CC BY 4.0",
        links=[record["url"]],
        identifiers=record["identifiers"],
        labels=record["labels"],
        source=SourceRecord("starter", record["id"], record["published"], record["url"], f"summary CC BY 4.0; facts {facts}"),
    )


def hash_lines(lines: list[str]) -> str:
    """Return a digest of the library's content."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _lines() -> list[str]:
    return (files("kb") / "data" / "starter.jsonl").read_text(encoding="utf-8").splitlines()
