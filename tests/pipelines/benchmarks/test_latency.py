"""The queue is the one of the textbooks."""

import numpy as np
import pytest

from pipelines.benchmarks import latency


def test_waiting_under_load_agrees_with_the_formula_for_equal_requests() -> None:
    """Pollaczek and Khinchine: with constant service S and load r the mean wait is S r / (2 (1 - r))."""
    service = np.full(400_000, 2.0)
    found = latency.latencies(service, 0.8, np.random.default_rng(0)).mean() - 2.0
    assert found == pytest.approx(2.0 * 0.8 / (2 * 0.2), rel=0.05)


def test_waiting_is_what_serving_one_after_another_gives() -> None:
    random = np.random.default_rng(1)
    service = random.exponential(1.0, 50)
    found = latency.latencies(service, 0.9, np.random.default_rng(2))
    gaps = np.random.default_rng(2).exponential(service.mean() / 0.9, 50)
    gaps[0] = 0.0
    arrivals, free, expected = gaps.cumsum(), 0.0, []
    for arrival, needed in zip(arrivals, service, strict=True):
        free = max(free, arrival) + needed
        expected.append(free - arrival)
    assert found == pytest.approx(expected)
