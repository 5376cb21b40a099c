"""Which records are the same work, and what the united Paper says.

Two records are one work when

1. they share an exact identifier, and title or authors agree: lists at times name a neighbour's arXiv id, or the DOI of a
   whole book for each of its chapters;
2. or their normalised titles are equal and their authors overlap;
3. or they have the same authors and nearly the same abstract, under a title that was changed on the way to print.

Works known under two different arXiv ids are never united by title or abstract: the same authors do post different
papers under one title. The grouping is a function of the set of records, so their order of arrival and a stop in the
middle leave no trace; whatever was united can be parted again with `keep_apart`. `tests/comparison/merging.py` measures it.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kb import ids
from kb.papers import DatePrecision, Paper, SourceRecord, to_json

MIN_TITLE_WORDS = 3
"""Shorter titles ("Introduction", "Deep learning") name too many works to be evidence of identity."""
NEAR_TITLE, NEAR_ABSTRACT = 0.7, 0.6
"""Jaccard indices of the words of two titles and, by their sketches, of two abstracts: both together make the same text."""
SAME_ABSTRACT = 0.8
"""The same of two abstracts, enough under any title."""
PLAUSIBLE = 0.4
"""The same of two titles or abstracts, enough to believe an identifier that both records bear."""
SKETCH = 16
"""Numbers in the sketch of an abstract. The estimate's standard error is at most 0.125."""
MOST_HOLDERS = 16
"""With how many earlier holders of an identifier or a shingle a record is compared: more share boilerplate, no work."""
HOMES = {"arxiv": "arxiv", "openreview": "openreview", "acl": "acl_anthology", "pmlr": "pmlr"}
"""Which source an identifier of each scheme comes from first-hand."""
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
    sketch: bytes = b""


def record_key(record: Paper) -> RecordKey:
    """Return the grouping key of one source record."""
    return RecordKey(
        key=record.sources[0].key,
        digest=hashlib.sha256(to_json(record)).hexdigest()[:32],
        identifiers=record.identifiers,
        title_key=ids.title_key(record.title),
        families=tuple(ids.family_name(author) for author in record.authors if author != "et al."),
        sketch=sketch(record.abstract),
    )


def sketch(text: str) -> bytes:
    """Return the bottom-k sketch of a text's three-word shingles: its `SKETCH` smallest hashes, as 32-bit numbers.

    Two sketches estimate the Jaccard index of two texts (A. Broder, "On the resemblance and containment of documents",
    1997). A text of fewer words than that has none: it would be like too many.
    """
    words = ids.title_key(text).split()
    if len(words) < SKETCH:
        return b""
    hashed = np.fromiter(map(_word_hash, words), np.uint64, len(words))
    with np.errstate(over="ignore"):
        mixed = (hashed[:-2] * 0x9E3779B97F4A7C15) ^ (hashed[1:-1] * 0xC2B2AE3D27D4EB4F) ^ (hashed[2:] * 0x165667B19E3779F9)
        mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xD6E8FEB86659FD93)
    return np.unique((mixed >> np.uint64(32)).astype(np.uint32))[:SKETCH].tobytes()


@lru_cache(maxsize=200_000)
def _word_hash(word: str) -> int:
    return zlib.crc32(word.encode()) + 1


def resemblance(one: bytes, other: bytes) -> float:
    """Return the Jaccard index of two texts, estimated from their sketches; 0 where one has none."""
    if not one or not other:
        return 0.0
    mine, theirs = (np.frombuffer(sketch, np.uint32) for sketch in (one, other))
    lowest = np.union1d(mine, theirs)[:SKETCH]
    return float((np.isin(lowest, mine) & np.isin(lowest, theirs)).mean())


def group(records: Iterable[RecordKey], keep_apart: Iterable[tuple[str, str]] = ()) -> list[list[RecordKey]]:
    """Return the records sorted into works; each work's records in order of their keys.

    Args:
        records: every record of the corpus.
        keep_apart: pairs of identifiers (canonical ids or record keys) whose records must not be united.
    """
    ordered = sorted(records, key=lambda record: record.key)
    forest = _Forest(ordered, keep_apart)
    for other, number in _sharing(record.identifiers for record in ordered):
        agrees = forest.arxiv_agrees(other, number) or ordered[other].title_key == ordered[number].title_key
        if agrees and _corroborated(ordered[other], ordered[number]):
            forest.unite(other, number)
    titles = ((record.title_key,) if record.title_key.count(" ") + 1 >= MIN_TITLE_WORDS else () for record in ordered)
    for other, number in _sharing(titles, most=None):
        if forest.arxiv_agrees(other, number) and same_authors(ordered[other].families, ordered[number].families):
            forest.unite(other, number)
    for other, number in _sharing_shingles(ordered):
        if forest.arxiv_agrees(other, number) and same_text(ordered[other], ordered[number]):
            forest.unite(other, number)
    works: dict[int, list[RecordKey]] = {}
    for number, record in enumerate(ordered):
        works.setdefault(forest.root(number), []).append(record)
    return list(works.values())


def _sharing(names: Iterable[Iterable[str]], most: int | None = MOST_HOLDERS) -> Iterator[tuple[int, int]]:
    """Yield (earlier, later) numbers of records that share a name; a later one with its `most` latest predecessors."""
    holders: dict[str, list[int]] = {}
    for number, held in enumerate(names):
        for name in held:
            before = holders.setdefault(name, [])
            yield from ((other, number) for other in (before if most is None else before[-most:]) if other != number)
            before.append(number)


def _sharing_shingles(records: Sequence[RecordKey]) -> Iterator[tuple[int, int]]:
    """Yield (earlier, later) numbers of records whose sketches share a shingle that few others have."""
    owners = np.repeat(np.arange(len(records)), [len(record.sketch) // 4 for record in records])
    shingles = np.frombuffer(b"".join(record.sketch for record in records), np.uint32)
    order = np.argsort(shingles, kind="stable")
    shingles, owners = shingles[order], owners[order]
    pairs: set[tuple[int, int]] = set()
    starts = np.flatnonzero(np.r_[True, shingles[1:] != shingles[:-1]]) if len(shingles) else np.zeros(0, np.int64)
    lengths = np.diff(np.r_[starts, len(shingles)])
    for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True):
        if length <= MOST_HOLDERS:
            held: NDArray[np.int64] = owners[start : start + length]
            pairs.update((int(held[i]), int(held[j])) for j in range(length) for i in range(j))
    yield from sorted(pairs)


def _corroborated(one: RecordKey, other: RecordKey) -> bool:
    """Whether something else speaks for the identifier that two records share."""
    if one.title_key == other.title_key or not one.families or not other.families:
        return True
    if one.families[0] == other.families[0] and same_authors(one.families, other.families):
        return True
    return max(title_likeness(one.title_key, other.title_key), resemblance(one.sketch, other.sketch)) >= PLAUSIBLE


def same_text(one: RecordKey, other: RecordKey) -> bool:
    """Whether two records by the same authors are versions of one text: near title and abstract, or the same abstract."""
    mine, theirs = set(one.families), set(other.families)
    if not mine or not theirs or len(mine & theirs) < max(len(mine), len(theirs)) / 2:
        return False
    alike = resemblance(one.sketch, other.sketch)
    return alike >= SAME_ABSTRACT or (alike >= NEAR_ABSTRACT and title_likeness(one.title_key, other.title_key) >= NEAR_TITLE)


def title_likeness(one: str, other: str) -> float:
    """Return the share of words that two normalised titles have in common (Jaccard index)."""
    mine, theirs = set(one.split()), set(other.split())
    return len(mine & theirs) / len(mine | theirs) if mine or theirs else 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """The records of one work, the identifiers that it must not bear (see `contested`), and the digest of both."""

    records: list[RecordKey]
    without: frozenset[str]
    digest: str


def works(records: Iterable[RecordKey], keep_apart: Iterable[tuple[str, str]] = ()) -> list[Work]:
    """Return the works that records make; see `group`. A digest changes when its work's paper would."""
    grouped = group(records, keep_apart)
    return [Work(work, without, work_digest(work, without)) for work, without in zip(grouped, contested(grouped), strict=True)]


def contested(works: Sequence[Sequence[RecordKey]]) -> list[frozenset[str]]:
    """Return, for each work, the identifiers of its records that it must not bear.

    An identifier that several works claim belongs to the one that has it first-hand (a record of arXiv names its own arXiv
    id); where none or several do, it names none of them.
    """
    claims: dict[str, list[int]] = {}
    for number, work in enumerate(works):
        for identifier in {identifier for record in work for identifier in record.identifiers}:
            claims.setdefault(identifier, []).append(number)
    lost: list[set[str]] = [set() for _ in works]
    for identifier, claimants in claims.items():
        if len(claimants) > 1:
            at_home = [number for number in claimants if any(_first_hand(record, identifier) for record in works[number])]
            for number in claimants:
                if at_home != [number]:
                    lost[number].add(identifier)
    return [frozenset(found) for found in lost]


def _first_hand(record: RecordKey, identifier: str) -> bool:
    home = HOMES.get(identifier.split(":", 1)[0])
    return home is not None and record.key.startswith(home) and identifier in record.identifiers


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


def work_digest(records: Sequence[RecordKey], without: Iterable[str] = ()) -> str:
    """Return a digest of a work: it changes when a record of it changes, comes or goes, or it loses an identifier."""
    joined = "\n".join([*sorted(record.digest for record in records), *sorted(without)])
    return hashlib.sha256(joined.encode()).hexdigest()[:32]


def unite(records: Sequence[Paper], without: frozenset[str] = frozenset()) -> Paper:
    """Return the one Paper that several records of the same work make.

    Title and abstract come from one record (arXiv first: its metadata is CC0), the date is the first public
    appearance at its best known precision, the venue comes from the published version, lists are united in order.

    Args:
        without: identifiers that the records claim but the work does not bear (see `contested`).
    """
    ordered = sorted(records, key=_trust)
    first = next((record for record in ordered if record.abstract), ordered[0])
    published, precision = first_appearance([(record.published, record.date_precision) for record in ordered])
    identifiers = tuple(sorted({i for record in ordered for i in record.identifiers} - without, key=ids.preference))
    own_name = ids.title_id(first.title, first.authors[0] if first.authors else "") if without else first.id
    updates = [record.updated for record in ordered if record.updated]
    return replace(
        first,
        id=identifiers[0] if identifiers else own_name,
        authors=next((r.authors for r in ordered if r.authors and r.authors[-1] != "et al."), first.authors),
        published=published,
        date_precision=precision,
        updated=max(updates) if updates else None,
        categories=_united(record.categories for record in ordered),
        venue=next((record.venue for record in ordered if record.venue), ""),
        kind=min((record.kind for record in ordered), key=_KINDS.index),
        licence=first.licence,
        links=tuple(link for link in _united(record.links for record in ordered) if not without.intersection(_named(link))),
        identifiers=identifiers,
        keywords=_united(record.keywords for record in ordered),
        summary=next((record.summary for record in ordered if record.summary), ""),
        labels=_united(record.labels for record in ordered),
        versions=max((record.versions for record in ordered), key=len),
        withdrawn=any(record.withdrawn for record in ordered),
        sources=tuple(sorted((s for record in ordered for s in record.sources), key=_source_order)),
    )


def first_appearance(dates: Sequence[tuple[date, DatePrecision]]) -> tuple[date, DatePrecision]:
    """Return the earliest of several dates; within one year the better known one wins, then the earlier."""
    return min(dates, key=lambda known: (known[0].year, _FINER[known[1]], known[0]))


def _named(link: str) -> tuple[str, ...]:
    try:
        return ids.identifiers_in(link)
    except ValueError:
        return ()


def _trust(record: Paper) -> tuple[bool, bool, str]:
    source = record.sources[0]
    return (not record.abstract, not source.source.startswith("arxiv"), source.key)


def _source_order(record: SourceRecord) -> str:
    return record.key


def _united(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
