"""Pruning takes what it says, keeps what it says, and its kernels compute the same."""

import copy

import pytest
import torch

from pipelines.benchmarks import digits, pruning


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_one_shot_zeroes_that_share_of_all_weights(model: torch.nn.Module, share: float) -> None:
    pruned = pruning.one_shot(copy.deepcopy(model), share)
    weights = torch.cat([layer.weight.flatten() for layer in pruned if hasattr(layer, "weight")])
    assert float((weights == 0).float().mean()) == pytest.approx(share, abs=0.01)


def test_the_smallest_weights_go_first(model: torch.nn.Module) -> None:
    pruned = pruning.one_shot(copy.deepcopy(model), 0.5)
    pairs = [(old.weight, new.weight) for old, new in zip(model, pruned, strict=True) if hasattr(old, "weight")]
    gone = max(float(old[new == 0].detach().abs().max()) for old, new in pairs)
    left = min(float(old[new != 0].detach().abs().min()) for old, new in pairs)
    assert gone <= left


def test_zeros_stay_zeros_while_training_goes_on(model: torch.nn.Module, data: digits.Digits) -> None:
    pruned = digits.train(pruning.one_shot(copy.deepcopy(model), 0.8), data.train_x, data.train_y, epochs=2)
    weights = torch.cat([layer.weight.flatten() for layer in pruned if hasattr(layer, "weight")])
    assert float((weights == 0).float().mean()) == pytest.approx(0.8, abs=0.01)


def test_gradual_pruning_ends_at_its_share(model: torch.nn.Module, data: digits.Digits) -> None:
    learner = pruning.one_shot(copy.deepcopy(model), 0.0)
    schedule = pruning._schedule(learner, 0.9, 10)
    digits.train(learner, data.train_x, data.train_y, epochs=20, after_step=schedule)
    weights = torch.cat([layer.weight.flatten() for layer in learner if hasattr(layer, "weight")])
    assert float((weights == 0).float().mean()) == pytest.approx(0.9, abs=0.01)


def test_a_network_without_some_neurons_is_smaller_and_agrees_where_they_were_silent() -> None:
    layers = digits.perceptron(4, 6, 2)
    with torch.no_grad():
        layers[0].weight[3:] = 0
        layers[0].bias[3:] = 0
    smaller = pruning.fewer_neurons(layers, 0.5)
    x = torch.randn(5, 4)
    assert smaller[0].out_features == 3
    assert torch.allclose(smaller(x), layers(x), atol=1e-6)


def test_sparse_storage_computes_the_same(model: torch.nn.Module, data: digits.Digits) -> None:
    with torch.inference_mode():
        assert torch.allclose(pruning.sparse_forward(model)(data.test_x[:9]), model(data.test_x[:9]), atol=1e-4)
