"""How often is merging right? Precision and recall on labelled pairs of real records. Prints tables.

    python tests/comparison/merging.py SNAPSHOT PAPERLISTS [--show]

SNAPSHOT is arXiv's metadata snapshot, PAPERLISTS a folder of Paper Copilot's lists. The labels come from what merging does
not see in this test, or sees only in a sketch:

- the same work: a record of arXiv and one of a venue that share an arXiv id or DOI and also a title or an author, or
  whose whole abstracts have 60% of their three-word shingles in common. The identifiers are hidden from merging.
- different works, hard to tell: two records with different arXiv ids and a family name in common, whose titles share half of
  their words or whose abstracts share a fifth of their shingles. Pairs that share 60% of the abstract are left out: one
  work posted twice, as often as not. The arXiv ids are hidden from merging.
- different works under one identifier: records of venues that share an identifier, but neither title nor authors. These
  keep their identifiers.

The baseline is what merging did before it read abstracts: equal titles and overlapping authors, or an equal identifier.
"""

import sys
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from kb import ids, merging
from kb.merging import RecordKey
from kb.papers import Paper
from pipelines.sources import Window, open_source

Pair = tuple[int, int]
SAME = 0.6


def read(specs: Iterable[str]) -> list[Paper]:
    """Return every usable record of the sources."""
    return [paper for spec in specs for batch in open_source(spec, {}).batches(Window(), None) for paper in batch.papers]


def shingles(words: Sequence[str]) -> set[tuple[str, ...]]:
    """Return a text's runs of three words."""
    return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}


def near_abstracts(records: Sequence[Paper]) -> dict[Pair, float]:
    """Return pairs of records with a rare run of five words in common, and the Jaccard index of their abstracts."""
    words = [ids.title_key(record.abstract).split() for record in records]
    holders: dict[int, set[int]] = defaultdict(set)
    for number, text in enumerate(words):
        for at in range(len(text) - 4):
            mark = zlib.crc32(" ".join(text[at : at + 5]).encode())
            if mark % 24 == 0:  # one run in 24 finds nearly every pair that has a fifth of its text in common
                holders[mark].add(number)
    found = {pair for held in holders.values() if 2 <= len(held) <= 6 for pair in combinations(sorted(held), 2)}
    return {pair: jaccard(shingles(words[pair[0]]), shingles(words[pair[1]])) for pair in sorted(found)}


def jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """Return the Jaccard index of two sets."""
    return len(one & other) / len(one | other) if one or other else 0.0


def blocks(names: Iterable[Iterable[str]]) -> Iterator[Pair]:
    """Yield every pair of numbers that have a name in common."""
    held: dict[str, list[int]] = defaultdict(list)
    for number, found in enumerate(names):
        for name in set(found):
            held[name].append(number)
    for numbers in held.values():
        yield from combinations(numbers, 2)


def label(records: Sequence[Paper], keys: Sequence[RecordKey]) -> dict[str, list[Pair]]:
    """Return the labelled pairs by kind."""
    alike = near_abstracts(records)
    arxiv = [record.sources[0].source == "arxiv" for record in records]
    agree = {
        pair
        for pair in set(blocks(record.identifiers for record in records))
        if merging.same_authors(keys[pair[0]].families, keys[pair[1]].families)
        or merging.title_likeness(keys[pair[0]].title_key, keys[pair[1]].title_key) >= merging.PLAUSIBLE
    }
    shared = set(blocks(record.identifiers for record in records))
    titles = [set(key.title_key.split()) for key in keys]
    near = {pair for pair, index in alike.items() if 0.2 <= index < SAME and arxiv[pair[0]] and arxiv[pair[1]]}
    for one, other in set(blocks(key.families if at_home else () for key, at_home in zip(keys, arxiv, strict=True))):
        common, longest = len(titles[one] & titles[other]), len(titles[one] | titles[other])
        if common * 2 >= longest and common > 2:
            whole = [shingles(ids.title_key(records[number].abstract).split()) for number in (one, other)]
            if jaccard(*whole) < SAME:
                near.add((one, other))
    text = {pair for pair, index in alike.items() if index >= SAME and arxiv[pair[0]] != arxiv[pair[1]]}
    return {
        "same: identifier": sorted(pair for pair in agree if arxiv[pair[0]] != arxiv[pair[1]]),
        "same: abstract": sorted(text),
        "different: near title or abstract": sorted(near),
        "different: identifier of another": sorted(shared - agree - text),
    }


def before(one: RecordKey, other: RecordKey) -> bool:
    """Whether the baseline takes two records for one work."""
    if set(one.identifiers) & set(other.identifiers):
        return True
    return (
        one.title_key == other.title_key
        and one.title_key.count(" ") + 1 >= merging.MIN_TITLE_WORDS
        and merging.same_authors(one.families, other.families)
    )


def main() -> None:
    """Print the tables."""
    snapshot, lists = sys.argv[1:3]
    records = read([f"arxiv_snapshot={snapshot}", f"paperlists={lists}"])
    start = time.perf_counter()
    keys = [merging.record_key(record) for record in records]
    middle = time.perf_counter()
    works = merging.group(keys)
    lost = merging.contested(works)
    end = time.perf_counter()
    print(f"{len(records):,} records: keys {middle - start:.1f} s, grouping {end - middle:.1f} s, {len(works):,} works")
    print(f"works by records: {dict(sorted(Counter(map(len, works)).items()))}; {sum(map(bool, lost))} lose an identifier")
    bare = [replace(key, identifiers=()) for key in keys]
    labelled = label(records, keys)
    tables = {name: {"ours": 0, "before": 0} for name in labelled}
    for name, pairs in labelled.items():
        known = keys if name.endswith("of another") else bare
        for one, other in pairs:
            united = len(merging.group([known[one], known[other]])) == 1
            tables[name]["ours"] += united
            tables[name]["before"] += before(known[one], known[other])
            if "--show" in sys.argv and united != name.startswith("same"):
                print(f"  {name}: {records[one].title} | {records[other].title}")
    print(f"{'labelled pairs':36} {'pairs':>6} {'united':>7} {'before':>7}")
    for name, pairs in labelled.items():
        print(f"{name:36} {len(pairs):6,} {tables[name]['ours']:7,} {tables[name]['before']:7,}")
    for arm in ("ours", "before"):
        right = sum(tables[name][arm] for name in labelled if name.startswith("same"))
        wrong = sum(tables[name][arm] for name in labelled if name.startswith("different"))
        due = sum(len(pairs) for name, pairs in labelled.items() if name.startswith("same"))
        low = np.round([right / (right + wrong), right / due], 4)
        print(f"{arm:8} precision {low[0]:.4f}  recall {low[1]:.4f}")


if __name__ == "__main__":
    main()
