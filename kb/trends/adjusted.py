"""Counts by period and stratum -> one series a subject that composition does not move.

For every subject the log-odds that a paper belongs to it are taken as a constant for its stratum plus an effect of its
period. Periods are then compared as if every source had been there all the time; a venue that enters, leaves or doubles
its programme moves nothing. This is indirect standardisation with a logistic two-way model (Bishop, Fienberg and
Holland, "Discrete Multivariate Analysis", 1975, chapter 4), fitted for all subjects at once by Newton's method. Where few
papers of the subject tie the periods before a change of sources to those after it, how the two compare is known poorly,
and `linkage` says how poorly.
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
ROUNDS = 50
HALF_PAPER = 0.5
"""Every effect is held near its mean as if by the information of half a paper, so that a count of zero gives no log-odds
without bound."""
NOTHING = 1e-3
"""Information that keeps a matrix from being singular and says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """Series of S subjects over T periods, adjusted for their sources.

    Attributes:
        places: positions of the periods in the corpus, ascending, shape (T,).
        effect: log-odds of the share, shape (S, T).
        error: standard error that chance alone gives the effect if the sources' levels were known, shape (S, T).
        linkage: a factor of the covariance of the effects that comes from not knowing those levels, shape (S, T, J) with
            J sources: `linkage @ linkage.T` of a subject; what all periods share is taken out.
        share: what the subject's share would be if every period held the sources in the proportions of them all, shape (S, T).
        count: papers counted, shape (S, T); total: papers of the corpus counted, shape (T,).
    """

    places: NDArray[np.int64]
    effect: Floats
    error: Floats
    linkage: Floats
    share: Floats
    count: NDArray[np.int64]
    total: NDArray[np.int64]

    @property
    def spread(self) -> Floats:
        """Standard error of the effect with the sources' levels unknown, shape (S, T)."""
        return np.asarray(np.sqrt(self.error**2 + (self.linkage**2).sum(axis=2)))


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
        linkage=_linkage(counts, n * expected * (1 - expected)),
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
    """Fit log-odds = stratum + period for k (S, T, J) papers out of n (T, J); return shapes (S, J) and (S, T).

    Both are solved for together, in a Newton step each: one after the other, they creep where few papers tie the periods
    before a change of sources to those after it, and the change would look like a shift of the subject.
    """
    overall = logit(np.clip(k.sum(axis=(1, 2)) / n.sum(), 1e-7, 1 - 1e-7))[:, None]
    stratum = np.repeat(overall, n.shape[1], axis=1)
    period = np.zeros(k.shape[:2])
    for _ in range(ROUNDS):
        expected = expit(stratum[:, None, :] + period[:, :, None])
        gap, weight = k - n * expected, n * expected * (1 - expected)
        pull_stratum = gap.sum(axis=1) - HALF_PAPER * (stratum - overall)
        pull_period = gap.sum(axis=2) - HALF_PAPER * period
        own = weight.sum(axis=2) + HALF_PAPER  # of each period
        schur = _schur(weight, own)
        right = pull_stratum - np.einsum("stj,st->sj", weight, pull_period / own)
        move = np.linalg.solve(schur, right[..., None])[..., 0]
        step = (pull_period - np.einsum("stj,sj->st", weight, move)) / own
        largest = np.maximum(np.abs(move).max(axis=1), np.abs(step).max(axis=1))[:, None]
        damped = np.minimum(1.0, 1.0 / np.maximum(largest, 1e-12))  # far from the optimum a full step overshoots
        stratum, period = stratum + damped * move, period + damped * step
        if largest.max() < 1e-6:
            break
    middle = period.mean(axis=1, keepdims=True)
    return stratum + middle, period - middle


def _schur(weight: Floats, own: Floats, held: float = HALF_PAPER) -> Floats:
    """Return the information on the strata once the periods are solved for, shape (S, J, J)."""
    strata = weight.sum(axis=1) + held
    crossed = np.einsum("stj,sti->sji", weight, weight / own[:, :, None])
    return np.asarray(np.eye(weight.shape[2]) * strata[:, None, :] - crossed)


def _linkage(k: Floats, weight: Floats) -> Floats:
    """Return the factor of the effects' covariance that comes from the strata; `weight` is the information, (S, T, J).

    Only what was counted speaks here: neither the half papers nor a source without any paper of the subject tie periods.
    """
    weight = weight * (k.sum(axis=1) > 0)[:, None, :]
    own = weight.sum(axis=2) + NOTHING
    covariance = np.linalg.inv(_schur(weight, own, NOTHING))
    factor = np.einsum("stj,sji->sti", weight / own[:, :, None], np.linalg.cholesky(covariance))
    return np.asarray(factor - factor.mean(axis=1, keepdims=True))
