"""How fast are texts embedded, against SentenceTransformer.encode in float32 at batch 32? Run by hand; prints a table.

    python tests/comparison/embedding.py HOME [TEXTS]

HOME is a knowledge base; its papers' texts are embedded anew, nothing is stored. The arms take turns.
"""

import sys
import time
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from kb import embedding, settings
from kb.embedding.weights import locate
from kb.store import Store

ROUNDS = 3


def main(home: Path, count: int) -> None:
    told = settings.load(home)
    rows = Store.read(told.store_uri).papers(["title", "abstract", "summary"]).to_pylist()
    chosen = np.random.default_rng(0).choice(len(rows), min(count, len(rows)), replace=False)
    texts = [f"{rows[n]['title']}. {rows[n]['abstract'] or rows[n]['summary']}" for n in chosen]
    ours = embedding.load(told.model, max_tokens=told.max_tokens)
    peer = SentenceTransformer(locate(told.model)[0], device="cpu")
    peer.max_seq_length = told.max_tokens
    arms = {
        "encode, fp32, batch 32": lambda: peer.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False),
        f"ours, {ours.precision}": lambda: ours.encode(texts),
    }
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    vectors = {}
    for _ in range(ROUNDS):
        for name, encode in arms.items():
            start = time.perf_counter()
            vectors[name] = encode()
            seconds[name].append(time.perf_counter() - start)
    first, second = vectors.values()
    base = float(np.median(next(iter(seconds.values()))))
    for name, times in seconds.items():
        print(f"{name:28} {len(texts) / np.median(times):7.1f} texts/s  {base / np.median(times):5.2f}x")
    cosine = np.einsum("ij,ij->i", first, second)
    print(f"cosine between them: mean {cosine.mean():.5f}, least {cosine.min():.5f} ({len(texts)} texts, {ROUNDS} rounds)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 384)
