"""Papers -> curated themes, several a paper or none.

A theme's score for a paper comes from two witnesses: how much nearer the paper's vector lies to the theme's description
than papers usually do (in standard deviations over the corpus, so that broad descriptions win nothing), and which of
the theme's cue phrases stand in the title or abstract. Either may be wrong alone; a paper is assigned when they agree
or one is loud.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.taxonomy import Theme

Vectors = NDArray[np.float32]

THRESHOLD = 0.5
TITLE_CUE, ABSTRACT_CUE, MOST_CUES = 1.8, 0.9, 3.0
"""Weights, in the same unit as a standard deviation of similarity."""
BIAS, SLOPE = 3.4, 1.6
MIN_SIMILARITY, MIN_SIMILARITY_ALONE = 0.15, 0.50
"""A paper whose vector says that it is about something else is not saved by a phrase; and a vector that nothing in the
words supports must be very near."""
_WORD = re.compile(r"[^\W_]+")
SPREAD_PAPERS = 1_000
"""Below this many papers the corpus's own spread of similarity is not used: a reading list is all about its themes."""
USUAL_MEAN, USUAL_SPREAD = 0.143, 0.089
"""Mean and spread of similarity between deep-learning abstracts and theme descriptions under MiniLM (42,735 abstracts)."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A theme given to a paper: its position, the theme's id, a score from 0 to 1, and the reason."""

    paper: int
    theme: str
    score: float
    why: str


def assign(
    vectors: Vectors,
    titles: Sequence[str],
    abstracts: Sequence[str],
    themes: Sequence[Theme],
    theme_vectors: Vectors,
    labels: Mapping[int, Sequence[str]],
) -> list[Assignment]:
    """Assign themes to papers.

    Args:
        vectors: of the papers, unit-length, (n, d).
        titles, abstracts: of the papers.
        theme_vectors: of the themes' descriptions, unit-length, (len(themes), d).
        labels: theme ids that an editor gave to papers, by position; they replace what would be computed.

    Returns:
        Assignments in order of paper, strongest theme first.
    """
    similarity = vectors @ theme_vectors.T
    mean, spread = np.full(len(themes), USUAL_MEAN), np.full(len(themes), USUAL_SPREAD)
    if len(vectors) >= SPREAD_PAPERS:
        mean, spread = similarity.mean(axis=0), np.maximum(similarity.std(axis=0), 1e-3)
    cues = cue_weights(titles, abstracts, themes)
    logit = SLOPE * ((similarity - mean) / spread + cues.weight - BIAS)
    score = 1 / (1 + np.exp(-logit))
    score[similarity < np.where(cues.weight > 0, MIN_SIMILARITY, MIN_SIMILARITY_ALONE)] = 0
    found = []
    for paper, theme in zip(*np.nonzero(score >= THRESHOLD), strict=True):
        if int(paper) not in labels:
            why = f"similarity {similarity[paper, theme]:.2f}"
            if phrases := cues.phrases.get((int(paper), int(theme))):
                why = f"says {', '.join(phrases[:3])}; {why}"
            found.append(Assignment(int(paper), themes[theme].id, round(float(score[paper, theme]), 4), why))
    for paper, given in labels.items():
        found += [Assignment(paper, theme, 1.0, "chosen by an editor") for theme in given]
    return sorted(found, key=lambda item: (item.paper, -item.score, item.theme))


@dataclass(frozen=True, slots=True)
class Cues:
    """What the phrases of themes say of texts: weights (texts, themes), and the phrases found at (text, theme)."""

    weight: NDArray[np.float32]
    phrases: dict[tuple[int, int], list[str]]


def cue_weights(titles: Sequence[str], abstracts: Sequence[str], themes: Sequence[Theme]) -> Cues:
    """Weigh the cue phrases that stand in titles and abstracts; a title's count double, and many count no more than a few."""
    by_start = _cues_by_first_word(themes)
    weight = np.zeros((len(titles), len(themes)), np.float32)
    phrases: dict[tuple[int, int], list[str]] = {}
    for paper, (title, abstract) in enumerate(zip(titles, abstracts, strict=True)):
        for text, value in ((title, TITLE_CUE), (abstract, ABSTRACT_CUE)):
            for cue, theme in _said(text, by_start):
                said = phrases.setdefault((paper, theme), [])
                if cue not in said:
                    said.append(cue)
                    weight[paper, theme] = min(MOST_CUES, weight[paper, theme] + value)
    return Cues(weight, phrases)


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
