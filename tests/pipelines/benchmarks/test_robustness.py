"""Corruptions grow with severity; effective robustness is what a line leaves over."""

import pytest
import torch

from pipelines.benchmarks import digits, robustness


@pytest.mark.parametrize("kind", robustness.CORRUPTIONS)
def test_corruptions_grow_with_severity_and_are_the_same_again(kind: str, data: digits.Digits) -> None:
    corrupt, images = robustness.CORRUPTIONS[kind], data.test_x[:50]
    off = [float((corrupt(images, severity) - images).norm()) for severity in robustness.SEVERITIES]
    assert off == sorted(off)
    assert torch.equal(corrupt(images, 3), corrupt(images, 3))


def test_a_model_on_the_line_of_the_others_has_no_effective_robustness() -> None:
    expected = robustness.expected_accuracy([0.7, 0.8, 0.9], [0.7, 0.8, 0.9])
    assert expected(0.85) == pytest.approx(0.85, abs=1e-6)
