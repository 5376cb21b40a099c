"""Do time and memory of the embedding step grow as they should? Run by hand; prints a table.

    python tests/comparison/embedding_growth.py [TEXTS ...]

For each number of made-up papers (default 10,000, 80,000 and 1,000,000; about 60 tokens each) a knowledge base is made, then its
papers are embedded in a process of their own. The tokenizer, the step and the store are the real ones; the network is replaced by
a mean of random vectors, one for each word piece, so that a million texts take minutes.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from kb import embedding
from kb.embedding import Vectors
from kb.embedding.int8 import shipped_texts
from kb.embedding.tokens import rust_tokenizer, tokenize, unit
from kb.embedding.weights import locate
from kb.schemas import SCHEMAS
from kb.settings import DEFAULT_MODEL, Settings
from kb.store import Store, text_hash
from pipelines.progress import Silent
from pipelines.refresh.embed import embed

WORDS = 45


class Cheap:
    """Tokenizes as the default model does, and averages random vectors."""

    key, model, weights, engine, precision, device, dimensions = "cheap@0", "cheap", "0", "torch", "fp32", "cpu", 384

    def __init__(self) -> None:
        self._tokenizer = rust_tokenizer((Path(locate(DEFAULT_MODEL)[0]) / "tokenizer.json").read_text(encoding="utf-8"), 256)
        self._vectors = np.random.default_rng(0).normal(size=(40_000, self.dimensions)).astype(np.float32)

    def encode(self, texts: list[str]) -> Vectors:
        rows, lengths = tokenize(self._tokenizer, texts)
        starts = np.concatenate([[0], lengths.cumsum()[:-1]])
        return unit(np.add.reduceat(self._vectors[np.concatenate(rows)], starts, axis=0))


def make(folder: str, count: int, texts: Sequence[str] = ()) -> None:
    """Write a table of papers, no two alike: of the texts, again and again, or else of words of the starter library."""
    words = np.array(" ".join(shipped_texts()).split(), dtype=object)
    draw = np.random.default_rng(0)
    store = Store.write(folder)
    schema = SCHEMAS["papers"]
    for start in range(0, count, 50_000):
        size = min(50_000, count - start)
        numbers = range(start, start + size)
        bodies = (
            [f"{texts[number % len(texts)]} {number}" for number in numbers]
            if texts
            else [" ".join(row) for row in words[draw.integers(0, len(words), (size, WORDS))]]
        )
        known = {
            "id": [f"arxiv:{number:09d}" for number in numbers], "title": ["Made up"] * size, "abstract": bodies,
            "text_hash": [text_hash(f"Made up. {text}") for text in bodies],
        }  # fmt: skip
        columns = [
            pa.array(known[field.name], field.type) if field.name in known else pa.nulls(size, field.type) for field in schema
        ]
        store._table("papers").add(pa.table(columns, schema=schema))
    store.commit(dict.fromkeys(SCHEMAS["runs"].names, "") | {"id": "r0001"})


def measure(folder: str) -> None:
    """Embed, and print seconds, peak memory before and peak memory after, in MB."""
    embedding.load_for_writing = lambda *_, **__: Cheap()  # type: ignore[assignment]
    store = Store.write(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    start = time.perf_counter()
    embed(store, Settings(home=Path(folder), store_uri=folder), Silent())
    seconds = time.perf_counter() - start
    print(seconds, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024, len(store.embedded(Cheap.key)))


def main(counts: list[int]) -> None:
    print(f"{'texts':>10} {'seconds':>9} {'texts/s':>9} {'MB before':>10} {'MB at most':>11} {'vectors':>10}")
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            for step in ("make", "measure"):
                told = [sys.executable, __file__, step, folder, str(count)]
                done = subprocess.run(told, check=True, capture_output=True, text=True)
            seconds, before, most, vectors = map(float, done.stdout.split())
            print(f"{count:10,} {seconds:9.1f} {count / seconds:9,.0f} {before:10.0f} {most:11.0f} {vectors:10,.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2])
    else:
        main([int(text) for text in sys.argv[1:]] or [10_000, 80_000, 1_000_000])
