"""Wilson's interval: it covers the truth as often as it says, and never leaves the range of a share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from kb.trends.share import wilson


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    """So many papers of a subject, out of so many."""
    total = draw(st.integers(1, 100_000))
    return draw(st.integers(0, total)), total


def coverage(share: float, total: int, level: float = 0.95) -> float:
    """How often the interval holds the true share: summed over every possible count, not simulated."""
    count = np.arange(total + 1)
    low, high = wilson(count, np.full(total + 1, total), level)
    return float(binom.pmf(count, total, share)[(low <= share) & (share <= high)].sum())


@given(counts(), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_interval_equals_that_of_statsmodels(count: tuple[int, int], level: float) -> None:
    low, high = wilson(*count, level)
    expected = proportion_confint(*count, alpha=1 - level, method="wilson")
    assert (float(low), float(high)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("total", [20, 50, 300])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_interval_holds_the_true_share_about_as_often_as_it_says(total: int, level: float) -> None:
    shares = np.linspace(0.02, 0.98, 193)
    assert np.mean([coverage(share, total, level) for share in shares]) == pytest.approx(level, abs=0.015)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
def test_interval_keeps_its_promise_for_few_papers_where_plus_or_minus_does_not(share: float) -> None:
    assert coverage(share, 20) > 0.90


@given(counts())
@settings(deadline=None)
def test_interval_holds_the_observed_share_and_stays_between_0_and_1(count: tuple[int, int]) -> None:
    low, high = wilson(*count)
    assert 0 <= low <= count[0] / count[1] <= high <= 1


@given(counts())
@settings(deadline=None)
def test_interval_of_the_rest_is_the_mirror_image(count: tuple[int, int]) -> None:
    low, high = wilson(*count)
    rest_low, rest_high = wilson(count[1] - count[0], count[1])
    assert (float(rest_low), float(rest_high)) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(counts())
@settings(deadline=None)
def test_more_papers_of_the_same_share_narrow_the_interval(count: tuple[int, int]) -> None:
    low, high = wilson(*count)
    narrower_low, narrower_high = wilson(2 * count[0], 2 * count[1])
    assert narrower_high - narrower_low < high - low


def test_without_any_paper_nothing_is_known() -> None:
    low, high = wilson(0, 0)
    assert (float(low), float(high)) == (0.0, 1.0)


def test_no_paper_of_a_subject_leaves_room_above_zero_and_none_below() -> None:
    low, high = wilson(0, 50)
    assert float(low) == 0.0
    assert 0.05 < float(high) < 0.10


def test_many_shares_are_computed_at_once_in_their_own_shape() -> None:
    low, high = wilson(np.array([[1, 2, 3], [4, 5, 0]]), np.array([[9, 9, 9], [9, 9, 0]]))
    assert low.shape == high.shape == (2, 3)
    assert (low[1, 0], high[1, 0]) == wilson(4, 9)
