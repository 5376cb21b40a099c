"""How long do clusters take against BERTopic on the same vectors, and how much memory?

    pip install bertopic
    python tests/comparison/cluster_speed.py STORE [PAPERS]

STORE is a knowledge base's store. Each side runs alone in a process of its own, one after the other, twice in turn.
"""

import resource
import sys
import time
from multiprocessing import get_context
from typing import Any

import numpy as np

from kb.store import Store
from kb.topics import clusters
from pipelines.benchmarks.clusters import BERTOPIC, OURS, _bertopic
from pipelines.refresh.sort import paper_vectors

ROUNDS = 2


def main(uri: str, most: int) -> None:
    print(f"{'':20}{'seconds':>10}{'peak MB':>10}{'clusters':>10}{'left out':>10}")
    for _ in range(ROUNDS):
        for side in (OURS, BERTOPIC):
            with get_context("spawn").Pool(1) as alone:
                seconds, memory, count, out = alone.apply(measured, (side, uri, most))
            print(f"{side:20}{seconds:>10.1f}{memory:>10,.0f}{count:>10}{out:>10.0%}", flush=True)


def measured(side: str, uri: str, most: int) -> tuple[float, float, int, float]:
    """Return seconds, peak memory in MB (of the whole process), clusters, and the share of papers in none."""
    vectors, texts = read(uri, most)
    if side == BERTOPIC:
        _bertopic(vectors[:300], texts[:300], 0)  # numba compiles at first use: not counted
    start = time.perf_counter()
    labels = clusters.fit_tree(vectors, texts).middle.labels if side == OURS else _bertopic(vectors, texts, 0)[-1]
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seconds, memory, len(set(labels.tolist()) - {-1}), float(np.mean(labels == -1))


def read(uri: str, most: int) -> tuple[Any, list[str]]:
    """Return vectors and texts of the store's first papers."""
    store = Store.read(uri)
    rows = store.papers(["title", "abstract", "text_hash"]).to_pylist()[:most]
    vectors = paper_vectors(store, str((store.run or {})["model"]), [row["text_hash"] for row in rows])
    return vectors, [f"{row['title']}. {row['abstract']}" for row in rows]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40_000)
