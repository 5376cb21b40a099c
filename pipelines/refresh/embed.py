"""Papers -> vectors: embed the texts that have none yet, store them chunk by chunk.

Chunks are cut from the papers in order of id, so a run that was stopped embeds the rest in the same chunks and the
vectors are the same to the last bit.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from kb import embedding
from kb.embedding import Encoder, Vectors
from kb.errors import ModelError
from kb.settings import Settings
from kb.store import Store, text_hash
from pipelines.progress import Progress

CHUNK = 2_048  # texts: about half a minute on two cores, so a stop loses little


def embed(store: Store, settings: Settings, progress: Progress) -> Encoder:
    """Embed every paper's text that is new to the model; return the encoder that was used."""
    columns = ["id", "title", "abstract", "summary"]
    rows = store.papers([*columns, "text_hash"]).to_pylist()
    wanted = {row["text_hash"]: f"{row['title']}. {row['abstract'] or row['summary']}" for row in rows}
    used = str(store.run["model"]) if store.run else ""
    there = len(wanted.keys() & set(store.vectors(used)[0])) if used else 0
    encoder = embedding.load_for_writing(settings, used, texts=len(wanted), stored=there)
    stored = set(store.vectors(encoder.key)[0])
    texts = [text for name, text in wanted.items() if name not in stored]
    advance = progress.task(f"embed ({encoder.precision})", len(texts), "texts")
    chunks = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
    for chunk, vectors in _encoded(settings, encoder, chunks):
        if not np.isfinite(vectors).all():
            raise ModelError(
                f"{encoder.model} gave vectors that are no numbers, computed in {encoder.precision}",
                cure="Use another model or engine in kb.toml's [embedding]",
            )
        store.add_vectors(encoder.key, [text_hash(text) for text in chunk], vectors, embedding.about(encoder))
        advance(len(chunk))
    progress.note(f"vectors: {len(texts):,} texts embedded, {len(wanted) - len(texts):,} already there")
    return encoder


def _encoded(settings: Settings, encoder: Encoder, chunks: Iterable[list[str]]) -> Iterator[tuple[list[str], Vectors]]:
    if settings.compute == "ray":
        from pipelines.ray_engine import encode_chunks  # an extra that few need

        yield from encode_chunks(settings, encoder, chunks)
    else:
        for chunk in chunks:
            yield chunk, encoder.encode(chunk)
