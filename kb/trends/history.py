"""Every subject through the whole history of the corpus: bursts, change points, youth, and the forecast from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kb.trends.adjusted import Adjusted, adjust
from kb.trends.bursts import Burst, bursts
from kb.trends.changes import Change, changes
from kb.trends.emergence import youth
from kb.trends.forecast import HORIZON, Backtest, Forecast, forecast
from kb.trends.growth import RECENT_MONTHS, Span, scatter
from kb.trends.series import Corpus, Series, stretches

MAX_MONTHS = 180
MIN_MONTHS = 36
MIN_PAPERS = 30
"""A subject with fewer papers in its history has no bursts, change points or forecast."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What the whole history of the corpus tells of its subjects, by subject; a subject with few papers is left out.

    Attributes:
        corpus: the periods, months where an unbroken stretch of them reaches to the present, else years.
        adjusted: the series, in the order of `order`.
        order: subjects.
    """

    corpus: Corpus
    adjusted: Adjusted | None
    order: tuple[str, ...]
    bursts: Mapping[str, Sequence[Burst]]
    changes: Mapping[str, Sequence[Change]]
    forecast: Forecast | None
    backtests: Sequence[Backtest]


def history(by_month: Mapping[str, Series], by_year: Mapping[str, Series], monthly: Corpus, yearly: Corpus) -> History:
    """Follow every subject through the whole history of the corpus."""
    corpus, positions = _periods(monthly, yearly)
    series = by_month if corpus is monthly else by_year
    places = np.array(positions, np.int64)
    order = tuple(subject for subject in sorted(series) if len(places) and series[subject].count[places].sum() >= MIN_PAPERS)
    adjusted = adjust([series[subject] for subject in order], corpus, positions)
    if adjusted is None:
        return History(corpus, None, (), {}, {}, None, [])
    span = Span(corpus.step, tuple(adjusted.places.tolist()), "", "")
    noise = scatter({subject: series[subject] for subject in order}, span)
    bursting = bursts(adjusted, noise.omega2 + noise.tau2)
    changing = changes(adjusted, noise, corpus.step)
    unbroken = bool((np.diff(adjusted.places) == 1).all())
    ahead, tests = forecast(adjusted, corpus.step) if unbroken else (None, [])
    return History(
        corpus, adjusted, order, dict(zip(order, bursting, strict=True)), dict(zip(order, changing, strict=True)), ahead, tests
    )


def _periods(monthly: Corpus, yearly: Corpus) -> tuple[Corpus, list[int]]:
    """Return months if an unbroken stretch of at least three years of them reaches to the present, else covered years."""
    long = [pair for pair in stretches(monthly) if pair[1] - pair[0] + 1 >= MIN_MONTHS]
    if long and len(monthly.periods) - 1 - long[-1][1] <= RECENT_MONTHS:
        first, last = max(long[-1][0], long[-1][1] - MAX_MONTHS + 1), long[-1][1]
        return monthly, list(range(first, last + 1))
    return yearly, [place for first, last in stretches(yearly) for place in range(first, last + 1)]


def youths(past: History) -> dict[str, float]:
    """Return for each subject the share of the last three years relative to that before."""
    if past.adjusted is None:
        return {}
    return {subject: youth(past.adjusted.effect[row], past.corpus.step) for row, subject in enumerate(past.order)}


def next_periods(past: History) -> list[str]:
    """Return the names of the periods that are forecast."""
    assert past.adjusted is not None
    unit: Literal["M", "Y"] = "M" if past.corpus.step == "month" else "Y"
    last = np.datetime64(str(past.corpus.periods[int(past.adjusted.places[-1])]), unit)
    return [str(last + ahead) for ahead in range(1, HORIZON[past.corpus.step] + 1)]
