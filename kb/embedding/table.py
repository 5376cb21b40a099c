"""A document encoder's questions, answered by a table: a question's vector is the sum of its word pieces' rows.

A page has no room for a transformer, but documents were embedded by one; what is missing is a cheap way from a question into
the same space. Each word piece (and each frequent pair of neighbouring pieces) gets a row. Rows start from a ridge regression of
the transformer's vectors on pieces, and are then moved so that a question is as near to each document as the transformer says:
Tulkens and van Dongen, "Model2Vec", 2024, for the idea of a static table; Hinton et al., "Distilling the knowledge in a neural
network", 2015, for learning from the teacher's whole distribution.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from kb.embedding import Vectors
from kb.errors import StoreError

Pieces = Sequence[Sequence[int]]
"""The numbers of the word pieces of several texts."""
PAIRS = 8_192
LEAST_PAIR = 8
"""Pairs of pieces that occur less often have no row."""
RIDGE, ROUNDS = 0.02, 15
DOCUMENT_WEIGHT = 0.3
"""Documents teach rows of words that no question has; they are no questions, so they count less."""
EPOCHS, BATCH, SAMPLE = 12, 512, 1_024
RATE, TEMPERATURE = 4e-3, 0.05


@dataclass(frozen=True, slots=True, eq=False)
class TokenTable:
    """The rows.

    Attributes:
        pieces: the numbers of the word pieces that have a row, ascending; shape (p,).
        pairs: pairs of neighbouring pieces that have one, ascending; shape (q, 2).
        rows: shape (p + q, dimensions), the pieces' first.
        basis: what turns a document's vector into these dimensions; shape (the encoder's dimensions, dimensions).
    """

    pieces: NDArray[np.int32]
    pairs: NDArray[np.int32]
    rows: Vectors
    basis: Vectors

    def encode(self, questions: Pieces) -> Vectors:
        """Return unit-length vectors (n, dimensions); a question of unknown pieces has the zero vector."""
        return unit(np.asarray(self.features(questions) @ self.rows, np.float32))

    def features(self, texts: Pieces) -> sparse.csr_matrix:
        """Return which rows each text adds up and with which weight (one over its number of pieces); shape (n, p + q)."""
        return _features(texts, self.pieces, self.pairs)

    def coverage(self, texts: Pieces) -> float:
        """Return which share of the texts' pieces has a row."""
        seen = Counter(piece for text in texts for piece in text)
        known = sum(seen[int(piece)] for piece in self.pieces)
        return known / max(1, seen.total())

    def save(self, path: Path) -> None:
        """Keep the table in a file.

        Raises:
            StoreError: it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                np.savez(file, pieces=self.pieces, pairs=self.pairs, rows=self.rows, basis=self.basis)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}", cure="Check who owns the folder") from None


def load(path: Path) -> TokenTable | None:
    """Return a table from its file, or None where there is none that can be read."""
    try:
        with np.load(path) as kept:
            return TokenTable(kept["pieces"], kept["pairs"], kept["rows"], kept["basis"])
    except (OSError, ValueError, KeyError):
        return None


def unit(vectors: Vectors) -> Vectors:
    """Return vectors at length one; zero vectors stay."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def principal_axes(vectors: Vectors, dimensions: int) -> Vectors:
    """Return the axes along which vectors of shape (n, d) are largest, as columns: (d, at most `dimensions`)."""
    values, axes = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    chosen = axes[:, np.argsort(-values, kind="stable")[:dimensions]]
    signs = np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])  # eigenvectors have no sign of their own
    return np.asarray(chosen * signs, np.float32)


def distil(
    questions: Pieces, answers: Vectors, texts: Pieces, documents: Vectors, *, dimensions: int, seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> TokenTable:  # fmt: skip
    """Learn a table from what an encoder says of questions and documents. The same input gives the same table.

    Args:
        questions, answers: short texts as word pieces, and their unit-length vectors (n, d) by the encoder.
        texts, documents: the same of documents.
        dimensions: how many of the documents' principal axes to keep.
        advance: called with 1 after each of `EPOCHS` passes over the questions.
    """
    with one_thread():
        return _distilled(questions, answers, texts, documents, dimensions, seed, advance)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: sums in one order whatever the machine, and products of this size gain nothing from more."""
    import torch  # heavy, as below

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _distilled(
    questions: Pieces, answers: Vectors, texts: Pieces, documents: Vectors, dimensions: int, seed: int,
    advance: Callable[[int], None],
) -> TokenTable:  # fmt: skip
    basis = principal_axes(documents, dimensions)
    pieces = np.unique(np.concatenate([np.asarray(text, np.int32) for text in (*questions, *texts) if len(text)]))
    pairs = _frequent_pairs([*questions, *texts])
    asked, read = _features(questions, pieces, pairs), _features(texts, pieces, pairs)
    rows = _ridge(
        sparse.vstack([asked, read * DOCUMENT_WEIGHT]).tocsr(), np.concatenate([answers, documents * DOCUMENT_WEIGHT]) @ basis
    )
    rows = _refined(rows, asked, answers, documents, basis, seed, advance)
    return TokenTable(pieces, pairs, rows, basis)


def _features(texts: Pieces, pieces: NDArray[np.int32], pairs: NDArray[np.int32]) -> sparse.csr_matrix:
    place = {int(piece): at for at, piece in enumerate(pieces)}
    joint = {(int(one), int(other)): len(pieces) + at for at, (one, other) in enumerate(pairs)}
    columns: list[int] = []
    ends, weights = [0], []
    for text in texts:
        found = [place[piece] for piece in text if piece in place]
        found += [joint[pair] for pair in pairwise(text) if pair in joint]
        columns += found
        weights += [1 / len(text)] * len(found) if len(text) else []
        ends.append(len(columns))
    shape = (len(texts), len(pieces) + len(pairs))
    matrix = sparse.csr_matrix((np.array(weights, np.float32), np.array(columns, np.int32), np.array(ends)), shape)
    matrix.sum_duplicates()
    return matrix


def _frequent_pairs(texts: Pieces) -> NDArray[np.int32]:
    """Return the pairs of neighbours that say most beyond their parts: frequency times pointwise mutual information."""
    single = Counter(piece for text in texts for piece in text)
    double = Counter(pair for text in texts for pair in pairwise(text))
    total = max(1, single.total())
    worth = {
        pair: count * float(np.log(count * total / (single[pair[0]] * single[pair[1]])))
        for pair, count in double.items()
        if count >= LEAST_PAIR
    }
    best = sorted(worth, key=lambda pair: (-worth[pair], pair))[:PAIRS]
    return np.array(sorted(pair for pair in best if worth[pair] > 0), np.int32).reshape(-1, 2)


def _ridge(features: sparse.csr_matrix, targets: Vectors) -> Vectors:
    """Return W that minimises |XW - T|² + r|W|², by conjugate gradients on all columns at once."""
    rows = np.zeros((features.shape[1], targets.shape[1]), np.float32)
    transposed = features.T.tocsr()
    residual = np.asarray(transposed @ targets, np.float32)
    direction, size = residual.copy(), (residual**2).sum(axis=0)
    for _ in range(ROUNDS):
        image = transposed @ (features @ direction) + RIDGE * direction
        step = size / np.maximum((direction * image).sum(axis=0), 1e-20)
        rows += step * direction
        residual -= step * image
        now = (residual**2).sum(axis=0)
        direction = residual + now / np.maximum(size, 1e-20) * direction
        size = now
    return rows


def _refined(
    rows: Vectors, asked: sparse.csr_matrix, answers: Vectors, documents: Vectors, basis: Vectors, seed: int,
    advance: Callable[[int], None],
) -> Vectors:  # fmt: skip
    """Move the rows so that a question's similarities to a sample of documents come near to the encoder's own."""
    import torch  # heavy: a second that reading a table need not wait for

    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    weight = torch.nn.Parameter(torch.from_numpy(rows.copy()))
    optimiser = torch.optim.SparseAdam([weight], lr=RATE)  # a batch touches few rows
    steps = EPOCHS * -(-asked.shape[0] // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    reduced = documents @ basis
    for _ in range(EPOCHS):
        order = random.permutation(asked.shape[0])
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            sample = random.choice(len(documents), min(SAMPLE, len(documents)), replace=False)
            wanted = torch.from_numpy(answers[chosen] @ documents[sample].T)
            batch = asked[chosen]
            summed = torch.nn.functional.embedding_bag(
                torch.from_numpy(batch.indices.astype(np.int64)), weight, torch.from_numpy(batch.indptr[:-1].astype(np.int64)),
                mode="sum", sparse=True, per_sample_weights=torch.from_numpy(batch.data),
            )  # fmt: skip
            told = torch.nn.functional.normalize(summed, dim=1) @ torch.from_numpy(reduced[sample].T)
            loss = torch.nn.functional.kl_div(
                torch.log_softmax(told / TEMPERATURE, 1), torch.log_softmax(wanted / TEMPERATURE, 1),
                reduction="batchmean", log_target=True,
            ) + 20 * torch.nn.functional.mse_loss(told, wanted)  # fmt: skip
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()  # type: ignore[no-untyped-call]
            schedule.step()
        advance(1)
    return weight.detach().numpy()
