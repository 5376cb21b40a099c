"""A map of papers: vectors -> places in the plane, where old papers stay when new ones come.

t-SNE (van der Maaten and Hinton, JMLR 9, 2008) by openTSNE, whose interpolation makes it linear in papers (Linderman et al.,
Nature Methods 16, 2019), begun at the principal axes so that it keeps the large shape (Kobak and Linderman, Nature Biotechnology
39, 2021). A map in the plane cannot keep 384 dimensions: `quality` says how much of the neighbourhoods it does keep.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.errors import StoreError

Places = NDArray[np.float32]
"""Of shape (papers, 2)."""
PERPLEXITY, DIMENSIONS = 30, 50
NEIGHBOURS = 15
LEAST = 3 * PERPLEXITY + 1
"""With fewer papers there is no map."""
GROWN = 2.0
"""When a map has grown by this factor it is drawn anew: what was placed between old papers would be most of it."""
SKELETON = 20_000
"""Papers that t-SNE places; those beyond stand amid their nearest, so that the time stays a minute or two."""
SAMPLE = 1_500


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where papers stand: their keys, and a place each; `drawn` is how many there were when it was drawn."""

    keys: tuple[str, ...]
    places: Places
    drawn: int


def arrange(keys: list[str], vectors: NDArray[np.float32], old: Layout | None = None, *, seed: int = 0) -> Layout | None:
    """Place papers; those that an old map has stay where they were.

    Args:
        keys: a name each, such as the hash of the text; equal ones share a place.
        vectors: unit-length, shape (n, d).
        old: the map before, if there is one.

    Returns:
        The papers' places in the order of `keys`, or None for fewer than `LEAST` papers.
    """
    if len(keys) < LEAST:
        return None
    known = {key: at for at, key in enumerate(old.keys)} if old else {}
    if old is None or len(keys) > GROWN * old.drawn or not known.keys() & set(keys):
        first = {key: at for at, key in reversed(list(enumerate(keys)))}  # papers of one text stand at one place, now and later
        return Layout(tuple(keys), _draw(keys, vectors, seed)[[first[key] for key in keys]], len(keys))
    has = np.array([key in known for key in keys])
    places = np.zeros((len(keys), 2), np.float32)
    places[has] = old.places[[known[key] for key in keys if key in known]]
    if not has.all():
        places[~has] = _between(vectors[~has], vectors[has], places[has])
    return Layout(tuple(keys), places, old.drawn)


def united(found: Layout, old: Layout | None, stored: Collection[str]) -> Layout:
    """Return a map with the places of papers that are only in the one before it, unless it was drawn anew since.

    So a look at an earlier run, which has fewer papers, takes no later paper's place away.

    Args:
        stored: the keys that the store still knows; of others, such as papers that were removed, nothing is kept.
    """
    if old is None or old.drawn != found.drawn:
        return found
    here = set(found.keys)
    gone = [at for at, key in enumerate(old.keys) if key not in here and key in stored]
    keys = (*found.keys, *(old.keys[at] for at in gone))
    return Layout(keys, np.concatenate([found.places, old.places[gone]]), old.drawn)


def _draw(keys: list[str], vectors: NDArray[np.float32], seed: int) -> Places:
    from openTSNE import TSNE  # heavy: a second, and only a new map needs it
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    chosen = np.sort(np.argsort(np.array(keys), kind="stable")[:SKELETON])  # keys are hashes: a sample, whatever the order
    with threadpool_limits(1):  # sums in one order, so that the same papers give the same map
        reduced = PCA(min(DIMENSIONS, vectors.shape[1]), random_state=seed).fit_transform(vectors[chosen])
        found = TSNE(perplexity=PERPLEXITY, neighbors="exact", n_jobs=1, random_state=seed).fit(reduced)
    places = np.empty((len(keys), 2), np.float32)
    places[chosen] = np.asarray(found, np.float32)
    others = np.setdiff1d(np.arange(len(keys)), chosen)
    places[others] = _between(vectors[others], vectors[chosen], places[chosen])
    return places


def _between(new: NDArray[np.float32], old: NDArray[np.float32], places: Places) -> Places:
    """Place each new paper amid its nearest old ones, at the mean of the middle half of them along each axis.

    No far neighbour pulls it away, as with the median; but at medians, which are old papers' own numbers, maps are striped.
    """
    from scipy.stats import trim_mean  # heavy

    found = np.empty((len(new), 2), np.float32)
    for start in range(0, len(new), 1_024):
        near = np.argpartition(-(new[start : start + 1_024] @ old.T), min(NEIGHBOURS, len(old)) - 1, axis=1)[:, :NEIGHBOURS]
        found[start : start + 1_024] = trim_mean(places[near], 0.25, axis=1)
    return found


def quality(vectors: NDArray[np.float32], places: Places, *, seed: int = 0) -> dict[str, float]:
    """Return how true a map is, over a sample of papers.

    Returns:
        "trustworthiness" (Venna and Kaski, ICANN 2001; 1: whoever are neighbours on the map are neighbours in truth) and "kept":
        the share of a paper's fifteen nearest that are among its fifteen nearest on the map.
    """
    from sklearn.manifold import trustworthiness  # heavy

    chosen = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:SAMPLE])
    size = min(NEIGHBOURS, len(vectors) - 1)
    kept = []
    for paper in chosen:
        true, drawn = vectors @ vectors[paper], -((places - places[paper]) ** 2).sum(axis=1)
        near = []
        for scores in (true, drawn):
            scores[paper] = -np.inf
            near.append(np.argpartition(-scores, size - 1)[:size])
        kept.append(len(np.intersect1d(near[0], near[1])) / size)
    told = trustworthiness(vectors[chosen], places[chosen], n_neighbors=min(NEIGHBOURS, len(chosen) // 2 - 1), metric="cosine")
    return {"trustworthiness": float(told), "kept": float(np.mean(kept)), "sample": len(chosen)}


def save(layout: Layout, path: Path) -> None:
    """Keep a map in a file.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(file, keys=np.array(layout.keys), places=layout.places, drawn=np.array(layout.drawn))
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", cure="Check who owns the folder") from None


def load(path: Path) -> Layout | None:
    """Return a map from its file, or None where there is none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            return Layout(tuple(kept["keys"].tolist()), kept["places"], int(kept["drawn"]))
    except (OSError, ValueError, KeyError):
        return None
