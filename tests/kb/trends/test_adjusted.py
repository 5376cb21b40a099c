"""Adjusted series: composition moves nothing."""

import numpy as np

from kb.trends.adjusted import Adjusted, adjust
from kb.trends.changes import changes
from kb.trends.noise import Noise
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


def handed_over(seed: int, tie: int) -> Adjusted:
    """A large source of 8% hands over to one of 1% in the middle; a small venue of 2%, `tie` papers a month, ties them."""
    early = np.arange(48) < 24
    totals = np.column_stack([np.where(early, 800, 0), np.where(early, 0, 800), np.full(48, tie)])
    counts = np.random.default_rng(seed).binomial(totals, [0.08, 0.01, 0.02])
    return adjusted(counts, totals)


def test_a_large_source_that_hands_over_to_another_does_not_move_the_series() -> None:
    effect = handed_over(0, tie=400).effect[0]
    assert abs(effect[24:].mean() - effect[:24].mean()) < 0.3  # unadjusted: two


def test_where_little_ties_the_periods_the_spread_says_so() -> None:
    well, poorly = handed_over(0, tie=400), handed_over(0, tie=10)
    assert poorly.spread[0].mean() > 1.5 * well.spread[0].mean()


def test_one_source_alone_leaves_nothing_unknown_between_its_periods() -> None:
    found = adjusted(np.full((48, 1), 40), np.full((48, 1), 400))
    assert np.allclose(found.spread, found.error, rtol=1e-3)


def test_a_change_of_sources_is_not_taken_for_a_shift() -> None:
    found = [changes(handed_over(seed, tie=10), Noise(0.0, 0.01, 0.3), "month")[0] for seed in range(40)]
    assert sum(map(bool, found)) <= 4
