"""The packed engine: what the torch engine's model does on a GPU, without padding and without waiting.

Texts are tokenized by other processes while the GPU computes, sorted by length within parts of thousands, and cut into
batches of equally many tokens. Kernels are queued; vectors come back through pinned memory. ARCHITECTURE.md has the figures.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from threading import Lock
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray

from kb.embedding import TOLERANCE, Vectors, packed_torch
from kb.embedding.cached_tokenizer import CachedTokenizer, Ragged, cacheable
from kb.embedding.packed import PackedBert, packable
from kb.embedding.tokenizer_pool import PORTION, TokenizerPool
from kb.embedding.torch_engine import TorchEncoder

TOKEN_BUDGET = 131_072
PART = 8
"""Portions of texts that are sorted together."""
POOL_FROM = 4_096
"""From so many texts on it is worth while to start processes that tokenize."""
_PROBES = ["Badgers at night.", "A longer text about badgers, and about the night. " * 8]


def packed(plain: TorchEncoder) -> "PackedEncoder | TorchEncoder":
    """Return what gives the same vectors without padding, where the model is one that can be packed.

    The fastest kernels that this GPU can run, and whose vectors are the same, are taken; `plain` itself where none are.
    """
    if not packable(plain.network) or plain.tokenizer is None or not cacheable(plain.tokenizer.to_str()):
        return plain
    expected = plain.encode(_PROBES)
    for steps in kernels():
        encoder = PackedEncoder(plain, PackedBert(plain.network, steps))
        try:
            near = float((encoder.encode(_PROBES) * expected).sum(axis=1).min())
        except Exception:  # Triton has many ways to say that it cannot compile for a card; then torch's own kernels do
            continue
        if near >= TOLERANCE:
            return encoder
    return plain


def kernels() -> Iterator[ModuleType]:
    """Yield what can do the steps between products here, the fastest first."""
    try:
        from kb.embedding import packed_triton  # comes with torch's builds for GPUs only

        yield packed_triton
    except ImportError:
        pass
    yield packed_torch


class GpuEncoder:
    """A model on a GPU, packed at the first texts where it can be; who only asks questions does not wait for that."""

    def __init__(self, plain: TorchEncoder) -> None:
        self.key, self.model, self.weights, self.engine = plain.key, plain.model, plain.weights, plain.engine
        self.precision, self.dimensions, self.device = plain.precision, plain.dimensions, plain.device
        self._plain = plain
        self._fastest: PackedEncoder | TorchEncoder | None = None
        self._choosing = Lock()

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (len(texts), dimensions) in the texts' order."""
        with self._choosing:
            if self._fastest is None:
                self._fastest = packed(self._plain)
        return self._fastest.encode(texts)

    def encode_query(self, text: str) -> Vectors:
        """Return the unit-length vector (dimensions,) of a query."""
        return self._plain.encode_query(text)


class PackedEncoder:
    """Embeds texts as a `TorchEncoder` does, without padding."""

    def __init__(self, plain: TorchEncoder, network: PackedBert) -> None:
        self.dimensions, self.device, self.network, self.budget = plain.dimensions, plain.device, network, TOKEN_BUDGET
        self._prompt = plain.prompt
        self._told = plain.tokenizer.to_str(), int(plain.network.max_seq_length)
        self._tokenizer = CachedTokenizer(*self._told)
        self._pool: TokenizerPool | None = None
        self._starting = Lock()
        self._on_gpu = torch.device(plain.device).type != "cpu"

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (len(texts), dimensions) in the texts' order."""
        found = torch.empty((len(texts), self.dimensions), dtype=torch.float32, pin_memory=self._on_gpu)
        place = 0
        with torch.cuda.device(self.device) if self._on_gpu else nullcontext():  # Triton asks which one is current
            for numbers, lengths in self._parts(texts):
                self._encode_part(numbers, lengths, found[place : place + len(lengths)])
                place += len(lengths)
            if self._on_gpu:
                torch.cuda.synchronize()
        return np.asarray(found.numpy())

    def _parts(self, texts: list[str]) -> Iterator[Ragged]:
        """Yield the texts' token numbers, `PART` portions at a time, fewer at first: the GPU begins with the first one."""
        gathered: list[Ragged] = []
        size = 1
        for portion in self._tokenized([self._prompt + text for text in texts]):
            gathered.append(portion)
            if len(gathered) == size:
                yield _joined(gathered)
                gathered, size = [], min(PART, 2 * size)
        if gathered:
            yield _joined(gathered)

    def _tokenized(self, texts: list[str]) -> Iterator[Ragged]:
        with self._starting:
            if self._pool is None and self._on_gpu and len(texts) >= POOL_FROM:
                self._pool = TokenizerPool(*self._told)
        if self._pool is not None:
            return self._pool.tokenized(texts)
        return (self._tokenizer(texts[at : at + PORTION]) for at in range(0, len(texts), PORTION))

    def _encode_part(self, numbers: NDArray[np.int32], lengths: NDArray[np.int64], found: torch.Tensor) -> None:
        """Queue the batches of a part, longest texts first; its vectors will come to lie in `found`."""
        order, sorted_numbers, starts = by_length(numbers, lengths)
        ids, bounds, places = (self._sent(one) for one in (sorted_numbers, starts.astype(np.int32), order))
        vectors = torch.empty(found.shape, dtype=torch.float32, device=self.device)
        start = 0
        while start < len(order):
            end = batch_end(starts, start, self.budget)
            try:
                with torch.inference_mode():
                    batch = self.network(
                        ids[starts[start] : starts[end]], bounds[start : end + 1] - bounds[start], int(lengths[order[start]])
                    )
                    vectors[places[start:end]] = torch.nn.functional.normalize(batch[:, : self.dimensions], dim=1)
            except torch.OutOfMemoryError:
                if end - start == 1:
                    raise
                torch.cuda.empty_cache()
                self.budget //= 2
                continue
            start = end
        found.copy_(vectors, non_blocking=True)

    def _sent(self, values: NDArray[np.generic]) -> torch.Tensor:
        tensor = torch.from_numpy(values)
        return tensor.pin_memory().to(self.device, non_blocking=True) if self._on_gpu else tensor


def by_length(
    numbers: NDArray[np.int32], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Return (order of the texts, longest first; their numbers in that order; where each begins and the last one ends)."""
    order = np.argsort(-lengths, kind="stable")
    before = np.concatenate([[0], lengths.cumsum()])
    starts = np.concatenate([[0], lengths[order].cumsum()])
    taken = np.arange(len(numbers)) + np.repeat(before[order] - starts[:-1], lengths[order])
    return order, numbers[taken], starts


def batch_end(starts: NDArray[np.int64], start: int, budget: int) -> int:
    """Return where the batch ends that begins with a text: what is left is cut into equal batches within the budget."""
    left = int(starts[-1] - starts[start])
    share = -(-left // -(-left // budget))
    return max(start + 1, int(np.searchsorted(starts, starts[start] + share, side="right")) - 1)


def _joined(portions: list[Ragged]) -> Ragged:
    return np.concatenate([numbers for numbers, _ in portions]), np.concatenate([lengths for _, lengths in portions])
