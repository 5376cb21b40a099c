"""Discovered clusters: every paper is placed, and the same papers give the same clusters.

A consensus of many k-means runs: each run, with its own number of clusters and start, says which papers go together;
the runs' membership matrices, each column scaled by its cluster's size, are reduced by a truncated SVD, and k-means in
that space gives the clusters. Strehl and Ghosh, "Cluster ensembles", JMLR 3 (2002); the scaled membership matrix is the
spectral form of Liu et al., "Spectral ensemble clustering", KDD 2015. One k-means run on the same vectors depends on
its start and agrees less with people's labels (measured: `ARCHITECTURE.md`).
"""

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]

RUNS = 60
SAMPLE = 12_000
"""Papers that the runs see; beyond that the time would grow and the clusters would not change much."""


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """Clusters of n papers.

    Attributes:
        labels: cluster number of each paper, shape (n,), 0 to k - 1, larger clusters first.
        strength: cosine of each paper with its cluster's centroid, 0 to 1, shape (n,).
        centroids: unit-length, shape (k, d), in the space of `center`ed vectors.
        mean: what was subtracted from every vector, shape (d,).
    """

    labels: Labels
    strength: NDArray[np.float32]
    centroids: Vectors
    mean: Vectors


def number_of_clusters(papers: int) -> int:
    """Return how many clusters to look for: about 5 in 100 papers, 17 in 2,500, 60 in 80,000.

    A slow power of the corpus's size: themes grow with a field, but slower than its papers.
    """
    return int(min(max(1, papers // 4), max(2, round(papers**0.362))))


def fit(vectors: Vectors, *, seed: int = 0, n_clusters: int | None = None) -> Clustering:
    """Cluster papers by their vectors.

    Args:
        vectors: unit-length, shape (n, d), n >= 1.
        seed: the same seed and vectors give the same clusters.
        n_clusters: how many; None for `number_of_clusters(n)`.
    """
    n = len(vectors)
    k = min(n, n_clusters or number_of_clusters(n))
    mean = vectors.mean(axis=0)
    centred = center(vectors, mean)
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(n, SAMPLE, replace=False)) if n > SAMPLE else np.arange(n)
    sample = centred[chosen]
    found = _consensus(sample, k, random) if 1 < k < len(sample) else np.arange(len(sample)) % k
    centroids = _centroids(sample, found, k)
    labels, _ = assign(centred, centroids)
    labels[chosen] = found
    order = np.argsort(-np.bincount(labels, minlength=k), kind="stable")
    renumber = np.empty(k, np.int64)
    renumber[order] = np.arange(k)
    labels = renumber[labels]
    centroids = _centroids(centred, labels, k)
    strength = np.clip(np.einsum("ij,ij->i", centred, centroids[labels]), 0, 1).astype(np.float32)
    return Clustering(labels, strength, centroids, mean)


def center(vectors: Vectors, mean: Vectors) -> Vectors:
    """Return vectors without what all papers share, at unit length again."""
    moved = vectors - mean
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)  # type: ignore[no-any-return]


def assign(centred: Vectors, centroids: Vectors) -> tuple[Labels, NDArray[np.float32]]:
    """Return (nearest centroid, cosine with it) for each centred vector."""
    cosine = centred @ centroids.T
    labels = cosine.argmax(axis=1).astype(np.int64)
    return labels, np.clip(cosine.max(axis=1), 0, 1).astype(np.float32)


def _consensus(vectors: Vectors, k: int, random: np.random.Generator) -> Labels:
    columns = []
    rows = np.arange(len(vectors))
    low, high = max(2, round(1.2 * k)), max(3, round(3.5 * k))
    for _ in range(RUNS):
        size = min(len(vectors), int(random.integers(low, high + 1)))
        labels = _member(vectors, size, random)
        weight = 1 / np.sqrt(np.maximum(np.bincount(labels, minlength=size), 1))
        columns.append(sp.csr_matrix((weight[labels], (rows, labels)), shape=(len(vectors), size)))
    together = sp.hstack(columns).tocsr()
    width = min(max(2, k), min(together.shape) - 1)
    space = TruncatedSVD(width, random_state=int(random.integers(2**31))).fit_transform(together)
    space /= np.maximum(np.linalg.norm(space, axis=1, keepdims=True), 1e-9)
    return _filled(_final(space, k, random), k)


def _member(points: Vectors, k: int, random: np.random.Generator) -> Labels:
    """One run that votes: a random start and ten rounds (more care takes four times as long and changes nothing)."""
    return _predict(KMeans(k, init="random", n_init=1, max_iter=10, random_state=int(random.integers(2**31))), points)


def _final(points: NDArray[np.floating], k: int, random: np.random.Generator) -> Labels:
    return _predict(KMeans(k, n_init=10, max_iter=100, random_state=int(random.integers(2**31))), points)


def _predict(model: KMeans, points: NDArray[np.floating]) -> Labels:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct papers than clusters: `_filled` sees to it
        return model.fit_predict(points).astype(np.int64)  # type: ignore[no-any-return]


def _filled(labels: Labels, k: int) -> Labels:
    """Give an empty cluster (of identical papers, say) one member of the largest, so that there are k."""
    for empty in np.setdiff1d(np.arange(k), labels):
        largest = np.bincount(labels, minlength=k).argmax()
        labels[np.flatnonzero(labels == largest)[-1]] = empty
    return labels


def _centroids(vectors: Vectors, labels: Labels, k: int) -> Vectors:
    sums = np.zeros((k, vectors.shape[1]), np.float64)
    np.add.at(sums, labels, vectors)
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return (sums / lengths).astype(np.float32)  # type: ignore[no-any-return]
