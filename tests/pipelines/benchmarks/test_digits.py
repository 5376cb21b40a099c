"""The digits are split, and training on them is repeatable."""

import torch

from pipelines.benchmarks import digits


def test_the_same_seed_gives_the_same_model(data: digits.Digits) -> None:
    def weights() -> torch.Tensor:
        torch.manual_seed(3)
        return digits.train(digits.perceptron(64, 10), data.train_x, data.train_y, epochs=1)[0].weight  # type: ignore[no-any-return]

    assert torch.equal(weights(), weights())


def test_training_teaches(model: torch.nn.Module, data: digits.Digits) -> None:
    assert digits.accuracy(model, data.test_x, data.test_y) > 0.8


def test_no_image_is_in_both_halves() -> None:
    told = digits.load(1)
    assert len(told.train_x) + len(told.test_x) == 1797
