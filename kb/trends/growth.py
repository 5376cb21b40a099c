"""Does a subject's share grow, by how much a year, and how surely?

The model is a quasi-binomial regression: the log-odds that a paper belongs to the subject are a constant for each
stratum (source or venue family) plus a slope in time, plus month-of-year effects in monthly data (conference
deadlines). McCullagh and Nelder, "Generalized Linear Models", 2nd ed. 1989, sections 4.5 and 4.7. The constant per
stratum is what keeps a venue that enters or leaves the corpus from looking like a trend.

The slope's standard error allows for scatter beyond chance: of cells, and of periods that move together over sources
and with their neighbours (`kb.trends.noise`). It is never taken below that of chance alone. Intervals and tests use
Student's t with Satterthwaite's degrees of freedom. `kb bench run trends` measures whether the intervals hold.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from kb.trends.noise import Noise, Residuals, pool, relative, residuals, sample, scales
from kb.trends.series import Corpus, Series, Step, stretches

MIN_MEMBERS = 30
MIN_PERIODS = 4
MIN_STRATUM_PERIODS = 3
"""A stratum with fewer periods takes no part: two years of a source make a difference, not a trend, and a large source
would drown the others with it."""
MONTHS = 60
YEARS = 8
SEASONAL_MONTHS = 24
SCATTER_POOL, CALM = 40, 1.5
"""Over a long history, bursts and shifts are no scatter: subjects that scatter more than this times the median are left out."""
RECENT_MONTHS = 18
"""A monthly stretch that ended longer ago than this says little about now; then the years are used."""


@dataclass(frozen=True, slots=True)
class Span:
    """The periods that a growth estimate rests on: positions of a corpus, ascending."""

    step: Step
    positions: tuple[int, ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of a subject.

    Attributes:
        ratio: odds ratio per year; 1.25 is a growth by 25% a year.
        low, high: its 95% interval.
        p: two-sided p-value of "no change".
        n: papers of the subject in the span, in strata that take part.
        total: papers of the corpus there.
        dispersion: variance of the estimate relative to chance alone, at least 1.
        span: the periods used.
    """

    ratio: float
    low: float
    high: float
    p: float
    n: int
    total: int
    dispersion: float
    span: Span


@dataclass(frozen=True, slots=True)
class TooFew:
    """Why no growth can be stated."""

    reason: str
    n: int


def choose_span(monthly: Corpus, yearly: Corpus) -> Span | None:
    """Return the periods to judge growth on, or None if the corpus covers too few.

    The most recent unbroken run of at least 24 covered months (at most the last 60), if it reaches to within 18 months
    of the newest paper; else the covered ones of the last 8 years.
    """
    long = [pair for pair in stretches(monthly) if pair[1] - pair[0] + 1 >= SEASONAL_MONTHS]
    if long and len(monthly.periods) - 1 - long[-1][1] <= RECENT_MONTHS:
        first, last = max(long[-1][0], long[-1][1] - MONTHS + 1), long[-1][1]
        return Span("month", tuple(range(first, last + 1)), monthly.periods[first], monthly.periods[last])
    covered = [place for first, last in stretches(yearly) for place in range(first, last + 1)]
    recent = [place for place in covered if place > (covered[-1] if covered else 0) - YEARS]
    if len(recent) < MIN_PERIODS:
        return None
    return Span("year", tuple(recent), yearly.periods[recent[0]], yearly.periods[recent[-1]])


def growth(series: Series, span: Span | None, *, pooled: bool = True) -> Growth | TooFew:
    """Estimate one subject's growth; among others it is known better, see `growth_of_all`.

    Args:
        pooled: allow for scatter that sources and neighbouring periods share; without it every cell scatters for itself, by
            Pearson's chi-square over the residual degrees of freedom, as in McCullagh and Nelder.
    """
    if not pooled:
        fit = _first_fit(series, span)
        if isinstance(fit, TooFew):
            return fit
        found = _regress(fit, 0.0)
        if found is None:
            return TooFew("the data do not determine a slope", fit.members)
        freedom = len(fit.k) - int(np.linalg.matrix_rank(fit.design))
        return _told(fit, found, Noise(), found.pearson / freedom, freedom)
    return growth_of_all({series.subject: series}, span)[0][series.subject]


def growth_of_all(series: Mapping[str, Series], span: Span | None) -> tuple[dict[str, Growth | TooFew], Noise]:
    """Estimate every subject's growth over a span of the corpus's periods, with one structure of the scatter for all.

    Returns:
        Growth by subject, and the structure of the scatter beyond chance.
    """
    fits = {subject: _first_fit(one, span) for subject, one in series.items()}
    cells = {subject: fit for subject, fit in fits.items() if isinstance(fit, _Cells)}
    chosen = {subject: cells[subject] for subject in sample(sorted(cells))}
    noise = pool([one.residuals for fit in chosen.values() if (one := _regress(fit, 0.0)) is not None])
    # where cells scatter beyond chance, large ones deserve less weight than their papers give them
    told = {subject: _regress(fit, noise.omega2) for subject, fit in cells.items()}
    noise = pool([one.residuals for subject in chosen if (one := told[subject]) is not None])
    known = {subject: one for subject, one in told.items() if one is not None}
    levels = dict(zip(known, scales([one.residuals for one in known.values()], noise), strict=True))
    found: dict[str, Growth | TooFew] = {}
    for subject, fit in fits.items():
        if isinstance(fit, TooFew):
            found[subject] = fit
        elif subject not in known:
            found[subject] = TooFew("the data do not determine a slope", fit.members)
        else:
            found[subject] = _told(fit, known[subject], noise, *levels[subject])
    return found, noise


def scatter(series: Mapping[str, Series], span: Span) -> Noise:
    """Estimate the structure of the scatter beyond chance alone, over any span, from subjects without much of an event."""
    fits = {subject: _first_fit(series[subject], span) for subject in sample(sorted(series), SCATTER_POOL)}
    told = [found.residuals for fit in fits.values() if isinstance(fit, _Cells) and (found := _regress(fit, 0.0)) is not None]
    noise = pool(told)
    own = relative(told, noise)[0]
    return pool([one for one, ratio in zip(told, own, strict=True) if ratio <= CALM * np.median(own)])


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """One subject's counts by period and stratum, and the regression's columns."""

    k: NDArray[np.int64]
    n: NDArray[np.int64]
    design: NDArray[np.float64]
    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    members: int
    total: int
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class _Regression:
    slope: float
    pearson: float
    residuals: Residuals


def _first_fit(series: Series, span: Span | None) -> _Cells | TooFew:
    """Choose the cells that take part."""
    if span is None:
        return TooFew("the corpus covers too few periods", int(series.counts.sum()))
    places = np.array(span.positions)
    k, n = series.counts[places], series.corpus.totals[places]
    lasting = (n > 0).sum(axis=0) >= MIN_STRATUM_PERIODS
    k, n = k[:, lasting], n[:, lasting]
    members = int(k.sum())
    if members < MIN_MEMBERS:
        return TooFew(f"fewer than {MIN_MEMBERS} papers from {span.first} to {span.last}", members)
    strata = np.flatnonzero((k.sum(axis=0) > 0) & (k.sum(axis=0) < n.sum(axis=0)))
    rows, columns = np.nonzero(n[:, strata] > 0)
    if len(rows) == 0 or len(np.unique(rows)) < MIN_PERIODS:
        return TooFew(f"papers in fewer than {MIN_PERIODS} periods", members)
    present, compact = np.unique(rows, return_inverse=True)
    design = _design(places[rows], columns, series.corpus, span.step)
    successes, trials = k[:, strata][rows, columns], n[:, strata][rows, columns]
    return _Cells(successes, trials, design, compact, places[present], members, int(n.sum()), span)


def _design(places: NDArray[np.int64], columns: NDArray[np.int64], corpus: Corpus, step: Step) -> NDArray[np.float64]:
    """Columns: time in years from the middle of the span, a constant per stratum, and months but the first."""
    per_year = 12 if step == "month" else 1
    time = (places - places.mean()) / per_year
    blocks = [time[:, None], columns[:, None] == np.unique(columns)[None, :]]
    if step == "month":
        month = np.array([int(corpus.periods[place][5:7]) for place in places])
        blocks.append(month[:, None] == np.unique(month)[None, 1:])
    return np.hstack([block.astype(np.float64) for block in blocks])


def _regress(cells: _Cells, omega2: float) -> _Regression | None:
    """Fit the regression; None without a finite answer.

    Args:
        omega2: variance of the cells' log-odds beyond chance; a cell's weight is 1 / (its chance variance + omega2).
    """
    import statsmodels.api as sm  # heavy: a second, and only refresh and verify need it
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    k, n, design = cells.k, cells.n, cells.design
    rank = int(np.linalg.matrix_rank(design))
    if len(k) - rank < 2 or len(cells.places) < MIN_PERIODS:
        return None
    if rank == np.linalg.matrix_rank(design[:, 1:]):  # no stratum has two periods: nothing tells time from stratum
        return None
    weight = np.ones(len(k))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # no convergence
            warnings.simplefilter("ignore", PerfectSeparationWarning)  # also said of a share that never changes; see below
            for _ in range(2 if omega2 else 1):
                model = sm.GLM(k / n, design, family=sm.families.Binomial(), var_weights=n * weight)
                fitted = model.fit(maxiter=50)
                mean = np.clip(np.asarray(fitted.fittedvalues), 1e-9, 1 - 1e-9)
                chance = 1 / (n * mean * (1 - mean))
                weight = chance / (chance + omega2)
    except (Warning, np.linalg.LinAlgError, ValueError, FloatingPointError):
        return None
    slope, error = float(fitted.params[0]), float(fitted.bse[0])
    # true separation shows as a slope without bound
    if not (np.isfinite(slope) and np.isfinite(error) and 0 < error < 5):
        return None
    z = (k / n - mean) / (mean * (1 - mean))
    kept = _independent(design)
    return _Regression(
        slope, float((z**2 / chance).sum()), residuals(z, weight / chance, chance, design[:, kept], cells.rows, cells.places)
    )


def _independent(design: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return columns, the first among them, that span the design."""
    from scipy.linalg import qr

    if np.linalg.matrix_rank(design) == design.shape[1]:
        return np.arange(design.shape[1])
    _, _, order = qr(design, mode="economic", pivoting=True)
    rank = int(np.linalg.matrix_rank(design))
    kept = np.sort(order[:rank])
    return kept if 0 in kept else np.concatenate([[0], kept[1:]])


def _told(cells: _Cells, found: _Regression, noise: Noise, level: float, freedom: float) -> Growth:
    chance = found.residuals.slope_chance
    variance = max(level * found.residuals.slope_variance(noise), chance)
    error = variance**0.5
    half = float(student.ppf(0.975, freedom)) * error
    p = float(2 * student.sf(abs(found.slope) / error, freedom))
    ratio, low, high = (float(np.exp(value)) for value in (found.slope, found.slope - half, found.slope + half))
    return Growth(ratio, low, high, p, cells.members, cells.total, variance / chance, cells.span)
