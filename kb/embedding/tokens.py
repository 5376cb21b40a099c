"""What engines share: texts -> rows of token numbers, by the tokenizer's own Rust code on all cores; rows -> batches; lengths."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import InvalidInput

Rows = list[list[int]]
PLAIN_WORDS = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9 ]").findall
"""Words of plain ASCII as BERT cuts them: every sign that is neither letter nor digit stands alone."""


def rust_tokenizer(source: str, max_tokens: int) -> Any:
    """Return a `tokenizers.Tokenizer` that cuts at `max_tokens` and does not pad.

    Args:
        source: the tokenizer as JSON, as `tokenizer.json` holds it.
    """
    from tokenizers import Tokenizer  # 50 ms that `kb --help` need not wait for

    tokenizer = Tokenizer.from_str(source)
    tokenizer.no_padding()
    direction = (tokenizer.truncation or {}).get("direction", "right")
    tokenizer.enable_truncation(max_tokens, direction=direction)
    return tokenizer


def cuts_as_bert(told: Mapping[str, Any]) -> bool:
    """Return whether a tokenizer, as `tokenizer.json` holds it, cuts texts into words and pieces as BERT's does."""
    kinds = [(told.get(part) or {}).get("type") for part in ("normalizer", "pre_tokenizer", "model")]
    return kinds == ["BertNormalizer", "BertPreTokenizer", "WordPiece"]


def tokenize(tokenizer: Any, texts: Sequence[str]) -> tuple[Rows, NDArray[np.int64]]:
    """Return (rows of token numbers, their lengths)."""
    rows = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]
    return rows, np.array([len(row) for row in rows], np.int64)


def pad(rows: Sequence[Sequence[int]], length: int, filler: int, side: str = "right") -> tuple[NDArray[Any], NDArray[Any]]:
    """Return (token numbers, attention mask), each int64 of shape (len(rows), length)."""
    ids = np.full((len(rows), length), filler, np.int64)
    mask = np.zeros((len(rows), length), np.int64)
    for number, row in enumerate(rows):
        place = slice(0, len(row)) if side == "right" else slice(length - len(row), length)
        ids[number, place] = row
        mask[number, place] = 1
    return ids, mask


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Return vectors scaled to length 1; one of zeros stays so."""
    norms = np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def width(whole: int, model: str, dimensions: int | None) -> int:
    """Return how many numbers a vector keeps, of the `whole` that the model gives.

    Models trained for it (Kusupati et al., "Matryoshka Representation Learning", arXiv:2205.13147) stay useful when only
    the first numbers of a vector are kept.

    Raises:
        InvalidInput: more are asked for than the model gives.
    """
    if dimensions is not None and not 1 <= dimensions <= whole:
        raise InvalidInput(
            f"embedding.dimensions does not fit {model}", value=dimensions, cure=f"Its vectors have {whole}: use 1 to {whole}"
        )
    return dimensions or whole
