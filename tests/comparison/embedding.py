"""How fast are real abstracts embedded, and how near are the vectors, against SentenceTransformer.encode in float32 at batch 32?

    python tests/comparison/embedding.py HOME|SNAPSHOT [TEXTS] [COMPARED]

HOME is a knowledge base, SNAPSHOT a file of arXiv's metadata (.jsonl or .jsonl.gz). TEXTS (default 384) are timed, the engines in
turn; the vectors of COMPARED (default 2,000) are compared. Nothing is stored. Prints a table.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np

from kb import settings
from kb.store import Store
from pipelines.benchmarks.embedding import PEER, arms, embedded, equal, timed

ROUNDS = 3


def main(place: Path, count: int, compared: int) -> None:
    titles, abstracts = _works(place)
    order = np.random.default_rng(0).permutation(len(titles))
    texts = [f"{titles[number]}. {abstracts[number]}" for number in order[:count]]
    engines = arms()
    seconds = timed(engines, texts, ROUNDS)
    print(f"{len(texts)} texts, {ROUNDS} rounds in turn")
    for name, times in seconds.items():
        ratio = np.median([base / one for base, one in zip(seconds[PEER], times, strict=True)])
        print(f"{name:45} {len(texts) / np.median(times):8.1f} texts/s {ratio:6.2f} times", flush=True)
    chosen = order[:compared]
    vectors = embedded(engines, [titles[number] for number in chosen], [abstracts[number] for number in chosen])
    found = equal(vectors, np.arange(len(chosen)))
    print(f"{len(chosen)} texts compared")
    print(f"{'':45} {'mean cos':>9} {'worst':>8} {'overlap@10':>10} {'MRR':>7}")
    for name, one in found.items():
        print(f"{name:45} {one.mean_cosine:9.5f} {one.worst_cosine:8.5f} {one.overlap:10.4f} {one.mrr:7.4f}")


def _works(place: Path) -> tuple[list[str], list[str]]:
    if place.is_dir():
        rows = Store.read(settings.load(place).store_uri).papers(["title", "abstract"]).to_pylist()
    else:
        with gzip.open(place, "rt") if place.suffix == ".gz" else place.open() as file:
            rows = [json.loads(line) for line in file]
    rows = [row for row in rows if row["abstract"]]
    return [" ".join(row["title"].split()) for row in rows], [" ".join(row["abstract"].split()) for row in rows]


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(text) for text in (sys.argv[2:] + ["384", "2000"][len(sys.argv) - 2 :])))
