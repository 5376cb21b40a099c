"""Discovered clusters at three levels: every paper is placed, and the same papers give the same clusters.

The middle level is a consensus of many k-means runs (`kb.topics.consensus`), because one run on the same vectors depends on
its start and agrees less with people's labels (measured: `ARCHITECTURE.md`). Broad clusters unite middle ones, narrow ones
are parts of them. A refit starts from what exists.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, KMeans

from kb.topics.consensus import (
    Labels,
    Vectors,
    center,
    consensus,
    predict,
    side_by_side,
    stable_number,
    unit,
    views,
    votes,
)

__all__ = [
    "Clustering", "Labels", "Tree", "Vectors", "assign", "center", "fit", "fit_tree", "number_of_clusters", "place", "refit",
    "refit_tree", "weak_below",
]  # fmt: skip

EXPONENT = 0.362
"""Clusters grow with this power of the papers: themes grow with a field, but slower than its papers."""
SAMPLE = 8_000
"""Papers that the runs see: a choice for speed. With more the time grows, and two seeds agree a little better."""
WEAK = 0.05
"""Papers flagged as weakly placed when clusters are fitted: those farthest from their cluster's centroid."""
MARGIN = 0.10
"""A refit moves a paper only to a cluster whose centroid is nearer by this cosine: what fits stays."""


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """Clusters of n papers at one level.

    Attributes:
        labels: cluster number of each paper, shape (n,), 0 to k - 1, larger clusters first when fitted anew.
        strength: cosine of each paper with its cluster's centroid, 0 to 1, shape (n,).
        centroids: unit-length, shape (k, d), in the space of `center`ed vectors.
        mean: what was subtracted from every vector, shape (d,).
        parents: number of the cluster above each cluster, shape (k,); empty where there is no level above.
    """

    labels: Labels
    strength: NDArray[np.float32]
    centroids: Vectors
    mean: Vectors
    parents: Labels


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Broad clusters, the middle ones inside them (which trends and pages use), and the narrow ones inside those."""

    broad: Clustering
    middle: Clustering
    narrow: Clustering


def number_of_clusters(papers: int) -> int:
    """Return how many clusters a corpus's size suggests: about 5 in 100 papers, 17 in 2,500, 60 in 80,000."""
    return int(min(max(1, papers // 4), max(2, round(papers**EXPONENT))))


def fit(vectors: Vectors, texts: Sequence[str] | None = None, *, seed: int = 0, n_clusters: int | None = None) -> Clustering:
    """Cluster papers by their vectors and, if given, their words: the middle level.

    Args:
        vectors: unit-length, shape (n, d), n >= 1.
        texts: title and abstract of each paper; a view of their words then votes too.
        seed: the same seed, vectors and texts give the same clusters, with any number of threads.
        n_clusters: how many; None for the most stable number near `number_of_clusters(n)`.
    """
    return _fit(vectors, texts, seed, n_clusters)[0]


def fit_tree(vectors: Vectors, texts: Sequence[str] | None = None, *, seed: int = 0) -> Tree:
    """Cluster papers at three levels, of about 10, 60 and 300 clusters at 80,000 papers; see `fit`.

    The middle level is the consensus. Each broad cluster unites middle ones (Ward, "Hierarchical grouping to optimize
    an objective function", JASA 58, 1963); each narrow one is part of a middle one (k-means inside it). The numbers of
    all levels are chosen by stability, see `consensus.stable_number`.
    """
    middle, chosen = _fit(vectors, texts, seed, None)
    k = len(middle.centroids)
    broad = chosen(max(min(3, k), round(k / 6)))
    above = _ward(middle, min(broad, k))
    narrow = chosen(min(5 * k, len(vectors) // 8))
    return Tree(_united(vectors, middle, above), replace(middle, parents=above), _parts(vectors, middle, narrow, seed))


def _fit(
    vectors: Vectors, texts: Sequence[str] | None, seed: int, n_clusters: int | None
) -> tuple[Clustering, Callable[[int], int]]:
    n = len(vectors)
    mean = vectors.mean(axis=0)
    centred = center(vectors, mean)
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(n, SAMPLE, replace=False)) if n > SAMPLE else np.arange(n)
    sample = centred[chosen]
    suggested = min(n, n_clusters or number_of_clusters(n))
    cast = votes(views(sample, [texts[place] for place in chosen] if texts else None), suggested, random) if n > 1 else []

    def stable(near: int) -> int:
        return stable_number(cast, near, seed) if near > 1 and len(sample) >= 40 else near

    k = suggested if n_clusters else stable(suggested)
    found = consensus(cast, k, seed) if 1 < k < len(sample) else np.arange(len(sample)) % k
    labels, _ = assign(centred, _centroids(sample, found, k))
    labels[chosen] = found
    order = np.argsort(-np.bincount(labels, minlength=k), kind="stable")
    renumber = np.empty(k, np.int64)
    renumber[order] = np.arange(k)
    return _clustering(centred, renumber[labels], k, mean), stable


def assign(centred: Vectors, centroids: Vectors) -> tuple[Labels, NDArray[np.float32]]:
    """Return (nearest centroid, cosine with it) for each centred vector."""
    cosine = centred @ centroids.T
    labels = cosine.argmax(axis=1).astype(np.int64)
    return labels, np.clip(cosine.max(axis=1), 0, 1).astype(np.float32)


def weak_below(clustering: Clustering) -> NDArray[np.float32]:
    """Return for each cluster the strength below which a paper counts as weakly placed: the `WEAK` quantile of its own."""
    strengths = [clustering.strength[clustering.labels == number] for number in range(len(clustering.centroids))]
    return np.array([np.quantile(own, WEAK) if len(own) else 0.0 for own in strengths], np.float32)


# The levels above and below -------------------------------------------------------------------------------------


def _ward(middle: Clustering, k: int) -> Labels:
    """Unite middle clusters to k broad ones, numbered by their papers."""
    count = len(middle.centroids)
    if k >= count:
        return np.arange(count)
    found = AgglomerativeClustering(k).fit_predict(middle.centroids)
    sizes = np.bincount(found, weights=np.bincount(middle.labels, minlength=count), minlength=k)
    renumber = np.empty(k, np.int64)
    renumber[np.argsort(-sizes, kind="stable")] = np.arange(k)
    return np.asarray(renumber[found], np.int64)


def _united(vectors: Vectors, middle: Clustering, above: Labels) -> Clustering:
    return _clustering(center(vectors, middle.mean), above[middle.labels], int(above.max()) + 1, middle.mean)


def _parts(vectors: Vectors, middle: Clustering, count: int, seed: int) -> Clustering:
    """Split each middle cluster by k-means into parts, as many as its share of the papers."""
    centred = center(vectors, middle.mean)
    members = [np.flatnonzero(middle.labels == number) for number in range(len(middle.centroids))]

    def split(own: NDArray[np.int64]) -> Labels:
        k = max(1, min(round(count * len(own) / len(vectors)), len(own) // 4))
        return (
            predict(KMeans(k, n_init=3, max_iter=50, random_state=seed), centred[own]) if k > 1 else np.zeros(len(own), np.int64)
        )

    labels = np.zeros(len(vectors), np.int64)
    parents: list[int] = []
    for number, (own, parts) in enumerate(zip(members, side_by_side(split, members), strict=True)):
        names, dense = np.unique(parts, return_inverse=True)
        labels[own] = len(parents) + dense
        parents += [number] * len(names)
    level = _clustering(centred, labels, len(parents), middle.mean)
    return replace(level, parents=np.array(parents, np.int64))


# A refit --------------------------------------------------------------------------------------------------------


def place(vectors: Vectors, known: Tree, middle: Labels, narrow: Labels) -> Tree:
    """Assign new papers to clusters that exist.

    Args:
        vectors: unit-length, (n, d).
        known: the clusters; only their centroids, mean and parents are looked at.
        middle, narrow: each paper's clusters, -1 for a new paper.
    """
    centred = center(vectors, known.middle.mean)
    nearest, _ = assign(centred, known.middle.centroids)
    labels = np.where(middle >= 0, middle, nearest)
    inside = _inside(centred, known.narrow.centroids, known.narrow.parents, labels, narrow)
    return Tree(
        _told(centred, known.broad, known.middle.parents[labels]), _told(centred, known.middle, labels),
        _told(centred, known.narrow, inside),
    )  # fmt: skip


def _told(centred: Vectors, known: Clustering, labels: Labels) -> Clustering:
    return Clustering(labels, _strength(centred, known.centroids, labels), known.centroids, known.mean, known.parents)


def _inside(centred: Vectors, centroids: Vectors, parents: Labels, above: Labels, old: Labels) -> Labels:
    """Each paper's narrow cluster: its old one if that is inside its middle cluster `above`, else the nearest such."""
    cosine = centred @ centroids.T
    cosine[parents[None, :] != above[:, None]] = -2
    fits = (old >= 0) & (parents[np.maximum(old, 0)] == above)
    return np.asarray(np.where(fits, old, cosine.argmax(axis=1)), np.int64)


def refit_tree(vectors: Vectors, placed: Tree, *, growth: float = 1.0) -> Tree:
    """Bring clusters of all levels up to date, see `refit`. A broad or narrow cluster goes where most of it goes."""
    middle = refit(vectors, placed.middle.labels, growth=growth)
    centred = center(vectors, middle.mean)
    k = len(middle.centroids)
    above = _majority(middle.labels, placed.broad.labels, k)
    _, above = np.unique(above, return_inverse=True)
    count = len(placed.narrow.centroids)
    parents = _majority(placed.narrow.labels, middle.labels, count)
    start = placed.narrow.labels
    for childless in np.setdiff1d(np.arange(k), parents):
        start = np.where(middle.labels == childless, count, start)
        parents, count = np.append(parents, childless), count + 1
    narrow = _inside(centred, _centroids(centred, start, count), parents, middle.labels, start)
    names, narrow = np.unique(narrow, return_inverse=True)
    inside = _clustering(centred, narrow, len(names), middle.mean)
    broad = _clustering(centred, above[middle.labels], int(above.max()) + 1, middle.mean)
    return Tree(broad, replace(middle, parents=above), replace(inside, parents=parents[names]))


def _majority(of: Labels, among: Labels, k: int) -> Labels:
    """For each of k clusters, the number in `among` that most of its papers have."""
    shared = sp.csr_matrix((np.ones(len(of)), (of, among)), shape=(k, int(among.max()) + 1)).toarray()
    return np.asarray(shared.argmax(axis=1), np.int64)


def refit(vectors: Vectors, old: Labels, *, growth: float = 1.0, seed: int = 0) -> Clustering:
    """Bring middle clusters up to date: new centroids, papers moved where another cluster is clearly nearer, clusters
    that grew apart split and those that emptied dissolved.

    It starts from what exists (evolutionary clustering: Chakrabarti, Kumar and Tomkins, KDD 2006), because a fresh fit
    draws a third of all borders anew by chance alone.

    Args:
        vectors: unit-length, (n, d).
        old: each paper's cluster number; new papers were placed in the nearest.
        growth: papers now for each paper at the last fit; the number of clusters grows as in `number_of_clusters`.
    """
    mean = vectors.mean(axis=0)
    centred = center(vectors, mean)
    k = int(old.max()) + 1
    labels = old.copy()
    for _ in range(3):
        labels = _moved(centred, labels, _centroids(centred, labels, k))
    labels, k = _dissolved(centred, labels, k)
    wanted = int(k * max(1.0, growth) ** EXPONENT)
    while k < wanted:
        labels, k = _split(centred, labels, k, seed), k + 1
    return _clustering(centred, labels, k, mean)


def _moved(centred: Vectors, labels: Labels, centroids: Vectors) -> Labels:
    cosine = centred @ centroids.T
    nearest = cosine.argmax(axis=1)
    gain = cosine.max(axis=1) - cosine[np.arange(len(labels)), labels]
    return np.asarray(np.where(gain > MARGIN, nearest, labels), np.int64)


def _dissolved(centred: Vectors, labels: Labels, k: int) -> tuple[Labels, int]:
    """Give the papers of clusters that are nearly empty to the nearest other cluster, and number the rest 0 to k - 1."""
    sizes = np.bincount(labels, minlength=k)
    kept = np.flatnonzero(sizes >= max(2, len(labels) / (20 * k)))
    if len(kept) == k or not len(kept):
        return labels, k
    nearest, _ = assign(centred, _centroids(centred, labels, k)[kept])
    renumber = np.full(k, -1)
    renumber[kept] = np.arange(len(kept))
    return np.where(renumber[labels] >= 0, renumber[labels], nearest), len(kept)


def _split(centred: Vectors, labels: Labels, k: int, seed: int) -> Labels:
    """Split the cluster of the greatest spread in two; the smaller half gets number k."""
    centroids = _centroids(centred, labels, k)
    spread = np.bincount(labels, weights=1 - np.einsum("ij,ij->i", centred, centroids[labels]), minlength=k)
    own = np.flatnonzero(labels == spread.argmax())
    if len(own) < 2:
        return labels
    half = predict(KMeans(2, n_init=5, random_state=seed), centred[own])
    labels = labels.copy()
    labels[own[half == np.bincount(half, minlength=2).argmin()]] = k
    return labels


def _clustering(centred: Vectors, labels: Labels, k: int, mean: Vectors) -> Clustering:
    centroids = _centroids(centred, labels, k)
    return Clustering(labels, _strength(centred, centroids, labels), centroids, mean, np.zeros(0, np.int64))


def _strength(centred: Vectors, centroids: Vectors, labels: Labels) -> NDArray[np.float32]:
    return np.asarray(np.clip(np.einsum("ij,ij->i", centred, centroids[labels]), 0, 1), np.float32)


def _centroids(vectors: Vectors, labels: Labels, k: int) -> Vectors:
    member = sp.csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(k, len(labels)))
    return np.asarray(unit(member @ vectors.astype(np.float64)), np.float32)
