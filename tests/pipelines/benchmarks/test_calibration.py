"""The measures of calibration know calibrated scores from others."""

import numpy as np
import pytest

from pipelines.benchmarks import calibration


@pytest.fixture
def calibrated() -> tuple[np.ndarray, np.ndarray]:
    """Scores, and labels drawn from the probabilities that they tell."""
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (20_000, 5))
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return scores, (chances.cumsum(1) > random.random((len(scores), 1))).argmax(1)


def test_calibrated_scores_have_little_error_and_a_temperature_of_one(calibrated: tuple[np.ndarray, ...]) -> None:
    assert calibration.calibration_error(*calibrated) < 0.02
    assert calibration.temperature(*calibrated) == pytest.approx(1.0, abs=0.05)


def test_overconfident_scores_are_found_and_their_temperature_undoes_them(calibrated: tuple[np.ndarray, ...]) -> None:
    scores, truth = calibrated
    assert calibration.calibration_error(3 * scores, truth) > 0.1
    assert calibration.temperature(3 * scores, truth) == pytest.approx(3.0, rel=0.05)


def test_debiasing_takes_away_what_chance_adds_in_small_samples(calibrated: tuple[np.ndarray, ...]) -> None:
    few = [slice(start, start + 300) for start in range(0, 12_000, 300)]
    plain = np.mean([calibration.calibration_error(calibrated[0][part], calibrated[1][part]) for part in few])
    squared = np.mean([calibration.debiased_error(calibrated[0][part], calibrated[1][part]) ** 2 for part in few])
    assert squared < plain**2 / 2
