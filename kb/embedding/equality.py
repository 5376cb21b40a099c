"""How far the vectors of one engine are from those of another: cosine by text, neighbours, and finding again by title."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Vectors


@dataclass(frozen=True, slots=True)
class Equality:
    """What a comparison of two engines on the same texts found.

    Attributes:
        mean_cosine: between the two vectors of a text, averaged over texts.
        worst_cosine: the least of them.
        overlap: share of a text's ten nearest other texts that both engines name, averaged over texts.
        mrr: mean reciprocal rank at which a title finds its own text, with the engine under test.
        mrr_reference: the same with the reference.
    """

    mean_cosine: float
    worst_cosine: float
    overlap: float
    mrr: float
    mrr_reference: float


def compare(reference: tuple[Vectors, Vectors], tested: tuple[Vectors, Vectors], *, nearest: int = 10) -> Equality:
    """Compare an engine with a reference.

    Args:
        reference: vectors of texts (n, d) and of their titles (n, d), both of unit length.
        tested: the same from the engine under test.
        nearest: how many neighbours are compared.
    """
    cosine = np.einsum("ij,ij->i", reference[0], tested[0])
    return Equality(
        float(cosine.mean()), float(cosine.min()), overlap(reference[0], tested[0], nearest),
        reciprocal_rank(tested[1], tested[0]), reciprocal_rank(reference[1], reference[0]),
    )  # fmt: skip


def overlap(one: Vectors, other: Vectors, nearest: int = 10) -> float:
    """Return the average share of a row's nearest other rows that two sets of vectors agree on."""
    count = min(nearest, len(one) - 1)
    if count < 1:
        return 1.0
    first, second = (_neighbours(vectors, count) for vectors in (one, other))
    return float(np.mean([len(set(a) & set(b)) / count for a, b in zip(first.tolist(), second.tolist(), strict=True)]))


def _neighbours(vectors: Vectors, count: int) -> NDArray[np.intp]:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return np.argpartition(-scores, count - 1, axis=1)[:, :count]


def reciprocal_rank(questions: Vectors, answers: Vectors) -> float:
    """Return the mean reciprocal rank of answer i among all answers to question i, by cosine; ties count against it."""
    scores = questions @ answers.T
    own = np.diagonal(scores)[:, None]
    ranks = (scores >= own).sum(axis=1)
    return float((1 / ranks).mean())
