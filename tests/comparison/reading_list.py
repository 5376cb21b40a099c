"""Are the facts of the reading list true? Compared with real metadata and with one another. Run by hand; prints shares.

    python tests/comparison/reading_list.py SNAPSHOT PAPERLISTS [CITATIONS] [--write]

SNAPSHOT is the public arXiv metadata snapshot (or a part of it), PAPERLISTS a folder of Paper Copilot's lists,
CITATIONS a folder with a subfolder for each published package whose texts cite papers (timm-1.0.31, ...). Every
disagreement is printed, to be corrected or dropped by hand; with --write the marks in the list are set anew: for each
work, which facts were compared and with what. Exits with 1 while anything disagrees.
"""

import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

import kb
from kb import ids, taxonomy
from kb.papers import Paper
from pipelines.sources import Window, open_source

LIST = Path(kb.__file__).parent / "data" / "starter.jsonl"
FACTS = ("id", "title", "authors", "date", "categories", "venue")
ARXIV = "arXiv metadata"
NEAR = 400
"""Characters between a cited id and its title, at most."""
_CITED = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?!\d)")
Work = dict[str, Any]


def main(snapshot: str, paperlists: str, citations: str | None, *, write: bool) -> int:
    works: list[Work] = [orjson.loads(line) for line in LIST.read_bytes().splitlines()]
    records = [*_read(f"arxiv_snapshot={snapshot}", {}), *_read(f"paperlists={paperlists}", {"rejected": True})]
    wrong = [*_with_itself(works), *_with_records(works, records)]
    if citations:
        _with_citations(works, Path(citations))
    for line in sorted(wrong):
        print(f"disagrees: {line}")
    shares = Counter(fact for work in works for fact in {fact for facts in work["checked"].values() for fact in facts})
    print(f"{len(works)} works; {sum(bool(work['checked']) for work in works)} compared in at least one fact")
    for fact in FACTS:
        print(f"{fact:12} {shares[fact]:4}  {shares[fact] / len(works):4.0%}")
    if write:
        LIST.write_bytes(b"".join(orjson.dumps(work) + b"\n" for work in works))
    return 1 if wrong else 0


def _read(source: str, options: Mapping[str, object]) -> Iterator[Paper]:
    for batch in open_source(source, options).batches(Window(), None):
        yield from batch.papers


def _with_itself(works: Sequence[Work]) -> Iterator[str]:
    """Compare ids with dates, ids and titles with one another, and labels with the taxonomy."""
    themes = {theme.id for theme in taxonomy.load().themes}
    seen: dict[str, str] = {}
    for work in works:
        for name in {work["id"], _plain(work["title"]), *work["identifiers"]}:
            if seen.setdefault(name, work["id"]) != work["id"]:
                yield f"{work['id']} shares {name} with {seen[name]}"
        for month in filter(None, map(ids.arxiv_month, work["identifiers"])):
            year, number = map(int, work["published"].split("-")[:2])
            if abs((year - month.year) * 12 + number - month.month) > 1:
                yield f"{work['id']} is dated {work['published']}"
        yield from (f"{work['id']} has the unknown theme {label}" for label in work["labels"] if label not in themes)


def _with_records(works: Sequence[Work], records: Sequence[Paper]) -> Iterator[str]:
    """Set each work's marks, and yield what differs."""
    by_name: dict[str, list[Paper]] = defaultdict(list)
    for paper in records:
        for name in {_plain(paper.title), *paper.identifiers}:
            by_name[name].append(paper)
    for work in works:
        work["checked"] = {}
        found = {paper.sources[0].key: paper for name in _names(work) for paper in by_name[name]}
        for paper in found.values():
            if _family(paper.authors[0]) != _family(work["authors"][0]) and _plain(paper.title) != _plain(work["title"]):
                continue  # another work's record bears a DOI that is not its own
            told = (
                _on_arxiv(work, paper) if _arxiv(paper.identifiers) and paper.date_precision == "day" else _in_list(work, paper)
            )
            if told is None:
                continue
            against, same = told
            if agreed := [fact for fact in FACTS if same.get(fact)]:
                work["checked"][against] = sorted({*agreed, *work["checked"].get(against, [])}, key=FACTS.index)
            differing = [fact for fact in FACTS if same.get(fact) is False]
            yield from (f"{work['id']}, {fact}: {against} differs ({paper.sources[0].url})" for fact in differing)


def _names(work: Work) -> set[str]:
    return {_plain(work["title"]), *work["identifiers"]}


def _on_arxiv(work: Work, paper: Paper) -> tuple[str, dict[str, bool]] | None:
    """Compare with arXiv's own record; None if that is another work's with the same title."""
    if not set(_arxiv(paper.identifiers)) & set(work["identifiers"]):
        if _arxiv(work["identifiers"]) and not _same_people(work, paper):
            return None
        return (ARXIV, {"id": False}) if not _arxiv(work["identifiers"]) else None
    return ARXIV, {
        "id": True,
        "title": _plain(paper.title) == _plain(work["title"]),
        "authors": _same_people(work, paper),
        "date": paper.date_text.startswith(work["published"]),
        "categories": list(paper.categories) == work["categories"],
    }


def _in_list(work: Work, paper: Paper) -> tuple[str, dict[str, bool]] | None:
    """Compare with an entry of a venue's list; None if that is another work's with the same title."""
    if not _same_people(work, paper):
        return None if _plain(paper.title) == _plain(work["title"]) else ("Paper Copilot's lists", {"authors": False})
    venue = re.sub(r" (workshop|Findings|demonstrations|Datasets and Benchmarks)$", "", work["venue"])
    same = {"title": _plain(paper.title) == _plain(work["title"]), "authors": True}
    listed = paper.sources[0].source.removeprefix("paperlists:")
    if paper.venue == venue:
        same["venue"] = True
    elif not paper.venue and venue.casefold().replace(" ", "").endswith(listed) and venue == work["venue"]:
        same["venue"] = False  # the venue's own list says that it was not accepted there
    return "Paper Copilot's lists", same


def _with_citations(works: Sequence[Work], folder: Path) -> None:
    """Mark the id and title of works that a package cites together, where nothing better vouches for the id."""
    wanted = {name.removeprefix("arxiv:"): work for work in works for name in _arxiv(work["identifiers"])}
    for package in sorted(folder.iterdir()):
        for file in sorted(package.rglob("*")):
            text = file.read_text(encoding="utf-8", errors="ignore") if file.is_file() else ""
            for found in _CITED.finditer(text):
                work = wanted.get(found[0])
                if work is None or any("id" in facts for facts in work["checked"].values()):
                    continue
                near = text[max(0, found.start() - NEAR) : found.end() + NEAR].replace("\\n", " ")
                if _plain(work["title"]) in _plain(near):
                    work["checked"][f"a citation in {' '.join(package.name.split('-')[:2])}"] = ["id", "title"]


def _arxiv(identifiers: Sequence[str]) -> list[str]:
    return [name for name in identifiers if name.startswith("arxiv:")]


def _same_people(work: Work, paper: Paper) -> bool:
    """Whether the first authors have the same family names in the same order, and the list is cut only where it is long."""
    ours = [name for name in work["authors"] if name != "et al."]
    theirs = [name for name in paper.authors if name != "et al."]
    cut = work["authors"][-1] == "et al."
    if cut != (len(theirs) > len(ours)):
        return False
    return all(_family(mine) == _family(other) for mine, other in zip(ours, theirs, strict=False))


def _family(name: str) -> str:
    words = [word for word in name.replace("-", " ").split() if word.strip(".").casefold() not in {"jr", "ii", "iii", "iv"}]
    return _plain(words[-1]) if words else ""


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("ł", "l").replace("Ø", "O").replace("Ł", "L"))
    return re.sub(r"[^a-z0-9]", "", folded.encode("ascii", "ignore").decode().casefold())


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--write"]
    sys.exit(main(given[0], given[1], given[2] if len(given) > 2 else None, write="--write" in sys.argv))
