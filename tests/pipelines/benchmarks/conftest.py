"""What tests of benchmarks share: a few digits and a small model that has learnt them."""

import dataclasses

import pytest
import torch

from pipelines.benchmarks import digits


@pytest.fixture(scope="session")
def data() -> digits.Digits:
    """A tenth of the digits' training images and all of the held-out ones."""
    told = digits.load(0)
    return dataclasses.replace(told, train_x=told.train_x[:128], train_y=told.train_y[:128])


@pytest.fixture(scope="session")
def model(data: digits.Digits) -> torch.nn.Module:
    trained: torch.nn.Module = digits.train(digits.perceptron(64, 48, 48, 10), data.train_x, data.train_y, epochs=150)
    return trained
