"""Papers -> curated themes, several a paper or none, each with a calibrated probability.

Several witnesses speak for a theme: how near a paper's vector lies to the theme's description and to its cue phrases
(as such, and compared with the other themes), which cue phrases stand in its title and abstract, and how near it is to
works that editors have given the theme by hand. A logistic regression (Cox, "The regression analysis of binary
sequences", Journal of the Royal Statistical Society B 20, 1958) weighs the witnesses. Its weights are shared by all
themes, so a theme that was added yesterday is scored like the others; a theme with fewer than `FEWEST_LABELLED`
labelled works is scored by a second regression, which never looks at labelled works.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from kb.taxonomy import Theme

Vectors = NDArray[np.float32]
Flags = NDArray[np.bool_]
"""Of shape (works, themes): which work has which theme."""

THRESHOLD = 0.30
"""A theme is given from this probability on. F1 is at its best near half of the best F1 (Lipton et al.,
arXiv:1402.1892), which is 0.36 here; the weights lean to the low side because of the background, see `fit`."""
MIN_SIMILARITY = 0.10
"""A paper that lies farther than this from the description is not of the theme, whatever its words."""
BACKGROUND_WEIGHT = 0.3
FEWEST_LABELLED = 5
FEWEST_COMPARED = 8
USUAL_MEAN, USUAL_SPREAD = 0.143, 0.089
"""Mean and spread of similarity between deep-learning abstracts and theme descriptions under MiniLM (42,735 abstracts):
what a paper's similarities are compared with where a taxonomy has fewer themes than these."""
NEAREST = (5, 15)
SHOWN = 3
TITLE_CUE, ABSTRACT_CUE, MOST_CUES = 2.0, 1.0, 3.0
BLOCK = 4_096
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A theme given to a paper.

    Attributes:
        paper: the paper's position.
        theme: the theme's id.
        score: the probability that an editor would give it, 0 to 1; 1 where one did.
        why: the reason in words.
        phrases: the theme's cue phrases that stand in the paper.
        nearest: ids of the nearest works that have the theme by hand, nearest first.
    """

    paper: int
    theme: str
    score: float
    why: str
    phrases: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Works with themes by hand: ids, unit-length vectors (m, d), and flags (m, themes)."""

    ids: tuple[str, ...]
    vectors: Vectors
    flags: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Themes with unit-length vectors of their descriptions, (themes, d), and of each theme's cue phrases, (cues, d)."""

    themes: Sequence[Theme]
    vectors: Vectors
    cue_vectors: Sequence[Vectors]

    @classmethod
    def by(cls, encode: Any, themes: Sequence[Theme]) -> "Described":
        """Embed what the taxonomy says with `encode` (texts -> vectors)."""
        texts = [f"{theme.name}. {theme.description}" for theme in themes] + [cue for theme in themes for cue in theme.cues]
        vectors = encode(texts)
        ends = np.cumsum([len(theme.cues) for theme in themes])[:-1]
        return cls(themes, vectors[: len(themes)], np.split(vectors[len(themes) :], ends))


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Two fitted regressions over standardised witnesses: `full` looks at labelled works too, `plain` does not."""

    full: tuple[NDArray[np.float64], float]
    plain: tuple[NDArray[np.float64], float]


def fit(witnesses: NDArray[np.float32], flags: Flags, background: NDArray[np.float32] | None = None) -> Model:
    """Weigh witnesses by hand labels.

    Labelled works are all about some theme, most papers of a stream are about none: weights fitted on the former alone
    give two thirds of a stream's papers a theme that no word of theirs supports. So a background sample takes part: of
    unlabelled papers, a theme none of whose phrases stands in the paper counts as not given (learning from positive and
    unlabelled examples: Elkan and Noto, KDD 2008), at `BACKGROUND_WEIGHT`, since a few such are wrong.

    Args:
        witnesses: of labelled works, each left out of its own votes, (m, themes, `WITNESSES`).
        flags: their hand labels, (m, themes).
        background: witnesses of unlabelled papers, (n, themes, `WITNESSES`).
    """
    rows, truth, weight = witnesses.reshape(-1, witnesses.shape[-1]), flags.ravel(), np.ones(flags.size)
    if background is not None:
        unsaid = background[background[..., _SAID] == 0]
        rows, truth = np.vstack([rows, unsaid]), np.append(truth, np.zeros(len(unsaid), np.bool_))
        weight = np.append(weight, np.full(len(unsaid), BACKGROUND_WEIGHT))
    exact = rows.astype(np.float64)
    return Model(_regression(exact, truth, weight), _regression(exact[:, :PLAIN], truth, weight))


def _regression(rows: NDArray[np.float64], truth: Flags, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=1_000).fit((rows - mean) / spread, truth, sample_weight=weight)
    weights = model.coef_[0] / spread
    return weights, float(model.intercept_[0] - weights @ mean)


def packaged_model() -> Model:
    """Return the weights that ship with the package: fitted on the starter library's hand labels and 3,000 abstracts of
    arXiv and conferences as background.

    `tests/comparison/theme_weights.py` makes them anew; they belong to the default embedding model and serve for others.
    """
    told = json.loads((files("kb") / "data" / "theme_weights.json").read_text(encoding="utf-8"))
    return Model(*((np.array(told[name]["weights"]), float(told[name]["bias"])) for name in ("full", "plain")))


def probabilities(model: Model, witnesses: NDArray[np.float32], labelled: Flags) -> NDArray[np.float32]:
    """Return the probability of each theme for each paper, (n, themes)."""
    known = labelled.sum(axis=0) >= FEWEST_LABELLED
    full = witnesses @ model.full[0].astype(np.float32) + np.float32(model.full[1])
    plain = witnesses[..., :PLAIN] @ model.plain[0].astype(np.float32) + np.float32(model.plain[1])
    score = 1 / (1 + np.exp(-np.where(known, full, plain)))
    score[witnesses[..., _SIMILARITY] < MIN_SIMILARITY] = 0
    return score.astype(np.float32)


PLAIN = 7
WITNESSES = 13
_SIMILARITY, _SAID = 0, 2


def witnesses(
    vectors: Vectors, said: NDArray[np.float32], in_title: NDArray[np.float32], described: Described, labelled: Labelled,
    own: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:  # fmt: skip
    """Return what speaks for each theme of each paper, (n, themes, WITNESSES); the first `PLAIN` need no labelled works.

    Args:
        vectors: of the papers, unit-length, (n, d).
        said, in_title: weights of cue phrases in the whole paper and in its title, (n, themes).
        own: position of each paper among the labelled works, -1 for none: it has no vote on itself.
    """
    similarity = vectors @ described.vectors.T
    cue = np.stack([np.sort(vectors @ cues.T, axis=1)[:, -3:].mean(axis=1) for cues in described.cue_vectors], axis=1)
    plain = [similarity, _relative(similarity), said, in_title, cue, _relative(cue), _relative(similarity) * np.minimum(said, 2)]
    return np.stack([*plain, *_votes(vectors, labelled, own)], axis=-1).astype(np.float32)


def _votes(vectors: Vectors, labelled: Labelled, own: NDArray[np.int64] | None) -> list[NDArray[Any]]:
    """What labelled works say: the nearest 5 and 15 vote with squared similarity; mean of the three nearest that have
    the theme; similarity with the mean of all that have it. The latter two also compared with the other themes."""
    flags = labelled.flags.astype(np.float32)
    shape = (len(vectors), flags.shape[1])
    if not len(flags):
        return [np.zeros(shape, np.float32)] * (WITNESSES - PLAIN)
    similarity = vectors @ labelled.vectors.T
    sums: Any = flags.T @ labelled.vectors
    if own is not None:
        inside = np.flatnonzero(own >= 0)
        similarity[inside, own[inside]] = -1.0
        sums = np.repeat(sums[None], len(vectors), axis=0)
        sums[inside] -= flags[own[inside]][:, :, None] * vectors[inside][:, None]
        means = sums / np.maximum(np.linalg.norm(sums, axis=-1, keepdims=True), 1e-9)
        centre = np.einsum("ntd,nd->nt", means, vectors)
    else:
        centre = vectors @ (sums / np.maximum(np.linalg.norm(sums, axis=-1, keepdims=True), 1e-9)).T
    order = np.argsort(-similarity, axis=1, kind="stable")[:, : max(NEAREST)]
    weight = np.maximum(np.take_along_axis(similarity, order, axis=1), 0) ** 2
    votes = [np.einsum("nk,nkt->nt", weight[:, :k], flags[order[:, :k]]) / k for k in NEAREST]
    near = np.zeros(shape, np.float32)
    for theme in range(shape[1]):
        works = similarity[:, labelled.flags[:, theme]]
        if works.shape[1]:
            near[:, theme] = np.sort(works, axis=1)[:, -3:].mean(axis=1)
    return [*votes, centre, _relative(centre), near, _relative(near)]


def _relative(scores: NDArray[Any]) -> NDArray[Any]:
    """A paper's scores over the themes, in standard deviations from their mean."""
    if scores.shape[1] < FEWEST_COMPARED:
        return np.asarray(np.clip((scores - USUAL_MEAN) / USUAL_SPREAD, -2, 3))
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / np.maximum(scores.std(axis=1, keepdims=True), 1e-3))


def assign(
    vectors: Vectors,
    titles: Sequence[str],
    abstracts: Sequence[str],
    described: Described,
    labelled: Labelled,
    model: Model,
    given: Mapping[int, Sequence[str]],
) -> list[Assignment]:
    """Assign themes to papers.

    Args:
        vectors: of the papers, unit-length, (n, d).
        titles, abstracts: of the papers.
        given: theme ids that an editor gave to papers, by position; they replace what would be computed.

    Returns:
        Assignments in order of paper, surest theme first.
    """
    themes = described.themes
    found = [Assignment(paper, theme, 1.0, "chosen by an editor") for paper, names in given.items() for theme in names]
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        cues = cue_weights(titles[part], abstracts[part], themes)
        seen = witnesses(vectors[part], cues.weight, cues.in_title, described, labelled)
        score = probabilities(model, seen, labelled.flags)
        for row, theme in zip(*np.nonzero(score >= THRESHOLD), strict=True):
            paper = start + int(row)
            if paper not in given:
                phrases = tuple(cues.phrases.get((int(row), int(theme)), ())[:SHOWN])
                nearest = _nearest(vectors[paper], labelled, int(theme))
                found.append(
                    Assignment(
                        paper, themes[theme].id, round(float(score[row, theme]), 4),
                        _why(phrases, len(nearest), float(seen[row, theme, _SIMILARITY])), phrases, nearest,
                    )
                )  # fmt: skip
    return sorted(found, key=lambda item: (item.paper, -item.score, item.theme))


def _nearest(vector: Vectors, labelled: Labelled, theme: int) -> tuple[str, ...]:
    works = np.flatnonzero(labelled.flags[:, theme])
    order = np.argsort(-(labelled.vectors[works] @ vector), kind="stable")[:SHOWN]
    return tuple(labelled.ids[place] for place in works[order])


def _why(phrases: Sequence[str], works: int, similarity: float) -> str:
    reasons = [f"says {', '.join(phrases)}"] if phrases else []
    reasons.append(f"similarity {similarity:.2f}")
    return "; ".join(reasons if works else [*reasons, "no labelled works yet"])


@dataclass(frozen=True, slots=True)
class Cues:
    """What the phrases of themes say of texts: weights (texts, themes), as a whole and in titles, and the phrases found
    at (text, theme)."""

    weight: NDArray[np.float32]
    in_title: NDArray[np.float32]
    phrases: dict[tuple[int, int], list[str]]


def cue_weights(titles: Sequence[str], abstracts: Sequence[str], themes: Sequence[Theme]) -> Cues:
    """Weigh the cue phrases that stand in titles and abstracts; a title's count double, and many count no more than a few."""
    by_start = _cues_by_first_word(themes)
    weight, in_title = (np.zeros((len(titles), len(themes)), np.float32) for _ in range(2))
    phrases: dict[tuple[int, int], list[str]] = {}
    for paper, (title, abstract) in enumerate(zip(titles, abstracts, strict=True)):
        for text, value in ((title, TITLE_CUE), (abstract, ABSTRACT_CUE)):
            for cue, theme in _said(text, by_start):
                said = phrases.setdefault((paper, theme), [])
                if cue not in said:
                    said.append(cue)
                    weight[paper, theme] = min(MOST_CUES, weight[paper, theme] + value)
                    in_title[paper, theme] = max(in_title[paper, theme], value == TITLE_CUE)
    return Cues(weight, in_title, phrases)


_Starts = Mapping[str, Sequence[tuple[tuple[str, ...], str, int]]]


def _cues_by_first_word(themes: Sequence[Theme]) -> _Starts:
    """Index every cue phrase, in singular and plural, as (its words, the cue, the theme's number) by its first word."""
    found: dict[str, list[tuple[tuple[str, ...], str, int]]] = {}
    for number, theme in enumerate(themes):
        for cue in theme.cues:
            words = tuple(_WORD.findall(cue.lower()))
            for ending in ("", "s", "es"):
                spelt = (*words[:-1], words[-1] + ending)
                found.setdefault(spelt[0], []).append((spelt, " ".join(words), number))
    return found


def _said(text: str, by_start: _Starts) -> list[tuple[str, int]]:
    """Return the (cue, theme's number) pairs that stand in a text, in order."""
    words = _WORD.findall(text.lower())
    return list(
        dict.fromkeys(
            (cue, theme)
            for place, word in enumerate(words)
            for spelt, cue, theme in by_start.get(word, ())
            if tuple(words[place : place + len(spelt)]) == spelt
        )
    )
