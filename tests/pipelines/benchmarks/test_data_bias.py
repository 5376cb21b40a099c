"""The minority is the majority inverted."""

import torch

from pipelines.benchmarks import data_bias, digits


def test_inverting_twice_gives_the_image_back(data: digits.Digits) -> None:
    assert torch.allclose(data_bias.inverted(data_bias.inverted(data.test_x)), data.test_x)
