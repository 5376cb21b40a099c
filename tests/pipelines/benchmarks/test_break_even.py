"""Extra cost is paid back by savings."""

import math

from pipelines.benchmarks import break_even


def test_extra_cost_is_paid_back_by_what_each_request_saves() -> None:
    assert break_even.break_even(100.0, 3.0, 1.0) == 50.0


def test_what_saves_nothing_is_never_paid_back() -> None:
    assert math.isinf(break_even.break_even(100.0, 1.0, 1.0))
