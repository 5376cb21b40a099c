"""The share of the next twelve months, with intervals that were tested on the past.

Three simple kinds of model forecast the log-odds of every subject: *no change* (the last period, or an exponentially
smoothed level), the *damped trend* (Gardner and McKenzie, "Forecasting trends in time series", Management Science 31,
1985) and the *seasonal naive* one (the same month of the year before). Rolling origins (Tashman, International Journal
of Forecasting 16, 2000) decide between them, over all subjects together, since one subject's history is too short to
choose by: the earlier half of the origins chooses, the later half tests. A model that does not beat no change on both
halves is not used, and then the forecast is no change. Intervals are quantiles of past errors (split conformal
prediction; Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005), each error first divided by
the scatter to be expected of it: how poorly the last and the foretold value are known, and what both scatter beyond.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from kb.trends.adjusted import Adjusted

Floats = NDArray[np.float64]
UNKNOWN = 1.0
"""Variance of a log-odds from which on more would say nothing more."""
Model = Callable[[Floats, int], Floats]
"""(series of shape (S, T), horizon H) -> forecasts of shape (S, H)."""
HORIZON = {"month": 12, "year": 1}
FIRST_ORIGIN = {"month": 36, "year": 6}
STRIDE = {"month": 3, "year": 1}
MIN_ORIGINS = 4
BETTER = 0.98
"""A model must bring the error below this part of that of no change, before it is believed."""
LEVELS = (0.5, 0.9)
NO_CHANGE = "no change"


@dataclass(frozen=True, slots=True)
class Backtest:
    """How one model did on the past.

    Attributes:
        model: its name.
        error: mean absolute error of the log-odds on the test origins, over subjects and horizons.
        ratio: that error relative to no change.
        ratio_chosen_on: the same on the earlier origins, which chose.
        coverage50, coverage90: how often the test origins' truth lay within the intervals that the earlier ones gave.
        n: forecasts tested.
        used: whether the forecasts shown are this model's.
    """

    model: str
    error: float
    ratio: float
    ratio_chosen_on: float
    coverage50: float
    coverage90: float
    n: int
    used: bool


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Forecast shares of S subjects over H periods: arrays of shape (S, H)."""

    model: str
    share: Floats
    low50: Floats
    high50: Floats
    low90: Floats
    high90: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """Forecasts and truth at every origin, shape (origins, S, H), and the chance scatter of the truth, (S,)."""

    made: Floats
    truth: Floats


def forecast(adjusted: Adjusted, step: str) -> tuple[Forecast | None, list[Backtest]]:
    """Forecast every subject; without enough history for a backtest there is none.

    Args:
        adjusted: the series, without a gap between its periods.
        step: "month" (twelve periods ahead) or "year" (one).
    """
    series, horizon = adjusted.effect, HORIZON[step]
    origins = range(FIRST_ORIGIN[step], series.shape[1] - horizon + 1, STRIDE[step])
    if len(origins) < MIN_ORIGINS:
        return None, []
    half = len(origins) // 2
    own = np.minimum(adjusted.spread**2, UNKNOWN)
    chance = np.stack([own[:, [origin - 1]] + own[:, origin : origin + horizon] for origin in origins])
    usual = np.median(own, axis=1)
    now = (np.maximum(own[:, -1], usual) + usual)[:, None]
    truth = np.stack([series[:, origin : origin + horizon] for origin in origins])
    past = {
        name: np.stack([model(series[:, :origin], horizon) for origin in origins]) - truth for name, model in models(step).items()
    }
    kinds = _best_of_each_kind(past, half)
    used = _choose({kind: past[name] for kind, name in kinds.items()}, half)
    tests = [_backtest(kind, past[name], past[kinds[NO_CHANGE]], half, chance, used=kind == used) for kind, name in kinds.items()]
    ahead = models(step)[kinds[used]](series, horizon)
    reach = [width * np.sqrt(now + beyond) for width, beyond in _reach(past[kinds[used]], chance)]
    low, high = ({level: expit(ahead + sign * width) for level, width in zip(LEVELS, reach, strict=True)} for sign in (-1, 1))
    told = Forecast(used, expit(ahead), low[0.5], high[0.5], low[0.9], high[0.9])
    return told, sorted(tests, key=lambda test: (test.model != NO_CHANGE, test.model))


def models(step: str) -> Mapping[str, Model]:
    """Return the competing models by kind and parameters."""
    found: dict[str, Model] = {f"{NO_CHANGE}: last": lambda series, horizon: np.repeat(series[:, -1:], horizon, axis=1)}
    for alpha in (0.1, 0.3, 0.6):
        found[f"{NO_CHANGE}: level {alpha}"] = _holt(alpha, 0.0, 0.0)
    for alpha, beta, damping in product((0.1, 0.3, 0.6), (0.05, 0.2), (0.8, 0.95)):
        found[f"damped trend: {alpha} {beta} {damping}"] = _holt(alpha, beta, damping)
    if step == "month":
        found["seasonal naive: year"] = lambda series, horizon: series[:, -12:][:, np.arange(horizon) % 12]
    return found


def _holt(alpha: float, beta: float, damping: float) -> Model:
    """Holt's linear method with a damped trend, for all series at once; without a trend it is exponential smoothing."""

    def model(series: Floats, horizon: int) -> Floats:
        start = min(series.shape[1], 6)
        level = series[:, :start].mean(axis=1)
        trend = np.zeros(len(series))
        for period in range(series.shape[1]):
            before, expected = level, level + damping * trend
            level = expected + alpha * (series[:, period] - expected)
            trend = damping * trend + beta * (level - before - damping * trend)
        return np.asarray(level[:, None] + trend[:, None] * np.cumsum(damping ** np.arange(1, horizon + 1)))

    return model


def _best_of_each_kind(past: Mapping[str, Floats], half: int) -> dict[str, str]:
    """Return kind -> the member of it with the least error on the earlier origins."""
    best: dict[str, str] = {}
    for name, errors in past.items():
        kind = name.partition(":")[0]
        if kind not in best or np.abs(errors[:half]).mean() < np.abs(past[best[kind]][:half]).mean():
            best[kind] = name
    return best


def _choose(past: Mapping[str, Floats], half: int) -> str:
    """Return the kind that beats no change on the earlier origins and again on the later ones, else no change."""
    base = past[NO_CHANGE]

    def ratio(errors: Floats, part: slice) -> float:
        return float(np.abs(errors[part]).mean() / np.abs(base[part]).mean())

    ahead = {kind: ratio(errors, slice(half)) for kind, errors in past.items()}
    best = min(ahead, key=lambda kind: (ahead[kind], kind))
    holds = ahead[best] < BETTER and ratio(past[best], slice(half, None)) < BETTER
    return best if holds else NO_CHANGE


def _backtest(kind: str, errors: Floats, base: Floats, half: int, chance: Floats, *, used: bool) -> Backtest:
    tested = np.abs(errors[half:])
    narrow, wide = (width * np.sqrt(chance[half:] + beyond) for width, beyond in _reach(errors[:half], chance[:half]))
    return Backtest(
        model=kind,
        error=float(tested.mean()),
        ratio=float(tested.mean() / np.abs(base[half:]).mean()),
        ratio_chosen_on=float(np.abs(errors[:half]).mean() / np.abs(base[:half]).mean()),
        coverage50=float((tested <= narrow).mean()),
        coverage90=float((tested <= wide).mean()),
        n=int(tested.size),
        used=used,
    )


def _reach(errors: Floats, chance: Floats) -> list[tuple[Floats, Floats]]:
    """Return for each level how far errors reach, relative to their scatter, and the variance beyond chance; both (H,).

    Args:
        errors: shape (O, S, H), of forecasts from O origins.
        chance: the variance that not knowing the last and the foretold value gives each of them, same shape.
    """
    beyond = np.maximum((errors**2).mean(axis=(0, 1)) - chance.mean(axis=(0, 1)), 0)
    relative = np.abs(errors) / np.sqrt(chance + beyond)
    count = relative.shape[0] * relative.shape[1]
    return [(np.quantile(relative, min(1.0, level * (count + 1) / count), axis=(0, 1)), beyond) for level in LEVELS]
