"""Bursts, change points, emergence: planted ones are found where they are, and noise gives none."""

import numpy as np
import pytest

from kb.trends.adjusted import Adjusted
from kb.trends.bursts import bursts
from kb.trends.changes import changes
from kb.trends.emergence import emergence, youth
from kb.trends.noise import Noise

PERIODS = 96
NOISE = Noise(0.0, 0.01, 0.3)


def series(effect: np.ndarray, *, papers: int = 1_000) -> Adjusted:
    """One subject of this log-odds, seen through so many papers a month, and no scatter."""
    effect = np.atleast_2d(effect)
    share = 1 / (1 + np.exp(-effect))
    error = 1 / np.sqrt(papers * share * (1 - share))
    count = (papers * share).astype(np.int64)
    return Adjusted(np.arange(PERIODS), effect, error, np.zeros((*effect.shape, 1)), share, count, np.full(PERIODS, papers))


def test_a_planted_burst_is_found_where_it_is_and_as_large_as_it_is() -> None:
    effect = np.full(PERIODS, -3.0)
    effect[40:49] += np.log(4)
    (found,) = bursts(series(effect), 0.01)[0]
    assert (found.first, found.last, found.open) == (40, 48, False)
    assert found.times == pytest.approx(3.4, rel=0.2)


def test_a_burst_that_reaches_the_newest_period_is_still_open() -> None:
    effect = np.full(PERIODS, -3.0)
    effect[-6:] += np.log(6)
    (found,) = bursts(series(effect), 0.01)[0]
    assert found.open


def test_steady_growth_is_no_burst() -> None:
    assert bursts(series(np.linspace(-5, -2, PERIODS)), 0.01) == [[]]


def test_scatter_beyond_chance_makes_a_burst_weigh_less() -> None:
    effect = np.full(PERIODS, -3.0)
    effect[40:49] += np.log(4)
    calm, wild = bursts(series(effect), 0.0)[0], bursts(series(effect), 0.3)[0]
    assert not wild or wild[0].weight < calm[0].weight


def test_a_planted_shift_is_found_where_it_is_and_as_large_as_it_is() -> None:
    effect = np.full(PERIODS, -3.0)
    effect[55:] += np.log(2)
    (found,) = changes(series(effect), NOISE, "month")[0]
    assert found.place == 55
    assert found.ratio == pytest.approx(2, rel=0.1)


def test_a_parabola_has_no_shift() -> None:
    time = np.linspace(-1, 1, PERIODS)
    assert changes(series(-3 + time + time**2), NOISE, "month") == [[]]


def test_one_in_twenty_unchanged_series_at_most_shows_a_shift() -> None:
    random = np.random.default_rng(1)
    steady = series(-3 + random.normal(0, 0.1, (200, PERIODS)) + random.normal(0, 0.145, (200, PERIODS)))
    noise = Noise(0.0, 0.01, 0.0)
    assert np.mean([bool(found) for found in changes(steady, noise, "month")]) <= 0.09


def test_a_subject_of_the_last_years_is_young_and_an_even_one_is_not() -> None:
    effect = np.where(np.arange(PERIODS) < 60, -6.0, -4.0)
    assert youth(effect, "month") > 5
    assert youth(np.full(PERIODS, -4.0), "month") == pytest.approx(1)


def test_only_what_is_young_rising_and_coherent_emerges() -> None:
    young = {"cluster:a": 3.0, "cluster:b": 3.0, "cluster:c": 3.0, "cluster:d": 1.1, "theme:e": 3.0}
    strength = {"cluster:a": 0.9, "cluster:b": 0.2, "cluster:c": 0.9, "cluster:d": 0.9}
    rising = frozenset({"cluster:a", "cluster:b", "cluster:d", "theme:e"})
    found = emergence(young, rising, strength)
    assert {subject for subject, one in found.items() if one.emerging} == {"cluster:a", "theme:e"}
