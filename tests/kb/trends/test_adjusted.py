"""Adjusted series: composition moves nothing."""

import numpy as np

from kb.trends.adjusted import Adjusted, adjust
from kb.trends.series import Corpus, Series

MONTHS = tuple(f"{year}-{month:02d}" for year in range(2019, 2023) for month in range(1, 13))


def adjusted(counts: np.ndarray, totals: np.ndarray) -> Adjusted:
    names = tuple(f"s{number}" for number in range(totals.shape[1]))
    corpus = Corpus("month", MONTHS, names, np.zeros(0, np.int64), totals, totals.sum(axis=1) > 0, True)
    found = adjust([Series("x", corpus, counts)], corpus, range(48))
    assert found is not None
    return found


def test_a_source_that_enters_with_another_share_does_not_move_the_series() -> None:
    totals = np.column_stack([np.full(48, 1_000), np.where(np.arange(48) >= 24, 1_000, 0)])
    counts = np.column_stack([np.full(48, 50), np.where(np.arange(48) >= 24, 400, 0)])
    raw = counts.sum(axis=1) / totals.sum(axis=1)
    assert raw[-1] > 4 * raw[0]
    assert np.ptp(adjusted(counts, totals).effect) < 0.01


def test_growth_within_every_source_is_kept() -> None:
    totals = np.full((48, 2), 100_000)
    odds = np.exp(np.linspace(-3, -2, 48))[:, None] * np.array([1.0, 5.0])
    effect = adjusted((totals * odds / (1 + odds)).astype(np.int64), totals).effect[0]
    assert 0.9 < effect[-1] - effect[0] < 1.1


def test_no_paper_at_all_gives_a_low_share_and_not_an_endless_one() -> None:
    counts = np.full((48, 1), 20)
    counts[10] = 0
    found = adjusted(counts, np.full((48, 1), 400))
    assert np.isfinite(found.effect).all()
    assert found.share[0, 10] < 0.02


def test_periods_that_share_no_source_with_the_newest_are_left_out() -> None:
    early = np.arange(48) < 20
    totals = np.column_stack([np.where(early, 400, 0), np.where(early, 0, 400)])
    assert adjusted(totals // 10, totals).places.tolist() == list(range(20, 48))
