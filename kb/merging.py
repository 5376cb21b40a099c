"""Which records are the same work, and what the united Paper says.

Two records are one work when they share an exact identifier, or when their normalised titles are equal and their
authors overlap. Works known under two different arXiv ids are never united by title: the same authors do post
different papers under one title. The grouping is a function of the set of records, so their order of arrival and a
stop in the middle leave no trace; whatever was united can be parted again with `keep_apart`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from kb import ids
from kb.papers import DatePrecision, Paper, SourceRecord, to_json

MIN_TITLE_WORDS = 3
"""Shorter titles ("Introduction", "Deep learning") name too many works to be evidence of identity."""
_FINER = {"day": 0, "month": 1, "year": 2}
_KINDS = ("journal", "conference", "standard", "book", "report", "preprint")


@dataclass(frozen=True, slots=True)
class RecordKey:
    """What grouping needs to know of one record; small, because it is held for every record at once."""

    key: str
    digest: str
    identifiers: tuple[str, ...]
    title_key: str
    families: tuple[str, ...]


def record_key(record: Paper) -> RecordKey:
    """Return the grouping key of one source record."""
    return RecordKey(
        key=record.sources[0].key,
        digest=hashlib.sha256(to_json(record)).hexdigest()[:32],
        identifiers=record.identifiers,
        title_key=ids.title_key(record.title),
        families=tuple(ids.family_name(author) for author in record.authors if author != "et al."),
    )


def group(records: Iterable[RecordKey], keep_apart: Iterable[tuple[str, str]] = ()) -> list[list[RecordKey]]:
    """Return the records sorted into works; each work's records in order of their keys.

    Args:
        records: every record of the corpus.
        keep_apart: pairs of identifiers (canonical ids or record keys) whose records must not be united.
    """
    ordered = sorted(records, key=lambda record: record.key)
    forest = _Forest(ordered, keep_apart)
    first_with: dict[str, int] = {}
    for number, record in enumerate(ordered):
        for identifier in record.identifiers:
            other = first_with.setdefault(identifier, number)
            if other != number and (forest.arxiv_agrees(other, number) or ordered[other].title_key == record.title_key):
                forest.unite(other, number)
    by_title: dict[str, list[int]] = {}
    for number, record in enumerate(ordered):
        if record.title_key.count(" ") + 1 >= MIN_TITLE_WORDS:
            by_title.setdefault(record.title_key, []).append(number)
    for numbers in by_title.values():
        for place, number in enumerate(numbers):
            for other in numbers[:place]:
                if forest.arxiv_agrees(other, number) and same_authors(ordered[other].families, ordered[number].families):
                    forest.unite(other, number)
    works: dict[int, list[RecordKey]] = {}
    for number, record in enumerate(ordered):
        works.setdefault(forest.root(number), []).append(record)
    return list(works.values())


def same_authors(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two author lists can be of one work: half of the shorter list's family names, at least one, are shared."""
    if not one or not other:
        return False
    shared = len(set(one) & set(other))
    return shared >= max(1, min(len(set(one)), len(set(other))) / 2)


class _Forest:
    """Disjoint sets of record numbers (union by smaller number) that know their arXiv ids and forbidden pairs."""

    def __init__(self, records: Sequence[RecordKey], keep_apart: Iterable[tuple[str, str]]) -> None:
        self.parent = list(range(len(records)))
        self.arxiv = [frozenset(i for i in record.identifiers if i.startswith("arxiv:")) for record in records]
        self.names = [frozenset((record.key, *record.identifiers)) for record in records]
        self.keep_apart = [frozenset(pair) for pair in keep_apart]

    def root(self, number: int) -> int:
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def arxiv_agrees(self, one: int, other: int) -> bool:
        mine, theirs = self.arxiv[self.root(one)], self.arxiv[self.root(other)]
        return not mine or not theirs or bool(mine & theirs)

    def unite(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        names = self.names[low] | self.names[high]
        if low == high or any(pair <= names for pair in self.keep_apart):
            return
        self.parent[high] = low
        self.arxiv[low] |= self.arxiv[high]
        self.names[low] = names


def work_digest(records: Sequence[RecordKey]) -> str:
    """Return a digest of a work: it changes when a record of it changes, comes or goes."""
    joined = "\n".join(sorted(record.digest for record in records))
    return hashlib.sha256(joined.encode()).hexdigest()[:32]


def unite(records: Sequence[Paper]) -> Paper:
    """Return the one Paper that several records of the same work make.

    Title and abstract come from one record (arXiv first: its metadata is CC0), the date is the first public
    appearance at its best known precision, the venue comes from the published version, lists are united in order.
    """
    ordered = sorted(records, key=_trust)
    first = next((record for record in ordered if record.abstract), ordered[0])
    published, precision = first_appearance([(record.published, record.date_precision) for record in ordered])
    identifiers = tuple(sorted({i for record in ordered for i in record.identifiers}, key=ids.preference))
    updates = [record.updated for record in ordered if record.updated]
    return replace(
        first,
        id=identifiers[0] if identifiers else first.id,
        authors=next((r.authors for r in ordered if r.authors and r.authors[-1] != "et al."), first.authors),
        published=published,
        date_precision=precision,
        updated=max(updates) if updates else None,
        categories=_united(record.categories for record in ordered),
        venue=next((record.venue for record in ordered if record.venue), ""),
        kind=min((record.kind for record in ordered), key=_KINDS.index),
        licence=first.licence,
        links=_united(record.links for record in ordered),
        identifiers=identifiers,
        keywords=_united(record.keywords for record in ordered),
        summary=next((record.summary for record in ordered if record.summary), ""),
        labels=_united(record.labels for record in ordered),
        withdrawn=any(record.withdrawn for record in ordered),
        sources=tuple(sorted((s for record in ordered for s in record.sources), key=_source_order)),
    )


def first_appearance(dates: Sequence[tuple[date, DatePrecision]]) -> tuple[date, DatePrecision]:
    """Return the earliest of several dates; within one year the better known one wins, then the earlier."""
    return min(dates, key=lambda known: (known[0].year, _FINER[known[1]], known[0]))


def _trust(record: Paper) -> tuple[bool, bool, str]:
    source = record.sources[0]
    return (not record.abstract, not source.source.startswith("arxiv"), source.key)


def _source_order(record: SourceRecord) -> str:
    return record.key


def _united(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
