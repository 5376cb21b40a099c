"""Forecasts: chosen by the past, tested on the past, and no change where nothing does better."""

import numpy as np

from kb.trends.adjusted import Adjusted
from kb.trends.forecast import NO_CHANGE, forecast


def series(effect: np.ndarray) -> Adjusted:
    periods = effect.shape[1]
    share = 1 / (1 + np.exp(-effect))
    return Adjusted(
        np.arange(periods), effect, np.full(effect.shape, 0.1), np.zeros((*effect.shape, 1)), share,
        np.full(effect.shape, 50), np.full(periods, 999),
    )  # fmt: skip


def walks(subjects: int, *, drift: float = 0.0, season: float = 0.0, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    months = np.arange(96)
    return np.asarray(
        -4 + np.cumsum(random.normal(0, 0.05, (subjects, 96)), axis=1) + drift * months
        + season * np.sin(months * np.pi / 6) + random.normal(0, 0.1, (subjects, 96))
    )  # fmt: skip


def test_where_nothing_can_be_foreseen_no_change_is_forecast_and_said() -> None:
    found, tests = forecast(series(walks(60)), "month")
    assert found is not None
    assert found.model == NO_CHANGE
    assert [test.model for test in tests if test.used] == [NO_CHANGE]


def test_a_strong_season_is_learnt() -> None:
    found, _ = forecast(series(walks(60, season=0.8)), "month")
    assert found is not None
    assert found.model == "seasonal naive"


def test_a_trend_that_lasts_beats_no_change() -> None:
    found, tests = forecast(series(walks(60, drift=0.04)), "month")
    assert found is not None
    assert found.model == "damped trend"
    assert next(test for test in tests if test.used).ratio < 0.9


def test_intervals_hold_as_often_as_they_say_on_a_future_that_no_one_saw() -> None:
    whole = walks(150, seed=3)
    found, _ = forecast(series(whole[:, :84]), "month")
    assert found is not None
    truth = 1 / (1 + np.exp(-whole[:, 84:]))
    assert 0.84 <= np.mean((found.low90 <= truth) & (truth <= found.high90)) <= 0.96
    assert 0.42 <= np.mean((found.low50 <= truth) & (truth <= found.high50)) <= 0.60


def test_too_short_a_history_is_not_forecast() -> None:
    assert forecast(series(walks(10)[:, :40]), "month") == (None, [])
