"""Half a byte a dimension keeps vectors close to what they were."""

import numpy as np
import pytest

from kb.embedding.portable import Portable
from kb.embedding.table import TokenTable
from kb.page_search import packing
from kb.page_search.packing import PAPERS_PER_SHARD, ROWS_PER_SHARD, pack, pack_exact, quantize

RANDOM = np.random.default_rng(0)
VECTORS = (RANDOM.normal(size=(1_500, 16)) * np.linspace(3, 0.1, 16) + 2).astype(np.float32)


def unpack(packed: np.ndarray, centre: np.ndarray, steps: np.ndarray) -> np.ndarray:
    halves = np.stack([packed & 15, packed >> 4], axis=2).reshape(len(packed), -1)
    return centre + (halves.astype(float) - 7.5) * steps


def test_quantized_vectors_lie_near_the_true_ones_in_every_dimension() -> None:
    centre, steps, packed = quantize(VECTORS)
    assert packed.shape == (1_500, 8)
    error = unpack(packed, centre, steps) - VECTORS
    assert np.all(error.std(axis=0) < 0.13 * VECTORS.std(axis=0))


def test_files_hold_every_row_and_every_paper() -> None:
    table = TokenTable(
        np.array([2, 9], np.int32),
        np.array([[2, 9]], np.int32),
        RANDOM.normal(size=(3, 16)).astype(np.float32),
        np.eye(16, dtype=np.float32),
    )
    packed = pack(table, tuple(f"piece{number}" for number in range(20)), VECTORS)
    assert len(packed.files["rows/0.bin"]) == 3 * (4 + 8)
    assert sum(len(content) for name, content in packed.files.items() if name.startswith("vectors/")) == 1_500 * 8
    assert packed.told["vectorShards"] == -(-1_500 // PAPERS_PER_SHARD)
    assert packed.told["rowShards"] == -(-3 // ROWS_PER_SHARD)
    has_row = np.unpackbits(np.frombuffer(packed.files["table.bin"][:3], np.uint8), bitorder="little")
    assert np.flatnonzero(has_row).tolist() == [2, 9]
    assert np.frombuffer(packed.files["table.bin"][3:], "<u2").tolist() == [2, 9]


def test_exact_vectors_are_what_the_store_has_cut_between_papers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "EXACT_BYTES", 1_000)  # 31 vectors of 16 numbers
    stored = VECTORS.astype(np.float16)
    packed = pack_exact(Portable("a/model@0", {"dimensions": 16}, bytes(8)), stored.astype(np.float32))
    assert packed.told["papersPerShard"] == 31
    assert packed.told["vectorShards"] == len(packed.files) == -(-1_500 // 31)
    whole = b"".join(packed.files[f"exact/{at}.bin"] for at in range(len(packed.files)))
    assert whole == stored.tobytes()
    assert packed.told["bytes"] == len(whole) + 8
