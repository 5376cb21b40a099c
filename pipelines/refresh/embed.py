"""Papers -> vectors: embed the texts that have none yet, store them chunk by chunk.

Chunks are cut from the papers in order of id, so a run that was stopped embeds the rest in the same chunks and the
vectors are the same to the last bit.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from kb import embedding
from kb.embedding import Encoder, Vectors
from kb.errors import ModelError
from kb.settings import Settings
from kb.store import Store, quote, text_hash
from pipelines.progress import Progress

CHUNK = 2_048  # texts: less than half a minute on two cores, so a stop loses little
CHUNK_GPU = 65_536  # a second on a large one; in each, tokenizing and computing go on side by side
AHEAD = 2  # chunks that are on their way at a time on a GPU


def embed(store: Store, settings: Settings, progress: Progress) -> Encoder:
    """Embed every paper's text that is new to the model; return the encoder that was used.

    Texts are read chunk by chunk, so memory holds a hash for each paper and a few chunks of texts.
    """
    rows = store.papers(["id", "text_hash"])
    papers = dict(zip(reversed(rows["text_hash"].to_pylist()), reversed(rows["id"].to_pylist()), strict=True))
    used = str(store.run["model"]) if store.run else ""
    there = len(papers.keys() & store.embedded(used)) if used else 0
    loading = progress.task("load the embedding model", 1, "models")  # half a minute where it is quantized first
    encoder = embedding.load_for_writing(settings, used, texts=len(papers), stored=there)
    loading(1)
    stored = store.embedded(encoder.key)
    missing = sorted(paper for name, paper in papers.items() if name not in stored)
    advance = progress.task(f"embed ({encoder.engine}, {encoder.precision})", len(missing), "texts")
    size = CHUNK if encoder.device == "cpu" else CHUNK_GPU
    for chunk, vectors in _encoded(settings, encoder, _chunks(store, missing, size)):
        if not np.isfinite(vectors).all():
            raise ModelError(
                f"{encoder.model} gave vectors that are no numbers, computed in {encoder.precision}",
                cure="Use another model or engine in kb.toml's [embedding]",
            )
        store.add_vectors(encoder.key, [text_hash(text) for text in chunk], vectors, embedding.about(encoder))
        advance(len(chunk))
    progress.note(f"vectors: {len(missing):,} texts embedded, {len(papers) - len(missing):,} already there")
    return encoder


def _chunks(store: Store, papers: list[str], size: int) -> Iterator[list[str]]:
    """Yield the texts of papers, in order of id."""
    for start in range(0, len(papers), size):
        wanted = ", ".join(quote(paper) for paper in papers[start : start + size])
        rows = store.papers(["title", "abstract", "summary"], f"id IN ({wanted})").to_pylist()
        yield [f"{row['title']}. {row['abstract'] or row['summary']}" for row in rows]


def _encoded(settings: Settings, encoder: Encoder, chunks: Iterable[list[str]]) -> Iterator[tuple[list[str], Vectors]]:
    if settings.compute == "ray":
        from pipelines.ray_engine import encode_chunks  # an extra that few need

        yield from encode_chunks(settings, encoder, chunks)
    elif encoder.device == "cpu":
        for chunk in chunks:
            yield chunk, encoder.encode(chunk)
    else:
        yield from _ahead(encoder, chunks)


def _ahead(encoder: Encoder, chunks: Iterable[list[str]]) -> Iterator[tuple[list[str], Vectors]]:
    """Tokenize the next chunk while one is embedded and the last one is stored, so that a GPU waits for nothing."""
    with ThreadPoolExecutor(AHEAD) as workers:
        begun: deque[tuple[list[str], Future[Vectors]]] = deque()
        for chunk in chunks:
            begun.append((chunk, workers.submit(encoder.encode, chunk)))
            if len(begun) > AHEAD:
                done, vectors = begun.popleft()
                yield done, vectors.result()
        for done, vectors in begun:
            yield done, vectors.result()
