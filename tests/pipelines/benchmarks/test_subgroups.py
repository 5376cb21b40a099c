"""The minority is the majority inverted."""

import torch

from pipelines.benchmarks import digits, subgroups


def test_inverting_twice_gives_the_image_back(data: digits.Digits) -> None:
    assert torch.allclose(subgroups.inverted(subgroups.inverted(data.test_x)), data.test_x)
