"""How much do shares scatter beyond chance, and do neighbouring periods scatter together?

Counts of papers scatter more than a binomial says: a venue's year has a taste of its own, and a month's excitement
touches every source and lasts into the next. An interval that ignores this is too narrow. The scatter of the log-odds
of a subject in stratum j and period p is modelled as

    chance (binomial)  +  cell effect, variance omega2  +  period effect, variance tau2, correlated rho ** |p - q|

The three numbers are estimated once, over all subjects of the corpus, by the method of moments: the observed sums of
squares and of neighbouring products of residuals are set equal to their exact expectations, so that the loss of
freedom by fitting a line to few periods is accounted for. Extra-binomial variation on the logit scale: Williams,
"Extra-binomial variation in logistic linear models", Applied Statistics 31 (1982). Each subject then has a scale of
its own, moderated towards the others' as a subject's few periods tell little about it: Smyth, "Linear models and
empirical Bayes methods for assessing differential expression", SAGMB 3 (2004), section 6.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, nnls
from scipy.special import digamma, polygamma

Floats = NDArray[np.float64]
CORRELATIONS = tuple(round(0.05 * step, 2) for step in range(19))
DEGREE, YEARS_A_BEND = 2, 8
"""Scatter is measured about a curve of this degree, and one more for so many years: that a trend bends is no noise."""
FEW_PERIODS, ASSUMED = 24, 0.7
"""So few periods cannot tell how neighbours correlate: then this correlation is assumed, and only variances are estimated."""
MAX_LAG = 6
MAX_POOL = 80
MIN_POOL = 10
"""With fewer subjects, a subject's scale is its own and is not moderated."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The common structure of the scatter: variances on the logit scale, and the correlation of neighbouring periods."""

    omega2: float = 0.0
    tau2: float = 0.0
    rho: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """What one subject's regression tells of the scatter; T periods used, z residuals on the logit scale.

    Attributes:
        sums: standardised residual of each period, weighted over its strata, shape (T,).
        square: sum of the cells' squared standardised residuals, cells that expect less than a paper counting less.
        places: position of each period, shape (T,).
        chance, cell: covariance of `sums` that chance, and a cell effect of variance 1, would give, shape (T, T).
        loading: (T, T), so that a period effect of covariance R gives `sums` the covariance loading R loading'.
        square_chance, square_cell: expectation of `square` under each of the two.
        square_period: (T, T), so that a period effect of covariance R adds trace(R square_period) to it.
        slope_chance, slope_cell: the slope's variance under each of the two.
        slope_period: (T,), so that a period effect of covariance R gives the slope the variance slope_period' R slope_period.
        replicated: whether any period has several strata, without which cell and period effects cannot be told apart.
    """

    sums: Floats
    square: float
    places: NDArray[np.int64]
    chance: Floats
    cell: Floats
    loading: Floats
    square_chance: float
    square_cell: float
    square_period: Floats
    slope_chance: float
    slope_cell: float
    slope_period: Floats
    replicated: bool

    def covariance(self, noise: Noise) -> Floats:
        """Return the covariance of `sums` under a structure of the scatter."""
        shock = self.loading @ correlation(self.places, noise.rho) @ self.loading.T
        return np.asarray(self.chance + noise.omega2 * self.cell + noise.tau2 * shock)

    def slope_variance(self, noise: Noise) -> float:
        """Return the slope's variance under a structure of the scatter."""
        shock = float(self.slope_period @ correlation(self.places, noise.rho) @ self.slope_period)
        return self.slope_chance + noise.omega2 * self.slope_cell + noise.tau2 * shock


def correlation(places: NDArray[np.int64], rho: float) -> Floats:
    """Return the correlation of period effects: rho to the power of the distance."""
    distance = np.abs(places[:, None] - places[None, :])
    return np.asarray(np.power(float(rho), distance), np.float64)  # 0 ** 0 is 1


def residuals(
    z: Floats, w: Floats, chance: Floats, design: Floats, rows: NDArray[np.int64], places: NDArray[np.int64]
) -> Residuals:
    """Take a weighted regression apart by periods.

    Args:
        z: residuals on the logit scale, one a cell, shape (N,).
        w: the weights that the regression used, shape (N,).
        chance: the variance that chance alone gives each cell, shape (N,).
        design: shape (N, k); its first column is time.
        rows: the period of each cell, 0 to T - 1, shape (N,).
        places: position of each period, shape (T,).
    """
    root = np.sqrt(w)
    basis, _ = np.linalg.qr(np.hstack([design, _bends(design[:, 0])]) * root[:, None])
    period = np.zeros((len(z), len(places)))
    period[np.arange(len(z)), rows] = 1
    scaled = period * root[:, None]
    unit = scaled / np.sqrt((scaled**2).sum(axis=0))
    free = unit - basis @ (basis.T @ unit)
    maker = np.eye(len(z)) - basis @ basis.T
    trust = np.minimum(1.0, w)  # a cell with less than a paper to expect has wild squares
    others, _ = np.linalg.qr(design[:, 1:] * root[:, None])
    time = design[:, 0] * root
    time = time - others @ (others.T @ time)
    slope = time / (time @ time)
    standard = z * root
    seen = maker @ standard
    inner = maker @ scaled
    left = trust @ maker**2
    return Residuals(
        sums=free.T @ standard,
        square=float(trust @ seen**2),
        places=places,
        chance=(free * (w * chance)[:, None]).T @ free,
        cell=(free * w[:, None]).T @ free,
        loading=free.T @ scaled,
        square_chance=float(left @ (w * chance)),
        square_cell=float(left @ w),
        square_period=(inner * trust[:, None]).T @ inner,
        slope_chance=float(slope**2 @ (w * chance)),
        slope_cell=float(slope**2 @ w),
        slope_period=scaled.T @ slope,
        replicated=bool(len(z) > len(places)),
    )


def _bends(time: Floats) -> Floats:
    """Return the powers of time that are taken out, with the line, before scatter is measured."""
    scaled = time / max(float(np.abs(time).max()), 1e-9)
    degree = DEGREE + int(np.ptp(time) // YEARS_A_BEND)
    return np.stack([scaled**power for power in range(2, degree + 1)], axis=1)


def sample(subjects: Sequence[str], most: int = MAX_POOL) -> list[str]:
    """Return at most so many subjects, evenly spread over the given order; the common structure needs no more."""
    step = max(1, -(-len(subjects) // most))
    return list(subjects[::step])


def pool(found: Sequence[Residuals]) -> Noise:
    """Estimate the common structure of the scatter from subjects' residuals, each subject counting alike."""
    if not found:
        return Noise()
    replicated = any(one.replicated for one in found)
    lags = range(1 + max(1, min(MAX_LAG, len(found[0].places) // 4)))
    moments = [_moments(one, lags) for one in found]
    seen, cell = (np.mean([one[part] for one in moments], axis=0) for part in (0, 1))
    best, least = Noise(), np.inf
    for rho in CORRELATIONS if len(found[0].places) >= FEW_PERIODS else (ASSUMED,):
        shared = np.mean([one[2] @ np.power(float(rho), one[3]) for one in moments], axis=0)
        matrix = np.column_stack([cell, shared])
        answer, misfit = nnls(matrix if replicated else matrix[:, 1:], seen)
        if misfit < least - 1e-9:
            omega2, tau2 = (float(answer[0]), float(answer[1])) if replicated else (0.0, float(answer[0]))
            best, least = Noise(omega2, tau2, rho if tau2 > 0 else 0.0), float(misfit)
    return best


def _moments(one: Residuals, lags: range) -> tuple[Floats, Floats, Floats, Floats]:
    """Return one subject's sums relative to chance: the sum of squares, and the products of periods by their distance.

    Returns:
        What was seen beyond chance, and what a cell variance of 1 adds, both of shape (1 + lags,); what a covariance of 1
        between periods at each distance adds, shape (1 + lags, distances); and those distances.
    """
    apart = np.abs(one.places[:, None] - one.places[None, :])
    distances, at = np.unique(apart, return_inverse=True)
    pairs = [(apart == lag).astype(np.float64) for lag in lags]
    chance = np.array([one.square_chance, *(float((one.chance * chosen).sum()) for chosen in pairs)])
    scale = np.array([one.square_chance, *([chance[1]] * len(pairs))])
    seen = np.array([one.square, *(float(one.sums @ chosen @ one.sums) for chosen in pairs)]) - chance
    cell = np.array([one.square_cell, *(float((one.cell * chosen).sum()) for chosen in pairs)])
    ends = [np.nonzero(chosen) for chosen in pairs]
    forms = [one.square_period, *(one.loading[here].T @ one.loading[there] for here, there in ends)]
    shared = np.stack([np.bincount(at.ravel(), form.ravel(), len(distances)) for form in forms])
    return seen / scale, cell / scale, shared / scale[:, None], distances.astype(np.float64)


def scales(found: Sequence[Residuals], noise: Noise) -> list[tuple[float, float]]:
    """Return for each subject (its scatter relative to the common structure, degrees of freedom), moderated.

    The degrees of freedom of a subject's own sum of squares are Satterthwaite's (Biometrics Bulletin 2, 1946).
    """
    own, freedom = relative(found, noise)
    if len(found) < MIN_POOL:
        return list(zip(own.tolist(), freedom.tolist(), strict=True))
    prior, prior_freedom = _prior(own, freedom)
    if np.isinf(prior_freedom):
        return [(prior, 1e6)] * len(found)
    moderated = (prior_freedom * prior + freedom * own) / (prior_freedom + freedom)
    return list(zip(moderated.tolist(), (prior_freedom + freedom).tolist(), strict=True))


def relative(found: Sequence[Residuals], noise: Noise) -> tuple[Floats, Floats]:
    """Return each subject's own scatter relative to the common structure, and its degrees of freedom."""
    own, freedom = np.zeros(len(found)), np.zeros(len(found))
    for number, one in enumerate(found):
        covariance = one.covariance(noise)
        expected = float(np.trace(covariance))
        own[number] = max(float(one.sums @ one.sums) / expected, 1e-3)
        freedom[number] = expected**2 / float((covariance**2).sum())
    return own, freedom


def _prior(own: Floats, freedom: Floats) -> tuple[float, float]:
    """Fit the scales' common distribution: Smyth (2004), section 6.2."""
    logs = np.log(own) - digamma(freedom / 2) + np.log(freedom / 2)
    centre = float(logs.mean())
    spread = float(((logs - centre) ** 2).sum() / (len(own) - 1) - polygamma(1, freedom / 2).mean())
    if spread <= 0:
        return float(np.exp(centre)), float("inf")
    half = float(brentq(lambda value: float(polygamma(1, value)) - spread, 1e-4, 1e7)) if spread > 1e-6 else 5e5
    return float(np.exp(centre + digamma(half) - np.log(half))), 2 * half
