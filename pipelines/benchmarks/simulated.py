"""Corpora with the composition of the real one and known trends: what the benchmark `trends` judges methods by.

The numbers below are all that was taken from the 80,654 real works: how many papers each source gave in each year or
month, how the shares of subjects and their differences between sources are spread, and how shares scatter beyond chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from kb.trends.series import Corpus, Series, Step

Floats = NDArray[np.float64]
YEARS: Mapping[str, Mapping[int, int]] = {
    "aistats": {2018: 191, 2019: 315, 2020: 369, 2021: 453, 2022: 490, 2023: 495, 2024: 547},
    "acml": {2018: 57, 2019: 75, 2020: 53, 2021: 115, 2022: 83, 2023: 113, 2024: 82},
    "arxiv to 2019": {2018: 7190, 2019: 13702},
    "arxiv from 2025": {2025: 3687},
    "acl": {2021: 710, 2022: 1031},
    "coling": {2020: 650, 2022: 630, 2025: 848},
    "colt": {2018: 78, 2019: 100, 2020: 113, 2021: 136, 2022: 162, 2023: 169, 2024: 169},
    "corl": {2021: 153, 2022: 197, 2023: 199, 2024: 264},
    "cvpr": {2018: 927, 2019: 1186},
    "eccv": {2018: 723, 2020: 1338, 2022: 1564},
    "ijcai": {2020: 773, 2021: 721, 2022: 861, 2023: 850},
    "naacl": {2021: 532, 2022: 705},
    "rss": {2018: 54, 2019: 55, 2020: 98, 2021: 92, 2022: 74, 2023: 111, 2024: 133, 2025: 159},
    "uai": {2019: 104, 2020: 137, 2021: 206, 2022: 230, 2023: 243},
    "wacv": {2020: 356, 2021: 403, 2022: 406, 2023: 639, 2024: 846},
}
"""Papers by source and year, with every gap, start and end."""
MONTHLY_START, MONTHLY_END = 150, 1300
"""Papers of arXiv a month at the start and at the end of sixty months; between them they grow steadily."""
MONTH_OF_YEAR = (0.75, 0.98, 0.98, 0.97, 1.03, 1.15, 1.02, 0.95, 1.12, 1.06, 1.15, 0.90)
"""How many papers each month has relative to the year's average."""
CONFERENCE = (24, 9, 700)
"""A second source of the monthly corpus: the month it enters, the month of the year it takes place in, its papers."""
SHARES = (0.004, 0.0075, 0.0147, 0.0206, 0.0243, 0.05)
"""Deciles or so of the shares of real subjects."""
BETWEEN_SOURCES = 1.2
"""Standard deviation of a subject's log-odds between sources."""
SEASON = 0.15
"""Standard deviation of a subject's month-of-year effects on the log-odds."""
SCATTER: Mapping[Step, tuple[float, float, float]] = {"year": (0.039, 0.004, 0.70), "month": (0.0, 0.021, 0.55)}
"""Beyond chance: variance of cells, variance of periods, correlation of neighbouring periods (see kb/trends/noise.py)."""
SCALE_FREEDOM: Mapping[Step, float] = {"year": 12.0, "month": 60.0}
"""Subjects differ in scatter like an inverse chi-square of so many degrees of freedom."""


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """A simulated corpus.

    Attributes:
        corpus: its periods, strata and totals.
        series: subject -> counts.
        ratio: subject -> true odds ratio per year.
        event: subject -> position of the first period of a planted burst or shift, where there is one.
    """

    corpus: Corpus
    series: Mapping[str, Series]
    ratio: Mapping[str, float]
    event: Mapping[str, int]


def corpus_of(step: Step, months: int = 60) -> Corpus:
    """Return an empty corpus with the real composition: eight years of many venues, or months of arXiv and a conference."""
    if step == "year":
        periods = tuple(str(year) for year in range(2018, 2026))
        totals = np.array([[YEARS[name].get(int(year), 0) for name in YEARS] for year in periods], np.int64)
        names = tuple(YEARS)
    else:
        first = np.datetime64("2019-12", "M") - (months - 1)
        periods = tuple(str(first + place) for place in range(months))
        growth = (MONTHLY_END / MONTHLY_START) ** (np.arange(months) / max(months - 1, 1))
        start = MONTHLY_START
        arxiv = [start * level * MONTH_OF_YEAR[int(name[5:]) - 1] for level, name in zip(growth, periods, strict=True)]
        enters, month, papers = CONFERENCE
        held = [papers if place >= enters and int(name[5:]) == month else 0 for place, name in enumerate(periods)]
        totals, names = np.column_stack([np.round(arxiv), held]).astype(np.int64), ("arxiv", "conference")
    return Corpus(step, periods, names, np.zeros(0, np.int64), totals, totals.sum(axis=1) >= 20, True)


def simulate(
    corpus: Corpus,
    ratios: Mapping[str, float],
    seed: int,
    *,
    scatter: tuple[float, float, float] | None = None,
    events: Mapping[str, tuple[int, int, float]] | None = None,
) -> Simulated:
    """Draw the counts of subjects that grow at known rates, with realistic scatter.

    Args:
        corpus: where they are counted.
        ratios: subject -> odds ratio per year.
        scatter: instead of the realistic `SCATTER`.
        events: subject -> (first position, one past the last, factor on the odds) of a burst or a shift.
    """
    random = np.random.default_rng(seed)
    periods, strata = corpus.totals.shape
    cell, shock, rho = scatter or SCATTER[corpus.step]
    per_year = 12 if corpus.step == "month" else 1
    time = (np.arange(periods) - (periods - 1) / 2) / per_year
    series, starts = {}, {}
    for subject, ratio in ratios.items():
        level = 1 / random.gamma(SCALE_FREEDOM[corpus.step] / 2, 2 / SCALE_FREEDOM[corpus.step])
        common = _shocks(random, periods, shock * level, rho)
        constant = logit(np.full(strata, random.choice(SHARES))) + random.normal(0.0, BETWEEN_SOURCES, strata)
        cells = random.normal(0, (cell * level) ** 0.5, (periods, strata))
        odds = cells + constant + (float(np.log(ratio)) * time + common)[:, None]
        if corpus.step == "month":
            season = np.asarray(random.normal(0, SEASON, 12))
            odds = odds + season[[int(name[5:]) - 1 for name in corpus.periods], None]
        if events and subject in events:
            first, stop, factor = events[subject]
            odds[first:stop] += np.log(factor)
            starts[subject] = first
        series[subject] = Series(subject, corpus, random.binomial(corpus.totals, expit(odds)))
    return Simulated(corpus, series, dict(ratios), starts)


def _shocks(random: np.random.Generator, periods: int, variance: float, rho: float) -> Floats:
    innovations = random.normal(0, (variance * (1 - rho**2)) ** 0.5, periods)
    shocks = np.empty(periods)
    shocks[0] = random.normal(0, variance**0.5)
    for place in range(1, periods):
        shocks[place] = rho * shocks[place - 1] + innovations[place]
    return shocks
