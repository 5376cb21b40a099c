"""Wilson's interval: the reference values, the edges, and the coverage that it promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from kb.trends import wilson


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_it_agrees_with_statsmodels(total: int, share: float) -> None:
    count = round(share * total)
    assert wilson(count, total) == pytest.approx(proportion_confint(count, total, method="wilson"), abs=1e-9)


@given(st.integers(0, 500), st.integers(0, 500))
def test_it_holds_the_share_and_stays_within_0_and_1(count: int, more: int) -> None:
    low, high = wilson(count, count + more)
    assert 0 <= low <= high <= 1
    if count + more:
        assert low <= count / (count + more) <= high


def test_nothing_counted_means_nothing_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    counts = np.random.default_rng(0).binomial(200, 0.07, size=20_000)
    low, high = wilson(counts, np.full_like(counts, 200))
    assert 0.93 < ((low <= 0.07) & (high >= 0.07)).mean() < 0.97
