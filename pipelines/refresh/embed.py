"""Papers -> vectors: embed the texts that have none yet, store them chunk by chunk.

Chunks are cut from the papers in order of id, so a run that was stopped embeds the rest in the same chunks and the
vectors are the same to the last bit.
"""

from collections.abc import Callable

from kb.embedding import Encoder
from kb.store import Store, text_hash
from pipelines.progress import Progress

CHUNK = 2_048  # texts: about half a minute on two cores, so a stop loses little


def embed(store: Store, load: Callable[[], Encoder], progress: Progress) -> Encoder:
    """Embed every paper's text that is new to the model; return the encoder that was used."""
    encoder = load()
    columns = ["id", "title", "abstract", "summary"]
    rows = store.papers([*columns, "text_hash"]).to_pylist()
    stored = set(store.vectors(encoder.key)[0])
    missing = {row["text_hash"]: f"{row['title']}. {row['abstract'] or row['summary']}" for row in rows}
    texts = [text for name, text in missing.items() if name not in stored]
    advance = progress.task(f"embed ({encoder.precision})", len(texts), "texts")
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        store.add_vectors(encoder.key, [text_hash(text) for text in chunk], encoder.encode(chunk))
        advance(len(chunk))
    progress.note(f"vectors: {len(texts):,} texts embedded, {len(missing) - len(texts):,} already there")
    return encoder
