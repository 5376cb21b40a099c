"""Change points: when did a subject's level shift for good?

The log-odds of a subject, adjusted for its sources, follow a parabola and month-of-year effects. For every period it is
asked how much a lasting step from there on would explain besides, and the best step is kept if it explains more than
chance would: Quandt, JASA 55 (1960), and Andrews, "Tests for parameter instability and structural change with unknown
change point", Econometrica 61 (1993). Further steps are sought with the first ones in the model. The threshold (penalty)
is chosen by simulation: series without any step, with as much chance and as much correlated scatter as the corpus has,
are treated the same way, and one in twenty of them may show a step.

Step and course are fitted together. Segmenting a series that was freed from its course first (PELT of the library `ruptures`,
penalty from the best split of simulated series) finds more planted shifts, but shows one in two of five unchanged series of
independent noise: a bump in the middle costs it nothing, since the course has not taken part of it.

Where a large source ends and another begins, a step may be theirs: what it explains is divided by how much of its variance comes
from not knowing the sources' levels.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kb.trends.adjusted import Adjusted
from kb.trends.noise import Noise, correlation

Floats = NDArray[np.float64]
FALSE_ALARMS = 0.05
SIMULATIONS = 2_000
MOST = 3
LEAST_COUNT = 3
"""With fewer papers in the median period, log-odds are too skewed for the simulated threshold to hold."""
MIN_PERIODS = {"month": 36, "year": 12}
MIN_SEGMENT = {"month": 6, "year": 3}


@dataclass(frozen=True, slots=True)
class Change:
    """A shift of level.

    Attributes:
        place: position in the corpus of the first period of the new level.
        ratio: odds after relative to what the course before led to.
    """

    place: int
    ratio: float


def changes(adjusted: Adjusted, noise: Noise, step: str) -> list[list[Change]]:
    """Return each subject's change points, oldest first; none where there are too few periods or papers."""
    subjects, periods = adjusted.effect.shape
    found: list[list[Change]] = [[] for _ in range(subjects)]
    if periods < MIN_PERIODS[step]:
        return found
    extra = noise.omega2 + noise.tau2
    for row in np.flatnonzero(np.median(adjusted.count, axis=1) >= LEAST_COUNT):
        level = np.sqrt(adjusted.error[row] ** 2 + extra)
        white = round(float(np.mean((adjusted.error[row] ** 2 + noise.omega2) / level**2)), 1)
        price = threshold(tuple(adjusted.places.tolist()), step, white, noise.rho)
        found[row] = _steps(adjusted.effect[row], level, adjusted.linkage[row], adjusted.places, step, price)
    return found


@lru_cache(maxsize=64)
def threshold(places: tuple[int, ...], step: str, white: float, rho: float) -> float:
    """Return what a step must explain, in units of the variance, so that one in twenty series without any shows one.

    Args:
        places: positions of the periods.
        step: "month" or "year".
        white: the part of the variance that is not correlated over periods.
        rho: the correlation of neighbouring periods in the rest.
    """
    positions = np.array(places)
    covariance = white * np.eye(len(positions)) + (1 - white) * correlation(positions, rho)
    factor = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(positions)))
    drawn = np.random.default_rng(0).normal(size=(SIMULATIONS, len(positions))) @ factor.T
    gain = _gains(drawn, _design(positions, step), _candidates(len(positions), step))
    return float(np.quantile(gain.max(axis=1), 1 - FALSE_ALARMS))


def _steps(effect: Floats, level: Floats, linkage: Floats, places: NDArray[np.int64], step: str, price: float) -> list[Change]:
    """Add the best step to the model until the next one explains too little.

    Args:
        effect, level: log-odds and their standard deviation by period.
        linkage: see `Adjusted`: where sources change, a step may be theirs, and has to explain as much more.
    """
    design, candidates = _design(places, step) / level[:, None], _candidates(len(effect), step)
    least = MIN_SEGMENT[step]
    kept: list[int] = []
    for _ in range(MOST):
        gain = _gains((effect / level)[None], design, candidates / level)
        gain[0] *= _known(linkage / level[:, None], design, candidates / level)
        for place in kept:
            gain[0, np.abs(np.arange(least, len(effect) - least + 1) - place) < least] = 0
        best = int(gain[0].argmax())
        if gain[0, best] <= price:
            break
        kept.append(best + least)
        design = np.column_stack([design, candidates[best] / level])
    size = np.linalg.lstsq(design, effect / level, rcond=None)[0][design.shape[1] - len(kept) :]
    return [Change(int(places[place]), float(np.exp(jump))) for place, jump in sorted(zip(kept, size, strict=True))]


def _gains(series: Floats, design: Floats, steps: Floats) -> Floats:
    """Return how much each step lowers each series' sum of squares beside the design, shape (rows, steps)."""
    free = _free(design, steps)
    length = np.maximum((free**2).sum(axis=1), 1e-9)
    return np.asarray((series @ free.T) ** 2 / length)


def _known(linkage: Floats, design: Floats, steps: Floats) -> Floats:
    """Return for each step the part of its estimate's variance that does not come from unknown levels of sources, 0 to 1."""
    free = _free(design, steps)
    length = np.maximum((free**2).sum(axis=1), 1e-9)
    return np.asarray(1 / (1 + ((free @ linkage) ** 2).sum(axis=1) / length))


def _free(design: Floats, steps: Floats) -> Floats:
    """Return what of each step the design does not explain."""
    basis, _ = np.linalg.qr(design)
    return np.asarray(steps - (steps @ basis) @ basis.T)


def _candidates(periods: int, step: str) -> Floats:
    """Return every step that leaves enough periods on either side, shape (steps, T)."""
    least = MIN_SEGMENT[step]
    starts = np.arange(least, periods - least + 1)
    return (np.arange(periods)[None, :] >= starts[:, None]).astype(np.float64)


def _design(places: NDArray[np.int64], step: str) -> Floats:
    """Columns: a parabola, and months but the first."""
    time = (places - places.mean()) / max(np.ptp(places), 1)
    blocks = [np.vander(time, 3)]
    if step == "month":
        month = places % 12
        blocks.append(month[:, None] == np.unique(month)[None, 1:])
    return np.hstack([block.astype(np.float64) for block in blocks])
