"""The test blames what is worse and nothing else."""

import numpy as np
import pytest

from pipelines.benchmarks import digits, silent_regression


def test_equal_runs_are_not_blamed_and_worse_ones_are() -> None:
    before = np.array([0.95, 0.951, 0.949, 0.95, 0.952])
    assert not silent_regression.is_worse(before, before[::-1])
    assert silent_regression.is_worse(before, before - 0.02)


def test_better_runs_are_not_blamed() -> None:
    before = np.array([0.95, 0.951, 0.949, 0.95, 0.952])
    assert not silent_regression.is_worse(before, before + 0.02)


def test_a_planted_regression_lowers_the_accuracies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent_regression, "RUNS", 4)
    monkeypatch.setattr(silent_regression, "EPOCHS", 4)
    told = digits.load(0)
    before, after = (silent_regression.accuracies(told, silent_regression.Change(wrong=wrong)) for wrong in (0.0, 0.9))
    assert after.mean() < before.mean()
