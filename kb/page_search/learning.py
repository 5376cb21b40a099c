"""Learn the table of word pieces: what to ask the encoder, and the answers."""

from collections.abc import Callable, Sequence

import numpy as np

from kb.embedding import Encoder, Vectors, table
from kb.embedding.wordpiece import WordPieces
from kb.page_search.documents import Document

DIMENSIONS = 256
TAUGHT = 12_000
"""Titles that a table learns from, at most: chosen by hash, so that they are spread over the corpus."""
CHUNK = 2_048
Advance = Callable[[int], None]


def learn(
    encoder: Encoder, tokenizer: WordPieces, documents: Sequence[Document], vectors: Vectors, advance: Advance = lambda _: None
) -> table.TokenTable:
    """Learn a table from titles, parts of titles and keywords as questions, and from the papers themselves.

    Args:
        vectors: of the documents, shape (n, d).
        advance: called with the number of questions that were embedded.
    """
    chosen = sorted(range(len(documents)), key=lambda at: documents[at].key)[:TAUGHT]
    asked = questions([documents[at] for at in chosen])
    answers = []
    for start in range(0, len(asked), CHUNK):
        answers.append(encoder.encode(asked[start : start + CHUNK]))
        advance(len(answers[-1]))
    texts = tokenizer.pieces([documents[at].text for at in chosen])
    return table.distil(tokenizer.pieces(asked), np.concatenate(answers), texts, vectors[chosen], dimensions=DIMENSIONS)


def questions(documents: Sequence[Document]) -> list[str]:
    """Return what readers might ask: titles, a run of one to five words out of each, and authors' keywords."""
    random = np.random.default_rng(0)
    parts = []
    for document in documents:
        words = document.title.split()
        size = min(len(words), int(random.choice([1, 2, 2, 3, 3, 4, 5])))
        start = int(random.integers(len(words) - size + 1))
        parts.append(" ".join(words[start : start + size]))
    keywords = sorted({keyword.lower() for document in documents for keyword in document.keywords if 2 < len(keyword) < 60})
    return [*(document.title for document in documents), *parts, *keywords[:TAUGHT]]
