"""Names for clusters: class-based TF-IDF over words and word pairs.

c-TF-IDF: Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", arXiv:2203.05794.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

from kb.topics.clusters import Labels, Vectors

TERMS = 8
NAMED_BY = 3
_ACADEMIC = """
    abstract achieve achieves achieved addition address addressed addresses algorithm algorithms analysis approach
    approaches available based benchmark benchmarks best better case challenge challenges challenging code compared
    competitive conduct consider current data dataset datasets demonstrate demonstrates demonstrated develop developed
    different difficult effective effectively effectiveness efficient empirical empirically end evaluate evaluation existing
    experiment experimental experiments extensive finally framework general github given good high http https improve improved
    improves improvement including information introduce introduced introduces investigate issue key large learn learned
    learning leads like limited low main make making method methods model models new novel number obtain obtained outperform
    outperforms paper papers perform performance performed performs possible present presented presents previous problem
    problems propose proposed proposes prove provide provided provides real recent recently research result results
    set sets setting settings shown shows significant significantly simple simply single solution solve specific specifically
    standard state study studied studies superior system systems task tasks technique techniques terms test thus
    train trained training traditional type types understanding use used useful using utilize various way ways wide widely
    work works world years et al ieee arxiv com www art sota
"""
STOP_WORDS = frozenset(ENGLISH_STOP_WORDS) | frozenset(_ACADEMIC.split())
"""Words that every abstract uses; a name made of them would name nothing."""
_TOKEN = r"(?u)\b[a-zA-Z][a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*\b"


@dataclass(frozen=True, slots=True)
class ClusterLabel:
    """A cluster's name and the terms it was made of, strongest first. Letters, digits, hyphens and spaces only."""

    name: str
    terms: tuple[str, ...]


def label_clusters(texts: Sequence[str], labels: Labels, k: int) -> list[ClusterLabel]:
    """Name each of k clusters by the terms that set it apart.

    Args:
        texts: title and abstract of each paper.
        labels: each paper's cluster, 0 to k - 1.
    """
    counter = CountVectorizer(
        ngram_range=(1, 2), stop_words=sorted(STOP_WORDS), token_pattern=_TOKEN, min_df=min(3, max(1, len(texts) // 20)),
        max_features=60_000, binary=True, dtype=np.int32,
    )  # fmt: skip
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # nothing but stop words
        return [ClusterLabel("unnamed", ()) for _ in range(k)]
    vocabulary = counter.get_feature_names_out()
    member = sp.csr_matrix((np.ones(len(labels), np.int32), (labels, np.arange(len(labels)))), shape=(k, len(labels)))
    in_cluster = (member @ counts).toarray().astype(np.float64)
    sizes = np.maximum(in_cluster.sum(axis=1, keepdims=True), 1)
    rarity = np.log(1 + in_cluster.sum() / k / np.maximum(in_cluster.sum(axis=0), 1))
    pair = np.array([1.5 if " " in term else 1.0 for term in vocabulary])  # pairs are rarer and read better
    scores = in_cluster / sizes * rarity * pair
    return [_label(scores[number], vocabulary) for number in range(k)]


def _label(scores: NDArray[np.float64], vocabulary: NDArray[np.object_]) -> ClusterLabel:
    terms: list[str] = []
    for place in np.argsort(-scores, kind="stable")[:80]:
        term = str(vocabulary[place])
        if scores[place] <= 0 or len(terms) == TERMS:
            break
        if not any(_says_the_same(term, other) for other in terms):
            terms.append(term)
    return ClusterLabel(" · ".join(terms[:NAMED_BY]) or "unnamed", tuple(terms))


def _says_the_same(term: str, other: str) -> bool:
    """Whether two terms share a word, singular and plural being one."""
    words, others = ({word.rstrip("s")[:7] for word in text.replace("-", " ").split()} for text in (term, other))
    return bool(words & others)


def exemplars(centred: Vectors, labels: Labels, centroids: Vectors, count: int = 3) -> list[NDArray[np.int64]]:
    """Return for each cluster the positions of the papers nearest to its centroid, nearest first."""
    found = []
    for number, centroid in enumerate(centroids):
        members = np.flatnonzero(labels == number)
        nearest = np.argsort(-(centred[members] @ centroid), kind="stable")[:count]
        found.append(members[nearest])
    return found
