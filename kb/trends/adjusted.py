"""Counts by period and stratum -> one series a subject that composition does not move.

For every subject the log-odds that a paper belongs to it are taken as a constant for its stratum plus an effect of its
period. Periods are then compared as if every source had been there all the time; a venue that enters, leaves or doubles
its programme moves nothing. This is indirect standardisation with a logistic two-way model (Bishop, Fienberg and
Holland, "Discrete Multivariate Analysis", 1975, chapter 4), fitted for all subjects at once by cyclic Newton steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, logit

from kb.trends.series import Corpus, Series

Floats = NDArray[np.float64]
ROUNDS = 60
HALF_PAPER = 0.5
"""Every effect is held near its mean as if by the information of half a paper, so that a count of zero gives no log-odds
without bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """Series of S subjects over T periods, adjusted for their sources.

    Attributes:
        places: positions of the periods in the corpus, ascending, shape (T,).
        effect: log-odds of the share, shape (S, T).
        error: standard error that chance alone gives the effect, shape (S, T).
        share: what the subject's share would be if every period held the sources in the proportions of them all, shape (S, T).
        count: papers counted, shape (S, T); total: papers of the corpus counted, shape (T,).
    """

    places: NDArray[np.int64]
    effect: Floats
    error: Floats
    share: Floats
    count: NDArray[np.int64]
    total: NDArray[np.int64]


def adjust(series: Sequence[Series], corpus: Corpus, positions: Sequence[int], *, least_periods: int = 3) -> Adjusted | None:
    """Adjust subjects' series for the sources that their papers came from.

    Args:
        series: the subjects.
        corpus: what they are counted in.
        positions: the periods to use, ascending; those that share no source with the last one are left out.
        least_periods: a stratum in fewer of them takes no part.

    Returns:
        None where fewer than two periods are left.
    """
    places = np.array(positions, np.int64)
    if not len(places) or not series:
        return None
    totals = corpus.totals[places]
    lasting = (totals > 0).sum(axis=0) >= min(least_periods, len(places))
    places = places[_connected(totals[:, lasting] > 0)]
    totals = corpus.totals[places][:, lasting]
    if len(places) < 2:
        return None
    counts = np.stack([one.counts[places][:, lasting] for one in series]).astype(np.float64)
    n = totals.astype(np.float64)
    stratum, period = _two_way(counts, n)
    reference = n.sum(axis=0) / n.sum()
    shares = np.stack([(expit(stratum + period[:, [place]]) * reference).sum(axis=1) for place in range(len(places))], axis=1)
    effect = logit(np.clip(shares, 1e-9, 1 - 1e-9))
    expected = expit(stratum[:, None, :] + period[:, :, None])
    information = (n * expected * (1 - expected)).sum(axis=2)
    return Adjusted(
        places=places,
        effect=effect,
        error=1 / np.sqrt(np.maximum(information, 1e-9)),
        share=shares,
        count=counts.sum(axis=2).astype(np.int64),
        total=totals.sum(axis=1),
    )


def _connected(present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which periods are tied to the last one by sources in common."""
    if not present[-1].any():
        return np.zeros(len(present), np.bool_)
    links = csr_array(present.astype(np.int8) @ present.T.astype(np.int8))
    _, label = connected_components(links, directed=False)
    return np.asarray(label == label[-1])


def _two_way(k: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Fit log-odds = stratum + period for k (S, T, J) papers out of n (T, J); return shapes (S, J) and (S, T)."""
    overall = logit(np.clip(k.sum(axis=(1, 2)) / n.sum(), 1e-7, 1 - 1e-7))[:, None]
    stratum = np.repeat(overall, n.shape[1], axis=1)
    period = np.zeros(k.shape[:2])
    for _ in range(ROUNDS):
        change = 0.0
        for axis in (2, 1):
            expected = expit(stratum[:, None, :] + period[:, :, None])
            pull = period if axis == 2 else stratum - overall
            gap = (k - n * expected).sum(axis=axis) - HALF_PAPER * pull
            weight = (n * expected * (1 - expected)).sum(axis=axis) + HALF_PAPER
            move = np.clip(gap / weight, -1, 1)
            change = max(change, float(np.abs(move).max()))
            if axis == 2:
                period += move
            else:
                stratum += move
        if change < 1e-6:
            break
    middle = period.mean(axis=1, keepdims=True)
    return stratum + middle, period - middle
