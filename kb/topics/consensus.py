"""A consensus of many k-means runs, and the number of clusters on which it is most stable.

Each run, with its own number of clusters, start and view of the papers, says which papers go together; the runs'
membership matrices, each column scaled by its cluster's size, are reduced by a truncated SVD, and k-means in that space
gives the clusters. Strehl and Ghosh, "Cluster ensembles", JMLR 3 (2002); the scaled membership matrix is the spectral form
of Liu et al., "Spectral ensemble clustering", KDD 2015. The views are the vectors, the vectors beside latent semantic
analysis of the words (Deerwester et al., JASIS 41, 1990) at two weights, and the vectors moved half-way to the mean of
their nearest neighbours.
"""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import ThreadpoolController

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]

RUNS = 96
TEXT_WEIGHTS = (0.3, 0.5)
NEIGHBOURS = 10
TOPICS = 100
"""Dimensions of the latent semantic analysis."""
WIDTH = 7
"""Least dimensions of the space in which the consensus is found."""
BAND = (0.6, 0.7, 0.84, 1.0, 1.19)
"""Numbers of clusters that are tried, as multiples of what the corpus's size suggests."""


def center(vectors: Vectors, mean: Vectors) -> Vectors:
    """Return vectors without what all papers share, at unit length again."""
    return unit(vectors - mean)


def unit(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows at unit length; a row of zeros stays one."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)  # type: ignore[no-any-return]


def views(sample: Vectors, texts: Sequence[str] | None) -> list[Vectors]:
    """Return the views of the papers, each of shape (n, ...): vectors, smoothed vectors, and vectors beside their words."""
    seen = [sample, _smoothed(sample)]
    words = _latent(texts) if texts else None
    if words is not None:
        seen += [center(joint := np.hstack([sample, weight * words]), joint.mean(axis=0)) for weight in TEXT_WEIGHTS]
    return seen


def _latent(texts: Sequence[str]) -> Vectors | None:
    """Latent semantic analysis of the words, centred; None where the texts say too little."""
    counter = TfidfVectorizer(
        sublinear_tf=True, min_df=3, max_df=0.3, ngram_range=(1, 2), stop_words=sorted(ENGLISH_STOP_WORDS),
        max_features=40_000, dtype=np.float32,
    )  # fmt: skip
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # no word stands in three texts
        return None
    width = min(TOPICS, min(counts.shape) - 1)
    if width < 2:
        return None
    with _one_thread():
        space = unit(TruncatedSVD(width, random_state=0).fit_transform(counts).astype(np.float32))
    return center(space, space.mean(axis=0))


def _smoothed(vectors: Vectors) -> Vectors:
    """Move each vector half-way to the mean of its nearest neighbours, weighted by cosine."""
    count = min(NEIGHBOURS, len(vectors) - 1)
    if count < 1:
        return vectors
    moved = np.empty_like(vectors)
    for start in range(0, len(vectors), 1_024):
        part = vectors[start : start + 1_024]
        cosine = part @ vectors.T
        cosine[np.arange(len(part)), start + np.arange(len(part))] = -1
        near = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
        weight = np.maximum(np.take_along_axis(cosine, near, axis=1), 0)
        moved[start : start + len(part)] = part + unit(np.einsum("nk,nkd->nd", weight, vectors[near]))
    return unit(moved)


def votes(views: Sequence[Vectors], k: int, random: np.random.Generator) -> list[sp.csr_matrix]:
    """The membership matrices of all runs; run i looks at view i modulo their number."""
    n = len(views[0])
    low, high = max(2, k), max(3, 3 * k)
    plan = [
        (views[run % len(views)], min(n, int(random.integers(low, high + 1))), int(random.integers(2**31))) for run in range(RUNS)
    ]

    def vote(told: tuple[Vectors, int, int]) -> sp.csr_matrix:
        view, size, seed = told
        # A random start and ten rounds: more care takes four times as long and changes nothing.
        labels = predict(KMeans(size, init="random", n_init=1, max_iter=10, random_state=seed), view)
        weight = 1 / np.sqrt(np.maximum(np.bincount(labels, minlength=size), 1))
        return sp.csr_matrix((weight[labels], (np.arange(n), labels)), shape=(n, size))

    return side_by_side(vote, plan)


def _space(votes: Sequence[sp.csr_matrix], width: int, seed: int) -> NDArray[np.float64]:
    together = sp.hstack(votes).tocsr()
    with _one_thread():
        return unit(TruncatedSVD(min(width, min(together.shape) - 1), random_state=seed).fit_transform(together))


def consensus(votes: Sequence[sp.csr_matrix], k: int, seed: int) -> Labels:
    """Return the clustering in k clusters that the runs' membership matrices agree on best, shape (n,)."""
    space = _space(votes, min(k, max(WIDTH, k // 2)), seed)
    return _filled(predict(KMeans(k, n_init=10, max_iter=100, random_state=seed), space), k)


def stable_number(votes: Sequence[sp.csr_matrix], near: int, seed: int) -> int:
    """Return the number of clusters, in a band around `near`, on which two halves of the runs agree best.

    Ben-Hur, Elisseeff and Guyon, "A stability based method for discovering structure in clustered data", 2002: here the
    two clusterings come from disjoint halves of the ensemble, and agreement is the adjusted Rand index.
    """
    n = votes[0].shape[0]
    sizes = sorted({min(max(min(near, 3), round(near * factor)), n // 2) for factor in BAND})
    views = (
        [votes[0::2], votes[1::2]]
        if near > 100
        else [votes[0::2], votes[1::2], votes[: len(votes) // 2], votes[len(votes) // 2 :]]
    )
    width = min(max(24, *sizes), 100)
    spaces = [_space(half, width, seed) for half in views]

    def labels(told: tuple[int, int]) -> Labels:
        half, k = told
        own = spaces[half][:, : max(2, min(k, max(WIDTH, k // 2)))]
        return predict(KMeans(k, n_init=1 if k > 100 else 3, max_iter=30, random_state=seed), own)

    plan = [(half, k) for k in sizes for half in range(len(views))]
    found = dict(zip(plan, side_by_side(labels, plan), strict=True))

    def agreement(k: int) -> float:
        pairs = [(half, half + 1) for half in range(0, len(views), 2)]
        return float(np.mean([adjusted_rand_score(found[one, k], found[other, k]) for one, other in pairs]))

    return int(max(sizes, key=lambda k: (round(agreement(k), 3), -abs(k - near))))


@cache
def _controller() -> Any:
    return ThreadpoolController()  # looks through all loaded libraries: once is enough


def _one_thread() -> Any:
    """A context in which linear algebra runs on one thread, so that sums are formed in one order everywhere."""
    return _controller().limit(limits=1)


def side_by_side(work: Callable[[Any], Any], plan: Sequence[Any]) -> list[Any]:
    """Do independent pieces of work on all cores, each on one thread."""

    def alone(told: Any) -> Any:
        with _controller().limit(limits=1, user_api="openmp"):  # OpenMP counts by thread; BLAS is limited for all, outside
            return work(told)

    with _quiet(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(alone, plan))


@contextmanager
def _quiet() -> Iterator[None]:
    """One thread, and no warning that fewer papers are distinct than there are clusters: `_filled` sees to it.

    Warnings' filters belong to the process, so threads must not change them: only the main one does, around all of them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with warnings.catch_warnings(), _one_thread():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def predict(model: KMeans, points: NDArray[np.floating]) -> Labels:
    """Fit k-means on one thread and return each point's cluster."""
    with _quiet():
        return model.fit_predict(points).astype(np.int64)  # type: ignore[no-any-return]


def _filled(labels: Labels, k: int) -> Labels:
    """Give an empty cluster (of identical papers, say) one member of the largest, so that there are k."""
    for empty in np.setdiff1d(np.arange(k), labels):
        largest = np.bincount(labels, minlength=k).argmax()
        labels[np.flatnonzero(labels == largest)[-1]] = empty
    return labels
