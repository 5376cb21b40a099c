"""Learn the table of word pieces: what to ask the encoder, and the answers."""

from collections.abc import Callable, Sequence

import numpy as np

from kb.embedding import Encoder, Vectors, table
from kb.embedding.wordpiece import WordPieces
from kb.page_search.documents import Document

DIMENSIONS = 256
TAUGHT = 12_000
"""Titles that a table learns from, at most: chosen by hash, so that they are spread over the corpus."""
RUNS, ASKED = 8, 12_000
"""Runs of words out of each body, at most, and about how many there should be of them in all."""
CHUNK = 2_048
Advance = Callable[[int], None]


def learn(
    encoder: Encoder, tokenizer: WordPieces, documents: Sequence[Document], vectors: Vectors, advance: Advance = lambda _: None
) -> table.TokenTable:
    """Learn a table from titles, parts of titles and bodies and keywords as questions, and from the papers themselves.

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
    even = min(DIMENSIONS, vectors.shape[1] // 2 * 2)  # two share a byte
    return table.distil(tokenizer.pieces(asked), np.concatenate(answers), texts, vectors[chosen], dimensions=even)


def questions(documents: Sequence[Document]) -> list[str]:
    """Return what readers might ask: titles, runs of words out of titles and bodies, and authors' keywords.

    Every title gives one run of one to five words, every body up to `RUNS` of one to eight, fewer where there are many papers.
    """
    random = np.random.default_rng(0)

    def run(text: str, longest: int) -> str:
        words = text.split()
        size = min(len(words), int(random.integers(1, longest + 1)))
        start = int(random.integers(len(words) - size + 1))
        return " ".join(words[start : start + size])

    parts = [run(document.title, 5) for document in documents]
    each = min(RUNS, max(1, ASKED // max(1, len(documents))))
    bodies = [run(document.body, 8) for document in documents for _ in range(each) if document.body.strip()]
    keywords = sorted({keyword.lower() for document in documents for keyword in document.keywords if 2 < len(keyword) < 60})
    return [*(document.title for document in documents), *parts, *bodies, *keywords[:TAUGHT]]
