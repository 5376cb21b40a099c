"""Does a subject's share grow, by how much a year, and how surely?

The model is a quasi-binomial regression: the log-odds that a paper belongs to the subject are a constant for each
stratum (source or venue family) plus a slope in time, plus month-of-year effects in monthly data (conference
deadlines). The spread beyond the binomial is estimated from Pearson's chi-square and never taken below 1; intervals and
tests use Student's t. McCullagh and Nelder, "Generalized Linear Models", 2nd ed. 1989, sections 4.5 and 4.7.

The constant per stratum is what keeps a venue that enters or leaves the corpus from looking like a trend.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from kb.trends.series import Corpus, Series, Step, stretches

MIN_MEMBERS = 30
MIN_PERIODS = 4
MIN_STRATUM_PERIODS = 3
"""A stratum with fewer periods takes no part: two years of a source make a difference, not a trend, and a large source
would drown the others with it."""
MONTHS = 60
YEARS = 8
SEASONAL_MONTHS = 24
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
        dispersion: spread beyond the binomial, at least 1.
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


def growth(series: Series, span: Span | None) -> Growth | TooFew:
    """Estimate a subject's growth over a span of its corpus's periods."""
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
    successes, trials = k[:, strata][rows, columns], n[:, strata][rows, columns]
    design = _design(places[rows], columns, series.corpus, span.step)
    estimate = _fit(successes, trials, design)
    if estimate is None:
        return TooFew("the data do not determine a slope", members)
    slope, error, dispersion, freedom = estimate
    half = float(student.ppf(0.975, freedom)) * error
    p = float(2 * student.sf(abs(slope) / error, freedom))
    ratio, low, high = (float(np.exp(value)) for value in (slope, slope - half, slope + half))
    return Growth(ratio, low, high, p, members, int(n.sum()), dispersion, span)


def _design(places: NDArray[np.int64], columns: NDArray[np.int64], corpus: Corpus, step: Step) -> NDArray[np.float64]:
    """Columns: time in years from the middle of the span, a constant per stratum, and months but the first."""
    per_year = 12 if step == "month" else 1
    time = (places - places.mean()) / per_year
    blocks = [time[:, None], columns[:, None] == np.unique(columns)[None, :]]
    if step == "month":
        month = np.array([int(corpus.periods[place][5:7]) for place in places])
        blocks.append(month[:, None] == np.unique(month)[None, 1:])
    return np.hstack([block.astype(np.float64) for block in blocks])


def _fit(k: NDArray[np.int64], n: NDArray[np.int64], design: NDArray[np.float64]) -> tuple[float, float, float, int] | None:
    """Return (slope, standard error, dispersion, residual degrees of freedom), or None without a finite answer."""
    import statsmodels.api as sm  # heavy: a second, and only refresh and verify need it
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    freedom = len(k) - int(np.linalg.matrix_rank(design))
    if freedom < 2:
        return None
    without_time = np.linalg.matrix_rank(design[:, 1:])
    if np.linalg.matrix_rank(design) == without_time:  # no stratum has two periods: nothing tells time from stratum
        return None
    model = sm.GLM(np.column_stack([k, n - k]), design, family=sm.families.Binomial())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # no convergence
            warnings.simplefilter("ignore", PerfectSeparationWarning)  # also said of a share that never changes; see below
            fitted = model.fit(maxiter=50)
    except (Warning, np.linalg.LinAlgError, ValueError, FloatingPointError):
        return None
    dispersion = max(1.0, float(fitted.pearson_chi2) / freedom)
    slope, error = float(fitted.params[0]), float(fitted.bse[0]) * dispersion**0.5
    # true separation shows as a slope without bound
    if not (np.isfinite(slope) and np.isfinite(error) and 0 < error < 5):
        return None
    return slope, error, dispersion, freedom
