"""Operations are counted, and every kind of network gives scores."""

import pytest
import torch

from pipelines.benchmarks import architectures


def test_operations_of_a_perceptron_are_those_of_its_products() -> None:
    weights = 64 * 96 + 96 * 96 + 96 * 10
    forward, backward = 2 * weights, 2 * weights + 2 * (weights - 64 * 96)  # the images need no gradient
    assert architectures.operations(architectures.perceptron()) == forward + backward


@pytest.mark.parametrize("build", architectures.KINDS.values(), ids=architectures.KINDS)
def test_every_kind_gives_a_score_for_each_class(build: object) -> None:
    assert build()(torch.rand(3, 64)).shape == (3, 10)  # type: ignore[operator]
