"""Names for clusters: noun phrases that stand in titles, and the terms that set a cluster apart.

Terms are words and word pairs by class-based TF-IDF: Grootendorst, "BERTopic: Neural topic modeling with a class-based
TF-IDF procedure", arXiv:2203.05794. A name is a phrase that stands in the titles of the cluster's papers, chosen by its
class-based TF-IDF and by its closeness to the cluster's centroid in the embedding (as KeyBERT does for one document).
Phrases are cut at punctuation, function words and verbs, without a tagger.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

from kb.topics.clusters import Labels, Vectors, center

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
_VERBS = frozenset(
    """
    via using towards toward through improving improve exploring explore rethinking revisiting leveraging enhancing beyond
    does do can is are be was should need meets meet makes make let look see go know what why how when where which who
    whether without within under over between across against by as at to from into onto than and or but not no yes the a
    an its their our your you we it this that these those all more less better faster one two three first new novel simple
    unified towards efficient effective improved scalable robust fast general generalized case study survey review overview
    introduction tutorial perspective report challenge challenges approach approaches framework method methods analysis
    comparison evaluating evaluation understanding investigating predicting application applications based driven aware
    guided and/or vs versus per with on about up out if so good bad great right wrong
    """.split()
)
_JOINTS = frozenset({"for", "of", "in"})
_PIECE = re.compile(r"[^\W_]+(?:-[^\W_]+)*|[^\w\s-]|_")
CANDIDATES = 16
LONGEST = 4
_TOKEN = r"(?u)\b[a-zA-Z][a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*\b"


@dataclass(frozen=True, slots=True)
class ClusterLabel:
    """A cluster's name and the terms it was made of, strongest first. Letters, digits, hyphens and spaces only."""

    name: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Which terms stand in which text: counts of 0 or 1, shape (texts, terms), and the terms."""

    counts: sp.csr_matrix
    vocabulary: NDArray[np.object_]


def count_terms(texts: Sequence[str]) -> Terms:
    """Find words and word pairs in texts (title and abstract), those aside that every abstract uses."""
    counter = CountVectorizer(
        ngram_range=(1, 2), stop_words=sorted(STOP_WORDS), token_pattern=_TOKEN, min_df=min(3, max(1, len(texts) // 20)),
        max_features=60_000, binary=True, dtype=np.int32,
    )  # fmt: skip
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # nothing but stop words
        return Terms(sp.csr_matrix((len(texts), 0), dtype=np.int32), np.zeros(0, object))
    return Terms(counts, counter.get_feature_names_out())


def label_clusters(terms: Terms, labels: Labels, k: int) -> list[ClusterLabel]:
    """Describe each of k clusters by the terms that set it apart.

    Args:
        terms: of the papers' texts.
        labels: each paper's cluster, 0 to k - 1.
    """
    if not len(terms.vocabulary):
        return [ClusterLabel("unnamed", ()) for _ in range(k)]
    member = sp.csr_matrix((np.ones(len(labels), np.int32), (labels, np.arange(len(labels)))), shape=(k, len(labels)))
    in_cluster = (member @ terms.counts).toarray().astype(np.float64)
    sizes = np.maximum(in_cluster.sum(axis=1, keepdims=True), 1)
    rarity = np.log(1 + in_cluster.sum() / k / np.maximum(in_cluster.sum(axis=0), 1))
    pair = np.array([1.5 if " " in term else 1.0 for term in terms.vocabulary])  # pairs are rarer and read better
    scores = in_cluster / sizes * rarity * pair
    return [_label(scores[number], terms.vocabulary) for number in range(k)]


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


def name_clusters(
    titles: Sequence[str],
    labels: Labels,
    centroids: Vectors,
    encode: Callable[[list[str]], Vectors],
    mean: Vectors,
    wanted: Iterable[int],
    taken: Iterable[str] = (),
) -> dict[int, str]:
    """Choose for each wanted cluster a phrase from its titles that no other cluster bears.

    Args:
        titles: of the papers.
        labels: each paper's cluster, 0 to k - 1.
        centroids: (k, d), of centred vectors; `mean`: what was subtracted.
        encode: texts -> unit-length vectors.
        wanted: the clusters that need a name.
        taken: names that are in use.

    Returns:
        Cluster -> name; a cluster in whose titles no phrase recurs is left out.
    """
    chosen = list(wanted)
    counts, spelling, everywhere = _phrases(titles, labels, len(centroids))
    sizes = np.bincount(labels, minlength=len(centroids))
    likely = {number: _likely(counts[number], everywhere, int(sizes[number]), len(titles)) for number in chosen}
    phrases = sorted({phrase for found in likely.values() for phrase, _ in found})
    if not phrases:
        return {}
    spelt = {phrase: spelling[phrase].most_common(1)[0][0] for phrase in phrases}
    vectors = center(encode([spelt[phrase] for phrase in phrases]), mean)
    place = {phrase: number for number, phrase in enumerate(phrases)}
    used = {_key(name) for name in taken}
    names: dict[int, str] = {}
    for number in sorted(chosen, key=lambda one: (-sizes[one], one)):
        scored = [
            (weight * max(0.05, float(vectors[place[phrase]] @ centroids[number])), phrase) for phrase, weight in likely[number]
        ]
        for _, phrase in sorted(scored, key=lambda pair: (-pair[0], pair[1])):
            if phrase not in used:
                used.add(phrase)
                names[number] = spelt[phrase]
                break
    return names


def _phrases(titles: Sequence[str], labels: Labels, k: int) -> tuple[list[Counter[str]], dict[str, Counter[str]], Counter[str]]:
    """Return (phrase counts of each cluster, how each phrase is spelt, counts over all)."""
    counts: list[Counter[str]] = [Counter() for _ in range(k)]
    spelling: dict[str, Counter[str]] = {}
    everywhere: Counter[str] = Counter()
    for title, label in zip(titles, labels.tolist(), strict=True):
        for phrase, spelt in {_key(found): found for found in noun_phrases(title)}.items():
            counts[label][phrase] += 1
            everywhere[phrase] += 1
            spelling.setdefault(phrase, Counter())[spelt] += 1
    return counts, spelling, everywhere


def _likely(counts: Counter[str], everywhere: Counter[str], size: int, total: int) -> list[tuple[str, float]]:
    """The best candidates of one cluster by class-based TF-IDF, as (phrase, weight)."""
    least = 2 if size < 200 else 3
    scored = []
    for phrase, count in counts.items():
        words = phrase.count(" ") + 1
        if count >= least and (words > 1 or "-" in phrase):
            lift = np.log(1 + (count / size) / (everywhere[phrase] / total))
            scored.append((float(np.sqrt(count / size) * lift * (1.15 if words in (2, 3, 4) else 0.9)), phrase))
    return [(phrase, weight) for weight, phrase in sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:CANDIDATES]]


def noun_phrases(title: str) -> Iterator[str]:
    """Yield the phrases of a title that may name a topic: runs of words between function words and punctuation, their
    endings, and two of them joined by "for", "of" or "in". Words are in lower case but for acronyms and the like."""
    runs: list[list[str]] = [[]]
    joints: list[str] = [""]
    for piece in _PIECE.findall(title):
        low = piece.lower()
        if not piece[0].isalnum() or low in _VERBS or low in _JOINTS or low in _SMALL:
            if runs[-1] or low not in _JOINTS:
                runs.append([])
                joints.append(low if low in _JOINTS else "")
        else:
            runs[-1].append(piece if _keeps_case(piece) else low)
    for number, run in enumerate(runs):
        if len(run) > 1 and run[0].endswith("ing") and number == 0:
            run = run[1:]  # "Learning deep features": a verb
        yield from (" ".join(run[start:]) for start in range(max(0, len(run) - LONGEST), len(run)))
        before = runs[number - 1] if number else []
        if run and before and joints[number] and len(run) + len(before) <= LONGEST:
            yield " ".join([*before, joints[number], *run])


_SMALL = frozenset(ENGLISH_STOP_WORDS) - {"fire", "system", "bill", "computer", "interest", "find", "show", "move", "back"}


def _keeps_case(word: str) -> bool:
    """Whether a word is an acronym or a name with capitals inside, such as GAN, LoRA or 3D."""
    return sum(letter.isupper() for letter in word.split("-")[0]) >= 2 or (word[0].isdigit() and len(word) < 4)


def _key(phrase: str) -> str:
    """What two spellings of a phrase share: lower case, hyphens as spaces, the last word in the singular."""
    words = phrase.lower().replace("-", " ").split()
    if words and words[-1].endswith("s") and not words[-1].endswith(("ss", "us", "is")):
        words[-1] = words[-1][:-1]
    return " ".join(words)


def exemplars(centred: Vectors, labels: Labels, centroids: Vectors, count: int = 3) -> list[NDArray[np.int64]]:
    """Return for each cluster the positions of the papers nearest to its centroid, nearest first."""
    found = []
    for number, centroid in enumerate(centroids):
        members = np.flatnonzero(labels == number)
        nearest = np.argsort(-(centred[members] @ centroid), kind="stable")[:count]
        found.append(members[nearest])
    return found
