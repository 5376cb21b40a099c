"""What the browser needs to search by meaning, packed small: the table of word pieces and the papers' vectors. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Vectors
from kb.embedding.table import TokenTable

ROWS_PER_SHARD = 64
PAPERS_PER_SHARD = 1_024
STEP = 0.335
"""Of a normal distribution's spread: the step at which sixteen even levels lose least (Max, IRE Transactions on Information
Theory 6, 1960)."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Files, by name, and what the page must know to read them."""

    files: dict[str, bytes]
    told: dict[str, object]


def pack(table: TokenTable, vocabulary: tuple[str, ...], documents: Vectors, share: float) -> Packed:
    """Pack a table and the vectors of documents, in their order.

    Args:
        vocabulary: every word piece by its number.
        documents: shape (n, the encoder's dimensions).
        share: how much meaning counts against words, 0 to 1.
    """
    rows = list(_row_shards(table.rows))
    steps, packed = quantize(documents @ table.basis)
    vectors = [packed[start : start + PAPERS_PER_SHARD].tobytes() for start in range(0, len(packed), PAPERS_PER_SHARD)]
    has_row = np.zeros(len(vocabulary), np.uint8)
    has_row[table.pieces] = 1
    files = {
        "vocabulary.txt": "\n".join(vocabulary).encode(),
        "table.bin": np.packbits(has_row, bitorder="little").tobytes() + table.pairs.astype("<u2").tobytes(),
        **{f"rows/{number}.bin": shard for number, shard in enumerate(rows)},
        **{f"vectors/{number}.bin": shard for number, shard in enumerate(vectors)},
    }
    told = {
        "dimensions": table.rows.shape[1], "vocabulary": len(vocabulary), "rowsPerShard": ROWS_PER_SHARD, "rowShards": len(rows),
        "papersPerShard": PAPERS_PER_SHARD, "vectorShards": len(vectors), "steps": [round(float(step), 7) for step in steps],
        "share": share,
    }  # fmt: skip
    return Packed(files, told)


def quantize(vectors: Vectors) -> tuple[Vectors, NDArray[np.uint8]]:
    """Return (the step of each dimension, vectors as half a byte a dimension, two dimensions a byte, low half first).

    A half byte h stands for (h - 7.5) steps. At the same size, half a byte for twice the dimensions loses less than a whole one.
    """
    steps = np.maximum(vectors.std(axis=0), 1e-6) * STEP
    levels = np.clip(np.floor(vectors / steps) + 8, 0, 15).astype(np.uint8)
    return np.asarray(steps, np.float32), levels[:, 0::2] | (levels[:, 1::2] << 4)


def _row_shards(rows: Vectors) -> Iterator[bytes]:
    """Yield runs of rows: each a 32-bit scale and a signed byte a dimension."""
    scales = np.maximum(np.abs(rows).max(axis=1), 1e-9) / 127
    levels = np.rint(rows / scales[:, None]).astype(np.int8)
    for start in range(0, len(rows), ROWS_PER_SHARD):
        chosen = slice(start, start + ROWS_PER_SHARD)
        yield np.concatenate([scales[chosen, None].astype("<f4").view(np.uint8), levels[chosen].view(np.uint8)], axis=1).tobytes()
