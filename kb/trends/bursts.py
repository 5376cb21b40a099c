"""When was a subject far more in fashion than usual?

Kleinberg, "Bursty and hierarchical structure in streams", KDD 2002, section 4: an automaton of two states reads batches
of papers. In the lower state a paper is about the subject with its usual probability, in the upper state with twice
that; entering the upper state costs `GAMMA * ln T`. The cheapest path (Viterbi) tells the bursts, and what a burst
saves against staying low is its weight. Three things are added for real counts: shares are adjusted for the sources, so
a venue that enters makes no burst; what is usual follows the subject's own long course (a parabola through its
log-odds), so steady growth makes none; and log-likelihoods are divided by the dispersion of the counts
(quasi-likelihood), so scatter beyond chance makes none either.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from kb.trends.adjusted import Adjusted

Floats = NDArray[np.float64]
TIMES = 2.0
GAMMA = 1.0
ROBUST_ROUNDS = 5
LEAST_COUNT = 1
"""A subject that most periods know no paper of has no usual share to burst from."""
MIN_PERIODS = 12
"""In fewer periods a course and a departure from it cannot be told apart."""
LEAST_WEIGHT = 6.0
"""Bursts that save less than this (in log-likelihood) are noise; the benchmark `trends` measures how many false ones stay."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A run of periods in the upper state.

    Attributes:
        first, last: positions of its periods in the corpus.
        times: share within it relative to the subject's usual share then.
        weight: log-likelihood saved.
        open: whether it reaches the newest period.
    """

    first: int
    last: int
    times: float
    weight: float
    open: bool


def bursts(adjusted: Adjusted, extra: float) -> list[list[Burst]]:
    """Return each subject's bursts, oldest first.

    Args:
        adjusted: series adjusted for their sources.
        extra: variance of the log-odds beyond chance, common to all subjects.
    """
    if len(adjusted.places) < MIN_PERIODS:
        return [[] for _ in adjusted.effect]
    usual = expit(_course(adjusted))
    raised = np.minimum(TIMES * usual, 0.5 + usual / 2)
    share = expit(adjusted.effect)
    information = 1 / adjusted.spread**2
    papers = information / (share * (1 - share))  # that would give this error at this share
    dispersion = 1 + information * extra
    gain = papers * (share * np.log(raised / usual) + (1 - share) * np.log((1 - raised) / (1 - usual))) / dispersion
    gain[np.median(adjusted.count, axis=1) < LEAST_COUNT] = -1.0
    states = _cheapest(gain, GAMMA * np.log(max(gain.shape[1], 2)))
    return [_runs(states[row], gain[row], share[row] / usual[row], adjusted.places) for row in range(len(gain))]


def _course(adjusted: Adjusted) -> Floats:
    """Fit a parabola to each subject's log-odds, weighted by their precision and little moved by a few high periods."""
    time = np.linspace(-1, 1, len(adjusted.places))
    design = np.vander(time, 3)
    course = np.empty_like(adjusted.effect)
    for row, (effect, error) in enumerate(zip(adjusted.effect, adjusted.spread, strict=True)):
        weight = 1 / (error**2 + np.median(error) ** 2)
        for _ in range(ROBUST_ROUNDS):
            root = np.sqrt(weight)[:, None]
            course[row] = design @ np.linalg.lstsq(design * root, effect * root[:, 0], rcond=None)[0]
            off = np.abs(effect - course[row])
            reach = 1.5 * max(float(np.median(off)) / 0.6745, 1e-6)
            weight = np.minimum(1.0, reach / np.maximum(off, 1e-9)) / (error**2 + np.median(error) ** 2)  # Huber's
    return course


def _cheapest(gain: Floats, price: float) -> NDArray[np.bool_]:
    """Viterbi over two states for all subjects at once; `gain` is what the upper state saves in a period, shape (S, T)."""
    subjects, periods = gain.shape
    low, high = np.zeros(subjects), np.full(subjects, -np.inf)  # before the first period everything is low
    came_high = np.zeros((2, subjects, periods), np.bool_)  # for each state, whether the former state was high
    for period in range(periods):
        came_high[0, :, period] = high > low  # leaving costs nothing
        came_high[1, :, period] = high > low - price
        low, high = np.maximum(low, high), np.maximum(high, low - price) + gain[:, period]
    states = np.zeros((subjects, periods), np.bool_)
    state = high > low
    for period in range(periods - 1, -1, -1):
        states[:, period] = state
        state = np.where(state, came_high[1, :, period], came_high[0, :, period])
    return states


def _runs(states: NDArray[np.bool_], gain: Floats, times: Floats, places: NDArray[np.int64]) -> list[Burst]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], states.astype(np.int8), [0]])))
    found = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        weight = float(gain[start:stop].sum())
        if weight >= LEAST_WEIGHT:
            ratio = float(np.exp(np.log(times[start:stop]).mean()))
            found.append(Burst(int(places[start]), int(places[stop - 1]), ratio, weight, bool(stop == len(states))))
    return found
