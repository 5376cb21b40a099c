"""Change points: when did a subject's level shift for good?

The log-odds of a subject, adjusted for its sources, are freed from a straight line and from month-of-year effects, and
split into segments of constant mean by optimal partitioning: Killick, Fearnhead and Eckley, "Optimal detection of
changepoints with a linear computational cost", JASA 107 (2012), as the library `ruptures` does it (Truong, Oudre and
Vayatis, Signal Processing 167, 2020). Its penalty is chosen by simulation: series without any change, with as much
chance and as much correlated scatter as the corpus has, are treated the same way, and the penalty is what at most one
in twenty of them would have paid for its best split.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from kb.trends.adjusted import Adjusted
from kb.trends.noise import Noise, correlation

Floats = NDArray[np.float64]
FALSE_ALARMS = 0.05
SIMULATIONS = 2_000
MIN_PERIODS = {"month": 24, "year": 8}
MIN_SEGMENT = {"month": 6, "year": 3}


@dataclass(frozen=True, slots=True)
class Change:
    """A shift of level.

    Attributes:
        place: position in the corpus of the first period of the new level.
        ratio: odds after relative to odds before, with the straight line taken out.
    """

    place: int
    ratio: float


def changes(adjusted: Adjusted, noise: Noise, step: str) -> list[list[Change]]:
    """Return each subject's change points, oldest first; none where there are too few periods."""
    from ruptures import KernelCPD  # heavy, and only refresh and verify need it

    subjects, periods = adjusted.effect.shape
    if periods < MIN_PERIODS[step]:
        return [[] for _ in range(subjects)]
    design = _design(adjusted.places, step)
    chance = np.median(adjusted.error**2, axis=1)
    extra = noise.omega2 + noise.tau2
    level = np.sqrt(chance + extra)
    white = float(np.median(chance + noise.omega2) / np.median(chance + extra))
    price = penalty(adjusted.places, design, white, noise.rho, MIN_SEGMENT[step])
    found = []
    for row in range(subjects):
        flat = _without(adjusted.effect[row], design) / level[row]
        search = KernelCPD(kernel="linear", min_size=MIN_SEGMENT[step]).fit(flat.reshape(-1, 1))
        cuts = search.predict(pen=price)[:-1]
        found.append(_told(cuts, flat * level[row], adjusted.places))
    return found


def penalty(places: NDArray[np.int64], design: Floats, white: float, rho: float, least: int) -> float:
    """Return what a change must save, in units of the variance, so that at most one in twenty unchanged series shows one.

    Args:
        places: positions of the periods, shape (T,).
        design: what is taken out of a series first, shape (T, k).
        white: the part of the variance that is not correlated over periods.
        rho: the correlation of neighbouring periods in the rest.
        least: periods in a segment at least.
    """
    covariance = white * np.eye(len(places)) + (1 - white) * correlation(places, rho)
    factor = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(places)))
    drawn = np.random.default_rng(0).normal(size=(SIMULATIONS, len(places))) @ factor.T
    return float(np.quantile(_best_split(_without(drawn, design), least), 1 - FALSE_ALARMS))


def _best_split(series: Floats, least: int) -> Floats:
    """Return by how much the best single split lowers each series' sum of squares, shape (rows,)."""
    periods = series.shape[1]
    before = np.arange(least, periods - least + 1)
    total = series.sum(axis=1, keepdims=True)
    left = series.cumsum(axis=1)[:, before - 1]
    gain = left**2 / before + (total - left) ** 2 / (periods - before) - total**2 / periods
    return np.asarray(gain.max(axis=1))


def _design(places: NDArray[np.int64], step: str) -> Floats:
    """Columns: a constant, a straight line, and months but the first."""
    blocks = [np.ones((len(places), 1)), (places - places.mean())[:, None] / max(np.ptp(places), 1)]
    if step == "month":
        month = places % 12
        blocks.append(month[:, None] == np.unique(month)[None, 1:])
    return np.hstack([block.astype(np.float64) for block in blocks])


def _without(series: Floats, design: Floats) -> Floats:
    """Take the design's columns out of series (..., T) by least squares."""
    solved = cho_solve(cho_factor(design.T @ design), design.T @ np.atleast_2d(series).T)
    return np.asarray(series - (design @ solved).T.reshape(series.shape))


def _told(cuts: list[int], flat: Floats, places: NDArray[np.int64]) -> list[Change]:
    edges = [0, *cuts, len(flat)]
    means = [float(flat[start:stop].mean()) for start, stop in zip(edges, edges[1:], strict=False)]
    return [
        Change(int(places[cut]), float(np.exp(after - before)))
        for cut, before, after in zip(cuts, means, means[1:], strict=False)
    ]
